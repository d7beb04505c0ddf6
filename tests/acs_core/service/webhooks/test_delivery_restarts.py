"""What was posted outlives the service, and can be delivered once more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from acs_core.errors import ServiceError
from acs_core.service.store.database import Database
from acs_core.service.webhooks import DeliveryLimits, DeliveryTimes, TargetGuard, Webhooks
from acs_core.service.webhooks.guard import DEV_NETWORKS
from tests.support.events import until
from tests.support.webhook_sink import Got, webhook_sink
from tests.support.webhooks import (
    DELIVERED,
    FAILED,
    PENDING,
    QUICK,
    bodies,
    settled,
    telling,
    webhooks,
)


async def test_what_was_not_delivered_is_delivered_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store'}"
    is_broken = True

    async def answer(got: Got) -> web.StreamResponse:
        return web.Response(status=500 if is_broken else 200)

    times = DeliveryTimes(pauses=(30.0,), grace=0.05)
    async with webhook_sink(answer) as sink:
        async with webhooks(url, times=times) as part:
            sent = [part.post(telling(sink.url, str(index))) for index in range(3)]
            await sink.count(1)
            await until(lambda: sent[0].attempts == 1)
        assert bodies(sink.got) == ["0"]
        is_broken = False
        later = sent[0].next_at + 1
        async with webhooks(url, times=times, clock=lambda: later) as part:
            await sink.count(4)
            assert bodies(sink.got)[1:] == ["0", "1", "2"]
            assert part.sequence("room") == 3
            await until(lambda: part.counts[DELIVERED] == 3)
            rows = await part.rows()
            assert [(row["state"], row["sequence"]) for row in rows] == [
                ("delivered", 2),
                ("delivered", 1),
                ("delivered", 0),
            ]
        async with webhooks(url, times=times) as part:
            assert part.counts[PENDING] == 0
        assert len(sink.got) == 4


async def test_a_restart_keeps_the_order_although_the_clock_was_set_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store'}"
    times = DeliveryTimes(pauses=(30.0,), grace=0.0)
    now = 2000.0
    async with webhook_sink() as sink:
        async with webhooks(url, clock=lambda: now) as part:
            part._is_running = False  # As if it were closing: what is posted waits.
            for event in ("0", "1", "2"):
                part.post(telling(sink.url, event))
                now -= 100.0
        async with webhooks(url, times=times, clock=lambda: 3000.0):
            assert bodies(await sink.count(3)) == ["0", "1", "2"]


async def test_after_a_restart_the_newest_groups_go_on_counting(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store'}"
    now = 1000.0
    async with webhook_sink() as sink:
        async with webhooks(url, clock=lambda: now) as part:
            for group in ("old", "new", "newest"):
                now += 1.0
                await settled(part, part.post(telling(sink.url, "x", group)))
        limits = DeliveryLimits(groups=2)
        async with webhooks(url, limits=limits, clock=lambda: now) as part:
            assert [part.sequence(group) for group in ("old", "new", "newest")] == [0, 1, 1]
            await settled(part, part.post(telling(sink.url, "x", "another")))
            assert [part.sequence(group) for group in ("new", "newest")] == [0, 1]


async def test_closing_delivers_what_is_new_and_does_not_wait_for_what_is_broken() -> None:
    loop = asyncio.get_running_loop()
    async with webhook_sink() as sink:
        async with webhooks(times=replace(QUICK, grace=10.0)) as part:
            for index in range(5):
                part.post(telling(sink.url, str(index)))
        assert bodies(sink.got) == [str(index) for index in range(5)]

    asleep = asyncio.Event()

    async def hang(got: Got) -> web.StreamResponse:
        await asleep.wait()
        return web.Response()

    async with webhook_sink(hang) as sink:
        async with webhooks(times=replace(QUICK, grace=0.1)) as part:
            part.post(telling(sink.url, "x"))
            await sink.count(1)
            began = loop.time()
        assert loop.time() - began < 2
        asleep.set()


async def test_what_comes_while_it_is_closed_waits_for_the_next_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store'}"
    async with webhook_sink() as sink:
        database = await Database.open(url)
        part = Webhooks(lambda: database, TargetGuard(DEV_NETWORKS), times=QUICK)
        await part.start()
        await part.close()
        part.post(telling(sink.url, "late"))
        await database.close()
        assert sink.got == []
        async with webhooks(url):
            assert bodies(await sink.count(1)) == ["late"]


# ------------------------------------------------------------ replay


async def test_an_operator_has_something_delivered_once_more() -> None:
    is_broken = True

    async def answer(got: Got) -> web.StreamResponse:
        return web.Response(status=500 if is_broken else 201)

    async with webhook_sink(answer) as sink, webhooks(times=DeliveryTimes(pauses=())) as part:
        bad = part.post(telling(f"{sink.url}/x?y", "bad", headers={"X-Own": "1"}))
        await settled(part, bad)
        is_broken = False
        again = await part.replay(bad.request.id)
        assert (again.state, again.status) == (DELIVERED, 201)
        assert again.replay_of == bad.request.id
        first, second = sink.got
        assert (second.path, second.body) == (first.path, first.body)
        assert second.headers["X-Own"] == "1"
        assert bad.state is FAILED


async def test_what_waits_or_is_unknown_is_not_replayed() -> None:
    async def answer(got: Got) -> web.StreamResponse:
        return web.Response(status=500)

    times = DeliveryTimes(pauses=(60.0,))
    async with webhook_sink(answer) as sink, webhooks(times=times) as part:
        bad = part.post(telling(sink.url, "bad"))
        await until(lambda: bad.attempts)
        with pytest.raises(ServiceError) as caught:
            await part.replay(bad.request.id)
        assert caught.value.code == 409
        with pytest.raises(ServiceError) as caught:
            await part.replay("0" * 32)
        assert caught.value.code == 404
