"""When a sample was captured, on the service's clock. Pure.

Theory of operation. A stream's sender reports tie its RTP timestamps to the sender's clock (NTP);
`RtpClock` follows them. What all streams of one participant were captured by is one clock, so what
lies between that and ours, `SenderClock`, is shared by them: whatever is wrong about it shifts them
together, and they stay in sync, over gaps, other SSRCs and other connections. It is the least delay
that a packet had on its way, followed slowly, because the sender's clock runs a little faster or
slower than ours.

Source: RFC 3550 section 6.4.1 for what a report says; the filters are ours.
"""

from __future__ import annotations

from typing import Final

from acs_core.rtc.packet import timestamp_difference

__all__ = ["RtpClock", "SenderClock"]

NTP_UNIT: Final = 2.0**-32
MAX_STEP: Final = 0.5
"""Seconds; a report that is further off is another clock. Those of some senders (aiortc) are as
far off as a picture is long."""
SMOOTHING: Final = 0.25
WINDOW: Final = 5.0
"""Seconds over which the least delay is taken."""
SLEW: Final = 0.0005
"""Seconds per second: five times what crystals differ, and not to be heard."""
CLOCK_STEP: Final = 1.0
"""Seconds; a sender whose clock is off by more has set it."""


class RtpClock:
    """The sender's time of one SSRC's timestamps.

    Args:
        rate: Ticks per second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._anchor: tuple[int, float] | None = None
        self._reported: tuple[int, float] | None = None

    @property
    def is_known(self) -> bool:
        """Whether a report came."""
        return self._anchor is not None or self._reported is not None

    def report(self, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Take a sender report.

        Args:
            ntp_timestamp: 64 bits.
            rtp_timestamp: 32 bits.
        """
        sent = ntp_timestamp * NTP_UNIT
        if self._anchor is None:
            self._reported = (rtp_timestamp, sent)
            return
        ticks, seconds = self._anchor
        # Counted on to where the anchor is: reports follow each other closely.
        reported = ticks + timestamp_difference(rtp_timestamp, ticks & 0xFFFF_FFFF)
        error = sent - (seconds + (reported - ticks) / self._rate)
        if abs(error) <= MAX_STEP:
            sent -= error * (1 - SMOOTHING)
        self._anchor = (reported, sent)

    def seconds(self, rtp_timestamp: int) -> float:
        """The sender's time of a timestamp, in seconds since 1900; of no clock before a report.

        Args:
            rtp_timestamp: Counted on beyond 32 bits.
        """
        if self._anchor is None and self._reported is not None:
            ticks, sent = self._reported
            distance = timestamp_difference(ticks, rtp_timestamp & 0xFFFF_FFFF)
            self._anchor = (rtp_timestamp + distance, sent)
        if self._anchor is None:
            return rtp_timestamp / self._rate
        ticks, seconds = self._anchor
        return seconds + (rtp_timestamp - ticks) / self._rate


class SenderClock:
    """One sender's clock against ours; `observe` what arrives, then `local` tells when it was."""

    def __init__(self) -> None:
        self._delay: float | None = None
        self._least: float | None = None
        self._window_began = 0.0
        self._is_used = False

    def observe(self, sent: float, arrived_at: float) -> None:
        """Learn that what was captured then arrived now.

        Args:
            sent: Seconds on the sender's clock.
            arrived_at: Seconds on ours.
        """
        delay = arrived_at - sent
        if self._delay is None or abs(delay - self._delay) > CLOCK_STEP + WINDOW:
            self._delay, self._least, self._window_began = delay, None, arrived_at
        self._least = delay if self._least is None else min(self._least, delay)
        elapsed = arrived_at - self._window_began
        if elapsed >= WINDOW:
            self._follow(self._least, elapsed)
            self._least, self._window_began = None, arrived_at

    def local(self, sent: float) -> float:
        """Our time of a moment on the sender's clock, in seconds."""
        if not self._is_used and self._delay is not None and self._least is not None:
            # Nothing was placed by this clock yet: no need to go slowly.
            self._delay = min(self._delay, self._least)
        self._is_used = True
        return sent if self._delay is None else sent + self._delay

    def _follow(self, least: float, elapsed: float) -> None:
        if self._delay is None:
            return
        error = least - self._delay
        if abs(error) > CLOCK_STEP:
            self._delay = least
            return
        most = SLEW * elapsed
        self._delay += max(-most, min(most, error))
