from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from twilio.rest import Client

from twilio_compat.server import CompatServer, embedded

Answer = TypeVar("Answer")


def basic(user: str, password: str) -> str:
    """The value of an `Authorization` header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Rest:
    """A server, and the unmodified helper library that talks to it."""

    def __init__(self, server: CompatServer, http: aiohttp.ClientSession) -> None:
        self.server = server
        self._http = http
        settings = server.settings
        keys = settings.api_keys  # type: ignore[attr-defined]
        self.sid, key = next(iter(keys.items()))
        self.secret = key.secret
        self.client = Client(self.sid, self.secret, settings.twilio_account_sid)  # type: ignore[attr-defined]
        self.client.video.base_url = server.url

    @property
    def rooms(self) -> Any:
        return self.client.video.v1.rooms

    async def call(self, work: Callable[[], Answer]) -> Answer:
        """The helper library blocks, so it works in a thread."""
        return await asyncio.wait_for(asyncio.to_thread(work), 20)

    async def ask(
        self, method: str, path: str, data: Any = None, **options: Any
    ) -> tuple[int, dict[str, Any], Any]:
        """Status, JSON and headers of one request."""
        own = {"Authorization": basic(self.sid, self.secret)}
        options["headers"] = own | (options.get("headers") or {})
        url = f"{self.server.url}{path}"
        async with self._http.request(method, url, data=data, **options) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if text else {}, answer.headers

    async def status(self, path: str, **options: Any) -> int:
        """The status of a request that nobody signs."""
        async with self._http.get(f"{self.server.url}{path}", **options) as answer:
            return answer.status

    async def post(self, path: str, data: Any = None) -> tuple[int, dict[str, Any]]:
        status, body, _ = await self.ask("POST", path, data)
        return status, body

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        status, body, _ = await self.ask("GET", path)
        return status, body


@pytest.fixture
async def rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Rest]:
    monkeypatch.chdir(tmp_path)
    async with embedded() as server, aiohttp.ClientSession() as http:
        yield Rest(server, http)
