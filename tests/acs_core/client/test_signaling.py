from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from typing import Any

import pytest

from acs_core import wire
from acs_core.client.signaling import SignalingConnection, SignalingTimes
from acs_core.core.facts import EndpointChanged, Priority, PublicationChanged, PublicationKind
from acs_core.errors import (
    AuthenticationError,
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    ServiceError,
    Stage,
    TransportError,
)
from acs_core.service.app import CallingService, embedded
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import ServiceSettings
from tests.support.events import until
from tests.support.proxies import tcp_proxy
from tests.support.service_client import group, new_id, raw_client

DEADLINE = 10.0
QUICK = SignalingTimes(open=1.0, request=1.0, attempt=1.0)


def settings(times: SessionTimes | None = None, *, port: int = 0) -> ServiceSettings:
    return ServiceSettings(dev=True, port=port, media_port=0, times=times or SessionTimes())


class Listener:
    """Writes down what a connection says."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.bodies: list[wire.DeliveryBody] = []
        self.errors: list[CallingError] = []
        self._wake = asyncio.Event()
        self.raises = False

    async def until(self, entry: str, *, times: int = 1) -> None:
        async with asyncio.timeout(DEADLINE):
            while self.log.count(entry) < times:
                self._wake.clear()
                await self._wake.wait()

    @property
    def changes(self) -> list[bool]:
        """What publications were changed to, in order."""
        bodies = [body for body in self.bodies if isinstance(body, wire.Facts)]
        facts = [fact for body in bodies for fact in body.facts]
        return [fact.enabled for fact in facts if isinstance(fact, PublicationChanged)]

    def _note(self, entry: str) -> None:
        self.log.append(entry)
        self._wake.set()
        if self.raises:
            raise ValueError("a listener's mistake")

    def on_opened(self) -> None:
        """Whoever opens the connection knows it."""

    def on_delivery(self, body: wire.DeliveryBody) -> None:
        self.bodies.append(body)
        self._note("delivery")

    def on_lost(self, error: CallingError) -> None:
        self.errors.append(error)
        self._note("lost")

    def on_resumed(self) -> None:
        self._note("resumed")

    def on_closed(self, error: CallingError) -> None:
        self.errors.append(error)
        self._note("closed")


def connection(
    url: str, token: str, listener: Listener, times: SignalingTimes | None = None
) -> SignalingConnection:
    async def give() -> str:
        return token

    return SignalingConnection(url, give, listener, times=times)


def token_of(service: CallingService) -> str:
    return service.issue_user_token()[1].token


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_service_that_is_not_there_is_a_transport_error_with_a_next_step() -> None:
    client = connection(f"http://127.0.0.1:{free_port()}", "t", Listener())
    with pytest.raises(TransportError) as caught:
        await client.open()
    assert caught.value.stage is Stage.SIGNALING
    assert caught.value.next_step


@pytest.mark.parametrize("url", ["http://", "ws://[", "nonsense", "http://127.0.0.1:99999"])
async def test_an_address_that_is_none_is_a_transport_error(url: str) -> None:
    with pytest.raises(TransportError):
        await connection(url, "t", Listener(), QUICK).open()


async def test_a_service_that_says_nothing_is_a_deadline_error() -> None:
    async with embedded(settings()) as service, tcp_proxy(service.port) as proxy:
        proxy.freeze()
        client = connection(proxy.url, "t", Listener(), SignalingTimes(open=0.2))
        with pytest.raises(DeadlineError) as caught:
            await client.open()
        assert caught.value.next_step


async def test_a_refused_token_is_an_authentication_error() -> None:
    async with embedded(settings()) as service:
        with pytest.raises(AuthenticationError):
            await connection(service.url, "x", Listener()).open()


async def test_a_connection_is_opened_once_and_closed_as_often_as_one_likes() -> None:
    async with embedded(settings()) as service:
        client = connection(service.url, token_of(service), Listener())
        with pytest.raises(TransportError):
            await client.request(wire.Leave(endpoint=new_id()))
        await client.open()
        assert client.is_connected
        assert client.window == 120.0
        with pytest.raises(InvalidStateError):
            await client.open()
        await client.close()
        await client.close()
        with pytest.raises(TransportError):
            await client.request(wire.Leave(endpoint=new_id()))
        await until(lambda: service.sessions == 0)


async def test_opening_that_is_canceled_leaves_no_session_whenever_that_is() -> None:
    async with embedded(settings()) as service:
        token = token_of(service)
        for steps in itertools.count(1):
            link = connection(service.url, token, Listener())
            opening = asyncio.create_task(link.open())
            for _ in range(steps):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait({opening})
            if not opening.cancelled():
                break
            await until(lambda: service.sessions == 0)
        # The last one was quicker than its cancellation.
        assert opening.exception() is None
        assert link.is_connected
        assert steps > 1
        await link.close()
        await until(lambda: service.sessions == 0)


async def test_a_refusal_is_raised_with_its_code() -> None:
    async with embedded(settings()) as service:
        client = connection(service.url, token_of(service), Listener())
        await client.open()
        with pytest.raises(ServiceError) as caught:
            await client.request(wire.Leave(endpoint=new_id()))
        assert caught.value.code == 404
        await client.close()


@pytest.mark.feature("CALL-003")
async def test_nothing_is_lost_or_doubled_when_the_connection_is_cut_again_and_again() -> None:
    async with embedded(settings()) as service, tcp_proxy(service.port) as proxy:
        place = group()
        listener = Listener()
        client = connection(proxy.url, token_of(service), listener)
        await client.open()
        await client.request(wire.Join(endpoint=new_id(), locator=place))
        async with raw_client(service) as other:
            await other.hello()
            chat = wire.NewPublication(key="a", kind=PublicationKind.DATA)
            mine, joined = await other.join(place, publications=(chat,))
            wanted = []
            for number in range(30):
                if number % 10 == 5:
                    proxy.cut()
                change = wire.UpdatePublication(
                    endpoint=mine,
                    publication=joined.published[0].id,
                    enabled=bool(number % 2),
                    priority=Priority.LOW,
                )
                wanted.append(change.enabled)
                await other.ask(change)
                if number % 10 == 9:
                    proxy.restore()
                    await listener.until("resumed", times=number // 10 + 1)
            await until(lambda: len(listener.changes) == 30)
            assert listener.changes == wanted
        assert [entry for entry in listener.log if entry != "delivery"] == ["lost", "resumed"] * 3
        await client.close()


async def test_requests_made_while_signaling_is_lost_are_answered_after_the_resume() -> None:
    async with embedded(settings()) as service, tcp_proxy(service.port) as proxy:
        listener = Listener()
        client = connection(proxy.url, token_of(service), listener)
        await client.open()
        proxy.cut()
        await listener.until("lost")
        asked = [
            asyncio.create_task(client.request(wire.Join(endpoint=new_id(), locator=group())))
            for _ in range(5)
        ]
        await asyncio.wait(asked, timeout=0.05)
        proxy.restore()
        answers = await asyncio.gather(*asked)
        assert all(isinstance(answer, wire.Joined) for answer in answers)
        assert len(service.calls.live) == 5
        await client.close()


async def test_a_request_that_must_arrive_does_so_after_its_time_is_over() -> None:
    async with embedded(settings()) as service, tcp_proxy(service.port) as proxy:
        listener = Listener()
        client = connection(proxy.url, token_of(service), listener)
        await client.open()
        endpoint = new_id()
        await client.request(wire.Join(endpoint=endpoint, locator=group()))
        proxy.cut()
        await listener.until("lost")
        with pytest.raises(DeadlineError):
            await client.request(wire.Leave(endpoint=endpoint), timeout=0.05, must_arrive=True)
        proxy.restore()
        await until(lambda: not service.calls.live)
        await client.close()


async def test_a_silent_service_is_noticed_and_the_session_survives() -> None:
    times = SessionTimes(heartbeat=0.1, acs_window=10.0)
    async with embedded(settings(times)) as service, tcp_proxy(service.port) as proxy:
        listener = Listener()
        client = connection(proxy.url, token_of(service), listener)
        await client.open()
        endpoint = new_id()
        await client.request(wire.Join(endpoint=endpoint, locator=group()))
        proxy.freeze()
        await listener.until("lost")
        proxy.restore()
        await listener.until("resumed")
        assert isinstance(await client.request(wire.Leave(endpoint=endpoint)), wire.Answered)
        await client.close()


async def test_an_idle_connection_stays_up_by_its_pings() -> None:
    times = SessionTimes(heartbeat=0.05)
    async with embedded(settings(times)) as service:
        listener = Listener()
        client = connection(service.url, token_of(service), listener)
        await client.open()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await listener.until("lost")
        assert client.is_connected
        await client.close()


async def test_a_service_that_was_restarted_ends_the_session() -> None:
    first = await CallingService(settings()).start()
    port, key = first.port, first.settings.acs_access_key
    listener = Listener()
    client = connection(first.url, token_of(first), listener)
    await client.open()
    await first.close()
    await listener.until("lost")
    again = ServiceSettings(dev=True, port=port, media_port=0, acs_access_key=key)
    async with embedded(again):
        await listener.until("closed")
        with pytest.raises(TransportError):
            await client.request(wire.Leave(endpoint=new_id()))
    await client.close()


async def test_a_session_that_cannot_be_resumed_within_its_window_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "acs_core.client.signaling")
    times = SessionTimes(acs_window=0.3)
    async with embedded(settings(times)) as service, tcp_proxy(service.port) as proxy:
        listener = Listener()
        client = connection(proxy.url, token_of(service), listener)
        await client.open()
        proxy.cut()
        await listener.until("closed")
        assert listener.errors[-1].sub_code == 53001
        lost, gone = [
            record.getMessage()
            for record in caplog.records
            if record.name == "acs_core.client.signaling"
        ]
        assert " is lost: " in lost
        assert " does not come back: Signaling was not restored" in gone
        await client.close()


async def test_closing_takes_under_two_seconds_while_the_service_is_frozen() -> None:
    times = SessionTimes(heartbeat=0.1)
    async with embedded(settings(times)) as service, tcp_proxy(service.port) as proxy:
        listener = Listener()
        client = connection(proxy.url, token_of(service), listener)
        await client.open()
        proxy.freeze()
        await listener.until("lost")
        async with asyncio.timeout(2.0):
            await client.close()
        assert client.is_closed


async def test_closing_fails_what_is_still_asked() -> None:
    async with embedded(settings()) as service, tcp_proxy(service.port) as proxy:
        client = connection(proxy.url, token_of(service), Listener())
        await client.open()
        proxy.freeze()
        asked = asyncio.create_task(client.request(wire.Leave(endpoint=new_id())))
        await asyncio.wait({asked}, timeout=0.05)
        async with asyncio.timeout(2.0):
            await client.close()
        with pytest.raises(TransportError):
            await asked


async def test_a_listener_that_raises_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with embedded(settings()) as service, tcp_proxy(service.port) as proxy:
        listener = Listener()
        listener.raises = True
        client = connection(proxy.url, token_of(service), listener)
        await client.open()
        place = group()
        await client.request(wire.Join(endpoint=new_id(), locator=place))
        async with raw_client(service) as other:
            await other.hello()
            await other.join(place)
            await listener.until("delivery")
            proxy.cut()
            await listener.until("lost")
            proxy.restore()
            await listener.until("resumed")
        await client.close()
    assert "a listener failed" in caplog.text


async def test_a_reader_that_keeps_up_is_never_taken_for_a_slow_one() -> None:
    # Confirmations go out by volume: the pings alone, one in an hour, would be too late.
    times = SessionTimes(
        heartbeat=3600.0, buffer_limit=300 * 1024, messages_per_second=100_000, acs_window=0.2
    )
    async with embedded(settings(times)) as service:
        place = group()
        listener = Listener()
        client = connection(service.url, token_of(service), listener)
        await client.open()
        await client.request(wire.Join(endpoint=new_id(), locator=place))
        call = next(iter(service.calls.live.values()))
        endpoint = next(iter(call.endpoints))
        fact = EndpointChanged(endpoint=endpoint, state=call.endpoints[endpoint].state)
        for _ in range(20):
            seen = len(listener.bodies)
            for _ in range(200):
                call.commit(fact)
            await until(lambda: len(listener.bodies) >= seen + 200)  # noqa: B023
        assert "lost" not in listener.log
        assert sum(len(repr(body)) for body in listener.bodies) > 512 * 1024
        await client.close()


@pytest.mark.parametrize("wrong", [7, object(), "\ud800", float("nan")])
async def test_a_request_of_wrong_types_is_refused_here_and_breaks_nothing(wrong: Any) -> None:
    async with embedded(settings()) as service:
        listener = Listener()
        client = connection(service.url, token_of(service), listener, QUICK)
        await client.open()
        with pytest.raises(InvalidArgumentError, match="RaiseHand") as caught:
            await client.request(wire.RaiseHand(endpoint=wrong, is_raised=True))
        assert caught.value.code == 400
        with pytest.raises(ServiceError):
            await client.request(wire.Leave(endpoint=new_id()))
        assert "lost" not in listener.log
        await client.close()


async def test_a_request_too_large_for_the_service_is_refused_here_and_breaks_nothing() -> None:
    async with embedded(settings()) as service:
        listener = Listener()
        client = connection(service.url, token_of(service), listener, QUICK)
        await client.open()
        identities = tuple(f"8:acs:{number:0>60}" for number in range(5000))
        with pytest.raises(InvalidArgumentError) as caught:
            await client.request(
                wire.RaiseHand(endpoint=new_id(), is_raised=False, identities=identities)
            )
        assert caught.value.code == 413
        with pytest.raises(ServiceError):
            await client.request(wire.Leave(endpoint=new_id()))
        assert "lost" not in listener.log
        await client.close()
