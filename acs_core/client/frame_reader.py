"""What applications hold of a reader of frames; a reader that is forgotten is closed.

Theory of operation. Whoever delivers the frames holds the queue (`FrameStream`), and the
application holds the `FrameReader`. When a loop over it is left by `break`, nobody holds the reader
any more, and its end closes the queue: a stream that nobody reads is not decoded.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable

from acs_core.media.frame_stream import FrameStream, ReceivedFrame

__all__ = ["FrameReader", "close_when_forgotten"]


def close_when_forgotten(
    holder: object, close: Callable[[], None]
) -> weakref.finalize[..., object]:
    """Call `close` on this event loop once nobody holds `holder`.

    Args:
        holder: What the application holds.
        close: Must not refer to `holder`, which would live for ever.
    """
    loop = asyncio.get_running_loop()
    finalizer = weakref.finalize(holder, _close_on, loop, close)
    finalizer.atexit = False
    return finalizer


def _close_on(loop: asyncio.AbstractEventLoop, close: Callable[[], None]) -> None:
    # The collector runs in any thread, and at any point of the program.
    if not loop.is_closed():
        loop.call_soon_threadsafe(close)


class FrameReader:
    """One reader's frames: iterate it, and `close` it; made by `RemotePublication.frames`."""

    def __init__(self, stream: FrameStream) -> None:
        self._stream = stream
        self._finalizer = close_when_forgotten(self, stream.close)

    @property
    def dropped(self) -> int:
        """Frames lost because this reader was too slow."""
        return self._stream.dropped

    def __aiter__(self) -> AsyncIterator[ReceivedFrame]:
        return self

    async def __anext__(self) -> ReceivedFrame:
        return await self._stream.__anext__()

    def close(self) -> None:
        """Stop reading: the iteration ends. Safe to repeat."""
        self._finalizer.detach()
        self._stream.close()

    async def aclose(self) -> None:
        """Same as `close`, for `contextlib.aclosing`."""
        self.close()
