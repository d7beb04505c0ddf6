"""Programs that run calls with Microsoft's own client, and the callbacks they are told by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from azure.communication.callautomation import CallAutomationClient
from azure.communication.callautomation.aio import CallAutomationClient as AsyncCallAutomationClient
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent

from acs_core.service.app import CallingService
from acs_core.service.automation.events import Event

__all__ = ["Callbacks", "Program", "callbacks", "program"]

DEADLINE = 10.0


class Callbacks:
    """A web server to which events are posted, and a poster that does so in order."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.url = ""
        self.events: list[CloudEvent] = []
        self.paths: list[str] = []
        self._http = http
        self._waiting: asyncio.Queue[tuple[str, Sequence[Event]]] = asyncio.Queue()
        self._came = asyncio.Event()

    def post(self, url: str, group: str, events: Sequence[Event]) -> None:
        """Deliver events; an `EventPoster`."""
        self._waiting.put_nowait((url, events))

    async def deliver(self) -> None:
        """Deliver what was posted; ends by being cancelled."""
        while True:
            url, events = await self._waiting.get()
            async with self._http.post(url, json=list(events)) as response:
                assert response.status == 200

    async def take(self, request: web.Request) -> web.Response:
        """Write down what comes."""
        for item in await request.json():
            self.events.append(CloudEvent.from_dict(item))
            self.paths.append(request.path)
        self._came.set()
        return web.Response()

    @property
    def kinds(self) -> list[str]:
        """The types of all events so far, in order, without their prefix."""
        return [str(event.type).removeprefix("Microsoft.Communication.") for event in self.events]

    async def event(self, kind: str, number: int = 1) -> dict[str, Any]:
        """The data of an event of a type: the first one, or a later one."""
        return (await self.whole(kind, number)).data  # type: ignore[no-any-return]

    async def whole(self, kind: str, number: int = 1) -> CloudEvent:
        """An event of a type with its envelope."""
        async with asyncio.timeout(DEADLINE):
            while True:
                found = [
                    event for event, of in zip(self.events, self.kinds, strict=True) if of == kind
                ]
                if len(found) >= number:
                    return found[number - 1]
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def callbacks(service: CallingService) -> AsyncIterator[Callbacks]:
    """Callbacks that a service posts to; at `url`, and at every path below it."""
    async with aiohttp.ClientSession() as http:
        sink = Callbacks(http)
        app = web.Application()
        app.router.add_post("/{path:.*}", sink.take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
        usual, service.automation.outlet.post = service.automation.outlet.post, sink.post
        task = asyncio.create_task(sink.deliver())
        try:
            yield sink
        finally:
            service.automation.outlet.post = usual
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await runner.cleanup()


class Program:
    """Microsoft's client, whichever of the two: ask it by the names of its methods."""

    def __init__(self, client: CallAutomationClient | AsyncCallAutomationClient) -> None:
        self._client = client

    async def ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """What a method of the client gives."""
        return await self._call(self._client, method, *args, **kwargs)

    async def on(self, connection: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """What a method of a call connection gives; a list of what is paged."""
        client = self._client.get_call_connection(connection)
        return await self._call(client, method, *args, **kwargs)

    async def _call(self, client: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        bound = getattr(client, method)
        if isinstance(self._client, CallAutomationClient):

            def carry_out() -> Any:
                answer = bound(*args, **kwargs)
                return list(answer) if method == "list_participants" else answer

            return await asyncio.to_thread(carry_out)
        if method == "list_participants":
            return [item async for item in bound(*args, **kwargs)]
        return await bound(*args, **kwargs)


@asynccontextmanager
async def program(
    service: CallingService, *, is_async: bool = True, **options: Any
) -> AsyncIterator[Program]:
    """A program with the key of a service."""
    key = service.settings.acs_access_key
    assert key is not None
    credential = AzureKeyCredential(key.get_secret_value())
    given = {"retry_total": 0} | options
    if is_async:
        async with AsyncCallAutomationClient(service.url, credential, **given) as client:
            yield Program(client)
    else:
        with CallAutomationClient(service.url, credential, **given) as client:
            yield Program(client)
