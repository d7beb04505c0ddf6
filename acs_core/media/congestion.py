"""How much loss a sender takes for congestion, and what it then sends. Pure.

Theory of operation. The service's estimate (REMB) sees a queue that grows. A queue that is full
grows no more: it only loses, so loss is the second witness. What is sent again fills the same
queue; without a limit, repairs alone can keep it full for ever.

Source: draft-ietf-rmcat-gcc-02 section 6 for the rates; the share of repairs is ours.
"""

from __future__ import annotations

from typing import Final

from acs_core.media.stats import RateMeter

__all__ = ["LossLimit", "RepairBudget"]

HIGH_LOSS: Final = 0.10
LOW_LOSS: Final = 0.02
INCREASE: Final = 1.05
FORGOTTEN_ABOVE: Final = 2
LEAST_BPS: Final = 100_000
REPORT_SPACING: Final = 0.4
"""Seconds; reports that come closer count as one."""

REPAIR_SHARE: Final = 0.5
LEAST_REPAIR: Final = 20_000
"""Bytes per second that may always be sent again: one lost key frame of a small picture."""


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


class RepairBudget:
    """Keeps what is sent again below half of what is sent."""

    def __init__(self) -> None:
        self._repairs = RateMeter()

    def allows(self, size: int, media_rate: float, now: float) -> bool:
        """Say whether a packet may be sent again; if so, it is counted.

        Args:
            size: Its bytes.
            media_rate: Bytes per second of the stream itself.
            now: Seconds on any monotonic clock.
        """
        if self._repairs.rate(now) + size > max(media_rate * REPAIR_SHARE, LEAST_REPAIR):
            return False
        self._repairs.add(size, now)
        return True
