"""Whether the demo succeeded: every participant saw and heard both others, and so on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["Check", "Received", "check_pair", "check_recording", "failures"]

FRAME_SHARE: Final = 0.3
"""Of the pictures that were due, so many must arrive: eight of 25 a second still are movement, and
this machine may be busy with other work."""
MOVEMENT: Final = 1.0
"""Steps of 255, mean over the picture; the noise of a codec on a still picture is below 0.5."""
AUDIBLE_SHARE: Final = 0.04
"""Of the time; each has a part of it to speak, and Bob is muted in most of his."""
AUDIBLE_AT_LEAST: Final = 0.2


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so.

    Attributes:
        who: For whom.
        what: In words.
        ok: Whether it is so.
        detail: The figures.
    """

    who: str
    what: str
    ok: bool
    detail: str


class Received(Protocol):
    """What `Watch` measures."""

    viewer: str
    sender: str
    frames: int
    movement: float

    @property
    def audible(self) -> float:
        """Seconds of audible sound."""

    @property
    def level(self) -> float:
        """Mean level of what was audible, dBov."""


def check_pair(got: Received, *, rate: float, seconds: float) -> list[Check]:
    """Judge what one participant got of another.

    Args:
        got: The figures.
        rate: Pictures per second that were sent.
        seconds: How long both were in the room.
    """
    due = rate * seconds
    need = max(AUDIBLE_AT_LEAST, AUDIBLE_SHARE * seconds)
    return [
        Check(
            got.viewer,
            f"sees {got.sender} move",
            got.frames >= FRAME_SHARE * due and got.movement >= MOVEMENT,
            f"{got.frames} of {due:.0f} pictures, movement {got.movement:.1f}",
        ),
        Check(
            got.viewer,
            f"hears {got.sender}",
            got.audible >= need,
            f"{got.audible:.1f} s audible of at least {need:.1f} s, {got.level:.0f} dBov",
        ),
    ]


def check_recording(
    who: str, *, video_seconds: float, audio_seconds: float, level: float, seconds: float
) -> Check:
    """Judge the recording: nearly as long as the room, with pictures and sound."""
    long_enough = min(video_seconds, audio_seconds) >= 0.75 * seconds
    return Check(
        who,
        "has a recording with picture and sound",
        long_enough and level > -60,
        f"{video_seconds:.1f} s of pictures, {audio_seconds:.1f} s of sound at {level:.0f} dBov",
    )


def failures(checks: Iterable[Check]) -> list[Check]:
    """Those that are not so."""
    return [check for check in checks if not check.ok]
