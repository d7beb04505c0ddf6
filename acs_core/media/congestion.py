"""How much loss a sender takes for congestion, and what it then sends. Pure.

Theory of operation. The service's estimate (REMB) sees a queue that grows. A queue that is full
grows no more: it only loses, so loss is the second witness. What is sent again fills the same
queue, and is bounded by `rtc/repair.py`.

Source: draft-ietf-rmcat-gcc-02 section 6 for the rates.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LossLimit"]

HIGH_LOSS: Final = 0.10
LOW_LOSS: Final = 0.02
INCREASE: Final = 1.05
FORGOTTEN_ABOVE: Final = 2
LEAST_BPS: Final = 100_000
REPORT_SPACING: Final = 0.4
"""Seconds; reports that come closer count as one."""


class LossLimit:
    """What loss leaves of a bitrate.

    Attributes:
        bitrate_bps: The limit; None while nothing was lost that matters.
    """

    def __init__(self) -> None:
        self.bitrate_bps: int | None = None
        self._counted_at: float | None = None

    def report(self, fraction_lost: float, sending_bps: int, now: float) -> bool:
        """Take a receiver's report.

        Args:
            fraction_lost: 0 to 1, of what was sent since the report before.
            sending_bps: What was aimed at meanwhile.
            now: Seconds on any monotonic clock.

        Returns:
            Whether the limit changed.
        """
        if self._counted_at is not None and now - self._counted_at < REPORT_SPACING:
            return False
        self._counted_at = now
        if fraction_lost > HIGH_LOSS:
            known = sending_bps if self.bitrate_bps is None else min(self.bitrate_bps, sending_bps)
            self.bitrate_bps = max(round(known * (1 - 0.5 * fraction_lost)), LEAST_BPS)
            return True
        if fraction_lost < LOW_LOSS and self.bitrate_bps is not None:
            grown = round(self.bitrate_bps * INCREASE)
            # Something else has been the narrower limit for long: there is nothing to remember.
            self.bitrate_bps = None if grown > FORGOTTEN_ABOVE * sending_bps else grown
            return True
        return False
