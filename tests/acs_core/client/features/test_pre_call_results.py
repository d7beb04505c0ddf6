from __future__ import annotations

from datetime import UTC, datetime

import pytest

from acs_core import (
    DeviceSupportGrade,
    IncomingVideoMediaStats,
    MediaStatsReportSample,
    QualityGrade,
    TransportMediaStats,
    get_environment_info,
)
from acs_core.client.features.pre_call_results import (
    compatibility_of,
    grade_bandwidth,
    grade_streams,
)

GOOD, AVERAGE, BAD, UNKNOWN = (
    QualityGrade.GOOD,
    QualityGrade.AVERAGE,
    QualityGrade.BAD,
    QualityGrade.UNKNOWN,
)


def stream(jitter: float, lost: int, trip: float | None) -> IncomingVideoMediaStats[float, str]:
    return IncomingVideoMediaStats(
        id="v", jitter_in_ms=jitter, packets=100 - lost, packets_lost=lost, rtt_in_ms=trip
    )


@pytest.mark.parametrize(
    ("streams", "grades"),
    [
        ([], (UNKNOWN, UNKNOWN, UNKNOWN)),
        ([stream(5, 0, 20)], (GOOD, GOOD, GOOD)),
        ([stream(20, 0, None), stream(100, 3, 300)], (AVERAGE, AVERAGE, AVERAGE)),
        ([stream(90, 30, 900)], (BAD, BAD, BAD)),
        ([stream(1, 0, None)], (GOOD, GOOD, UNKNOWN)),
        ([IncomingVideoMediaStats(id="v")], (UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
)
def test_figures_become_grades(
    streams: list[IncomingVideoMediaStats[float, str]], grades: tuple[QualityGrade, ...]
) -> None:
    assert grade_streams(streams) == grades


def sample(out: float | None = None, into: float | None = None) -> MediaStatsReportSample:
    transport: TransportMediaStats[float, str] = TransportMediaStats(
        id="t", available_outgoing_bitrate=out, available_incoming_bitrate=into
    )
    return MediaStatsReportSample(timestamp=datetime.now(UTC), transports=(transport,))


def test_the_smaller_direction_counts() -> None:
    assert grade_bandwidth([], []) is UNKNOWN
    assert grade_bandwidth([sample(out=2e6)], [sample(into=1e6)]) is GOOD
    assert grade_bandwidth([sample(out=2e6)], [sample(into=5e5)]) is AVERAGE
    assert grade_bandwidth([sample(out=1e5)], [sample(into=5e6)]) is BAD


def test_an_interpreter_that_is_too_old_is_not_supported() -> None:
    old = compatibility_of(get_environment_info(system="linux", version=(3, 8, 0)))
    assert (old.browser, old.os) == (
        DeviceSupportGrade.NOT_SUPPORTED,
        DeviceSupportGrade.SUPPORTED,
    )
