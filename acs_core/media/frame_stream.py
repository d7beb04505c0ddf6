"""A bounded queue of frames between a receiver and one of its readers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from acs_core.media.frames import AudioFrame, VideoFrame

__all__ = ["FrameStream", "ReceivedFrame"]

ReceivedFrame: TypeAlias = VideoFrame | AudioFrame


class FrameStream:
    """One reader's frames; made by `StreamReceiver.frames`, ended by `close`.

    Attributes:
        dropped: Frames lost because this reader was too slow.
    """

    def __init__(self, maximum: int, on_close: Callable[[FrameStream], None]) -> None:
        self.dropped = 0
        self._on_close: Callable[[FrameStream], None] | None = on_close
        self._queue: deque[ReceivedFrame] = deque()
        self._maximum = maximum
        self._wake = asyncio.Event()
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[ReceivedFrame]:
        return self

    async def __anext__(self) -> ReceivedFrame:
        while not self._queue:
            if self._is_closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    def close(self) -> None:
        """Stop reading: the iteration ends. Safe to repeat."""
        on_close, self._on_close = self._on_close, None
        self.end()
        self._queue.clear()
        if on_close is not None:
            on_close(self)

    def rebind(self, on_close: Callable[[FrameStream], None]) -> None:
        """Belong to another receiver from now on."""
        self._on_close = on_close

    def push(self, frame: ReceivedFrame) -> None:
        """Offer a frame; the oldest one makes room."""
        if len(self._queue) >= self._maximum:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(frame)
        self._wake.set()

    def end(self) -> None:
        """Let the reader have what is queued, then end."""
        self._is_closed = True
        self._wake.set()
