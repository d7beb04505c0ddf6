"""A web server that takes webhooks and writes down what came; it answers as a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.support.events import DEADLINE

__all__ = ["Got", "WebhookSink", "webhook_sink"]


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        """What a form in the body, or for GET the query, says."""
        return dict(parse_qsl(self.body or self.query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def event(self) -> str:
        """Of a status callback."""
        return self.form["StatusCallbackEvent"]


Answering = Callable[[Got], Awaitable[web.StreamResponse]]


@dataclass
class WebhookSink:
    """What came, and how it is answered."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answer: Answering | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        got = Got(
            request.method,
            request.raw_path,
            request.rel_url.raw_query_string,
            dict(request.headers),
            (await request.read()).decode(),
        )
        self.got.append(got)
        self._news.set()
        return web.Response() if self.answer is None else await self.answer(got)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until what came is enough."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def count(self, count: int) -> list[Got]:
        """Everything that came, once it is so many."""
        await self.until(lambda: len(self.got) >= count)
        return list(self.got)


@asynccontextmanager
async def webhook_sink(answer: Answering | None = None) -> AsyncIterator[WebhookSink]:
    """A sink on a free port of the loopback interface."""
    sink = WebhookSink(answer=answer)
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/{path:.*}", sink.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield sink
    finally:
        await runner.cleanup()
