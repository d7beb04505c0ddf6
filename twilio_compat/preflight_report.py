"""What a preflight test found out, in Twilio's records and units.

Round trips are in milliseconds, jitter in seconds, loss in percent; times are milliseconds of Unix
time, durations milliseconds. What was not measured is None.

Source: twilio-video.js 2.36, `PreflightTestReport` and neighbors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from acs_core.client.features.media_records import (
    IncomingVideoMediaStats,
    MediaStatsReportSample,
    TransportMediaStats,
)
from twilio_compat.spelling import Spelling

__all__ = [
    "IceCandidateStats",
    "NetworkTiming",
    "PreflightProgress",
    "PreflightReportStats",
    "PreflightTestReport",
    "ProgressEvent",
    "ReportMaker",
    "SelectedIceCandidatePairStats",
    "Stats",
    "TimeMeasurement",
]


class PreflightProgress(StrEnum):
    """How far a test is. ICE and DTLS are no steps of their own: "connected" comes after both."""

    MEDIA_ACQUIRED = "mediaAcquired"
    CONNECTED = "connected"
    MEDIA_SUBSCRIBED = "mediaSubscribed"
    MEDIA_STARTED = "mediaStarted"


@dataclass(frozen=True, slots=True)
class TimeMeasurement:
    """When something began and ended; None for what did not end."""

    start: float
    end: float | None = None

    @property
    def duration(self) -> float | None:
        """Milliseconds from start to end."""
        return None if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class Stats:
    """One figure over the whole test."""

    average: float
    max: float
    min: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReportStats:
    """How media went: jitter in seconds, round trip in milliseconds, loss in percent."""

    jitter: Stats | None
    rtt: Stats | None
    packetLoss: Stats | None

    packet_loss = Spelling[Stats | None]("packetLoss")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTiming:
    """How long each step took.

    Attributes:
        connect: From the start to both ends being connected.
        media: From then to the first picture.
    """

    connect: TimeMeasurement | None = None
    media: TimeMeasurement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IceCandidateStats:
    """An end of a connection: "host", "srflx", "prflx" or "relay"."""

    transportId: str
    candidateType: str

    transport_id = Spelling[str]("transportId")
    candidate_type = Spelling[str]("candidateType")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedIceCandidatePairStats:
    """The ends in use of the connection that receives."""

    localCandidate: IceCandidateStats
    remoteCandidate: IceCandidateStats

    local_candidate = Spelling[IceCandidateStats]("localCandidate")
    remote_candidate = Spelling[IceCandidateStats]("remoteCandidate")


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """A step, and milliseconds since the start of the test."""

    duration: float
    name: PreflightProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightTestReport:
    """What was found out."""

    testTiming: TimeMeasurement
    networkTiming: NetworkTiming
    stats: PreflightReportStats
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


class ReportMaker:
    """Collects while a test runs.

    Args:
        clock: Gives seconds of Unix time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._now()
        self._reached: dict[PreflightProgress, float] = {}
        self._samples: list[MediaStatsReportSample] = []

    def note(self, name: PreflightProgress) -> bool:
        """Note a step; False when it was reached before."""
        is_new = name not in self._reached
        self._reached.setdefault(name, self._now())
        return is_new

    def add(self, sample: MediaStatsReportSample) -> None:
        """Note measurements."""
        self._samples.append(sample)

    def finish(self) -> PreflightTestReport:
        """Put together what is known."""
        connected = self._reached.get(PreflightProgress.CONNECTED)
        started = self._reached.get(PreflightProgress.MEDIA_STARTED)
        # The newest that says which ends are in use: a connection that is closing does not.
        pair = _pair(one for sample in reversed(self._samples) for one in sample.transports)
        return PreflightTestReport(
            testTiming=TimeMeasurement(self._began, self._now()),
            networkTiming=NetworkTiming(
                connect=None if connected is None else TimeMeasurement(self._began, connected),
                media=None if connected is None else TimeMeasurement(connected, started),
            ),
            stats=_stats(self._samples),
            iceCandidateStats=[] if pair is None else [pair.localCandidate, pair.remoteCandidate],
            selectedIceCandidatePairStats=pair,
            progressEvents=[
                ProgressEvent(at - self._began, name) for name, at in self._reached.items()
            ],
        )

    def _now(self) -> float:
        return self._clock() * 1000


def _stats(samples: list[MediaStatsReportSample]) -> PreflightReportStats:
    videos = [one for sample in samples for one in sample.video.receive]
    sounds = [one for sample in samples for one in sample.audio.receive]
    jitters = [*(one.jitter_in_ms for one in videos), *(one.jitter_in_ms for one in sounds)]
    return PreflightReportStats(
        jitter=_over(jitters, 0.001),
        rtt=_over(one.rtt_in_ms for sample in samples for one in sample.transports),
        packetLoss=_over(_losses(videos)),
    )


def _losses(videos: list[IncomingVideoMediaStats[float, str]]) -> Iterable[float | None]:
    """The part of the packets lost from each measurement to the next, in percent."""
    for before, after in pairwise(videos):
        lost = (after.packets_lost or 0) - (before.packets_lost or 0)
        arrived = (after.packets or 0) - (before.packets or 0)
        sent = lost + arrived
        yield 100 * max(0.0, lost) / sent if sent > 0 else None


def _over(values: Iterable[float | None], unit: float = 1.0) -> Stats | None:
    known = [value * unit for value in values if value is not None]
    return Stats(sum(known) / len(known), max(known), min(known)) if known else None


def _pair(
    transports: Iterable[TransportMediaStats[float, str]],
) -> SelectedIceCandidatePairStats | None:
    for one in transports:
        if one.local_candidate_type and one.remote_candidate_type:
            return SelectedIceCandidatePairStats(
                localCandidate=IceCandidateStats(
                    transportId=one.id, candidateType=one.local_candidate_type
                ),
                remoteCandidate=IceCandidateStats(
                    transportId=one.id, candidateType=one.remote_candidate_type
                ),
            )
    return None
