from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.media.stats import CandidateStats, PathStats, ReceiverStats
from twilio_compat.preflight_report import (
    Sample,
    candidates_of,
    loss_between,
    selected_of,
    stats_of,
    timing_of,
)


def sample(
    received: int, lost: int, *, jitter: float = 0.0, trips: tuple[float, ...] = ()
) -> Sample:
    stream = ReceiverStats(
        kind="video", mid="0", packets_received=received, packets_lost=lost, jitter=jitter
    )
    return Sample(streams=(stream,), round_trips=trips)


def test_units_are_twilios() -> None:
    stats = stats_of(
        [
            sample(0, 0, jitter=9.0, trips=(0.010, 0.030)),
            sample(90, 10, jitter=0.002, trips=(0.020,)),
            sample(190, 10, jitter=0.004),
        ]
    )
    assert stats.rtt is not None
    assert (stats.rtt.min, stats.rtt.max) == pytest.approx((10, 30))
    assert stats.rtt.average == pytest.approx(20)
    assert stats.jitter is not None
    assert (stats.jitter.min, stats.jitter.max) == (0.002, 0.004)
    assert stats.packetLoss is not None
    assert (stats.packetLoss.max, stats.packetLoss.min) == (10.0, 0.0)


def test_nothing_measured_is_none() -> None:
    stats = stats_of([])
    assert (stats.jitter, stats.rtt, stats.packetLoss) == (None, None, None)
    assert loss_between(sample(5, 1), sample(5, 1)) is None
    assert timing_of(None, 1.0, offset=0) is None
    assert timing_of(1.0, None, offset=0) is None


@given(*[st.integers(-50, 1000)] * 2, *[st.integers(0, 1000)] * 2)
def test_loss_is_a_percentage_whatever_comes(lost: int, more: int, had: int, got: int) -> None:
    loss = loss_between(sample(had, lost), sample(had + got, lost + more))
    assert loss is None or 0 <= loss <= 100


def test_times_are_milliseconds_since_1970() -> None:
    measured = timing_of(10.0, 10.5, offset=1000.0)
    assert measured is not None
    assert (measured.start, measured.end, measured.duration) == (1_010_000, 1_010_500, 500)


def test_candidates_of_both_ends_are_told_apart() -> None:
    ours = CandidateStats("1", "relay", "192.0.2.1", 1000, "udp", 7)
    theirs = CandidateStats("1", "host", "192.0.2.2", 1000, "udp", 9)
    path = PathStats(local=(ours,), remote=(theirs,), selected=(ours, theirs))
    found = candidates_of(path)
    assert [one.isRemote for one in found] == [False, True]
    assert len({one.id for one in found}) == 2
    pair = selected_of(path)
    assert pair is not None
    assert [pair.localCandidate, pair.remoteCandidate] == found
    assert selected_of(PathStats()) is None
