"""What one participant gets of another: counts, movement, levels, and pictures to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from acs_core.media.frames import AudioFrame, VideoFrame

__all__ = ["Loudness", "Shot", "Watch"]

AUDIBLE: Final = -50.0
"""dBov of a quiet voice; the silence of a muted track is -127, opus' comfort noise below -60."""
GRID: Final = 8
"""Every eighth pixel is enough to see movement."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A received picture.

    Attributes:
        time: Seconds in the trace.
    """

    time: float
    frame: VideoFrame


@dataclass(frozen=True, slots=True)
class Loudness:
    """The level of 20 ms of received sound, in dBov, and when it came."""

    time: float
    level: float


@final
class Watch:
    """Looks at and listens to what one participant (`viewer`) gets of another (`sender`).

    Attributes:
        frames: Pictures received.
        movement: The largest mean difference from the first picture, in steps of 0 to 255.
        longest_gap: Seconds without a new picture, at most.
        width: Of the newest picture.
        height: Of the newest picture.
        sounds: Levels of all sound received.
        shots: The pictures that were kept.
        seen: Set with the first picture.
    """

    def __init__(self, viewer: str, sender: str, clock: Callable[[], float]) -> None:
        self.viewer = viewer
        self.sender = sender
        self._clock = clock
        self.frames = 0
        self.movement = 0.0
        self.longest_gap = 0.0
        self.width = self.height = 0
        self.first_frame: float | None = None
        self.last_frame = 0.0
        self.first_sound: float | None = None
        self.sounds: list[Loudness] = []
        self.shots: list[Shot] = []
        self.seen = asyncio.Event()
        self._newest: VideoFrame | None = None
        self._first_look: npt.NDArray[np.int16] | None = None

    def see(self, frame: VideoFrame) -> None:
        """Take a picture."""
        now = self._clock()
        look = frame.planes[0][::GRID, ::GRID].astype(np.int16)
        if self.first_frame is None:
            self.first_frame = now
            self.seen.set()
        else:
            self.longest_gap = max(self.longest_gap, now - self.last_frame)
        if self._first_look is None or self._first_look.shape != look.shape:
            self._first_look = look
        self.movement = max(self.movement, float(np.abs(look - self._first_look).mean()))
        self.frames += 1
        self.last_frame = now
        self.width, self.height = frame.width, frame.height
        self._newest = frame

    def hear(self, frame: AudioFrame) -> None:
        """Take a stretch of sound."""
        now, level = self._clock(), frame.level_dbov
        if self.first_sound is None and level > AUDIBLE:
            self.first_sound = now
        self.sounds.append(Loudness(now, level))

    def keep(self) -> None:
        """Keep the newest picture, if there is one."""
        if self._newest is not None:
            self.shots.append(Shot(self._clock(), self._newest))

    @property
    def fps(self) -> float:
        """Pictures per second from the first to the last."""
        if self.first_frame is None or self.last_frame <= self.first_frame:
            return 0.0
        return (self.frames - 1) / (self.last_frame - self.first_frame)

    @property
    def level(self) -> float:
        """Mean power of what was audible, in dBov; -127 if nothing was."""
        loud = [sound.level for sound in self.sounds if sound.level > AUDIBLE]
        return float(10 * np.log10(np.mean(10 ** (np.array(loud) / 10)))) if loud else -127.0

    @property
    def audible(self) -> float:
        """Seconds of audible sound; a frame has 20 ms."""
        return sum(sound.level > AUDIBLE for sound in self.sounds) * 0.02

    @property
    def level_now(self) -> float:
        """Level of the newest sound, in dBov."""
        return self.sounds[-1].level if self.sounds else -127.0
