from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from acs_core.client.features.media_records import (
    IncomingAudioMediaStats,
    IncomingVideoMediaStats,
    MediaStatsReport,
    MediaStatsReportSample,
    TransportMediaStats,
)
from twilio_compat.preflight_report import (
    PreflightProgress,
    ProgressEvent,
    ReportMaker,
    Stats,
    TimeMeasurement,
)


class Clock:
    """Seconds of Unix time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def sample(
    packets: float = 0,
    lost: float = 0,
    *,
    jitter_ms: float | None = None,
    trip_ms: float | None = None,
    candidates: tuple[str, str] | None = None,
) -> MediaStatsReportSample:
    local, remote = candidates or (None, None)
    video = IncomingVideoMediaStats("v", jitter_in_ms=jitter_ms, packets=packets, packets_lost=lost)
    return MediaStatsReportSample(
        audio=MediaStatsReport(receive=(IncomingAudioMediaStats("a"),)),
        video=MediaStatsReport(receive=(video,)),
        transports=(
            TransportMediaStats(
                "t", rtt_in_ms=trip_ms, local_candidate_type=local, remote_candidate_type=remote
            ),
        ),
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_without_measurements_nothing_is_claimed() -> None:
    report = ReportMaker(Clock()).finish()
    assert report.testTiming == TimeMeasurement(1_000_000, 1_000_000)
    assert report.networkTiming.connect is None
    assert report.networkTiming.media is None
    assert (report.stats.jitter, report.stats.rtt, report.stats.packetLoss) == (None, None, None)
    assert report.iceCandidateStats == []
    assert report.selectedIceCandidatePairStats is None
    assert report.progressEvents == []


def test_steps_are_timed_and_noted_once() -> None:
    clock = Clock()
    maker = ReportMaker(clock)
    for name in PreflightProgress:
        clock.now += 0.5
        assert maker.note(name)
        assert not maker.note(name)
    clock.now += 1
    report = maker.finish()
    assert report.testTiming.duration == 3000
    assert report.network_timing.connect == TimeMeasurement(1_000_000, 1_001_000)
    assert report.network_timing.media == TimeMeasurement(1_001_000, 1_002_000)
    assert report.progress_events == [
        ProgressEvent(500, PreflightProgress.MEDIA_ACQUIRED),
        ProgressEvent(1000, PreflightProgress.CONNECTED),
        ProgressEvent(1500, PreflightProgress.MEDIA_SUBSCRIBED),
        ProgressEvent(2000, PreflightProgress.MEDIA_STARTED),
    ]


def test_media_that_never_started_has_no_duration() -> None:
    maker = ReportMaker(Clock())
    maker.note(PreflightProgress.CONNECTED)
    media = maker.finish().networkTiming.media
    assert media is not None
    assert media.duration is None


def test_figures_are_in_twilios_units() -> None:
    maker = ReportMaker(Clock())
    maker.add(sample(100, 0, jitter_ms=10.0, trip_ms=20.0))
    maker.add(sample(190, 10, jitter_ms=30.0, trip_ms=40.0, candidates=("relay", "host")))
    maker.add(sample(190, 10))
    report = maker.finish()
    assert report.stats.jitter == Stats(average=0.02, max=0.03, min=0.01)
    assert report.stats.rtt == Stats(average=30, max=40, min=20)
    assert report.stats.packet_loss == Stats(average=10, max=10, min=10)
    pair = report.selected_ice_candidate_pair_stats
    assert pair is not None
    assert (pair.localCandidate.candidateType, pair.remoteCandidate.candidate_type) == (
        "relay",
        "host",
    )
    assert pair.local_candidate.transport_id == "t"


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(-50, 10_000)), max_size=8))
def test_loss_is_a_percentage_whatever_is_counted(counts: list[tuple[int, int]]) -> None:
    maker = ReportMaker(Clock())
    for packets, lost in totals(counts):
        maker.add(sample(packets, lost))
    loss = maker.finish().stats.packetLoss
    if loss is not None:
        assert 0 <= loss.min <= loss.average + 1e-9
        assert loss.average <= loss.max + 1e-9
        assert loss.max <= 100


def totals(counts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    packets = lost = 0
    for more, missing in counts:
        packets, lost = packets + more, lost + missing
        yield packets, lost
