"""The writing side of an aiohttp WebSocket: a bounded queue, and the task that empties it.

Whoever has something to say never waits. A client that does not read is cut off when more than
`limit` waits for it or one write takes too long, and a close that it does not answer ends in a cut.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from aiohttp import web

from acs_core import wire

__all__ = ["CLOSE_TIMEOUT", "SocketOutlet"]

WRITE_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 1.5
"""Seconds from the wish to close to the cut; with all around it, closing takes less than 2 s."""
REASON_LIMIT: Final = 120
"""Bytes; RFC 6455 section 5.5 leaves 123 of a close frame for the reason."""


class SocketOutlet:
    """Writes to one WebSocket.

    Whoever reads from the WebSocket owns it: runs `run` in a task, and ends it with `drain`.

    Args:
        socket: The WebSocket; prepared when `run` begins.
        request: What it came from.
        limit: Characters that may wait.
    """

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, *, limit: int) -> None:
        self._socket = socket
        self._request = request
        self._limit = limit
        self._queue: asyncio.Queue[str | tuple[int, str]] = asyncio.Queue()
        self._backlog = 0
        self._is_closing = False
        self._is_finished = False
        self._is_overrun = False
        self._cut: asyncio.TimerHandle | None = None

    @property
    def is_overrun(self) -> bool:
        """Whether the client was cut off because more than the limit waited for it."""
        return self._is_overrun

    def send(self, text: str) -> None:
        """Queue one message; dropped after a close."""
        if self._is_closing:
            return
        self._backlog += len(text)
        if self._backlog > self._limit:
            self._is_overrun = True
            self.close(wire.CloseCode.SLOW_READER, "Too much waits to be read.")
        else:
            self._queue.put_nowait(text)

    def close(self, code: int, reason: str) -> None:
        """End the WebSocket after what was queued; at once when the client does not read."""
        if self._is_closing:
            return
        self._is_closing = True
        self._queue.put_nowait((code, reason))
        if code == wire.CloseCode.SLOW_READER:
            self._abort()
        else:
            self._cut = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._abort)

    async def run(self) -> None:
        """Write until closed."""
        try:
            while True:
                item = await self._queue.get()
                async with asyncio.timeout(WRITE_TIMEOUT):
                    if isinstance(item, tuple):
                        code, reason = item
                        message = reason.encode()[:REASON_LIMIT].decode(errors="ignore").encode()
                        await self._socket.close(code=code, message=message)
                        self._is_finished = True
                        return
                    await self._socket.send_str(item)
                    self._backlog -= len(item)
        except (TimeoutError, ConnectionError):
            self._abort()

    async def drain(self, writer: asyncio.Task[None]) -> None:
        """Let what was queued go out if a close was asked for, then end the writing task."""
        try:
            if self._is_closing:
                await asyncio.wait({writer}, timeout=CLOSE_TIMEOUT)
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            if self._cut is not None:
                self._cut.cancel()
            # What is left to be written would keep the connection open for as long as nobody reads.
            if self._is_closing and not self._is_finished:
                self._abort()

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
