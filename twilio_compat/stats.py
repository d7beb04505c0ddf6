"""`room.get_stats()`: measurements in Twilio's records and units.

The records are data whose fields are in Twilio's own spelling, so that reports can be compared and
stored as they are; they can be read in Python's spelling, too. Units are Twilio's: times in
milliseconds, `timestamp` in milliseconds of Unix time, audio levels 0 to 32767. What is not
measured is None.

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
from twilio_compat.spelling import Spelling
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

    track_id = Spelling[str]("trackId")
    track_sid = Spelling[str]("trackSid")
    packets_lost = Spelling[int | None]("packetsLost")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTrackStats(TrackStats):
    """What is measured of every track that is sent."""

    bytesSent: int | None
    packetsSent: int | None
    roundTripTime: float | None
    jitter: float | None

    bytes_sent = Spelling[int | None]("bytesSent")
    packets_sent = Spelling[int | None]("packetsSent")
    round_trip_time = Spelling[float | None]("roundTripTime")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAudioTrackStats(LocalTrackStats):
    """A sent audio track."""

    audioLevel: int | None

    audio_level = Spelling[int | None]("audioLevel")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalVideoTrackStats(LocalTrackStats):
    """A sent video track."""

    captureDimensions: Dimensions | None
    dimensions: Dimensions | None
    captureFrameRate: float | None
    frameRate: float | None
    qualityLimitationReason: str | None = None

    capture_dimensions = Spelling[Dimensions | None]("captureDimensions")
    capture_frame_rate = Spelling[float | None]("captureFrameRate")
    frame_rate = Spelling[float | None]("frameRate")
    quality_limitation_reason = Spelling[str | None]("qualityLimitationReason")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTrackStats(TrackStats):
    """What is measured of every track that is received."""

    bytesReceived: int | None
    packetsReceived: int | None
    jitter: float | None

    bytes_received = Spelling[int | None]("bytesReceived")
    packets_received = Spelling[int | None]("packetsReceived")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAudioTrackStats(RemoteTrackStats):
    """A received audio track."""

    audioLevel: int | None

    audio_level = Spelling[int | None]("audioLevel")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteVideoTrackStats(RemoteTrackStats):
    """A received video track."""

    dimensions: Dimensions | None
    frameRate: float | None
    freezeCount: int

    frame_rate = Spelling[float | None]("frameRate")
    freeze_count = Spelling[int]("freezeCount")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsReport:
    """One report; as in Twilio's group rooms there is one for everything sent and received."""

    peerConnectionId: str
    localAudioTrackStats: list[LocalAudioTrackStats] = field(default_factory=list)
    localVideoTrackStats: list[LocalVideoTrackStats] = field(default_factory=list)
    remoteAudioTrackStats: list[RemoteAudioTrackStats] = field(default_factory=list)
    remoteVideoTrackStats: list[RemoteVideoTrackStats] = field(default_factory=list)

    peer_connection_id = Spelling[str]("peerConnectionId")
    local_audio_track_stats = Spelling[list[LocalAudioTrackStats]]("localAudioTrackStats")
    local_video_track_stats = Spelling[list[LocalVideoTrackStats]]("localVideoTrackStats")
    remote_audio_track_stats = Spelling[list[RemoteAudioTrackStats]]("remoteAudioTrackStats")
    remote_video_track_stats = Spelling[list[RemoteVideoTrackStats]]("remoteVideoTrackStats")


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
    captured = publication.track.dimensions
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
        captureDimensions=_dimensions(captured.width or 0, captured.height or 0),
        dimensions=_dimensions(stats.frame_width, stats.frame_height),
        captureFrameRate=None,
        frameRate=stats.frames_per_second,
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
