from __future__ import annotations

import asyncio
import logging
import uuid

import pytest

from acs_core import (
    AuthenticationError,
    AzureCommunicationTokenCredential,
    CallAgentKind,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CollectionUpdate,
    Features,
    GroupCallLocator,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    ServiceConnectionState,
    TransportError,
)
from acs_core.service.app import embedded
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import ServiceSettings
from tests.support.calls import Log, agent, credential
from tests.support.fake_session import FakeLink
from tests.support.proxies import tcp_proxy

GROUP = GroupCallLocator(str(uuid.uuid4()))


@pytest.mark.feature("INIT-001", "OBJECT-001", "OBJECT-003")
async def test_a_client_has_one_agent_at_a_time() -> None:
    link = FakeLink()
    async with CallClient(link_factory=link.factory) as client:
        first = await client.create_call_agent(credential(), CallAgentOptions("Ann"))
        assert (first.display_name, first.kind) == ("Ann", CallAgentKind.CALL_AGENT)
        assert first.connection_state is ServiceConnectionState.CONNECTED
        with pytest.raises(InvalidArgumentError) as caught:
            await client.create_call_agent(credential())
        assert (caught.value.code, caught.value.sub_code) == (400, 40008)
        await first.dispose()
        assert not link.is_open
        await client.create_call_agent(credential())


async def test_a_refused_token_leaves_the_client_usable() -> None:
    link = FakeLink()
    link.open_error = AuthenticationError("expired")
    async with CallClient(link_factory=link.factory) as client:
        with pytest.raises(AuthenticationError):
            await client.create_call_agent(credential())
        link.open_error = None
        await client.create_call_agent(credential())
        with pytest.raises(InvalidArgumentError, match="256"):
            await client.create_call_agent(credential(), CallAgentOptions("x" * 257))


@pytest.mark.feature("OBJECT-004", "DEVICE-003")
async def test_there_is_one_device_manager() -> None:
    client = CallClient()
    assert await client.get_device_manager() is await client.get_device_manager()
    with pytest.raises(InvalidArgumentError):
        client.feature(Features.STREAMS)  # type: ignore[arg-type]
    await client.dispose()
    await client.dispose()
    with pytest.raises(InvalidStateError) as caught:
        await client.get_device_manager()
    assert (caught.value.code, caught.value.sub_code) == (404, 40012)


async def test_the_service_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLING_SERVICE_URL", raising=False)
    assert CallClientOptions().service_url == "http://127.0.0.1:7780"
    monkeypatch.setenv("CALLING_SERVICE_URL", "https://calls.example")
    assert CallClientOptions().service_url == "https://calls.example"


@pytest.mark.feature("INIT-002")
async def test_the_logger_of_the_options_is_used(caplog: pytest.LogCaptureFixture) -> None:
    options = CallClientOptions(logger=logging.getLogger("mine"), sample_interval=3600.0)
    async with agent(FakeLink(), options) as the_agent:
        call = the_agent.join(GROUP)
        call.on("stateChanged", lambda: 1 / 0)
        await call.connected()
    assert {record.name for record in caplog.records} >= {"mine"}


@pytest.mark.feature("CALL-009")
async def test_calls_come_and_go() -> None:
    async with agent(FakeLink()) as the_agent:
        log = Log().watch(the_agent)
        call = await the_agent.join({"groupId": GROUP.group_id}).connected()
        assert the_agent.calls == (call,)
        await call.hang_up()
        assert the_agent.calls == ()
        assert log.entries == [
            ("callsUpdated", (CollectionUpdate((call,)),)),
            ("callsUpdated", (CollectionUpdate((), (call,)),)),
        ]


@pytest.mark.feature("CALL-008")
@pytest.mark.parametrize(
    "wrong", [{"groupId": "not-a-guid"}, {"room": "x"}, {}, {"groupId": 5}, None, "x"]
)
async def test_a_wrong_locator_is_refused_at_once(wrong: object) -> None:
    async with agent(FakeLink()) as the_agent:
        with pytest.raises(InvalidArgumentError) as caught:
            the_agent.join(wrong)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.sub_code) == (400, 40209)
        assert the_agent.calls == ()


async def test_a_lost_connection_is_told() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        log = Log().watch(the_agent)
        the_agent.on_connected(False, TransportError("gone"))
        the_agent.on_connected(False, TransportError("still"))
        the_agent.on_connected(True)
        the_agent.on_connected(False, TransportError("gone"))
        the_agent.on_connected(False, AuthenticationError("expired"))
        the_agent.on_connected(True)
        await the_agent.dispose()
        changes = [change for name, (change,) in log.entries if name == "connectionStateChanged"]
        reasons = [change.reason for change in changes]
        assert reasons == ["connectionIssue", None, "connectionIssue", "invalidToken", None, None]
        with pytest.raises(InvalidStateError) as caught:
            the_agent.join(GROUP)
        assert (caught.value.code, caught.value.sub_code) == (409, 40203)


class SlowLink(FakeLink):
    """Connects when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.opening = asyncio.Event()
        self.may_open = asyncio.Event()

    async def open(self) -> None:
        self.opening.set()
        await self.may_open.wait()
        await super().open()


async def test_an_agent_that_connects_after_its_client_was_disposed_is_let_go_of() -> None:
    link = SlowLink()
    client = CallClient(link_factory=link.factory)
    creating = asyncio.create_task(client.create_call_agent(credential()))
    await link.opening.wait()
    await client.dispose()
    link.may_open.set()
    with pytest.raises(InvalidStateError) as caught:
        await creating
    assert caught.value.sub_code == 40012
    assert not link.is_open


class StuckLink(FakeLink):
    """Closes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = asyncio.Event()
        self.may_close = asyncio.Event()

    async def close(self) -> None:
        self.closing.set()
        await self.may_close.wait()
        await super().close()


@pytest.mark.parametrize("whole", ["agent", "client"])
async def test_a_dispose_that_is_cancelled_goes_on_and_is_waited_for_by_the_next(
    whole: str,
) -> None:
    link = StuckLink()
    client = CallClient(link_factory=link.factory)
    the_agent = await client.create_call_agent(credential())
    disposable = {"agent": the_agent, "client": client}[whole]
    disposing = asyncio.create_task(disposable.dispose())
    await link.closing.wait()
    disposing.cancel()
    await asyncio.wait({disposing})
    assert disposing.cancelled()
    assert link.is_open
    link.may_close.set()
    await disposable.dispose()
    assert not link.is_open
    await client.dispose()


async def test_a_call_after_the_connection_was_lost_for_good_restores_it() -> None:
    times = SessionTimes(acs_window=0.2)
    quick = ServiceSettings(dev=True, port=0, media_port=0, times=times)
    async with embedded(quick) as service, tcp_proxy(service.port) as proxy:
        token = AzureCommunicationTokenCredential(service.issue_user_token()[1].token)
        async with CallClient(CallClientOptions(service_url=proxy.url)) as client:
            the_agent = await client.create_call_agent(token)
            states: list[str] = []
            the_agent.on("connectionStateChanged", lambda change: states.append(change.new_value))
            call = await the_agent.join(GROUP, JoinCallOptions(streams=())).connected()
            proxy.cut()
            async with asyncio.timeout(10):
                await call.ended()
            proxy.restore()
            await the_agent.join(GROUP, JoinCallOptions(streams=())).connected()
            assert the_agent.connection_state is ServiceConnectionState.CONNECTED
            assert states == ["Disconnected", "Connected"]
