"""Timestamps for outgoing frames, and the limit of their rate. Pure.

Theory of operation. The RTP timestamp follows the frames' own times. When those disagree with
real time by more than a second, or after a pause, it continues from real time: a receiver then
sees a pause and not a burst (RFC 3550 section 5.1 lets it be any clock of the sampling instant).
`now` is seconds of any monotonic clock.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FrameThrottle", "RtpClock"]

# A source whose clock is this far from real time is followed no longer.
MAX_CLOCK_DRIFT: Final = 1.0
# Sound that is this late was paused.
MAX_SOUND_GAP: Final = 0.25


class RtpClock:
    """Gives the frames of one stream their RTP timestamps, not wrapped."""

    def __init__(self, rate: int, *, first: int) -> None:
        """Count `rate` ticks per second; the first timestamp is `first`."""
        self._rate = rate
        self._last = first
        self._last_now: float | None = None
        self._anchor: tuple[float, float, int] | None = None
        self._next_sound = first

    def pause(self) -> None:
        """What comes next continues from real time."""
        self._anchor = None

    def picture(self, media_time: float | None, now: float) -> int:
        """Stamp a picture; each stamp is above the one before."""
        if media_time is None:
            media_time = now
        if self._anchor is not None:
            anchor_media, anchor_now, anchor_stamp = self._anchor
            elapsed = media_time - anchor_media
            if abs(elapsed - (now - anchor_now)) <= MAX_CLOCK_DRIFT:
                stamp = anchor_stamp + round(elapsed * self._rate)
                if stamp > self._last:
                    return self._note(stamp, now)
        stamp = self._real_time(now)
        self._anchor = (media_time, now, stamp)
        return self._note(stamp, now)

    def sound(self, samples: int, now: float) -> tuple[int, bool]:
        """Stamp a packet of `samples`; say whether it is the first after a pause."""
        stamp = self._next_sound
        is_first = self._last_now is None
        if not is_first:
            behind = self._real_time(now) - stamp
            if behind > MAX_SOUND_GAP * self._rate:
                stamp += behind
                is_first = True
        self._next_sound = stamp + samples
        return self._note(stamp, now), is_first

    def _real_time(self, now: float) -> int:
        if self._last_now is None:
            return self._last
        return self._last + max(1, round((now - self._last_now) * self._rate))

    def _note(self, stamp: int, now: float) -> int:
        self._last, self._last_now = stamp, now
        return stamp


class FrameThrottle:
    """Leaves pictures out that come faster than the limit, evenly."""

    def __init__(self, max_frame_rate: float) -> None:
        """Let at most `max_frame_rate` pictures per second through."""
        # A tenth of tolerance: a 30 Hz camera jitters around its rate.
        self._interval = 0.9 / max_frame_rate
        self._last: float | None = None

    def takes(self, media_time: float | None, now: float) -> bool:
        """Say whether a picture is sent; its own time counts, `now` where it has none."""
        moment = now if media_time is None else media_time
        if self._last is not None and 0 <= moment - self._last < self._interval:
            return False
        self._last = moment
        return True
