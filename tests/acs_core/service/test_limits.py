"""What one user, session or page may do; and what an expired or another token means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from acs_core import wire
from acs_core.core.facts import EndpointLeft
from acs_core.errors import AuthenticationError
from acs_core.service.app import CallingService, embedded
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import ServiceSettings
from tests.support.service_client import group, new_id, raw_client

LISTED = "https://video.example"


class Register:
    """Believes the tokens that a test wrote down."""

    def __init__(self) -> None:
        self.principals: dict[str, Principal] = {}

    def recognizes(self, token: str) -> bool:
        return token in self.principals

    def verify(self, token: str, *, now: float) -> Principal:
        return self.principals[token]

    def add(self, token: str, kind: PrincipalKind, *, expires_in: float = 3600.0) -> str:
        self.principals[token] = Principal(
            "8:acs:r_anna", kind, time.time() + expires_in, display_name="anna"
        )
        return token


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
async def service(register: Register) -> AsyncIterator[CallingService]:
    settings = ServiceSettings(
        dev=True,
        port=0,
        media_port=0,
        allowed_origins=(LISTED,),
        times=SessionTimes(endpoints=2, sessions=2),
    )
    async with embedded(settings, verifiers=(register,)) as running:
        yield running


async def test_a_session_is_in_so_many_calls_at_a_time(service: CallingService) -> None:
    async with raw_client(service) as client:
        await client.hello()
        first, _ = await client.join(group())
        await client.join(group())
        refusal = (await client.join(group()))[1]
        assert isinstance(refusal, wire.Failed)
        assert refusal.code == 429
        assert refusal.next_step
        assert len(service.calls.live) == 2
        await client.ask(wire.Leave(endpoint=first))
        assert isinstance((await client.join(group()))[1], wire.Joined)


async def test_a_user_has_so_many_sessions_at_a_time(service: CallingService) -> None:
    token = service.issue_user_token()[1].token
    async with (
        raw_client(service, token=token) as first,
        raw_client(service, token=token) as second,
        raw_client(service, token=token) as third,
        raw_client(service) as other,
    ):
        assert isinstance(await first.hello(), wire.Welcome)
        assert isinstance(await second.hello(), wire.Welcome)
        refusal = await third.hello()
        assert isinstance(refusal, wire.Failed)
        assert refusal.code == 429
        assert refusal.next_step
        assert await third.hear_close() == wire.CloseCode.TOO_FAST
        assert isinstance(await other.hello(), wire.Welcome)


@pytest.mark.parametrize(
    ("kind", "sub_code"), [(PrincipalKind.TWILIO, 20104), (PrincipalKind.ACS, 40235)]
)
async def test_a_join_after_the_token_expired_is_refused(
    service: CallingService, register: Register, kind: PrincipalKind, sub_code: int
) -> None:
    token = register.add("old", kind, expires_in=-service.settings.token_skew - 1)
    async with raw_client(service, token=token) as client:
        await client.hello()
        refusal = (await client.join(group()))[1]
        assert isinstance(refusal, wire.Failed)
        assert (refusal.code, refusal.sub_code) == (AuthenticationError.default_code, sub_code)
    assert not service.calls.live


async def test_a_resume_with_a_newer_token_renews_the_session(
    service: CallingService, register: Register
) -> None:
    old = register.add("old", PrincipalKind.ACS, expires_in=-service.settings.token_skew - 1)
    async with raw_client(service, token=old) as client:
        await client.hello()
        point = client.resume_point()
        client.cut()
        fresh = register.add("fresh", PrincipalKind.ACS)
        async with raw_client(service, token=fresh) as again:
            assert (await again.hello(resume=point)).resumed
            assert isinstance((await again.join(group()))[1], wire.Joined)
            # An older token takes nothing away.
            point = again.resume_point()
            again.cut()
            async with raw_client(service, token=old) as back:
                assert (await back.hello(resume=point)).resumed
                answer = await back.ask(
                    wire.Join(endpoint=new_id(), locator=group()), request_id=50
                )
                assert isinstance(answer, wire.Joined)


async def test_a_twilio_participant_ends_no_room_for_everyone(
    service: CallingService, register: Register
) -> None:
    token = register.add("tina", PrincipalKind.TWILIO)
    async with raw_client(service, token=token) as client:
        await client.hello()
        endpoint, _ = await client.join(wire.RoomLocator(room="lobby"))
        refusal = await client.ask(wire.Leave(endpoint=endpoint, for_everyone=True))
        assert isinstance(refusal, wire.Failed)
        assert refusal.code == 403
        assert "REST" in refusal.next_step
        assert len(service.calls.live) == 1
        assert isinstance(await client.ask(wire.Leave(endpoint=endpoint)), wire.Answered)
        (call,) = service.calls.live.values()
        assert not call.endpoints
        assert call.is_waiting


async def test_a_goodbye_is_a_hang_up_for_the_others(service: CallingService) -> None:
    place = group()
    async with raw_client(service) as stays, raw_client(service) as goes:
        await stays.hello()
        await stays.join(place)
        await goes.hello()
        await goes.join(place)
        await goes.socket.close()
        facts = await stays.news(wire.Facts, lambda body: isinstance(body.facts[0], EndpointLeft))
        left = facts.facts[0]
        assert isinstance(left, EndpointLeft)
        assert (left.reason.code, left.reason.sub_code) == (0, 0)


async def test_large_messages_count_for_more(service: CallingService) -> None:
    async with raw_client(service) as client:
        await client.hello()
        large = " " * (wire.MESSAGE_LIMIT - 100) + wire.encode(wire.Ping())
        await client.socket.send_str(large)
        assert isinstance(await client.hear(), wire.Pong)
        await client.socket.send_str(large)
        assert await client.hear_close() == wire.CloseCode.TOO_FAST


@pytest.mark.parametrize("path", ["/healthz", "/calls/ws"])
async def test_pages_of_other_origins_are_refused(service: CallingService, path: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(10):
        for origin in ("https://evil.example", "null", "http://[", f"{LISTED}:444"):
            async with http.get(service.url + path, headers={"Origin": origin}) as answer:
                assert answer.status == 403, origin
        own: tuple[str | None, ...] = (LISTED, service.url, service.url.upper(), None)
        for page in own:
            headers = {} if page is None else {"Origin": page}
            async with http.get(service.url + path, headers=headers) as answer:
                assert answer.status != 403, page


async def test_the_url_is_one_that_this_machine_can_open() -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0)
    for host, local in (("::", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")):
        service = CallingService(settings.model_copy(update={"host": host}))
        assert service.url == f"http://{local}:0"
