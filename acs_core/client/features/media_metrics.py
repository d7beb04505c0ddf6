"""Measuring a call's media: from the statistics of a session to samples and summaries. Pure.

What the metrics are called and mean is in `media_records.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from acs_core.client.features.media_records import (
    IncomingAudioMediaStats,
    IncomingVideoMediaStats,
    MediaStatsAggregation,
    MediaStatsReport,
    MediaStatsReportSample,
    MediaStatsReportSummary,
    MediaStatValue,
    OutgoingAudioMediaStats,
    OutgoingVideoMediaStats,
    TransportMediaStats,
)
from acs_core.client.ports import Session, SessionStats
from acs_core.core.facts import PublicationKind
from acs_core.media.stats import PeerStats, ReceiverStats, SenderStats

__all__ = ["sample_of", "summarize"]

_AudioSent: TypeAlias = OutgoingAudioMediaStats[float, str]
_VideoSent: TypeAlias = OutgoingVideoMediaStats[float, str]
_AudioReceived: TypeAlias = IncomingAudioMediaStats[float, str]
_VideoReceived: TypeAlias = IncomingVideoMediaStats[float, str]


def sample_of(
    session: Session, timestamp: datetime, previous: MediaStatsReportSample | None
) -> MediaStatsReportSample:
    """Look at a session.

    Args:
        session: A joined session.
        timestamp: Now.
        previous: The sample before, for rates; None for the first.
    """
    stats = session.stats()
    fresh = MediaStatsReportSample(
        timestamp=timestamp,
        audio=MediaStatsReport(
            tuple(_audio_sent(key, item) for key, item in _sent(session, stats, "audio")),
            tuple(
                _audio_received(key, item, _trip(stats.subscribe))
                for key, _, item in _received(session, stats, PublicationKind.AUDIO)
            ),
        ),
        video=_pictures(session, stats, PublicationKind.VIDEO),
        screen_share=_pictures(session, stats, PublicationKind.SCREEN),
        transports=_transports(stats.publish, stats.subscribe),
    )
    return fresh if previous is None else _rated(fresh, previous)


def summarize(points: Sequence[Sequence[MediaStatsReportSample]]) -> MediaStatsReportSummary:
    """Aggregate samples.

    Args:
        points: Data points in order, each the samples of one interval, none empty.
    """

    def streams(pick: Callable[[MediaStatsReportSample], Sequence[Any]]) -> tuple[Any, ...]:
        return _summaries([[(one.timestamp, pick(one)) for one in point] for point in points])

    def report(
        pick: Callable[[MediaStatsReportSample], MediaStatsReport[Any, Any]],
    ) -> MediaStatsReport[Any, Any]:
        return MediaStatsReport(
            streams(lambda one: pick(one).send), streams(lambda one: pick(one).receive)
        )

    return MediaStatsReportSummary(
        audio=report(lambda one: one.audio),
        video=report(lambda one: one.video),
        screen_share=report(lambda one: one.screen_share),
        transports=streams(lambda one: one.transports),
    )


def _sent(session: Session, stats: SessionStats, kind: str) -> list[tuple[str, SenderStats]]:
    """Our streams of a kind that are connected, by publication id."""
    senders = stats.publish.senders if stats.publish else {}
    return [
        (stream.id, senders[stream.key])
        for stream in session.streams.values()
        if stream.kind == kind and stream.key in senders
    ]


def _received(
    session: Session, stats: SessionStats, kind: PublicationKind
) -> list[tuple[str, int, ReceiverStats]]:
    """Streams of others that we receive: publication id, number, measurements."""
    receivers = stats.subscribe.receivers if stats.subscribe else {}
    found = []
    for endpoint in session.roster.endpoints.values():
        for info in endpoint.publications:
            receiver = session.receiver(info.id) if info.kind is kind else None
            measured = None if receiver is None else receivers.get(receiver.mid)
            if measured is not None:
                found.append((info.id, info.number, measured))
    return found


def _pictures(
    session: Session, stats: SessionStats, kind: PublicationKind
) -> MediaStatsReport[_VideoSent, _VideoReceived]:
    return MediaStatsReport(
        tuple(_video_sent(key, item) for key, item in _sent(session, stats, kind)),
        tuple(
            _video_received(key, number, item, _trip(stats.subscribe))
            for key, number, item in _received(session, stats, kind)
        ),
    )


def _audio_sent(key: str, stats: SenderStats) -> _AudioSent:
    return OutgoingAudioMediaStats(
        id=key,
        codec_name=stats.codec_name or None,
        bitrate=stats.bitrate_bps,
        jitter_in_ms=stats.jitter * 1000,
        packets=stats.packets_sent,
        packets_lost=stats.packets_lost,
        rtt_in_ms=_milliseconds(stats.round_trip),
        audio_input_level=_level(stats.audio_level),
        transport_id="publish",
    )


def _video_sent(key: str, stats: SenderStats) -> _VideoSent:
    return OutgoingVideoMediaStats(
        id=key,
        codec_name=stats.codec_name or None,
        bitrate=stats.bitrate_bps,
        jitter_in_ms=stats.jitter * 1000,
        packets=stats.packets_sent,
        packets_lost=stats.packets_lost,
        rtt_in_ms=_milliseconds(stats.round_trip),
        frame_rate_input=stats.input_frames_per_second,
        frame_width_input=stats.input_width,
        frame_height_input=stats.input_height,
        frames_encoded=stats.frames_encoded,
        frame_rate_encoded=stats.frames_per_second,
        frames_sent=stats.frames_sent,
        # Each coded picture is sent at once.
        frame_rate_sent=stats.frames_per_second,
        frame_width_sent=stats.frame_width,
        frame_height_sent=stats.frame_height,
        key_frames_encoded=stats.keyframes_encoded,
        transport_id="publish",
    )


def _audio_received(key: str, stats: ReceiverStats, trip: float | None) -> _AudioReceived:
    return IncomingAudioMediaStats(
        id=key,
        codec_name=stats.codec_name or None,
        bitrate=stats.bitrate_bps,
        jitter_in_ms=stats.jitter * 1000,
        packets=stats.packets_received,
        packets_lost=stats.packets_lost,
        rtt_in_ms=trip,
        jitter_buffer_delay_in_ms=stats.buffer_delay * 1000,
        audio_output_level=_level(stats.audio_level),
        healed_ratio=stats.concealed_fraction,
        transport_id="subscribe",
    )


def _video_received(
    key: str, number: int, stats: ReceiverStats, trip: float | None
) -> _VideoReceived:
    return IncomingVideoMediaStats(
        id=key,
        codec_name=stats.codec_name or None,
        bitrate=stats.bitrate_bps,
        jitter_in_ms=stats.jitter * 1000,
        packets=stats.packets_received,
        packets_lost=stats.packets_lost,
        rtt_in_ms=trip,
        stream_id=number,
        frame_rate_decoded=stats.frames_per_second,
        frame_rate_received=stats.received_per_second,
        frame_width_received=stats.frame_width,
        frame_height_received=stats.frame_height,
        longest_freeze_duration_in_ms=stats.longest_freeze * 1000,
        total_freeze_duration_in_ms=stats.freeze_seconds * 1000,
        frames_received=stats.frames_received,
        frames_dropped=stats.frames_dropped,
        frames_decoded=stats.frames_decoded,
        key_frames_decoded=stats.keyframes_decoded,
        transport_id="subscribe",
    )


def _transports(
    publish: PeerStats | None, subscribe: PeerStats | None
) -> tuple[TransportMediaStats[float, str], ...]:
    found: list[TransportMediaStats[float, str]] = []
    for key, peer in (("publish", publish), ("subscribe", subscribe)):
        if peer is None:
            continue
        estimate = peer.available_bitrate_bps
        found.append(
            TransportMediaStats(
                id=key,
                rtt_in_ms=_milliseconds(peer.round_trip),
                available_incoming_bitrate=estimate if key == "subscribe" else None,
                available_outgoing_bitrate=estimate if key == "publish" else None,
                local_candidate_type=peer.local_candidate_type or None,
                remote_candidate_type=peer.remote_candidate_type or None,
            )
        )
    return tuple(found)


def _trip(peer: PeerStats | None) -> float | None:
    return None if peer is None else _milliseconds(peer.round_trip)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _level(audio_level: int | None) -> float | None:
    """From -dBov (RFC 6464) to the linear scale of WebRTC's audioLevel times 65535."""
    return None if audio_level is None else 65535 * 10 ** (-audio_level / 20)


# ------------------------------------------------------------ rates


_Stream = TypeVar("_Stream", _AudioSent, _VideoSent, _AudioReceived, _VideoReceived)


def _rated(
    sample: MediaStatsReportSample, previous: MediaStatsReportSample
) -> MediaStatsReportSample:
    """Add rates per second since the sample before."""
    elapsed = (sample.timestamp - previous.timestamp).total_seconds()
    if elapsed <= 0:
        return sample
    audio, video, screen = sample.audio, sample.video, sample.screen_share
    before = previous.audio, previous.video, previous.screen_share
    return dataclasses.replace(
        sample,
        audio=MediaStatsReport(
            _per_second(audio.send, before[0].send, elapsed),
            _per_second(audio.receive, before[0].receive, elapsed),
        ),
        video=MediaStatsReport(
            _per_second(video.send, before[1].send, elapsed),
            _per_second(video.receive, before[1].receive, elapsed),
        ),
        screen_share=MediaStatsReport(
            _per_second(screen.send, before[2].send, elapsed),
            _per_second(screen.receive, before[2].receive, elapsed),
        ),
    )


def _per_second(
    items: Sequence[_Stream], before: Sequence[_Stream], elapsed: float
) -> tuple[_Stream, ...]:
    known = {item.id: item for item in before}
    rated: list[_Stream] = []
    for item in items:
        old = known.get(item.id)
        if old is None:
            rated.append(item)
            continue
        packets = (item.packets or 0) - (old.packets or 0)
        lost = (item.packets_lost or 0) - (old.packets_lost or 0)
        rated.append(
            dataclasses.replace(
                item,
                # A connection that was replaced counts from 0 again.
                packets_per_second=max(0.0, packets / elapsed),
                packets_lost_per_second=max(0.0, lost / elapsed),
            )
        )
    return tuple(rated)


# ------------------------------------------------------------ summaries

_Column: TypeAlias = list[tuple[datetime, float | str]]


def _summaries(points: Sequence[Sequence[tuple[datetime, Sequence[Any]]]]) -> tuple[Any, ...]:
    """One summary per id, in order of appearance, as records of the kind that went in."""
    columns: dict[str, dict[str, list[_Column]]] = {}
    kinds: dict[str, Callable[..., Any]] = {}
    for index, point in enumerate(points):
        for timestamp, entries in point:
            for entry in entries:
                kinds[entry.id] = type(entry)
                metrics = columns.setdefault(entry.id, {})
                for item in dataclasses.fields(entry):
                    value = getattr(entry, item.name)
                    if item.name != "id" and value is not None:
                        of_points = metrics.setdefault(item.name, [[] for _ in points])
                        of_points[index].append((timestamp, value))
    return tuple(
        kinds[key](id=key, **{name: _value(of_points) for name, of_points in metrics.items()})
        for key, metrics in columns.items()
    )


def _value(columns: Sequence[_Column]) -> MediaStatValue:
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
