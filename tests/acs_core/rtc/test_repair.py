from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acs_core.rtc.repair import LEAST, PERIOD, SHARE, RepairBudget


def test_repairs_stay_below_half_of_the_stream() -> None:
    budget = RepairBudget()
    budget.allows(0, 0, 0.0)
    sent = 200_000
    repaired = sum(1000 for _ in range(1000) if budget.allows(1000, sent, 1.0))
    assert repaired == 200_000 * SHARE * PERIOD


def test_a_slow_stream_may_always_repair_a_little() -> None:
    budget = RepairBudget()
    repaired = sum(1000 for _ in range(100) if budget.allows(1000, 0, 0.0))
    assert repaired == LEAST * PERIOD
    assert budget.allows(1000, 0, PERIOD)


@given(st.lists(st.tuples(st.integers(1, 1500), st.floats(0, 0.1)), max_size=300))
def test_a_storm_of_requests_never_takes_more_than_its_share(
    asked: list[tuple[int, float]],
) -> None:
    budget = RepairBudget()
    now = 0.0
    repaired = 0
    for size, pause in asked:
        now += pause
        repaired += size if budget.allows(size, 0, now) else 0
    assert repaired <= LEAST * PERIOD * (now / PERIOD + 1)
