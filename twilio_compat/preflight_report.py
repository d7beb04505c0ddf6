"""What a preflight test found out, in Twilio's words, and how measurements become it. Pure.

Source: twilio-video.js 2.36, `lib/preflight/`, `tsdef/PreflightTypes.d.ts`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from acs_core.media.stats import CandidateStats, PathStats, ReceiverStats
from twilio_compat.spelling import Spelling

__all__ = [
    "IceCandidateStats",
    "NetworkTiming",
    "PreflightProgress",
    "PreflightReportStats",
    "PreflightTestReport",
    "ProgressEvent",
    "Sample",
    "SelectedIceCandidatePairStats",
    "Stats",
    "TimeMeasurement",
    "candidates_of",
    "loss_between",
    "selected_of",
    "stats_of",
    "timing_of",
]

_MS: Final = 1000.0


class PreflightProgress(StrEnum):
    """Steps of a test, in the order in which a test goes through them."""

    MEDIA_ACQUIRED = "mediaAcquired"
    CONNECTED = "connected"
    MEDIA_SUBSCRIBED = "mediaSubscribed"
    ICE_CONNECTED = "iceConnected"
    DTLS_CONNECTED = "dtlsConnected"
    PEER_CONNECTION_CONNECTED = "peerConnectionConnected"
    MEDIA_STARTED = "mediaStarted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeMeasurement:
    """A stretch of time; `start` and `end` are Unix time, all are milliseconds."""

    start: float
    end: float
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTiming:
    """How long the parts of connecting took; None for what was not reached.

    Attributes:
        connect: To the service, with the token.
        ice: Until a way for media was found.
        dtls: From then on, until its keys were agreed on.
        peerConnection: Both together.
        media: From the subscription to the first picture.
    """

    connect: TimeMeasurement | None = None
    ice: TimeMeasurement | None = None
    dtls: TimeMeasurement | None = None
    peerConnection: TimeMeasurement | None = None
    media: TimeMeasurement | None = None

    peer_connection = Spelling[TimeMeasurement | None]("peerConnection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """One measure over the test."""

    min: float
    max: float
    average: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReportStats:
    """How media went; None for what was never measured.

    Attributes:
        jitter: Seconds, of what was received.
        rtt: Milliseconds, to the service and back.
        packetLoss: Percent, on the way to the service and back.
    """

    jitter: Stats | None = None
    rtt: Stats | None = None
    packetLoss: Stats | None = None

    packet_loss = Spelling[Stats | None]("packetLoss")


@dataclass(frozen=True, slots=True, kw_only=True)
class IceCandidateStats:
    """An address of one end; the members of `RTCIceCandidateStats` that are known here."""

    id: str
    transportId: str
    candidateType: str
    ip: str
    isRemote: bool
    port: int
    priority: int
    protocol: str
    deleted: bool = False

    transport_id = Spelling[str]("transportId")
    candidate_type = Spelling[str]("candidateType")
    is_remote = Spelling[bool]("isRemote")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedIceCandidatePairStats:
    """The addresses between which media went."""

    localCandidate: IceCandidateStats
    remoteCandidate: IceCandidateStats

    local_candidate = Spelling[IceCandidateStats]("localCandidate")
    remote_candidate = Spelling[IceCandidateStats]("remoteCandidate")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """A step, and the milliseconds from the begin of the test to it."""

    name: str
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightTestReport:
    """What a test found out; of a test that failed, as far as it came.

    Attributes:
        testTiming: Of the whole test.
        networkTiming: Of its parts.
        stats: How media went.
        iceCandidateStats: All addresses of both ends, of the connection that receives.
        selectedIceCandidatePairStats: Those in use; None without a connection.
        progressEvents: The steps, in order.
    """

    testTiming: TimeMeasurement
    networkTiming: NetworkTiming = field(default_factory=NetworkTiming)
    stats: PreflightReportStats = field(default_factory=PreflightReportStats)
    iceCandidateStats: list[IceCandidateStats] = field(default_factory=list)
    selectedIceCandidatePairStats: SelectedIceCandidatePairStats | None = None
    progressEvents: list[ProgressEvent] = field(default_factory=list)

    test_timing = Spelling[TimeMeasurement]("testTiming")
    network_timing = Spelling[NetworkTiming]("networkTiming")
    ice_candidate_stats = Spelling[list[IceCandidateStats]]("iceCandidateStats")
    selected_ice_candidate_pair_stats = Spelling[SelectedIceCandidatePairStats | None](
        "selectedIceCandidatePairStats"
    )
    progress_events = Spelling[list[ProgressEvent]]("progressEvents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The measurements of one moment.

    Attributes:
        streams: Of all streams that are received, always in the same order.
        round_trips: Seconds, of each connection that has one.
    """

    streams: tuple[ReceiverStats, ...]
    round_trips: tuple[float, ...]


def timing_of(start: float | None, end: float | None, *, offset: float) -> TimeMeasurement | None:
    """A stretch between two times of the event loop; None when one of them was not reached.

    Args:
        start: Seconds.
        end: Seconds.
        offset: What makes Unix time of them.
    """
    if start is None or end is None:
        return None
    return TimeMeasurement(
        start=(start + offset) * _MS, end=(end + offset) * _MS, duration=(end - start) * _MS
    )


def stats_of(samples: Sequence[Sample]) -> PreflightReportStats:
    """Summarize samples, oldest first."""
    return PreflightReportStats(
        jitter=_summary(
            stream.jitter for one in samples for stream in one.streams if stream.packets_received
        ),
        rtt=_summary(trip * _MS for one in samples for trip in one.round_trips),
        packetLoss=_summary(
            loss
            for before, after in itertools.pairwise(samples)
            if (loss := loss_between(before, after)) is not None
        ),
    )


def loss_between(before: Sample, after: Sample) -> float | None:
    """Percent of the packets between two samples that never arrived; None without any packet.

    Packets that were sent again in time are not lost.
    """
    lost = _lost(after) - _lost(before)
    received = _received(after) - _received(before)
    expected = max(0, lost) + received
    return 100.0 * max(0, lost) / expected if expected > 0 else None


def candidates_of(path: PathStats) -> list[IceCandidateStats]:
    """All addresses of a connection, ours first."""
    return [
        *(_candidate(one, is_remote=False) for one in path.local),
        *(_candidate(one, is_remote=True) for one in path.remote),
    ]


def selected_of(path: PathStats) -> SelectedIceCandidatePairStats | None:
    """The addresses in use."""
    if path.selected is None:
        return None
    local, remote = path.selected
    return SelectedIceCandidatePairStats(
        localCandidate=_candidate(local, is_remote=False),
        remoteCandidate=_candidate(remote, is_remote=True),
    )


def _candidate(one: CandidateStats, *, is_remote: bool) -> IceCandidateStats:
    return IceCandidateStats(
        id=f"{'remote' if is_remote else 'local'}-{one.id}-{one.port}",
        transportId="receive",
        candidateType=one.type,
        ip=one.address,
        isRemote=is_remote,
        port=one.port,
        priority=one.priority,
        protocol=one.protocol,
    )


def _lost(sample: Sample) -> int:
    return sum(stream.packets_lost for stream in sample.streams)


def _received(sample: Sample) -> int:
    return sum(stream.packets_received for stream in sample.streams)


def _summary(values: Iterable[float]) -> Stats | None:
    known = list(values)
    if not known:
        return None
    return Stats(min=min(known), max=max(known), average=sum(known) / len(known))
