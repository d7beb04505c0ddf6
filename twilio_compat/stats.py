"""`room.get_stats()`: measurements in Twilio's records and units.

The records are data in Twilio's own spelling, so that reports can be compared and stored as they
are (`dataclasses.asdict`); our spelling reads the same. Units are Twilio's: round trips and jitter
in milliseconds, `timestamp` in milliseconds of Unix time, audio levels 0 to 32767, sizes in pixels,
frame rates per second, bytes and packets counted since the start. What is not measured is None.

Source: twilio-video.js 2.36, `lib/stats`; RFC 6464 for the audio level underneath.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from acs_core.media.stats import ReceiverStats, SenderStats
from twilio_compat.publication import (
    LocalAudioTrackPublication,
    LocalTrackPublication,
    LocalVideoTrackPublication,
    RemoteTrackPublication,
)
from twilio_compat.track import Dimensions

__all__ = [
    "LocalAudioTrackStats",
    "LocalTrackStats",
    "LocalVideoTrackStats",
    "RemoteAudioTrackStats",
    "RemoteTrackStats",
    "RemoteVideoTrackStats",
    "StatsReport",
    "TrackStats",
    "stats_report",
]

_FULL_SCALE: Final = 32767
_SILENCE: Final = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStats:
    """What is measured of every track."""

    trackId: str
    trackSid: str
    timestamp: float
    ssrc: str
    packetsLost: int | None
    codec: str | None

    @property
    def track_id(self) -> str:
        """The id of a local track, or of a remote publication."""
        return self.trackId

    @property
    def track_sid(self) -> str:
        """`MT` and 32 hex digits."""
        return self.trackSid

    @property
    def packets_lost(self) -> int | None:
        """Packets that never arrived."""
        return self.packetsLost


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTrackStats(TrackStats):
    """What is measured of every track that is sent."""

    bytesSent: int | None
    packetsSent: int | None
    roundTripTime: float | None
    jitter: float | None

    @property
    def bytes_sent(self) -> int | None:
        """Payload bytes, without those sent again."""
        return self.bytesSent

    @property
    def packets_sent(self) -> int | None:
        """RTP packets, without those sent again."""
        return self.packetsSent

    @property
    def round_trip_time(self) -> float | None:
        """Milliseconds to the service and back."""
        return self.roundTripTime


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAudioTrackStats(LocalTrackStats):
    """A sent audio track."""

    audioLevel: int | None

    @property
    def audio_level(self) -> int | None:
        """0 (silence) to 32767."""
        return self.audioLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalVideoTrackStats(LocalTrackStats):
    """A sent video track."""

    captureDimensions: Dimensions | None
    dimensions: Dimensions | None
    captureFrameRate: float | None
    frameRate: float | None
    qualityLimitationReason: str | None = None

    @property
    def capture_dimensions(self) -> Dimensions | None:
        """Size of the source's newest picture."""
        return self.captureDimensions

    @property
    def capture_frame_rate(self) -> float | None:
        """Pictures per second that the source gives."""
        return self.captureFrameRate

    @property
    def frame_rate(self) -> float | None:
        """Pictures per second."""
        return self.frameRate

    @property
    def quality_limitation_reason(self) -> str | None:
        """What keeps the quality down: "bandwidth" or "none"; more is not measured here."""
        return self.qualityLimitationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTrackStats(TrackStats):
    """What is measured of every track that is received."""

    bytesReceived: int | None
    packetsReceived: int | None
    jitter: float | None

    @property
    def bytes_received(self) -> int | None:
        """Bytes without encryption."""
        return self.bytesReceived

    @property
    def packets_received(self) -> int | None:
        """RTP packets."""
        return self.packetsReceived


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAudioTrackStats(RemoteTrackStats):
    """A received audio track."""

    audioLevel: int | None

    @property
    def audio_level(self) -> int | None:
        """0 (silence) to 32767."""
        return self.audioLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteVideoTrackStats(RemoteTrackStats):
    """A received video track."""

    dimensions: Dimensions | None
    frameRate: float | None
    freezeCount: int

    @property
    def frame_rate(self) -> float | None:
        """Pictures per second."""
        return self.frameRate

    @property
    def freeze_count(self) -> int:
        """How often a viewer saw the video stop."""
        return self.freezeCount


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsReport:
    """One report; as in Twilio's group rooms there is one for everything sent and received."""

    peerConnectionId: str
    localAudioTrackStats: list[LocalAudioTrackStats] = field(default_factory=list)
    localVideoTrackStats: list[LocalVideoTrackStats] = field(default_factory=list)
    remoteAudioTrackStats: list[RemoteAudioTrackStats] = field(default_factory=list)
    remoteVideoTrackStats: list[RemoteVideoTrackStats] = field(default_factory=list)

    @property
    def peer_connection_id(self) -> str:
        """`PC` and the id of the call."""
        return self.peerConnectionId

    @property
    def local_audio_track_stats(self) -> list[LocalAudioTrackStats]:
        """Sent audio tracks."""
        return self.localAudioTrackStats

    @property
    def local_video_track_stats(self) -> list[LocalVideoTrackStats]:
        """Sent video tracks."""
        return self.localVideoTrackStats

    @property
    def remote_audio_track_stats(self) -> list[RemoteAudioTrackStats]:
        """Received audio tracks."""
        return self.remoteAudioTrackStats

    @property
    def remote_video_track_stats(self) -> list[RemoteVideoTrackStats]:
        """Received video tracks."""
        return self.remoteVideoTrackStats


def stats_report(
    connection_id: str,
    local: Iterable[LocalTrackPublication],
    remote: Iterable[RemoteTrackPublication],
    *,
    now: float,
) -> StatsReport:
    """Put the measurements of publications together.

    Args:
        connection_id: For `peerConnectionId`.
        local: Our publications.
        remote: Those of the others; what is not subscribed has no measurements.
        now: Unix time in seconds.
    """
    report = StatsReport(peerConnectionId=connection_id)
    timestamp = now * 1000
    for publication in local:
        sent = publication.core.stats
        if isinstance(publication, LocalAudioTrackPublication) and sent is not None:
            report.localAudioTrackStats.append(_local_audio(publication, sent, timestamp))
        elif isinstance(publication, LocalVideoTrackPublication) and sent is not None:
            report.localVideoTrackStats.append(_local_video(publication, sent, timestamp))
    for other in remote:
        received = other.core.stats
        if received is not None and other.kind == "audio":
            report.remoteAudioTrackStats.append(_remote_audio(other, received, timestamp))
        elif received is not None and other.kind == "video":
            report.remoteVideoTrackStats.append(_remote_video(other, received, timestamp))
    return report


def audio_level(level: int | None) -> int | None:
    """Convert -dBov, 0 (loudest) to 127 (silence), to Twilio's 0 to 32767."""
    if level is None:
        return None
    return 0 if level >= _SILENCE else round(_FULL_SCALE * 10.0 ** (-level / 20))


def _local_audio(
    publication: LocalAudioTrackPublication, stats: SenderStats, timestamp: float
) -> LocalAudioTrackStats:
    return LocalAudioTrackStats(
        trackId=publication.track.id,
        trackSid=publication.track_sid,
        timestamp=timestamp,
        ssrc=str(stats.ssrc),
        packetsLost=stats.packets_lost,
        codec=stats.codec_name or None,
        bytesSent=stats.bytes_sent,
        packetsSent=stats.packets_sent,
        roundTripTime=_milliseconds(stats.round_trip),
        jitter=_milliseconds(stats.jitter),
        audioLevel=audio_level(stats.audio_level),
    )


def _local_video(
    publication: LocalVideoTrackPublication, stats: SenderStats, timestamp: float
) -> LocalVideoTrackStats:
    return LocalVideoTrackStats(
        trackId=publication.track.id,
        trackSid=publication.track_sid,
        timestamp=timestamp,
        ssrc=str(stats.ssrc),
        packetsLost=stats.packets_lost,
        codec=stats.codec_name or None,
        bytesSent=stats.bytes_sent,
        packetsSent=stats.packets_sent,
        roundTripTime=_milliseconds(stats.round_trip),
        jitter=None,  # Twilio reports it for audio only.
        captureDimensions=_dimensions(stats.input_width, stats.input_height),
        dimensions=_dimensions(stats.frame_width, stats.frame_height),
        captureFrameRate=stats.input_frames_per_second,
        frameRate=stats.frames_per_second,
        qualityLimitationReason="bandwidth" if stats.is_bandwidth_limited else "none",
    )


def _remote_audio(
    publication: RemoteTrackPublication, stats: ReceiverStats, timestamp: float
) -> RemoteAudioTrackStats:
    return RemoteAudioTrackStats(
        trackId=publication.core.id,
        trackSid=publication.track_sid,
        timestamp=timestamp,
        ssrc=str(stats.ssrc),
        packetsLost=stats.packets_lost,
        codec=stats.codec_name or None,
        bytesReceived=stats.bytes_received,
        packetsReceived=stats.packets_received,
        jitter=_milliseconds(stats.jitter),
        audioLevel=audio_level(stats.audio_level),
    )


def _remote_video(
    publication: RemoteTrackPublication, stats: ReceiverStats, timestamp: float
) -> RemoteVideoTrackStats:
    return RemoteVideoTrackStats(
        trackId=publication.core.id,
        trackSid=publication.track_sid,
        timestamp=timestamp,
        ssrc=str(stats.ssrc),
        packetsLost=stats.packets_lost,
        codec=stats.codec_name or None,
        bytesReceived=stats.bytes_received,
        packetsReceived=stats.packets_received,
        jitter=_milliseconds(stats.jitter),
        dimensions=_dimensions(stats.frame_width, stats.frame_height),
        frameRate=stats.frames_per_second,
        freezeCount=stats.freeze_count,
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _dimensions(width: int, height: int) -> Dimensions | None:
    return Dimensions(width, height) if width and height else None
