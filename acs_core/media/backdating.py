"""Gives the first frames of a stream the capture times that are known only later. Pure.

Theory of operation. Capture times come from sender reports, the first of which may be seconds away.
Frames that come before are held; the first frame whose capture time is known dates them back, since
the distances of their own times are those of the sender's clock. A stream that stays without
reports is let go after a while, and its frames are placed by their arrival.

Source: RFC 3550 section 6.4.1 for what a report says; holding back is ours.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from acs_core.media.frames import AudioFrame, VideoFrame

__all__ = ["HOLD", "Arrived", "Backdating"]

HOLD: Final = 2.5
"""Seconds that frames wait for a report."""

_MAX_PICTURES: Final = 75
"""Pictures that wait at most; those of HD take 1.4 MB each."""


class Arrived(NamedTuple):
    """A frame of a recording.

    Attributes:
        stream: Which stream it is of.
        clock: Whose clock its capture time is of; empty for one that is not to be kept in sync.
        frame: The frame.
        arrival: When it came, seconds on our clock.
    """

    stream: str
    clock: str
    frame: VideoFrame | AudioFrame
    arrival: float


class Backdating:
    """Holds the first frames of each stream until their capture time is known."""

    def __init__(self) -> None:
        self._held: dict[str, list[Arrived]] = {}
        self._dated: set[str] = set()

    def take(self, item: Arrived) -> list[Arrived]:
        """Take a frame and return those that are ready, in order."""
        if not item.clock or item.stream in self._dated:
            return [item]
        held = self._held.setdefault(item.stream, [])
        held.append(item)
        captured = item.frame.capture_time
        if captured is not None:
            for earlier in held[:-1]:
                earlier.frame.capture_time = captured - (item.frame.time - earlier.frame.time)
        elif item.arrival - held[0].arrival < HOLD and not self._is_full(held):
            return []
        self._dated.add(item.stream)
        return self._held.pop(item.stream)

    def flush(self) -> list[Arrived]:
        """Return what is held still: nothing more comes."""
        held = [item for items in self._held.values() for item in items]
        self._held.clear()
        return held

    def _is_full(self, held: list[Arrived]) -> bool:
        return isinstance(held[0].frame, VideoFrame) and len(held) >= _MAX_PICTURES
