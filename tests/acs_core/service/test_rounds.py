from __future__ import annotations

import asyncio

import pytest

from acs_core.service.rounds import Rounds
from tests.support.events import until


async def test_a_measure_that_fails_costs_no_other_its_round(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times: list[float] = []

    def fail(now: float) -> None:
        raise RuntimeError(f"no figures at {now}")

    rounds = Rounds(0.001)
    rounds.start([fail, times.append])
    await until(lambda: len(times) >= 3)
    await rounds.close()
    assert times == sorted(set(times))
    failures = [record.getMessage() for record in caplog.records]
    assert failures == ["a round of measurements failed"] * len(times)
    assert "service measurements" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_what_never_began_can_be_closed() -> None:
    rounds = Rounds()
    await rounds.close()
    assert rounds.lag == 0.0
