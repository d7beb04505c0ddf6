"""Timestamps for outgoing frames, and the limit of their rate. Pure.

Theory of operation. The RTP timestamp follows the frames' own times. When those disagree with
real time by more than a second, or after a pause, it continues from real time: a receiver then
sees a pause and not a burst (RFC 3550 section 5.1 lets it be any clock of the sampling instant).
Sound is counted in samples, and where its own time says that some were lost before they came
here, the hole shows in the timestamps; counted through, it would shift the sound against the
picture. `now` is seconds of any monotonic clock.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FrameThrottle", "RtpClock"]

# A source whose clock is this far from real time is followed no longer.
MAX_CLOCK_DRIFT: Final = 1.0
# Sound without a time of its own that is this late was paused.
MAX_SOUND_GAP: Final = 0.25
# Times of sound are this exact; what is nearer to the sound before follows it without a hole.
SOUND_TOLERANCE: Final = 0.01


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

    def sound(self, samples: int, now: float, media_time: float | None = None) -> tuple[int, bool]:
        """Stamp a packet of `samples`; say whether it is the first after a pause or a hole.

        Args:
            samples: How long it is, in ticks.
            now: The present.
            media_time: Of its first sample, seconds on the source's clock; None if not known.
        """
        is_first = self._last_now is None
        gap = 0 if is_first else self._sound_gap(media_time, now)
        stamp = self._next_sound + gap
        if media_time is None:
            self._anchor = None
        elif self._anchor is None:
            self._anchor = (media_time, now, stamp)
        self._next_sound = stamp + samples
        return self._note(stamp, now), is_first or gap > 0

    def _sound_gap(self, media_time: float | None, now: float) -> int:
        """Ticks between the sound before and the next; 0 where it follows directly."""
        behind = max(0, self._real_time(now) - self._next_sound)
        tolerance = SOUND_TOLERANCE * self._rate
        if media_time is None:
            return behind if behind > MAX_SOUND_GAP * self._rate else 0
        if self._anchor is None:
            return behind if behind > tolerance else 0
        anchor_media, anchor_now, anchor_stamp = self._anchor
        elapsed = media_time - anchor_media
        gap = round(elapsed * self._rate) - (self._next_sound - anchor_stamp)
        if abs(elapsed - (now - anchor_now)) > MAX_CLOCK_DRIFT or gap < -tolerance:
            # Another clock, or a source that began again.
            self._anchor = None
            return behind if behind > MAX_SOUND_GAP * self._rate else 0
        return gap if gap > tolerance else 0

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
