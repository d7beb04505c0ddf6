"""Records of a call's media statistics, with the vendor's names.

A record is generic: in a sample its metrics are numbers and texts, in a summary each of them is a
`MediaStatValue`. A metric that is not measured, or not yet, is None.

| Metric | Unit | Meaning here |
|---|---|---|
| `id` | | id of the publication; of a transport "publish" or "subscribe" |
| `transport_id` | | `id` of the transport that carries it |
| `stream_id` | | `RemoteVideoStream.id` |
| `bitrate`, `available_..._bitrate` | bit/s | over the last second; the newest estimate |
| `packets`, `packets_lost` | | since the stream began; for sent ones as the service reports |
| `..._per_second` | 1/s | since the sample before; None in the first |
| `jitter_in_ms` | ms | RFC 3550 section 6.4.1; for sent streams as the service reports |
| `rtt_in_ms` | ms | sent streams: by reports (RFC 3550); received: by consent checks (RFC 7675) |
| `jitter_buffer_delay_in_ms` | ms | how long sound is held; None for pictures, which are not held |
| `audio_input_level`, `audio_output_level` | 0 to 65535 | linear; from RFC 6464 levels |
| `healed_ratio` | 0 to 1 | samples of sound that had to be made up |
| `frame_..._input` | px, 1/s | what the source gives, before constraints |
| `frame_..._sent`, `frame_..._received` | px, 1/s | what is coded, what arrived complete |
| `frames_...`, `key_frames_...` | | since the stream began; received ones while it is read |
| `..._freeze_duration_in_ms` | ms | sum and longest so far; see webrtc-stats, freezeCount |
| `alt_layouts` | | always None: this client sends one layer per video |

Source: `MediaStatsReportSample` and `MediaStatsReportSummary`, @azure/communication-calling 2.0.0;
webrtc-stats (W3C). `timestamp` of samples and candidate types of transports are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

__all__ = [
    "IncomingAudioMediaStats",
    "IncomingScreenShareMediaStats",
    "IncomingVideoMediaStats",
    "MediaStatValue",
    "MediaStatsAggregation",
    "MediaStatsReport",
    "MediaStatsReportSample",
    "MediaStatsReportSummary",
    "OutgoingAudioMediaStats",
    "OutgoingScreenShareMediaStats",
    "OutgoingVideoMediaStats",
    "TransportMediaStats",
]

Number = TypeVar("Number")
Text = TypeVar("Text")


@dataclass(frozen=True, slots=True)
class MediaStatsAggregation:
    """One number per data point each; `count` is that of the samples in it."""

    count: tuple[int, ...]
    sum: tuple[float, ...]
    min: tuple[float, ...]
    max: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MediaStatValue:
    """A metric over a summary.

    Attributes:
        raw: The last value of each data point.
        aggregation: None for texts.
        timestamp: Of the last sample that had it.
    """

    timestamp: datetime
    raw: tuple[float | str, ...]
    aggregation: MediaStatsAggregation | None = None


@dataclass(frozen=True, slots=True)
class _MediaStats(Generic[Number, Text]):
    """What is measured of every stream."""

    id: str
    codec_name: Text | None = None
    bitrate: Number | None = None
    jitter_in_ms: Number | None = None
    packets: Number | None = None
    packets_per_second: Number | None = None
    packets_lost: Number | None = None
    packets_lost_per_second: Number | None = None
    rtt_in_ms: Number | None = None
    transport_id: Text | None = None


@dataclass(frozen=True, slots=True)
class OutgoingAudioMediaStats(_MediaStats[Number, Text]):
    """Sound that we send."""

    audio_input_level: Number | None = None


@dataclass(frozen=True, slots=True)
class OutgoingVideoMediaStats(_MediaStats[Number, Text]):
    """Pictures that we send."""

    frame_rate_input: Number | None = None
    frame_width_input: Number | None = None
    frame_height_input: Number | None = None
    frames_encoded: Number | None = None
    frame_rate_encoded: Number | None = None
    frames_sent: Number | None = None
    frame_rate_sent: Number | None = None
    frame_width_sent: Number | None = None
    frame_height_sent: Number | None = None
    key_frames_encoded: Number | None = None
    alt_layouts: tuple[OutgoingVideoMediaStats[Number, Text], ...] | None = None


@dataclass(frozen=True, slots=True)
class IncomingAudioMediaStats(_MediaStats[Number, Text]):
    """Sound that we receive."""

    jitter_buffer_delay_in_ms: Number | None = None
    audio_output_level: Number | None = None
    healed_ratio: Number | None = None


@dataclass(frozen=True, slots=True)
class IncomingVideoMediaStats(_MediaStats[Number, Text]):
    """Pictures that we receive."""

    stream_id: Number | None = None
    jitter_buffer_delay_in_ms: Number | None = None
    frame_rate_decoded: Number | None = None
    frame_rate_received: Number | None = None
    frame_width_received: Number | None = None
    frame_height_received: Number | None = None
    longest_freeze_duration_in_ms: Number | None = None
    total_freeze_duration_in_ms: Number | None = None
    frames_received: Number | None = None
    frames_dropped: Number | None = None
    frames_decoded: Number | None = None
    key_frames_decoded: Number | None = None


OutgoingScreenShareMediaStats: TypeAlias = OutgoingVideoMediaStats[Number, Text]
"""Pictures of a screen that we send."""

IncomingScreenShareMediaStats: TypeAlias = IncomingVideoMediaStats[Number, Text]
"""Pictures of a screen that we receive."""


@dataclass(frozen=True, slots=True)
class TransportMediaStats(Generic[Number, Text]):
    """One connection.

    Attributes:
        local_candidate_type: "host", "srflx", "prflx" or "relay" (ours).
        remote_candidate_type: The same for the other end (ours).
    """

    id: str
    rtt_in_ms: Number | None = None
    available_incoming_bitrate: Number | None = None
    available_outgoing_bitrate: Number | None = None
    local_candidate_type: Text | None = None
    remote_candidate_type: Text | None = None


_Sent = TypeVar("_Sent")
_Received = TypeVar("_Received")


@dataclass(frozen=True, slots=True)
class MediaStatsReport(Generic[_Sent, _Received]):
    """Streams of one kind."""

    send: tuple[_Sent, ...] = ()
    receive: tuple[_Received, ...] = ()


@dataclass(frozen=True, slots=True)
class _Report(Generic[Number, Text]):
    """All media, in a sample or a summary."""

    audio: MediaStatsReport[
        OutgoingAudioMediaStats[Number, Text], IncomingAudioMediaStats[Number, Text]
    ] = field(default_factory=MediaStatsReport)
    video: MediaStatsReport[
        OutgoingVideoMediaStats[Number, Text], IncomingVideoMediaStats[Number, Text]
    ] = field(default_factory=MediaStatsReport)
    screen_share: MediaStatsReport[
        OutgoingVideoMediaStats[Number, Text], IncomingVideoMediaStats[Number, Text]
    ] = field(default_factory=MediaStatsReport)
    transports: tuple[TransportMediaStats[Number, Text], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStatsReportSample(_Report[float, str]):
    """All media at one time."""

    timestamp: datetime


@dataclass(frozen=True, slots=True)
class MediaStatsReportSummary(_Report[MediaStatValue, MediaStatValue]):
    """All media over several data points; streams in order of appearance."""
