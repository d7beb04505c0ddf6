"""What is measured once a second while the service runs, and how late the loop comes to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["Rounds"]

_log = logging.getLogger(__name__)

INTERVAL: Final = 1.0


class Rounds:
    """Owns the task that measures; `start` and `close` it.

    Attributes:
        lag: Seconds by which the last round was late.

    Args:
        interval: Seconds between two rounds.
    """

    def __init__(self, interval: float = INTERVAL) -> None:
        self.lag = 0.0
        self._interval = interval
        self._task: asyncio.Task[None] | None = None

    def start(self, measures: Sequence[Callable[[float], None]]) -> None:
        """Begin.

        Args:
            measures: Called in each round with the time of the loop; a failure is logged, and the
                others are called all the same.
        """
        self._task = asyncio.create_task(self._run(measures), name="service measurements")

    async def close(self) -> None:
        """End. Closing what never began does nothing."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, measures: Sequence[Callable[[float], None]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(self._interval)
            now = loop.time()
            self.lag = max(0.0, now - before - self._interval)
            for measure in measures:
                try:
                    measure(now)
                except Exception:
                    _log.exception("a round of measurements failed")
