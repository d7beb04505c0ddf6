"""The service goes down and comes back: calls end with a reason, agents go on."""

from __future__ import annotations

import asyncio
import uuid

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
    CallState,
    GroupCallLocator,
    JoinCallOptions,
)
from acs_core.service import CallingService, ServiceSettings
from acs_core.service.settings import new_access_key


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
