"""Users are told of calls for them, whatever they do."""

from __future__ import annotations

import asyncio

import pytest

from acs_core import CallAgentEvent, CommunicationUserIdentifier, IncomingCall, StartCallOptions
from tests.support.people import meeting

SOON = 1.0


@pytest.mark.feature("INCOMING-001", "INCOMING-003")
async def test_an_agent_without_calls_hears_within_a_second_that_it_is_called() -> None:
    async with meeting() as place:
        ann, bob = await place.user("Ann"), await place.user("Bob")
        rings: asyncio.Queue[IncomingCall] = asyncio.Queue()
        bob.agent.on(
            CallAgentEvent.INCOMING_CALL, lambda args: rings.put_nowait(args.incoming_call)
        )
        assert bob.agent.calls == ()
        callee = CommunicationUserIdentifier(bob.raw_id)
        call = ann.agent.start_call([callee], StartCallOptions(streams=()))
        async with asyncio.timeout(SOON):
            incoming = await rings.get()
        assert incoming.caller_info.identifier == CommunicationUserIdentifier(ann.raw_id)
        assert incoming.caller_info.display_name == "Ann"
        assert bob.agent.calls == ()
        await call.hang_up()
