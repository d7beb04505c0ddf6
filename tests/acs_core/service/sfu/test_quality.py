from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.service.sfu.quality import (
    BEST,
    BROKEN,
    DiagnosticQuality,
    LevelFilter,
    Measured,
    QualityInput,
    QualityModel,
    diagnostic_quality,
    grade,
)

GOOD = QualityInput(0.0, 0.005, 0.05, 1_000_000, 1_000_000)
LOSSY = QualityInput(0.5, 0.005, 0.05, 1_000_000, 1_000_000)
parts = st.floats(0, 1)
seconds = st.floats(0, 2)
rates = st.floats(0, 3_000_000)
inputs = st.builds(QualityInput, parts, seconds, seconds, rates, rates)
kinds = st.sampled_from(Measured)


def test_good_network_is_five_in_each_measure() -> None:
    for measured in Measured:
        quality = grade(measured, GOOD)
        assert (quality.bandwidth, quality.latency, quality.loss) == (5, 5, 5)
        assert quality.measured is GOOD


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (QualityInput(fraction_lost=0.06), (5, 5, 3)),
        (QualityInput(jitter=0.060), (5, 3, 5)),
        (QualityInput(round_trip=1.0), (5, 1, 5)),
        (QualityInput(bitrate_bps=500, expected_bps=1_000), (3, 5, 5)),
        (QualityInput(bitrate_bps=0, expected_bps=1_000), (1, 5, 5)),
        (QualityInput(bitrate_bps=2_000, expected_bps=1_000), (5, 5, 5)),
    ],
)
def test_each_measure_has_its_own_level(
    values: QualityInput, expected: tuple[int, int, int]
) -> None:
    quality = grade(Measured.VIDEO_SEND, values)
    assert (quality.bandwidth, quality.latency, quality.loss) == expected
    assert quality.level == min(expected)


def test_audio_bears_more_loss_than_video() -> None:
    lossy = QualityInput(fraction_lost=0.04)
    assert grade(Measured.AUDIO_SEND, lossy).loss > grade(Measured.VIDEO_SEND, lossy).loss


@given(kinds, inputs, inputs)
def test_worse_values_never_give_a_better_level(
    measured: Measured, one: QualityInput, other: QualityInput
) -> None:
    worse = QualityInput(
        max(one.fraction_lost, other.fraction_lost),
        max(one.jitter, other.jitter),
        max(one.round_trip or 0, other.round_trip or 0),
        min(one.bitrate_bps, other.bitrate_bps),
        max(one.expected_bps, other.expected_bps),
    )
    assert grade(measured, worse).level <= grade(measured, one).level
    assert 1 <= grade(measured, worse).level <= BEST


@pytest.mark.feature("DIAG-005")
def test_grades_have_the_values_of_acs() -> None:
    assert [(q.name, q.value) for q in DiagnosticQuality] == [("GOOD", 1), ("POOR", 2), ("BAD", 3)]
    assert [diagnostic_quality(level).value for level in range(6)] == [3, 3, 2, 2, 1, 1]


def test_level_falls_at_once_and_rises_step_by_step() -> None:
    levels = LevelFilter(rise_after=3.0)
    shown = [levels.update(5, 0.0), levels.update(2, 1.0)]
    shown += [levels.update(5, second) for second in (2.0, 4.0, 5.0, 7.0, 10.0, 13.0)]
    assert shown == [5, 2, 2, 3, 3, 4, 5, 5]


def test_level_that_only_sometimes_is_better_does_not_rise() -> None:
    levels = LevelFilter(rise_after=3.0)
    for second in range(20):
        shown = levels.update(5 if second % 2 else 3, float(second))
    assert shown == 3


def test_level_after_a_break_is_the_new_one() -> None:
    levels = LevelFilter()
    levels.update(BROKEN, 0.0)
    assert levels.update(4, 0.1) == 4


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 5)), min_size=1))
def test_shown_level_is_never_better_than_the_best_since_the_last_fall(
    steps: list[tuple[int, float]],
) -> None:
    levels, now, shown = LevelFilter(), 0.0, BEST
    for level, step in steps:
        now += step
        before, shown = shown, levels.update(level, now)
        assert shown <= max(level, before)
        assert shown <= level or now == 0.0 or shown == before or before == BROKEN


def test_report_is_the_worst_of_its_directions() -> None:
    report = QualityModel().update(
        {Measured.AUDIO_SEND: GOOD, Measured.VIDEO_SEND: GOOD, Measured.VIDEO_RECEIVE: LOSSY}, 0.0
    )
    assert report.level == 1
    assert (report.send, report.receive) == (DiagnosticQuality.GOOD, DiagnosticQuality.BAD)
    assert report.directions[Measured.AUDIO_SEND].level == 5
    assert Measured.AUDIO_RECEIVE not in report.directions


def test_loss_raises_a_diagnostic_and_its_end_returns_good() -> None:
    model = QualityModel(rise_after=1.0)
    grades = [
        model.update({Measured.AUDIO_RECEIVE: LOSSY if 5 <= second < 10 else GOOD}, second).receive
        for second in range(20)
    ]
    assert grades[4] is DiagnosticQuality.GOOD
    assert grades[5] is DiagnosticQuality.BAD
    assert grades[-1] is DiagnosticQuality.GOOD
    assert sorted(grades[5:], reverse=True) == grades[5:]


def test_broken_connection_is_zero_whatever_was_measured() -> None:
    model = QualityModel()
    model.update({Measured.AUDIO_SEND: GOOD}, 0.0)
    report = model.update({Measured.AUDIO_SEND: GOOD}, 1.0, is_connected=False)
    assert (report.level, report.send, report.receive) == (0, 3, 3)
    assert model.update({Measured.AUDIO_SEND: GOOD}, 2.0).level == 5


def test_nothing_that_flows_is_no_reason_to_complain() -> None:
    assert QualityModel().update({}, 0.0).level == BEST
