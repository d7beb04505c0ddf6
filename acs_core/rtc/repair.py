"""How much a sender may send again. Pure.

What is sent again fills the same queue as what is sent: on a link that is too narrow, repairs alone
can keep it full for ever, while a full queue has no growing delay from which the other end could
estimate the bandwidth. So repairs stay a share of the stream. The share is ours.
"""

from __future__ import annotations

from typing import Final

__all__ = ["RepairBudget"]

SHARE: Final = 0.5
LEAST: Final = 20_000
"""Bytes per second that may always be sent again: one lost key frame of a small picture."""
PERIOD: Final = 0.5
"""Seconds for which an allowance holds."""


class RepairBudget:
    """Keeps what is sent again below half of what is sent."""

    __slots__ = ("_allowance", "_sent_before", "_spent", "_started")

    def __init__(self) -> None:
        self._started: float | None = None
        self._sent_before = 0
        self._allowance = 0.0
        self._spent = 0

    def allows(self, size: int, sent: int, now: float) -> bool:
        """Say whether a packet may be sent again; if so, it is counted.

        Args:
            size: Its bytes.
            sent: Bytes of the stream so far, repairs excluded.
            now: Seconds on any monotonic clock.
        """
        elapsed = None if self._started is None else now - self._started
        if elapsed is None or elapsed >= PERIOD:
            rate = (sent - self._sent_before) / elapsed if elapsed else 0.0
            self._allowance = max(rate * SHARE, LEAST) * PERIOD
            self._started, self._sent_before, self._spent = now, sent, 0
        if self._spent + size > self._allowance:
            return False
        self._spent += size
        return True
