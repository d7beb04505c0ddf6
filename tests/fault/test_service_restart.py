"""The service goes down and comes back: calls end with a reason, agents go on."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack

from acs_core import (
    AcceptCallOptions,
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
    CallState,
    CommunicationUserIdentifier,
    GroupCallLocator,
    JoinCallOptions,
    StartCallOptions,
)
from acs_core.models import ServiceConnectionState
from acs_core.service import CallingService, ServiceSettings
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import new_access_key
from tests.support.events import next_event, until

RETURNING = "agent reconnection"


async def test_agents_without_a_call_hear_who_calls_after_the_service_was_restarted() -> None:
    key = new_access_key()

    def settings(port: int) -> ServiceSettings:
        return ServiceSettings(port=port, media_port=0, acs_access_key=key)

    async with AsyncExitStack() as stack:
        first = await CallingService(settings(0)).start()
        agents, states = [], []
        for _ in range(2):
            options = CallClientOptions(service_url=first.url)
            client = await stack.enter_async_context(CallClient(options))
            raw_id, token = first.issue_user_token()
            agent = await client.create_call_agent(AzureCommunicationTokenCredential(token.token))
            agent.on("connectionStateChanged", lambda change: states.append(change.new_value))
            agents.append((raw_id, agent))
        await first.close()
        await until(lambda: len(states) == 2)
        assert set(states) == {ServiceConnectionState.DISCONNECTED}
        await stack.enter_async_context(CallingService(settings(first.port)))
        await until(lambda: len(states) == 4)
        assert set(states[2:]) == {ServiceConnectionState.CONNECTED}
        (_, caller), (callee_id, callee) = agents
        assert callee.connection_state is ServiceConnectionState.CONNECTED
        ringing = next_event(callee, "incomingCall")
        nothing = StartCallOptions(streams=())
        ours = caller.start_call([CommunicationUserIdentifier(callee_id)], nothing)
        (args,) = await ringing
        await args.incoming_call.accept(AcceptCallOptions(streams=()))
        await ours.connected()


async def test_an_agent_that_is_disposed_tries_no_longer_to_come_back() -> None:
    settings = ServiceSettings(
        port=0,
        media_port=0,
        acs_access_key=new_access_key(),
        times=SessionTimes(acs_window=0.2),
    )
    service = await CallingService(settings).start()
    token = AzureCommunicationTokenCredential(service.issue_user_token()[1].token)
    async with CallClient(CallClientOptions(service_url=service.url)) as client:
        agent = await client.create_call_agent(token)
        await service.close()
        await until(lambda: any(task.get_name() == RETURNING for task in asyncio.all_tasks()))
        assert agent.connection_state is ServiceConnectionState.DISCONNECTED
    assert not any(task.get_name() == RETURNING for task in asyncio.all_tasks())


async def test_an_agent_joins_again_after_the_service_was_restarted() -> None:
    key = new_access_key()

    def settings(port: int) -> ServiceSettings:
        return ServiceSettings(port=port, media_port=0, acs_access_key=key)

    place = GroupCallLocator(str(uuid.uuid4()))
    nothing = JoinCallOptions(streams=())
    first = await CallingService(settings(0)).start()
    token = AzureCommunicationTokenCredential(first.issue_user_token()[1].token)
    async with CallClient(CallClientOptions(service_url=first.url)) as client, asyncio.timeout(30):
        agent = await client.create_call_agent(token)
        call = agent.join(place, nothing)
        await call.connected()
        await first.close()
        reason = await call.ended()
        assert (call.state, reason.sub_code) == (CallState.DISCONNECTED, 53006)
        async with CallingService(settings(first.port)):
            # The session of before is gone; the agent finds that out and begins another one.
            while True:
                again = agent.join(place, nothing)
                try:
                    await again.connected()
                except Exception:
                    await asyncio.sleep(0.1)
                    continue
                break
            assert again.state is CallState.CONNECTED
            await again.hang_up()
