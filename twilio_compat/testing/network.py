"""A network that can fail: a TCP relay in front of the service, and media that freeze.

A participant that vanishes says nothing: its signaling connection breaks, and none can be made; its
media stop. The service does what it does for a lost connection: the others see the participant
reconnecting, and gone when the session window has passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

from acs_core.media.sources import MediaFrame, PatternSource, ToneSource

__all__ = ["FreezingPattern", "FreezingTone", "Relay"]

_CHUNK = 65536


class Relay:
    """Passes TCP connections on to a service, until it is cut.

    Args:
        service_url: With ``http``; where it passes them to.
    """

    def __init__(self, service_url: str) -> None:
        parts = urlsplit(service_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[Any], list[asyncio.StreamWriter]] = {}
        self.is_cut = False

    @property
    def url(self) -> str:
        """Where clients find the service by this relay."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    def cut(self) -> None:
        """Break what is open and refuse what comes, until `restore`."""
        self.is_cut = True
        self._abort()

    def restore(self) -> None:
        """Let connections through again; the clients make new ones by themselves."""
        self.is_cut = False

    async def aclose(self) -> None:
        """Break everything, for good."""
        if self._server is not None:
            self._server.close()
        self._abort()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _abort(self) -> None:
        for writers in self._connections.values():
            for writer in writers:
                writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        writers = self._connections.setdefault(task, [writer])
        try:
            if self.is_cut:
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, far_writer))
                both.create_task(_pump(far_reader, writer))
        except (asyncio.CancelledError, OSError):
            # The stream server would report either; the client sees its connection break.
            pass
        finally:
            for one in writers:
                one.transport.abort()
            del self._connections[task]


class FreezingPattern(PatternSource):
    """A test picture that can stop to come."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.running = asyncio.Event()
        self.running.set()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        async for frame in super()._frames():
            await self.running.wait()
            yield frame


class FreezingTone(ToneSource):
    """A test tone that can stop to come."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.running = asyncio.Event()
        self.running.set()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        async for frame in super()._frames():
            await self.running.wait()
            yield frame


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
