from __future__ import annotations

import asyncio

import pytest

from acs_core.service.sfu.turns import TurnQueue


async def test_each_piece_of_work_has_a_turn_of_its_own_and_is_done_once() -> None:
    queue, log, done = TurnQueue(), [], asyncio.Event()

    def first() -> None:
        log.append("first")
        asyncio.get_running_loop().call_soon(log.append, "others")

    def second() -> None:
        log.append("second")
        done.set()

    for work in (first, first, second):
        queue.add(work)
    async with asyncio.timeout(2):
        await done.wait()
    assert log == ["first", "others", "second"]
    await queue.close()


async def test_work_that_fails_does_not_stop_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    queue, done = TurnQueue(), asyncio.Event()

    def fail() -> None:
        raise ValueError("broken")

    queue.add(fail)
    queue.add(done.set)
    async with asyncio.timeout(2):
        await done.wait()
    assert "broken" in caplog.text
    await queue.close()


async def test_what_waits_when_the_queue_is_closed_is_not_done() -> None:
    queue, done = TurnQueue(), asyncio.Event()
    queue.add(done.set)
    await queue.close()
    assert not done.is_set()
