"""Says something again, less and less often, to a client that may have missed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Reminder"]


class Reminder:
    """A few repetitions, each after twice the time of the one before; `stop` it in the end.

    Args:
        remind: Says it again if need be; False when that is needed no more.
        first: Seconds until the first repetition.
        times: How many there are at most.
    """

    def __init__(self, remind: Callable[[], bool], *, first: float, times: int = 5) -> None:
        self._remind = remind
        self._first = first
        self._times = times
        self._left = 0
        self._delay = first
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin anew, whatever came of the last time."""
        self.stop()
        self._left, self._delay = self._times, self._first
        self._schedule()

    def stop(self) -> None:
        """Say nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._left -= 1
        self._delay *= 2
        if self._remind() and self._left > 0:
            self._schedule()
