"""What the service does later: the event loop's timers, or a clock that tests advance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["CallLater", "Timer", "call_later"]


class Timer(Protocol):
    """What was asked to happen later, and can still be prevented."""

    def cancel(self) -> None:
        """Prevent it."""


CallLater: TypeAlias = Callable[[float, Callable[[], None]], Timer]
"""Runs something after so many seconds."""


def call_later(delay: float, callback: Callable[[], None]) -> Timer:
    """The event loop's timers."""
    return asyncio.get_running_loop().call_later(delay, callback)
