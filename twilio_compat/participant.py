"""What the local and the remote participants have in common.

Source: twilio-video.js 2.36, `lib/participant.js`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from acs_core.client.emitter import TaskOwner
from twilio_compat.emitter import EventEmitter
from twilio_compat.events import ParticipantEvent
from twilio_compat.maps import LiveMap
from twilio_compat.spelling import Spelling

if TYPE_CHECKING:
    from acs_core.wire import QualityLevel, StreamQuality
    from twilio_compat.publication import TrackPublication

__all__ = [
    "NetworkQualityBandwidthStats",
    "NetworkQualityFractionLostStats",
    "NetworkQualityLatencyStats",
    "NetworkQualityMediaStats",
    "NetworkQualitySendOrRecvStats",
    "NetworkQualityStats",
    "Participant",
    "ParticipantState",
]

_instances = count(1)

LEVELS_ONLY = 1
"""Network quality verbosity that has no statistics."""

LEVELS_OF_MEDIA = 2
"""Network quality verbosity that has the levels of media, not what was measured of them."""


class ParticipantState(StrEnum):
    """Whether a participant can be reached."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class NetworkQualityBandwidthStats:
    """Bits per second that arrive and that the network could carry; a level, 1 to 5."""

    actual: float | None
    available: float | None
    level: int


@dataclass(frozen=True, slots=True)
class NetworkQualityLatencyStats:
    """Jitter and round trip in seconds; a level, 1 to 5."""

    jitter: float | None
    rtt: float | None
    level: int


@dataclass(frozen=True, slots=True)
class NetworkQualityFractionLostStats:
    """The part of the packets that was lost, 0..1; a level, 1 to 5."""

    fractionLost: float | None
    level: int

    fraction_lost = Spelling[float | None]("fractionLost")


@dataclass(frozen=True, slots=True)
class NetworkQualitySendOrRecvStats:
    """What was measured of one medium in one direction.

    The fields of such records are in Twilio's spelling; they can be read in Python's, too.
    """

    bandwidth: NetworkQualityBandwidthStats
    latency: NetworkQualityLatencyStats
    fractionLost: NetworkQualityFractionLostStats

    fraction_lost = Spelling[NetworkQualityFractionLostStats]("fractionLost")


@dataclass(frozen=True, slots=True)
class NetworkQualityMediaStats:
    """Levels of one medium, 0 (broken) to 5; None where it is not sent or received.

    `sendStats` and `recvStats` are None below verbosity 3, too.
    """

    send: int | None
    recv: int | None
    sendStats: NetworkQualitySendOrRecvStats | None = None
    recvStats: NetworkQualitySendOrRecvStats | None = None

    send_stats = Spelling[NetworkQualitySendOrRecvStats | None]("sendStats")
    recv_stats = Spelling[NetworkQualitySendOrRecvStats | None]("recvStats")


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
    @abstractmethod
    def tracks(self) -> LiveMap[TrackPublication]:
        """All publications by SID, in the order of publishing."""

    @property
    @abstractmethod
    def audio_tracks(self) -> LiveMap[TrackPublication]:
        """Audio publications by SID."""

    @property
    @abstractmethod
    def video_tracks(self) -> LiveMap[TrackPublication]:
        """Video publications by SID; a shared screen is one of them."""

    @property
    @abstractmethod
    def data_tracks(self) -> LiveMap[TrackPublication]:
        """Data publications by SID."""

    @property
    def network_quality_level(self) -> int | None:
        """0 (broken) to 5; None until it is known, or when it was not asked for."""
        return None if self._quality is None else self._quality.level

    @property
    def network_quality_stats(self) -> NetworkQualityStats | None:
        """The level's parts as of its last change; None below verbosity 2."""
        quality = self._quality
        if quality is None or self._verbosity <= LEVELS_ONLY:
            return None
        details = quality.details if self._verbosity > LEVELS_OF_MEDIA else None
        audio = NetworkQualityMediaStats(quality.audio_send, quality.audio_receive)
        video = NetworkQualityMediaStats(quality.video_send, quality.video_receive)
        if details is not None:
            audio = replace(
                audio,
                sendStats=_measured(details.audio_send),
                recvStats=_measured(details.audio_receive),
            )
            video = replace(
                video,
                sendStats=_measured(details.video_send),
                recvStats=_measured(details.video_receive),
            )
        return NetworkQualityStats(quality.level, audio, video)

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
    audioTracks = audio_tracks
    videoTracks = video_tracks
    dataTracks = data_tracks
    networkQualityLevel = network_quality_level
    networkQualityStats = network_quality_stats
    toJSON = to_json
    toString = to_string


def _measured(stream: StreamQuality | None) -> NetworkQualitySendOrRecvStats | None:
    if stream is None:
        return None
    return NetworkQualitySendOrRecvStats(
        NetworkQualityBandwidthStats(stream.actual_bps, stream.available_bps, stream.bandwidth),
        NetworkQualityLatencyStats(stream.jitter, stream.round_trip, stream.latency),
        NetworkQualityFractionLostStats(stream.fraction_lost, stream.loss),
    )
