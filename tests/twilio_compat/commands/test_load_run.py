from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twilio_compat.commands.load_run import LoadPlan, LoadReport, percentile


def _report(*, tracks_received: int = 4, failed_joins: int = 0) -> LoadReport:
    return LoadReport(
        tracks_expected=4,
        tracks_received=tracks_received,
        failed_joins=failed_joins,
        received_bps=0,
        received_packets=0,
        loss=0.0,
        first_frame_p50=None,
        first_frame_p95=None,
        latency_p50=None,
        latency_p95=None,
        cpu=0.0,
        seconds=1.0,
    )


def test_missing_track_or_participant_makes_a_run_incomplete() -> None:
    assert _report().is_complete
    assert not _report(tracks_received=3).is_complete
    assert not _report(failed_joins=1).is_complete


def test_tracks_are_expected_per_kind_and_pair() -> None:
    plan = LoadPlan(
        room="r", publishers=3, subscribers=5, seconds=1.0, has_video=True, has_audio=False
    )
    assert plan.tracks_expected == 15


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(0.01, 1.0))
def test_percentile_is_a_value_with_enough_below_it(values: list[float], part: float) -> None:
    found = percentile(values, part)
    assert found in values
    assert found is not None
    assert sum(value <= found for value in values) >= part * len(values)


def test_percentile_of_nothing_is_unknown() -> None:
    assert percentile([], 0.5) is None
