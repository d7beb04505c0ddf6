from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.compositing.periods import Ticks, kept, overlap, ticks

SPANS = [(10.0, 12.0), (11.0, 13.0), (20.0, 21.0)]


@pytest.mark.parametrize(
    ("periods", "is_trimmed", "expected"),
    [
        (None, True, [(10.0, 13.0), (20.0, 21.0)]),
        (None, False, [(10.0, 21.0)]),
        ([(5.0, 30.0)], True, [(10.0, 13.0), (20.0, 21.0)]),
        ([(5.0, 30.0)], False, [(5.0, 30.0)]),
        ([(11.5, 12.5), (12.5, 20.5)], True, [(11.5, 13.0), (20.0, 20.5)]),
        ([(14.0, 15.0)], True, []),
        ([(3.0, 3.0)], False, []),
    ],
)
def test_trim_leaves_out_when_nobody_is_there(
    periods: list[tuple[float, float]] | None,
    is_trimmed: bool,
    expected: list[tuple[float, float]],
) -> None:
    assert kept(SPANS, periods, is_trimmed=is_trimmed) == expected


def test_nothing_is_kept_of_nothing() -> None:
    assert kept([], None, is_trimmed=True) == kept([], None, is_trimmed=False) == []


instants = st.floats(0, 1000)
periods = st.lists(st.tuples(instants, instants).map(lambda pair: (min(pair), max(pair))))


@given(periods, periods)
def test_what_is_kept_is_there_and_in_order(
    spans: list[tuple[float, float]], wanted: list[tuple[float, float]]
) -> None:
    found = kept(spans, wanted, is_trimmed=True)
    for (_, end), (start, _) in pairwise(found):
        assert end <= start
    for start, end in found:
        middle = (start + end) / 2
        assert any(first <= middle <= last for first, last in spans)
        assert any(first <= middle <= last for first, last in wanted)


@given(periods)
def test_rounding_to_ticks_does_not_add_up(wanted: list[tuple[float, float]]) -> None:
    found = kept([], wanted, is_trimmed=False)
    seconds = sum(end - start for start, end in found)
    assert abs(sum(item.length for item in ticks(found, 25)) / 25 - seconds) <= 0.021


def test_ticks_begin_where_their_period_does() -> None:
    assert list(ticks([(1.0, 2.0), (5.5, 5.6)], 25)) == [Ticks(1.0, 25), Ticks(5.5, 2)]
    assert overlap([(0.0, 2.0)], [(1.0, 3.0)]) == [(1.0, 2.0)]
