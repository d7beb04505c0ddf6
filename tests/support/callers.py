"""Call agents of a real service that runs with settings of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from acs_core import (
    AcceptCallOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgent,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CommunicationUserIdentifier,
    IncomingCall,
    PhoneNumberIdentifier,
    StartCallOptions,
)
from acs_core.core.facts import EndReason
from acs_core.service.app import CallingService
from acs_core.service.automation.playing import Voice
from acs_core.service.settings import ServiceSettings
from acs_core.service.transcription import Transcriber
from tests.support.events import next_event, until
from tests.support.proxies import TcpProxy, tcp_proxy
from tests.support.service_client import RawClient, raw_client
from tests.support.telephones import Loopback, ScriptedTelephone

__all__ = ["SILENT", "Caller", "Switch", "end_of", "switch"]

PHONE, OUR_NUMBER = PhoneNumberIdentifier("+15550100"), PhoneNumberIdentifier("+15550199")
SILENT = AcceptCallOptions(streams=())


class Caller:
    """A user with one agent."""

    def __init__(self, raw_id: str, token: str, agent: CallAgent, client: CallClient) -> None:
        self.raw_id = raw_id
        self.token = token
        self.agent = agent
        self.client = client

    @property
    def who(self) -> CommunicationUserIdentifier:
        return CommunicationUserIdentifier(self.raw_id)

    def rings(self) -> Awaitable[IncomingCall]:
        """The next call; listens from now on, await it when you like."""
        told = next_event(self.agent, "incomingCall")

        async def take() -> IncomingCall:
            (args,) = await told
            assert isinstance(args.incoming_call, IncomingCall)
            return args.incoming_call

        return take()

    def dial(self, *others: Caller | str, **options: Any) -> Call:
        """Call users, by themselves or by raw id."""
        ids = [item if isinstance(item, str) else item.raw_id for item in others]
        callees = [CommunicationUserIdentifier(raw_id) for raw_id in ids]
        return self.agent.start_call(callees, StartCallOptions(streams=(), **options))


class Switch:
    """A service, telephones that wait for the test, and everybody who has come."""

    def __init__(
        self, service: CallingService, telephones: Loopback, stack: AsyncExitStack
    ) -> None:
        self.service = service
        self.telephones = telephones
        self.stack = stack

    async def caller(self, name: str = "", *, token: str = "", url: str = "") -> Caller:
        """A new user, or another client of one, whose agent is connected."""
        raw_id = ""
        if not token:
            raw_id, issued = self.service.issue_user_token()
            token = issued.token
        client = CallClient(CallClientOptions(service_url=url or self.service.url))
        await self.stack.enter_async_context(client)
        credential = AzureCommunicationTokenCredential(token)
        agent = await client.create_call_agent(credential, CallAgentOptions(name))
        return Caller(raw_id, token, agent, client)

    async def raw(self) -> tuple[str, RawClient]:
        """A user whose client does only what the test says: raw id and client."""
        raw_id, issued = self.service.issue_user_token()
        client = await self.stack.enter_async_context(raw_client(self.service, token=issued.token))
        await client.hello()
        return raw_id, client

    async def breakable(self, name: str = "") -> tuple[Caller, TcpProxy]:
        """A user whose signaling can be cut."""
        proxy = await self.stack.enter_async_context(tcp_proxy(self.service.port))
        return await self.caller(name, url=proxy.url), proxy

    async def pair(self, anna: Caller, ben: Caller) -> tuple[Call, Call]:
        """A connected call between two, as both have it."""
        ringing = ben.rings()
        ours = anna.dial(ben)
        theirs = await (await ringing).accept(SILENT)
        return await ours.connected(), await theirs.connected()

    def dial_phone(self, anna: Caller) -> Call:
        """A call to a telephone."""
        return anna.agent.start_call(
            [PHONE], StartCallOptions(streams=(), alternate_caller_id=OUR_NUMBER)
        )

    async def phone(self, anna: Caller) -> tuple[Call, ScriptedTelephone]:
        """A call to a telephone, and the telephone, which does nothing yet."""
        call = self.dial_phone(anna)
        await until(lambda: self.telephones.placed)
        return call, self.telephones.placed[-1]


@asynccontextmanager
async def switch(
    *,
    has_telephones: bool = True,
    transcriber: Transcriber | None = None,
    voices: Callable[[], Voice] | None = None,
    **settings: Any,
) -> AsyncIterator[Switch]:
    """A service with these settings, and nobody there; all leave when the block ends."""
    chosen = ServiceSettings(**({"dev": True, "port": 0, "media_port": 0} | settings))
    telephones = Loopback()
    async with (
        CallingService(
            chosen,
            telephones=telephones if has_telephones else None,
            transcriber=transcriber,
            voices=voices,
        ) as service,
        AsyncExitStack() as stack,
    ):
        yield Switch(service, telephones, stack)


async def end_of(incoming: IncomingCall) -> EndReason:
    """Why an incoming call rings no longer, as its event says."""
    if incoming.call_end_reason is None:
        await until(lambda: incoming.call_end_reason)
    assert incoming.call_end_reason is not None
    return incoming.call_end_reason
