"""Metrics of a call's media: from the statistics of a session to ACS's names. Pure.

Durations are milliseconds here because the vendor's names say so. A metric that is not measured is
None. `audio_input_level` and `audio_output_level` are 0 (silence) to 65535, as in ACS.

Source: `MediaStatsReportSample` and `MediaStatsReportSummary`, @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, TypeVar

from acs_core.client.ports import Session
from acs_core.core.facts import PublicationKind
from acs_core.media.stats import PeerStats, ReceiverStats, SenderStats

__all__ = [
    "IncomingMediaStats",
    "MediaStatValue",
    "MediaStatsAggregation",
    "MediaStatsReport",
    "MediaStatsSample",
    "MediaStatsSummary",
    "OutgoingMediaStats",
    "StreamSummary",
    "TransportMediaStats",
    "sample_of",
    "summarize",
]


@dataclass(frozen=True, slots=True)
class OutgoingMediaStats:
    """One stream that we send; fields of the other kind of media are None."""

    id: str
    codec_name: str | None = None
    bitrate: float | None = None
    jitter_in_ms: float | None = None
    packets: float | None = None
    packets_per_second: float | None = None
    packets_lost: float | None = None
    packets_lost_per_second: float | None = None
    rtt_in_ms: float | None = None
    transport_id: str | None = None
    audio_input_level: float | None = None
    frames_encoded: float | None = None
    key_frames_encoded: float | None = None
    frame_rate_sent: float | None = None
    frame_width_sent: float | None = None
    frame_height_sent: float | None = None


@dataclass(frozen=True, slots=True)
class IncomingMediaStats:
    """One stream that we receive; fields of the other kind of media are None."""

    id: str
    codec_name: str | None = None
    bitrate: float | None = None
    jitter_in_ms: float | None = None
    packets: float | None = None
    packets_per_second: float | None = None
    packets_lost: float | None = None
    packets_lost_per_second: float | None = None
    jitter_buffer_delay_in_ms: float | None = None
    transport_id: str | None = None
    stream_id: float | None = None
    audio_output_level: float | None = None
    healed_ratio: float | None = None
    frame_rate_decoded: float | None = None
    frame_width_received: float | None = None
    frame_height_received: float | None = None
    total_freeze_duration_in_ms: float | None = None
    frames_dropped: float | None = None
    frames_decoded: float | None = None


@dataclass(frozen=True, slots=True)
class TransportMediaStats:
    """One connection."""

    id: str
    rtt_in_ms: float | None = None
    available_incoming_bitrate: float | None = None
    available_outgoing_bitrate: float | None = None


@dataclass(frozen=True, slots=True)
class MediaStatsReport:
    """Streams of one kind."""

    send: tuple[OutgoingMediaStats, ...] = ()
    receive: tuple[IncomingMediaStats, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaStatsSample:
    """All media at one time."""

    timestamp: datetime
    audio: MediaStatsReport = field(default_factory=MediaStatsReport)
    video: MediaStatsReport = field(default_factory=MediaStatsReport)
    screen_share: MediaStatsReport = field(default_factory=MediaStatsReport)
    transports: tuple[TransportMediaStats, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaStatsAggregation:
    """One number per data point each."""

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
class StreamSummary:
    """One stream, or one connection, over a summary.

    Attributes:
        metrics: By the field names of the samples; metrics that were never measured are absent.
    """

    id: str
    metrics: Mapping[str, MediaStatValue]


Summaries: TypeAlias = tuple[StreamSummary, ...]


@dataclass(frozen=True, slots=True)
class MediaStatsSummary:
    """All media over several data points."""

    audio_send: Summaries = ()
    audio_receive: Summaries = ()
    video_send: Summaries = ()
    video_receive: Summaries = ()
    screen_share_send: Summaries = ()
    screen_share_receive: Summaries = ()
    transports: Summaries = ()


def sample_of(
    session: Session, timestamp: datetime, previous: MediaStatsSample | None
) -> MediaStatsSample:
    """Look at a session.

    Args:
        session: A joined session.
        timestamp: Now.
        previous: The sample before, for rates; None for the first.
    """
    stats = session.stats()
    elapsed = (timestamp - previous.timestamp).total_seconds() if previous else 0.0
    old_sent = {item.id: item for item in _sent(previous)}
    old_received = {item.id: item for item in _received(previous)}
    sent: dict[PublicationKind, list[OutgoingMediaStats]] = {}
    received: dict[PublicationKind, list[IncomingMediaStats]] = {}
    for stream in session.streams.values():
        sender = stats.publish.senders.get(stream.key) if stats.publish else None
        if sender is not None:
            item = _outgoing(stream.id, sender)
            rated = _rated(item, old_sent.get(item.id), elapsed)
            sent.setdefault(stream.kind, []).append(rated)
    for endpoint in session.roster.endpoints.values():
        for info in endpoint.publications:
            receiver = session.receiver(info.id)
            if receiver is None or stats.subscribe is None:
                continue
            measured = stats.subscribe.receivers.get(receiver.mid)
            if measured is not None:
                incoming = _incoming(info.id, info.number, measured)
                fresh = _rated(incoming, old_received.get(incoming.id), elapsed)
                received.setdefault(info.kind, []).append(fresh)

    def report(kind: PublicationKind) -> MediaStatsReport:
        return MediaStatsReport(tuple(sent.get(kind, ())), tuple(received.get(kind, ())))

    return MediaStatsSample(
        timestamp,
        report(PublicationKind.AUDIO),
        report(PublicationKind.VIDEO),
        report(PublicationKind.SCREEN),
        _transports(stats.publish, stats.subscribe),
    )


def summarize(points: Sequence[Sequence[MediaStatsSample]]) -> MediaStatsSummary:
    """Aggregate samples.

    Args:
        points: Data points in order, each the samples of one interval, none empty.
    """
    return MediaStatsSummary(
        audio_send=_summaries([[(s.timestamp, s.audio.send) for s in p] for p in points]),
        audio_receive=_summaries([[(s.timestamp, s.audio.receive) for s in p] for p in points]),
        video_send=_summaries([[(s.timestamp, s.video.send) for s in p] for p in points]),
        video_receive=_summaries([[(s.timestamp, s.video.receive) for s in p] for p in points]),
        screen_share_send=_summaries(
            [[(s.timestamp, s.screen_share.send) for s in p] for p in points]
        ),
        screen_share_receive=_summaries(
            [[(s.timestamp, s.screen_share.receive) for s in p] for p in points]
        ),
        transports=_summaries([[(s.timestamp, s.transports) for s in p] for p in points]),
    )


_Entry: TypeAlias = OutgoingMediaStats | IncomingMediaStats | TransportMediaStats
_Point: TypeAlias = Sequence[tuple[datetime, Sequence[_Entry]]]


def _summaries(points: Sequence[_Point]) -> Summaries:
    """One summary per id, in order of appearance."""
    values: dict[str, dict[str, list[list[tuple[datetime, float | str]]]]] = {}
    for index, point in enumerate(points):
        for timestamp, entries in point:
            for entry in entries:
                metrics = values.setdefault(entry.id, {})
                for item in dataclasses.fields(entry):
                    value = getattr(entry, item.name)
                    if item.name == "id" or value is None:
                        continue
                    columns = metrics.setdefault(item.name, [[] for _ in points])
                    columns[index].append((timestamp, value))
    return tuple(
        StreamSummary(key, {name: _value(columns) for name, columns in metrics.items()})
        for key, metrics in values.items()
    )


def _value(columns: Sequence[Sequence[tuple[datetime, float | str]]]) -> MediaStatValue:
    filled = [column for column in columns if column]
    raw = tuple(column[-1][1] for column in filled)
    timestamp = filled[-1][-1][0]
    numbers = [[value for _, value in column if not isinstance(value, str)] for column in filled]
    if not all(numbers):
        return MediaStatValue(timestamp, raw)
    aggregation = MediaStatsAggregation(
        tuple(len(column) for column in numbers),
        tuple(sum(column) for column in numbers),
        tuple(min(column) for column in numbers),
        tuple(max(column) for column in numbers),
    )
    return MediaStatValue(timestamp, raw, aggregation)


def _outgoing(key: str, stats: SenderStats) -> OutgoingMediaStats:
    is_video = stats.kind == "video"
    return OutgoingMediaStats(
        id=key,
        codec_name=stats.codec_name or None,
        bitrate=stats.bitrate_bps,
        jitter_in_ms=stats.jitter * 1000,
        packets=stats.packets_sent,
        packets_lost=stats.packets_lost,
        rtt_in_ms=None if stats.round_trip is None else stats.round_trip * 1000,
        transport_id="publish",
        audio_input_level=None if is_video else _level(stats.audio_level),
        frames_encoded=stats.frames_encoded if is_video else None,
        key_frames_encoded=stats.keyframes_encoded if is_video else None,
        frame_rate_sent=stats.frames_per_second if is_video else None,
        frame_width_sent=stats.frame_width if is_video else None,
        frame_height_sent=stats.frame_height if is_video else None,
    )


def _incoming(key: str, number: int, stats: ReceiverStats) -> IncomingMediaStats:
    is_video = stats.kind == "video"
    return IncomingMediaStats(
        id=key,
        codec_name=stats.codec_name or None,
        bitrate=stats.bitrate_bps,
        jitter_in_ms=stats.jitter * 1000,
        packets=stats.packets_received,
        packets_lost=stats.packets_lost,
        jitter_buffer_delay_in_ms=stats.buffer_delay * 1000,
        transport_id="subscribe",
        stream_id=number if is_video else None,
        audio_output_level=None if is_video else _level(stats.audio_level),
        healed_ratio=None if is_video else stats.concealed_fraction,
        frame_rate_decoded=stats.frames_per_second if is_video else None,
        frame_width_received=stats.frame_width if is_video else None,
        frame_height_received=stats.frame_height if is_video else None,
        total_freeze_duration_in_ms=stats.freeze_seconds * 1000 if is_video else None,
        frames_dropped=stats.frames_dropped if is_video else None,
        frames_decoded=stats.frames_decoded if is_video else None,
    )


def _transports(
    publish: PeerStats | None, subscribe: PeerStats | None
) -> tuple[TransportMediaStats, ...]:
    transports = []
    if publish is not None:
        rtt = None if publish.round_trip is None else publish.round_trip * 1000
        estimate = publish.available_bitrate_bps
        transports.append(TransportMediaStats("publish", rtt, available_outgoing_bitrate=estimate))
    if subscribe is not None:
        rtt = None if subscribe.round_trip is None else subscribe.round_trip * 1000
        estimate = subscribe.available_bitrate_bps
        transports.append(
            TransportMediaStats("subscribe", rtt, available_incoming_bitrate=estimate)
        )
    return tuple(transports)


def _level(audio_level: int | None) -> float | None:
    """From -dBov (RFC 6464) to the linear scale of WebRTC's audioLevel times 65535."""
    return None if audio_level is None else 65535 * 10 ** (-audio_level / 20)


_Stream = TypeVar("_Stream", OutgoingMediaStats, IncomingMediaStats)


def _rated(item: _Stream, before: _Stream | None, elapsed: float) -> _Stream:
    """Add rates per second since the sample before; there are none for the first."""
    if before is None or elapsed <= 0:
        return item
    packets = (item.packets or 0) - (before.packets or 0)
    lost = (item.packets_lost or 0) - (before.packets_lost or 0)
    return dataclasses.replace(
        item,
        packets_per_second=max(0.0, packets / elapsed),
        packets_lost_per_second=max(0.0, lost / elapsed),
    )


def _sent(sample: MediaStatsSample | None) -> list[OutgoingMediaStats]:
    if sample is None:
        return []
    return [*sample.audio.send, *sample.video.send, *sample.screen_share.send]


def _received(sample: MediaStatsSample | None) -> list[IncomingMediaStats]:
    if sample is None:
        return []
    return [*sample.audio.receive, *sample.video.receive, *sample.screen_share.receive]
