"""Work that is spread over turns of the event loop, so that a large call does not stop media.

When somebody publishes, everybody else's connection must be brought in line; each of these writes a
description. Done at once for 50 people that takes longer than a packet may wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

__all__ = ["TurnQueue"]

_log = logging.getLogger(__name__)


class TurnQueue:
    """Does one piece of work per turn of the loop, in order; `close` drops what waits."""

    def __init__(self) -> None:
        self._waiting: dict[Callable[[], None], None] = {}
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="turn queue")

    def add(self, work: Callable[[], None]) -> None:
        """Do this in a turn of its own; without effect if the same is waiting already."""
        self._waiting.setdefault(work)
        self._arrived.set()

    async def close(self) -> None:
        """End the task."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._waiting.clear()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                work = next(iter(self._waiting))
                del self._waiting[work]
                try:
                    work()
                except Exception:
                    _log.exception("a piece of work failed")
                # Lets the loop read its sockets before the next piece.
                await asyncio.sleep(0)
