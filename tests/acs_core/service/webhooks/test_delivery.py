from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from acs_core.errors import InvalidArgumentError, ServiceError
from acs_core.service.store.database import IN_MEMORY, Database
from acs_core.service.webhooks import (
    Delivery,
    DeliveryLimits,
    DeliveryState,
    DeliveryTimes,
    TargetGuard,
    WebhookRequest,
    Webhooks,
    json_request,
)
from acs_core.service.webhooks.guard import DEV_NETWORKS
from tests.acs_core.service.webhooks.test_guard import Answers
from tests.support.events import until
from tests.support.tls import self_signed
from tests.support.webhook_sink import Got, webhook_sink

QUICK = DeliveryTimes(attempt=2.0, pauses=(0.01, 0.01, 0.01), breaker=0.05)
PENDING, DELIVERED, FAILED = DeliveryState


@asynccontextmanager
async def webhooks(
    url: str = IN_MEMORY,
    *,
    guard: TargetGuard | None = None,
    times: DeliveryTimes = QUICK,
    **options: Any,
) -> AsyncIterator[Webhooks]:
    database = await Database.open(url)
    part = Webhooks(lambda: database, guard or TargetGuard(DEV_NETWORKS), times=times, **options)
    try:
        await part.start()
        yield part
    finally:
        await part.close()
        await database.close()


def telling(url: str, event: str, group: str = "room", **options: Any) -> WebhookRequest:
    return WebhookRequest(url=url, event=event, group=group, body=event, **options)


def bodies(got: list[Got]) -> list[str]:
    return [item.body for item in got]


async def settled(part: Webhooks, delivery: Delivery) -> Delivery:
    await until(lambda: delivery.state is not PENDING)
    return delivery


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

    runner = web.AppRunner(_app(handle), access_log=None, shutdown_timeout=0.1)
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


def _app(handle: Any) -> web.Application:
    app = web.Application()
    app.router.add_post("/", handle)
    return app


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


# ------------------------------------------------------------ restart


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


# ------------------------------------------------------------ where they go


async def test_a_target_that_is_refused_is_given_up_at_once_with_the_reason() -> None:
    async with webhook_sink() as sink, webhooks(guard=TargetGuard()) as part:
        plain = part.post(telling(sink.url, "x"))
        literal = part.post(telling("https://10.0.0.1/", "x", group="2"))
        local = part.post(telling("https://localhost/", "x", group="3"))
        for delivery in (plain, literal, local):
            await settled(part, delivery)
            assert (delivery.state, delivery.attempts) == (FAILED, 1)
        assert "not https" in str(plain.error)
        assert "must not reach" in str(literal.error)
        assert sink.got == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_name_that_leads_to_a_private_address_is_not_reached(scheme: str) -> None:
    networks = [ipaddress.ip_network("10.9.0.0/16")]
    async with (
        webhook_sink() as sink,
        webhooks(guard=TargetGuard(networks), resolver=Answers("127.0.0.1")) as part,
    ):
        port = sink.url.rpartition(":")[2]
        url = f"{scheme}://innocent.example:{port}/"
        delivery = await settled(part, part.post(telling(url, "x")))
        assert (delivery.state, delivery.attempts) == (FAILED, 1)
        assert "innocent.example is 127.0.0.1" in str(delivery.error)
        assert sink.got == []


class Rebinding(Answers):
    """Gives another answer each time it is asked."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, *arguments: Any, **options: Any) -> Any:
        self.asked += 1
        self.addresses = (self.answers.pop(0),)
        return await super().resolve(*arguments, **options)


async def test_an_answer_that_changes_in_between_changes_nothing() -> None:
    # Allowed when it is checked, forbidden afterwards: there is no second look-up to win.
    networks = [ipaddress.ip_network("127.0.0.2/32")]
    resolver: AbstractResolver = Rebinding("127.0.0.2", "127.0.0.1", "127.0.0.1")
    async with (
        webhook_sink() as sink,
        webhooks(guard=TargetGuard(networks), resolver=resolver) as part,
    ):
        port = sink.url.rpartition(":")[2]
        delivery = part.post(telling(f"http://rebinding.example:{port}/", "x"))
        await settled(part, delivery)
        # Nobody is at 127.0.0.2; the next attempt looked the name up anew, and was refused.
        assert isinstance(resolver, Rebinding)
        assert (delivery.attempts, resolver.asked) == (2, 2)
        assert delivery.state is FAILED
        assert "must not reach" in str(delivery.error)
        assert sink.got == []


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    import ssl

    files = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files["tls_cert"], files["tls_key"])

    async def handle(request: web.Request) -> web.StreamResponse:
        raise AssertionError("nobody must come here")

    runner = web.AppRunner(_app(handle), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        async with webhooks(times=DeliveryTimes(pauses=())) as part:
            url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
            delivery = await settled(part, part.post(telling(url, "x")))
            assert "certificate is not believed" in str(delivery.error)
    finally:
        await runner.cleanup()


# ------------------------------------------------------------ requests


async def test_get_has_no_body_and_json_is_json() -> None:
    async with webhook_sink() as sink, webhooks() as part:
        part.post(telling(f"{sink.url}/a?b=c%20d", "x", method="GET"))
        part.post(json_request(sink.url, [{"name": "\ud800 ä"}], event="y", group="room"))
        first, second = await sink.count(2)
        assert (first.method, first.path, first.body) == ("GET", "/a?b=c%20d", "")
        assert second.headers["Content-Type"] == "application/json; charset=utf-8"
        assert second.json == [{"name": "\ud800 ä"}]
        assert second.headers["User-Agent"].startswith("twilio-compat/")


def test_other_methods_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        telling("https://example.com/", "x", method="DELETE")
