"""How loud a stream of sound is: `Volume`, for a level meter beside a name or a microphone.

Source: `Volume` of @azure/communication-calling 2.0.0. The scale is ours: 0 is -60 dBov or less,
100 is full scale, linear in decibels between them, because that is how loud it seems.
"""

from __future__ import annotations

from typing import ClassVar, Final

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.events import VolumeEvent
from acs_core.media.encode import audio_level
from acs_core.media.frames import Samples

__all__ = ["Volume", "volume_level"]

QUIETEST_DBOV: Final = 60
FRAMES_PER_LEVEL: Final = 10
"""200 ms of sound: as fast as a person can follow a meter."""


def volume_level(dbov: int) -> int:
    """From an RFC 6464 level, 0 (loudest) to 127, to 0 (silence) to 100."""
    return round(100 * max(0.0, 1 - dbov / QUIETEST_DBOV))


class Volume(Emitter):
    """The loudness of a stream; made by `get_volume` of the stream, which keeps it up to date."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(VolumeEvent)
    EVENT_SUB_CODE: ClassVar[int] = 41060

    def __init__(self, owner: TaskOwner) -> None:
        super().__init__(owner)
        self._level = 0
        self._loudest = 0
        self._frames = 0

    @property
    def level(self) -> int:
        """0 (silence) to 100; the loudest 20 ms of the last 200 ms."""
        return self._level

    def take(self, samples: Samples) -> None:
        """Take 20 ms of sound, int16 of any shape; the stream does this."""
        self._loudest = max(self._loudest, volume_level(audio_level(samples)))
        self._frames += 1
        if self._frames >= FRAMES_PER_LEVEL:
            self._show(self._loudest)

    def silence(self) -> None:
        """Nothing comes any more."""
        self._show(0)

    def _show(self, level: int) -> None:
        self._loudest = self._frames = 0
        if level != self._level:
            self._level = level
            self._emit(VolumeEvent.LEVEL_CHANGED)
