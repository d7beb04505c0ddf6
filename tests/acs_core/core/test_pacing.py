from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.pacing import LONGEST_WAIT, Pacing


def test_without_a_rate_nothing_waits() -> None:
    pacing = Pacing(None)
    assert [pacing.reserve(1 << 20, now=0.0) for _ in range(3)] == [0.0] * 3


def test_messages_wait_for_those_before_them() -> None:
    pacing = Pacing(8000.0)
    assert [pacing.reserve(1000, now=0.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert pacing.reserve(1000, now=2.5) == 0.5
    assert pacing.reserve(1000, now=10.0) == 0.0


def test_too_much_is_refused_and_takes_no_place() -> None:
    pacing = Pacing(8000.0)
    assert pacing.reserve(6000, now=0.0) == 0.0
    assert pacing.reserve(1, now=0.0) is None
    assert pacing.reserve(1, now=1.0) == LONGEST_WAIT


@given(
    st.floats(8.0, 1e6),
    st.lists(st.tuples(st.integers(1, 32768), st.floats(0.0, 3.0)), max_size=40),
)
def test_no_more_goes_out_than_the_rate_allows(
    rate_bps: float, messages: list[tuple[int, float]]
) -> None:
    pacing, now, sent = Pacing(rate_bps), 0.0, []
    for size, pause in messages:
        now += pause
        wait = pacing.reserve(size, now=now)
        if wait is not None:
            assert 0.0 <= wait <= LONGEST_WAIT
            sent.append((now + wait, size))
    for (earlier, size), (later, _) in itertools.pairwise(sent):
        assert later - earlier >= 8 * size / rate_bps - 1e-6
