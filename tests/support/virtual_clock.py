"""A clock and timers that go on when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["VirtualClock", "VirtualTimer"]


@dataclass(eq=False)
class VirtualTimer:
    """What happens at a moment, unless it is cancelled."""

    at: float
    callback: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class VirtualClock:
    """Call it for the time; `call_later` takes what is to happen, `advance` lets it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._timers: list[VirtualTimer] = []

    def __call__(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(self.now + delay, callback)
        self._timers.append(timer)
        return timer

    @property
    def pending(self) -> list[VirtualTimer]:
        """What is still to happen, in order."""
        waiting = [timer for timer in self._timers if not timer.is_cancelled]
        return sorted(waiting, key=lambda timer: timer.at)

    def advance(self, seconds: float) -> None:
        """Let time pass, and what falls into it happen."""
        end = self.now + seconds
        while self.pending and self.pending[0].at <= end:
            timer = self.pending[0]
            self._timers.remove(timer)
            self.now = timer.at
            timer.callback()
        self.now = end
