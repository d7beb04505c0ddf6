from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from acs_core import wire
from acs_core.core.facts import (
    EndpointJoined,
    EndpointLeft,
    Priority,
    PublicationChanged,
    PublicationKind,
)
from acs_core.service.app import CallingService, embedded
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import ServiceSettings
from tests.support.events import until
from tests.support.service_client import RawClient, group, new_id, raw_client

PATIENT = SessionTimes(heartbeat=5.0, acs_window=5.0, buffer_limit=256 * 1024)
"""With the usual 5 s for a hello: on a busy machine a client needs tenths of a second for it."""


def settings(times: SessionTimes = PATIENT) -> ServiceSettings:
    return ServiceSettings(dev=True, port=0, media_port=0, times=times)


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded(settings()) as running:
        yield running


def data(key: str = "k", name: str = "") -> wire.NewPublication:
    return wire.NewPublication(key=key, kind=PublicationKind.DATA, name=name)


async def joined(client: RawClient, place: wire.Locator, **options: object) -> str:
    await client.hello()
    endpoint, answer = await client.join(place, **options)
    assert isinstance(answer, wire.Joined), answer
    return endpoint


# ------------------------------------------------------------------ hello


async def test_a_client_that_says_nothing_is_closed_at_the_hello_deadline() -> None:
    async with (
        embedded(settings(SessionTimes(hello=0.1))) as service,
        raw_client(service) as client,
    ):
        assert await client.hear_close() == wire.CloseCode.HELLO_TIMEOUT
        assert service.sessions == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", wire.CloseCode.MALFORMED),
        ("garbage", wire.CloseCode.MALFORMED),
        ('{"type":"nothing"}', wire.CloseCode.MALFORMED),
        ('{"type":"ping"}', wire.CloseCode.MALFORMED),
        ('{"type":"hello"}', wire.CloseCode.MALFORMED),
        ('{"type":"hello","version":"1","token":3}', wire.CloseCode.MALFORMED),
        ('{"type":"hello","version":1,"token":"\\ud800"}', wire.CloseCode.MALFORMED),
        (json.dumps({"type": "hello", "version": 2, "token": "x"}), wire.CloseCode.MALFORMED),
        ("[" * 40 + "]" * 40, wire.CloseCode.MALFORMED),
        ("[" * 60_000, wire.CloseCode.MALFORMED),
        (" " * (wire.HELLO_LIMIT + 1), wire.CloseCode.TOO_LARGE),
    ],
    ids=str,
)
async def test_a_first_message_that_is_no_hello_is_refused_with_a_reason(
    service: CallingService, text: str, code: int
) -> None:
    async with raw_client(service) as client:
        await client.socket.send_str(text)
        refusal = await client.hear()
        assert isinstance(refusal, wire.Failed)
        assert refusal.message
        assert await client.hear_close() == code


async def test_a_binary_first_message_is_refused(service: CallingService) -> None:
    async with raw_client(service) as client:
        await client.socket.send_bytes(b"\x00\xff" * 100)
        assert await client.hear_close() == wire.CloseCode.MALFORMED


async def test_a_message_beyond_all_limits_closes_the_websocket(service: CallingService) -> None:
    async with raw_client(service) as client:
        await client.socket.send_str(" " * (2 * wire.MESSAGE_LIMIT))
        assert await client.hear_close() in (
            aiohttp.WSCloseCode.MESSAGE_TOO_BIG,
            wire.CloseCode.TOO_LARGE,
        )


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.ü.ß", "\ud7ff" * 100, "a" * 20_000])
async def test_a_token_that_is_none_is_refused_as_unauthorized(
    service: CallingService, token: str
) -> None:
    async with raw_client(service) as client:
        refusal = await client.hello(token=token)
        assert isinstance(refusal, wire.Failed)
        assert refusal.code == 401
        assert await client.hear_close() == wire.CloseCode.UNAUTHORIZED


async def test_expired_and_foreign_tokens_are_refused(service: CallingService) -> None:
    assert service.identities is not None
    raw_id, _ = service.issue_user_token()
    old = service.identities.issue(raw_id, ("voip",), now=time.time() - 3 * 86_400).token
    async with embedded(settings()) as other:
        foreign = other.issue_user_token()[1].token
    for token in (old, foreign):
        async with raw_client(service) as client:
            refusal = await client.hello(token=token)
            assert isinstance(refusal, wire.Failed)
            assert refusal.code == 401
            assert await client.hear_close() == wire.CloseCode.UNAUTHORIZED
    assert service.sessions == 0


# ------------------------------------------------------------------ requests


async def test_a_request_for_an_unknown_endpoint_is_refused_and_the_session_goes_on(
    service: CallingService,
) -> None:
    async with raw_client(service) as client:
        await client.hello()
        for body in (
            wire.Leave(endpoint=new_id()),
            wire.Publish(endpoint="", connection=1, offer=""),
            wire.Renegotiate(endpoint="x" * 1000, connection=-1),
        ):
            refusal = await client.ask(body)
            assert isinstance(refusal, wire.Failed)
            assert refusal.code == 404
        await client.say(wire.Ping(received=0))
        assert isinstance(await client.hear(), wire.Pong)


@pytest.mark.parametrize("endpoint", ["", "x", "A" * 32, "g" * 32, "0" * 31, "0" * 33])
async def test_an_endpoint_id_that_is_not_32_hex_digits_is_refused(
    service: CallingService, endpoint: str
) -> None:
    async with raw_client(service) as client:
        await client.hello()
        refusal = await client.ask(wire.Join(endpoint=endpoint, locator=group()))
        assert isinstance(refusal, wire.Failed)
    assert not service.calls.live


async def test_an_endpoint_id_serves_one_call_at_a_time(service: CallingService) -> None:
    async with raw_client(service) as client:
        first = group()
        endpoint = await joined(client, first)
        for place in (first, group()):
            refusal = (await client.join(place, endpoint=endpoint))[1]
            assert isinstance(refusal, wire.Failed)
            assert refusal.code == 409
        assert len(service.calls.live) == 1
    await until(lambda: not service.calls.live)


async def test_a_failed_join_leaves_nothing_behind(service: CallingService) -> None:
    async with raw_client(service) as client:
        await client.hello()
        for options in (
            {"offer": "v=0"},
            {"offer": "\x00" * 1000},
            {"name": "x" * 129},
            {"publications": (data("a", "same"), data("b", "same"))},
            {"publications": tuple(data(str(key)) for key in range(40))},
        ):
            refusal = (await client.join(group(), **options))[1]
            assert isinstance(refusal, wire.Failed), options
        assert not service.calls.live
    await until(lambda: not service.engine.transports)


async def test_messages_that_come_too_fast_close_the_websocket_and_nothing_else(
    service: CallingService,
) -> None:
    place = group()
    async with raw_client(service) as fast, raw_client(service) as calm:
        await joined(calm, place)
        endpoint = await joined(fast, place)
        for _ in range(200):
            await fast.say(wire.Ping())
        assert await fast.hear_close() == wire.CloseCode.TOO_FAST
        left = await calm.news(wire.Facts, lambda body: "EndpointChanged" in repr(body))
        assert endpoint in repr(left)
        await calm.say(wire.Ping())
        assert isinstance(await calm.hear(), wire.Pong)


async def test_a_malformed_message_in_a_conversation_can_be_resumed(
    service: CallingService,
) -> None:
    async with raw_client(service) as client:
        endpoint = await joined(client, group())
        await client.socket.send_str('{"type":"request","id":1}')
        assert await client.hear_close() == wire.CloseCode.MALFORMED
        async with raw_client(service, token=client.token) as again:
            welcome = await again.hello(resume=client.resume_point())
            assert isinstance(welcome, wire.Welcome)
            assert welcome.resumed
            answer = await again.ask(wire.Leave(endpoint=endpoint), request_id=100)
            assert isinstance(answer, wire.Answered)


async def test_random_text_never_breaks_the_service(service: CallingService) -> None:
    source = random.Random(7)
    pieces = ['"', "\\", "{", "}", "[", "]", ":", ",", "type", "hello", "\x00", "é", "1e999", " "]
    for _ in range(40):
        text = "".join(source.choice(pieces) for _ in range(source.randrange(200)))
        async with raw_client(service) as client:
            await client.socket.send_str(text)
            assert await client.hear_close() == wire.CloseCode.MALFORMED
    assert service.sessions == 0


# ------------------------------------------------------------------ resume


@pytest.mark.feature("CALL-003")
async def test_a_resume_delivers_what_was_missed_once_and_in_order(
    service: CallingService,
) -> None:
    place = group()
    async with raw_client(service) as stays, raw_client(service) as drops:
        mine = await joined(stays, place, publications=(data("a", "chat"),))
        publication = stays.deliveries[0].body.published[0].id  # type: ignore[union-attr]
        await joined(drops, place)
        before = len(drops.facts)
        point = drops.resume_point()
        drops.cut()
        await stays.news(wire.Facts, lambda body: "reconnecting" in repr(body))
        wanted = []
        for number in range(20):
            enabled = bool(number % 2)
            change = wire.UpdatePublication(
                endpoint=mine, publication=publication, enabled=enabled, priority=Priority.LOW
            )
            assert isinstance(await stays.ask(change), wire.Answered)
            wanted.append(enabled)
        async with raw_client(service, token=drops.token) as again:
            assert (await again.hello(resume=point)).resumed
            while len([f for f in again.facts if isinstance(f, PublicationChanged)]) < 20:
                await again.hear()
            seen = [f.enabled for f in again.facts if isinstance(f, PublicationChanged)]
            assert seen == wanted
            numbers = [item.seq for item in again.deliveries]
            assert numbers == list(range(point.received + 1, point.received + 1 + len(numbers)))
            revisions = [
                b.body.revision for b in again.deliveries if isinstance(b.body, wire.Facts)
            ]
            assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
        assert before == len(drops.facts)


async def test_a_repeated_request_is_answered_and_not_carried_out_again(
    service: CallingService,
) -> None:
    place = group()
    async with raw_client(service) as client:
        await client.hello()
        body = wire.Join(endpoint=new_id(), locator=place)
        await client.say(wire.Request(id=1, body=body))
        point = client.resume_point(received=0)
        await until(lambda: len(service.calls.live) == 1)
        client.cut()
        async with raw_client(service, token=client.token) as again:
            await again.hello(resume=point)
            answer = await again.ask(body, request_id=1)
            assert isinstance(answer, wire.Joined)
            # Nothing else comes of the repetition.
            await again.say(wire.Ping(received=1))
            while not isinstance(await again.hear(), wire.Pong):
                pass
            assert [item.reply_to for item in again.deliveries].count(1) == 1
            assert len(next(iter(service.calls.live.values())).endpoints) == 1


@pytest.mark.parametrize("wrong", ["secret", "session", "future", "negative", "stranger"])
async def test_a_resume_that_is_not_genuine_is_refused(service: CallingService, wrong: str) -> None:
    async with raw_client(service) as client:
        await joined(client, group())
        assert client.welcome is not None
        good = client.resume_point()
        points = {
            "secret": wire.Resume(session=good.session, secret="é", received=good.received),
            "session": wire.Resume(session="x", secret=good.secret, received=good.received),
            "future": wire.Resume(session=good.session, secret=good.secret, received=1 << 40),
            "negative": wire.Resume(session=good.session, secret=good.secret, received=-1),
            "stranger": good,
        }
        token = None if wrong == "stranger" else client.token
        async with raw_client(service, token=token) as thief:
            refusal = await thief.hello(resume=points[wrong])
            assert isinstance(refusal, wire.Failed)
            assert refusal.code == 410
            assert await thief.hear_close() == wire.CloseCode.SESSION_GONE
        # The owner has noticed nothing.
        await client.say(wire.Ping())
        assert isinstance(await client.hear(), wire.Pong)


async def test_the_others_hear_53001_when_the_window_has_passed() -> None:
    times = SessionTimes(acs_window=0.3)
    place = group()
    async with (
        embedded(settings(times)) as service,
        raw_client(service) as stays,
        raw_client(service) as goes,
    ):
        await joined(stays, place)
        endpoint = await joined(goes, place)
        point = goes.resume_point()
        goes.cut()
        facts = await stays.news(wire.Facts, lambda body: isinstance(body.facts[0], EndpointLeft))
        left = facts.facts[0]
        assert isinstance(left, EndpointLeft)
        assert (left.endpoint, left.reason.sub_code) == (endpoint, 53001)
        assert service.sessions == 1
        async with raw_client(service, token=goes.token) as late:
            refusal = await late.hello(resume=point)
            assert isinstance(refusal, wire.Failed)
            assert refusal.code == 410


async def test_a_second_websocket_of_a_session_replaces_the_first(
    service: CallingService,
) -> None:
    place = group()
    async with raw_client(service) as first, raw_client(service) as other:
        endpoint = await joined(first, place)
        async with raw_client(service, token=first.token) as second:
            assert (await second.hello(resume=first.resume_point())).resumed
            assert await first.hear_close() == wire.CloseCode.REPLACED
            await joined(other, place)
            await second.news(wire.Facts, lambda body: isinstance(body.facts[0], EndpointJoined))
            answer = await second.ask(wire.Leave(endpoint=endpoint), request_id=50)
            assert isinstance(answer, wire.Answered)
        assert service.sessions == 2 - 1


async def test_a_goodbye_ends_the_session_at_once(service: CallingService) -> None:
    place = group()
    async with raw_client(service) as stays:
        await joined(stays, place)
        async with raw_client(service) as goes:
            endpoint = await joined(goes, place)
            await goes.socket.close()
        left = await stays.news(wire.Facts, lambda body: isinstance(body.facts[0], EndpointLeft))
        assert endpoint in repr(left)
        assert service.sessions == 1


# ------------------------------------------------------------------ slow readers and drain


async def test_a_client_that_never_reads_is_cut_off_and_nobody_else_notices() -> None:
    place = group()
    times = SessionTimes(buffer_limit=32 * 1024, acs_window=2.0, messages_per_second=10_000)
    async with (
        embedded(settings(times)) as service,
        raw_client(service) as talks,
        raw_client(service) as sleeps,
    ):
        mine = await joined(talks, place, publications=(data("a", "chat"),))
        publication = talks.deliveries[0].body.published[0].id  # type: ignore[union-attr]
        endpoint = await joined(sleeps, place)
        enabled = False
        async with asyncio.timeout(20):
            while not any(isinstance(fact, EndpointLeft) for fact in talks.facts):
                change = wire.UpdatePublication(
                    endpoint=mine, publication=publication, enabled=enabled, priority=Priority.LOW
                )
                enabled = not enabled
                assert isinstance(await talks.ask(change), wire.Answered)
                await talks.say(wire.Ping(received=talks.deliveries[-1].seq))
        assert next(f for f in talks.facts if isinstance(f, EndpointLeft)).endpoint == endpoint
        assert service.sessions == 1
        assert len(next(iter(service.calls.live.values())).endpoints) == 1


async def test_a_lost_session_holds_no_more_than_its_buffer() -> None:
    place = group()
    times = SessionTimes(buffer_limit=16 * 1024, acs_window=30.0, messages_per_second=10_000)
    async with (
        embedded(settings(times)) as service,
        raw_client(service) as talks,
        raw_client(service) as drops,
    ):
        mine = await joined(talks, place, publications=(data("a", "chat"),))
        publication = talks.deliveries[0].body.published[0].id  # type: ignore[union-attr]
        await joined(drops, place)
        point = drops.resume_point()
        drops.cut()
        for number in range(150):
            change = wire.UpdatePublication(
                endpoint=mine,
                publication=publication,
                enabled=bool(number % 2),
                priority=Priority.LOW,
            )
            await talks.ask(change)
            await talks.say(wire.Ping(received=talks.deliveries[-1].seq))
        async with raw_client(service, token=drops.token) as late:
            refusal = await late.hello(resume=point)
            assert isinstance(refusal, wire.Failed)
            assert refusal.code == 410


async def test_stopping_the_service_tells_clients_and_takes_under_two_seconds() -> None:
    service = await CallingService(settings()).start()
    async with raw_client(service) as reads, raw_client(service) as sleeps:
        place = group()
        await joined(sleeps, place)
        await joined(reads, place)
        started = time.monotonic()
        closing = asyncio.create_task(service.close())
        ended = await reads.news(wire.Ended)
        assert ended.reason.sub_code == 53006
        assert await reads.hear_close() == wire.CloseCode.DRAINING
        assert time.monotonic() - started < 2.0
        await closing
        assert time.monotonic() - started < 5.0
    assert not service.calls.live
