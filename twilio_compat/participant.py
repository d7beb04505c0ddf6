"""What the local and the remote participants have in common.

Source: twilio-video.js 2.36, `lib/participant.js`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from acs_core.client.emitter import TaskOwner
from twilio_compat.emitter import EventEmitter
from twilio_compat.events import ParticipantEvent

if TYPE_CHECKING:
    from acs_core.wire import QualityLevel

__all__ = ["NetworkQualityMediaStats", "NetworkQualityStats", "Participant", "ParticipantState"]

_instances = count(1)

LEVELS_ONLY = 1
"""Network quality verbosity that has no statistics."""


class ParticipantState(StrEnum):
    """Whether a participant can be reached."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class NetworkQualityMediaStats:
    """Levels of one medium, 0 (broken) to 5; None where it is not sent or received.

    Twilio's `sendStats` and `recvStats` (verbosity 3) are not measured.
    """

    send: int | None
    recv: int | None


@dataclass(frozen=True, slots=True)
class NetworkQualityStats:
    """Network quality and its parts; 0 (broken) to 5."""

    level: int
    audio: NetworkQualityMediaStats
    video: NetworkQualityMediaStats


class Participant(EventEmitter):
    """Somebody in a room."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(ParticipantEvent)

    def __init__(self, endpoint_id: str, identity: str, tasks: TaskOwner) -> None:
        super().__init__(tasks)
        self._sid = f"PA{endpoint_id}"
        self._identity = identity
        self._state = ParticipantState.CONNECTED
        self._quality: QualityLevel | None = None
        self._verbosity = 0
        self._number = next(_instances)

    @property
    def sid(self) -> str:
        """`PA` and 32 hex digits; a new one for each connection."""
        return self._sid

    @property
    def identity(self) -> str:
        """Who it is: the identity of the access token, or the display name of an ACS user."""
        return self._identity

    @property
    def state(self) -> ParticipantState:
        """Whether the participant can be reached."""
        return self._state

    @property
    def network_quality_level(self) -> int | None:
        """0 (broken) to 5; None until it is known, or when it was not asked for."""
        return None if self._quality is None else self._quality.level

    @property
    def network_quality_stats(self) -> NetworkQualityStats | None:
        """The level's parts; None below verbosity 2."""
        quality = self._quality
        if quality is None or self._verbosity <= LEVELS_ONLY:
            return None
        return NetworkQualityStats(
            quality.level,
            NetworkQualityMediaStats(quality.audio_send, quality.audio_receive),
            NetworkQualityMediaStats(quality.video_send, quality.video_receive),
        )

    def set_network_quality(self, quality: QualityLevel, *, verbosity: int) -> None:
        """Take a level; for `Room`.

        Args:
            quality: As `acs_core` reports it.
            verbosity: 0 keeps nothing.
        """
        if verbosity == 0:
            return
        before = self.network_quality_level
        self._quality, self._verbosity = quality, verbosity
        if quality.level != before:
            self.emit(
                ParticipantEvent.NETWORK_QUALITY_LEVEL_CHANGED,
                quality.level,
                self.network_quality_stats,
            )

    def to_json(self) -> dict[str, object]:
        """Public attributes, for logs."""
        return {"identity": self.identity, "sid": self.sid, "state": str(self.state)}

    def to_string(self) -> str:
        """Class, instance number and SID."""
        return f"[{type(self).__name__} #{self._number}: {self._sid}]"

    def __str__(self) -> str:
        return self.to_string()

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    networkQualityLevel = network_quality_level
    networkQualityStats = network_quality_stats
    toJSON = to_json
    toString = to_string
