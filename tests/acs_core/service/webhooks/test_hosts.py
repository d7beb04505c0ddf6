from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.service.webhooks.hosts import Breaker, HostTurns
from tests.support.events import until


def test_a_host_that_fails_in_a_row_is_left_alone_for_a_while() -> None:
    breaker = Breaker(failures=2, pause=10.0)
    breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(1.0)
    assert breaker.wait(1.0) == 0
    breaker.failed(2.0)
    assert (breaker.is_open, breaker.wait(5.0)) == (True, 7.0)


def test_one_tries_after_the_pause_and_the_others_wait_for_it() -> None:
    breaker = Breaker(failures=1, pause=10.0)
    breaker.failed(0.0)
    assert breaker.wait(10.0) == 0
    assert breaker.wait(10.0) == 10.0
    breaker.succeeded()
    assert (breaker.is_open, breaker.wait(11.0)) == (False, 0)


@given(st.lists(st.sampled_from(["fail", "ask", "pass"]), max_size=30))
def test_nobody_is_told_to_wait_longer_than_the_pause(script: list[str]) -> None:
    breaker = Breaker(failures=3, pause=5.0)
    for now, step in enumerate(script):
        match step:
            case "fail":
                breaker.failed(float(now))
            case "ask":
                assert 0 <= breaker.wait(float(now)) <= 5.0
            case _:
                breaker.succeeded()
                assert breaker.wait(float(now)) == 0


async def test_a_host_has_so_many_places_and_takes_none_of_others() -> None:
    turns = HostTurns(places=3, per_host=2, failures=5, pause=1.0)
    inside: list[str] = []
    go = asyncio.Event()

    async def visit(host: str) -> None:
        async with turns.turn(host):
            inside.append(host)
            await go.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(visit("slow"))
        await until(lambda: len(inside) == 2)
        group.create_task(visit("other"))
        await until(lambda: len(inside) == 3)
        assert sorted(inside) == ["other", "slow", "slow"]
        go.set()
    assert len(inside) == 6


async def test_who_waits_for_a_broken_host_goes_when_it_is_whole() -> None:
    turns = HostTurns(places=4, per_host=4, failures=1, pause=0.5)
    inside: list[bool] = []
    async with turns.turn("a") as breaker:
        breaker.failed(asyncio.get_running_loop().time())

    async def visit() -> None:
        async with turns.turn("a") as breaker:
            inside.append(breaker.is_open)
            breaker.succeeded()

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(visit())
    # One tried it; the others came as soon as that went well.
    assert inside == [True, False, False]


async def test_a_turn_that_is_given_up_frees_its_places() -> None:
    turns = HostTurns(places=1, per_host=1, failures=1, pause=60.0)
    with pytest.raises(ValueError, match="x"):
        async with turns.turn("a"):
            raise ValueError("x")
    async with asyncio.timeout(5), turns.turn("b"):
        pass
