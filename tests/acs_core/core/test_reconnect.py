from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.reconnect import Backoff
from acs_core.errors import InvalidArgumentError


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_waits_grow_to_the_maximum_within_their_jitter(jitters: list[float]) -> None:
    backoff = Backoff(window=30.0)
    for attempt, jitter in enumerate(jitters):
        step = min(5.0, 0.08 * 1.5**attempt)
        delay = backoff.next_delay(jitter)
        assert step * 0.5 <= delay + 1e-9
        assert delay <= step + 1e-9
    assert backoff.attempts == len(jitters)


def test_a_reset_starts_with_the_first_wait_again() -> None:
    backoff = Backoff(window=30.0)
    first = backoff.next_delay(0.0)
    assert backoff.next_delay(0.0) > first
    backoff.reset()
    assert backoff.attempts == 0
    assert backoff.next_delay(0.0) == first


def test_attempts_beyond_the_window_are_not_worth_trying() -> None:
    backoff = Backoff(window=30.0)
    assert backoff.is_worth_trying(29.0, 1.0)
    assert not backoff.is_worth_trying(29.0, 1.1)


@pytest.mark.parametrize(
    "wrong", [{"first": 0.0}, {"first": 6.0}, {"factor": 0.5}, {"window": -1.0}]
)
def test_waits_that_do_not_grow_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError):
        Backoff(**{"window": 30.0, **wrong})
