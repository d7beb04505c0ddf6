"""Attempts: in order, with patience, and whom a slow or broken receiver holds up."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from acs_core.service.webhooks import Delivery, DeliveryLimits, DeliveryTimes
from tests.support.events import until
from tests.support.webhook_sink import Got, webhook_sink
from tests.support.webhooks import (
    DELIVERED,
    FAILED,
    PENDING,
    bodies,
    receiver,
    settled,
    telling,
    webhooks,
)


async def test_a_group_is_told_in_order_whatever_fails() -> None:
    failing = {"2": [500, 503], "4": [404]}

    async def answer(got: Got) -> web.StreamResponse:
        left = failing.get(got.body, [])
        return web.Response(status=left.pop() if left else 204)

    async with webhook_sink(answer) as sink, webhooks() as part:
        sent = [part.post(telling(sink.url, str(index))) for index in range(6)]
        assert [item.sequence for item in sent] == list(range(6))
        got = await sink.count(9)
        assert bodies(got) == ["0", "1", "2", "2", "2", "3", "4", "4", "5"]
        await settled(part, sent[5])
        assert [item.attempts for item in sent] == [1, 1, 3, 1, 2, 1]
        assert {item.state for item in sent} == {DELIVERED}
        assert (sent[2].status, sent[2].error) == (204, None)
        assert part.counts == {PENDING: 0, DELIVERED: 6, FAILED: 0}


async def test_what_fails_again_and_again_is_given_up_and_the_next_one_goes() -> None:
    async def answer(got: Got) -> web.StreamResponse:
        return web.Response(status=500 if got.body == "bad" else 200)

    async with webhook_sink(answer) as sink, webhooks() as part:
        bad, good = (part.post(telling(sink.url, event)) for event in ("bad", "good"))
        await settled(part, good)
        assert bodies(sink.got) == ["bad"] * 4 + ["good"]
        assert (bad.state, bad.attempts, bad.status) == (FAILED, 4, 500)
        assert bad.error == "It answered 500."
        rows = await part.rows(state="failed")
        assert [row["id"] for row in rows] == [bad.request.id]


async def test_pauses_grow_and_are_not_the_same_for_all() -> None:
    times = DeliveryTimes(pauses=(1.0, 10.0), jitter=0.5)
    delivery = Delivery(telling("https://example.com/", "x"), 0, 0.0, 0.0)
    for now, due in ((0.0, 1.25), (5.0, 20.0)):
        chance: Callable[[], float] = lambda now=now: 0.5 if now == 0 else 1.0  # type: ignore[misc]  # noqa: E731
        delivery.attempt_failed(
            "x", status=None, may_retry=True, times=times, now=now, chance=chance
        )
        assert delivery.next_at == due
    delivery.attempt_failed("x", status=None, may_retry=True, times=times, now=9.0)
    assert delivery.state is FAILED


async def test_who_does_not_answer_in_time_is_asked_again() -> None:
    asleep = asyncio.Event()

    async def answer(got: Got) -> web.StreamResponse:
        if len(sink.got) == 1:
            await asleep.wait()
        return web.Response()

    times = DeliveryTimes(attempt=0.1, pauses=(0.01,))
    async with webhook_sink(answer) as sink, webhooks(times=times) as part:
        delivery = part.post(telling(sink.url, "x"))
        await settled(part, delivery)
        asleep.set()
        assert (delivery.state, delivery.attempts) == (DELIVERED, 2)


async def test_nobody_there_is_a_failure_that_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        async with webhooks(times=DeliveryTimes(pauses=())) as part:
            delivery = await settled(part, part.post(telling(url, "x")))
            assert delivery.state is FAILED
            assert "refused" in str(delivery.error)


async def test_a_request_that_cannot_be_made_costs_its_group_nothing() -> None:
    async with webhook_sink() as sink, webhooks() as part:
        bad = part.post(telling(sink.url, "bad", headers={"X-Own": "two\r\nlines"}))
        good = part.post(telling(sink.url, "good"))
        await settled(part, good)
        assert (bad.state, bad.attempts) == (FAILED, 1)
        assert bad.error == "The service failed to send it."
        assert bodies(sink.got) == ["good"]
        assert part.counts == {PENDING: 0, DELIVERED: 1, FAILED: 1}


async def test_redirects_are_not_followed() -> None:
    async def answer(got: Got) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async with webhook_sink(answer) as sink, webhooks(times=DeliveryTimes(pauses=())) as part:
        delivery = await settled(part, part.post(telling(sink.url, "x")))
        assert (delivery.state, delivery.status) == (FAILED, 307)
        assert "redirects are not followed" in str(delivery.error)
        assert [item.path for item in sink.got] == ["/"]


@pytest.mark.parametrize("expected", ["", "ok"])
async def test_endless_answers_are_not_read_to_the_end(expected: str) -> None:
    sent = 0
    gone = asyncio.Event()

    async def answer(got: Got) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        request: Any = requests[0]
        await response.prepare(request)
        try:
            await response.write(b"ok")
            while True:
                await response.write(b"x" * 65536)
                sent += 65536
        except ConnectionError:
            gone.set()
        return response

    requests: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        return await answer(Got(request.method, "", "", {}, ""))

    runner = web.AppRunner(receiver(handle), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with webhooks() as part:
            delivery = await settled(part, part.post(telling(url, "x", expected=expected)))
            assert delivery.state is DELIVERED
            await asyncio.wait_for(gone.wait(), 5)
            # What the system's buffers hold, and no more.
            assert sent < 32 << 20
    finally:
        await runner.cleanup()


async def test_compressed_answers_are_not_unpacked() -> None:
    async def answer(got: Got) -> web.StreamResponse:
        body = gzip.compress(b"secret" + bytes(10 << 20))
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async with webhook_sink(answer) as sink, webhooks(times=DeliveryTimes(pauses=())) as part:
        delivery = await settled(part, part.post(telling(sink.url, "x", expected="secret")))
        assert delivery.state is FAILED
        assert delivery.error == "The answer is not what it must be."


async def test_an_answer_that_must_say_something_is_checked() -> None:
    async def answer(got: Got) -> web.StreamResponse:
        return web.json_response({"validationResponse": "CODE" if len(sink.got) > 1 else "no"})

    async with webhook_sink(answer) as sink, webhooks() as part:
        delivery = await settled(part, part.post(telling(sink.url, "x", expected="CODE")))
        assert (delivery.state, delivery.attempts) == (DELIVERED, 2)


async def test_a_slow_receiver_holds_up_nobody_else() -> None:
    asleep = asyncio.Event()

    async def sleep(got: Got) -> web.StreamResponse:
        await asleep.wait()
        return web.Response()

    limits = DeliveryLimits(places=4, per_host=2)
    async with (
        webhook_sink(sleep) as slow,
        webhook_sink() as quick,
        webhooks(limits=limits) as part,
    ):
        for index in range(20):
            part.post(telling(slow.url, "x", group=f"slow {index}"))
        await slow.count(2)
        for index in range(20):
            part.post(telling(quick.url, "x", group=f"quick {index}"))
        await quick.count(20)
        assert len(slow.got) == 2
        asleep.set()
        await slow.count(20)


async def test_a_broken_host_is_left_alone_and_tried_again() -> None:
    is_broken = True

    async def answer(got: Got) -> web.StreamResponse:
        return web.Response(status=503 if is_broken else 200)

    times = DeliveryTimes(pauses=(0.0,) * 50, breaker=0.2)
    async with (
        webhook_sink(answer) as sink,
        webhooks(times=times, limits=DeliveryLimits(failures=3)) as part,
    ):
        deliveries = [part.post(telling(sink.url, "x", group=str(index))) for index in range(2)]
        await sink.count(3)
        is_broken = False
        for delivery in deliveries:
            await settled(part, delivery)
            assert delivery.state is DELIVERED
        # Without the breaker there would have been dozens within its pause.
        assert len(sink.got) <= 6


async def test_what_nobody_takes_for_long_is_given_up() -> None:
    now = 1000.0
    async with webhook_sink() as sink, webhooks(clock=lambda: now) as part:
        delivery = Delivery(telling(sink.url, "old"), 0, 0.0, 0.0)
        now = 100_000.0
        part._enqueue(delivery)
        await settled(part, delivery)
        assert (delivery.state, delivery.error) == (FAILED, "Nobody took it in time.")
        assert sink.got == []


async def test_too_many_are_kept_and_not_tried() -> None:
    asleep = asyncio.Event()

    async def sleep(got: Got) -> web.StreamResponse:
        await asleep.wait()
        return web.Response()

    async with webhook_sink(sleep) as sink, webhooks(limits=DeliveryLimits(pending=2)) as part:
        sent = [part.post(telling(sink.url, str(index))) for index in range(3)]
        assert [item.state for item in sent] == [PENDING, PENDING, FAILED]
        row = await part.row(sent[2].request.id)
        assert row["error"] == "Too many deliveries wait."
        asleep.set()
        await settled(part, sent[1])


async def test_a_group_that_nobody_takes_leaves_room_for_the_others() -> None:
    asleep = asyncio.Event()

    async def sleep(got: Got) -> web.StreamResponse:
        await asleep.wait()
        return web.Response()

    limits = DeliveryLimits(pending=10, per_group=2)
    async with webhook_sink(sleep) as sink, webhooks(limits=limits) as part:
        sent = [part.post(telling(sink.url, str(index), "busy")) for index in range(4)]
        assert [item.state for item in sent] == [PENDING, PENDING, FAILED, FAILED]
        other = part.post(telling(sink.url, "x", "other"))
        assert other.state is PENDING
        asleep.set()
        await settled(part, sent[1])
        assert part.post(telling(sink.url, "4", "busy")).state is PENDING


async def test_what_is_old_is_forgotten_unless_it_waits() -> None:
    now = 0.0
    times = DeliveryTimes(pauses=(1e6,), kept=10.0, sweep=0.01, lifetime=1e9)

    async def answer(got: Got) -> web.StreamResponse:
        return web.Response(status=200 if got.body == "good" else 500)

    async with webhook_sink(answer) as sink, webhooks(times=times, clock=lambda: now) as part:
        good = part.post(telling(sink.url, "good"))
        bad = part.post(telling(sink.url, "bad", group="other"))
        await settled(part, good)
        await until(lambda: bad.attempts == 1)
        now = 11.0
        async with asyncio.timeout(5):
            while len(await part.rows()) > 1:
                pass
        assert [row["event"] for row in await part.rows()] == ["bad"]
