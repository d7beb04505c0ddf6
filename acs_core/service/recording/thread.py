"""The threads on which files are written and read, so that a slow disk holds up no media.

One thread writes all recordings: what it does is little, and threads take turns anyway. Another one
reads what a killed service has left, which may be much. Work waits in order and is bounded by the
bytes of media in it. Media beyond that is refused: whoever records notes that the recording is
damaged, and the call goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

__all__ = ["MAX_PENDING", "WriterThread"]

_log = logging.getLogger(__name__)

MAX_PENDING: Final = 64 << 20
"""Bytes: ten seconds of fifty megabits per second."""
CLOSE_DEADLINE: Final = 1.5

_Work: TypeAlias = Callable[[], None]


class WriterThread:
    """Carries out work in order; `close` it.

    Args:
        name: Of the thread.
        max_pending: Bytes of media that may wait.
    """

    def __init__(self, name: str = "recording", *, max_pending: int = MAX_PENDING) -> None:
        self._max_pending = max_pending
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[_Work, int] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending = 0
        self._ended = asyncio.Event()
        # A daemon: a disk that does not answer must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """Bytes of media that wait."""
        return self._pending

    def submit(self, work: _Work, *, size: int = 0) -> bool:
        """Have something done, after all that was submitted before; never waits.

        Args:
            work: What it raises is logged.
            size: Bytes of media that it holds; without media it is never refused.

        Returns:
            Whether it will be done; False when too much waits.
        """
        with self._lock:
            if size and self._pending + size > self._max_pending:
                return False
            self._pending += size
        self._work.put((work, size))
        return True

    def tell(self, news: _Work) -> None:
        """Call something on the event loop; from within work."""
        # The loop is gone when the program ends without closing the service.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(news)

    def abandon(self) -> None:
        """End after what is being done now; what waits is not done. Nobody waits for that."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._work.get_nowait()
        self._work.put(None)

    async def close(self, *, deadline: float = CLOSE_DEADLINE) -> bool:
        """Do what waits, then end; say whether that was done in time."""
        self._work.put(None)
        try:
            async with asyncio.timeout(deadline):
                await self._ended.wait()
        except TimeoutError:
            _log.error("the disk of the recordings does not answer")
            return False
        return True

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            work, size = item
            try:
                work()
            except Exception:
                _log.exception("a recording failed")
            with self._lock:
                self._pending -= size
        self.tell(self._ended.set)
