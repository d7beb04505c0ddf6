from __future__ import annotations

import asyncio

import pytest

from twilio_compat.integrations.pictures import PictureGate


def passed(gate: PictureGate[str], times: list[float]) -> int:
    return sum(gate.admits(time)[0] for time in times)


@pytest.mark.parametrize(("rate", "wanted"), [(None, 90), (0, 0), (1, 3), (10, 30), (30, 90)])
async def test_so_many_pictures_pass_per_second(rate: float | None, wanted: int) -> None:
    gate: PictureGate[str] = PictureGate(rate)
    assert passed(gate, [100 + number / 30 for number in range(90)]) == wanted


async def test_pictures_that_jitter_pass_at_their_own_rate() -> None:
    gate: PictureGate[str] = PictureGate(30)
    jitter = [100 + number / 30 + (0.01 if number % 2 else -0.01) for number in range(90)]
    assert passed(gate, jitter) == 90


async def test_a_pause_is_not_caught_up() -> None:
    gate: PictureGate[str] = PictureGate(1)
    assert passed(gate, [100.0, 110.0, 110.1, 110.2, 110.3]) == 2


async def test_a_request_is_answered_by_the_next_picture_whatever_the_rate() -> None:
    gate: PictureGate[str] = PictureGate(0)
    assert not gate.is_open
    gate.ask("first")
    gate.ask("second")
    assert [gate.admits(100.0), gate.admits(100.0), gate.admits(100.0)] == [
        (True, "first"),
        (True, "second"),
        (False, None),
    ]
    gate.ask("never")
    assert gate.withdraw() == ["never"]
    assert not gate.is_open


async def test_nobody_waits_longer_than_until_pictures_are_wanted() -> None:
    gate: PictureGate[str] = PictureGate(0)
    waiting = asyncio.create_task(gate.needed())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.rate = 5
    assert gate.rate == 5
    await asyncio.wait_for(waiting, 1)
