"""Calls that ring, through raw messages to a real service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acs_core import wire
from acs_core.core.facts import (
    CallType,
    EndpointJoined,
    EndReason,
    Fact,
    PendingChanged,
    PendingGone,
    PendingState,
)
from acs_core.service.app import CallingService, embedded
from tests.support.service_client import RawClient, raw_client

Answer = wire.InvitationAnswer


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded() as running:
        yield running


class Person:
    """A user of the service, with as many clients as a test likes."""

    def __init__(self, service: CallingService) -> None:
        self.service = service
        self.raw_id, issued = service.issue_user_token()
        self._token = issued.token

    @asynccontextmanager
    async def online(self) -> AsyncIterator[RawClient]:
        async with raw_client(self.service, token=self._token) as client:
            await client.hello()
            yield client


async def dial(client: RawClient, *callees: str, **options: str) -> tuple[str, wire.Joined]:
    locator = wire.DialLocator(callees=callees, **options)
    endpoint, joined = await client.join(locator, name="Anna")
    assert isinstance(joined, wire.Joined), joined
    return endpoint, joined


async def accept(client: RawClient) -> tuple[str, wire.Joined]:
    """Take the next call."""
    invitation = (await client.news(wire.Invited)).invitation
    return invitation, await take(client, invitation)


async def take(client: RawClient, invitation: str) -> wire.Joined:
    locator = wire.InvitationLocator(invitation=invitation)
    _, joined = await client.join(locator, endpoint=invitation, name="Ben")
    assert isinstance(joined, wire.Joined), joined
    return joined


async def reply(client: RawClient, invitation: str, answer: Answer) -> object:
    return await client.ask(wire.ReplyToInvitation(invitation=invitation, answer=answer))


async def fact(client: RawClient, kind: type[Fact]) -> Fact:
    """The next fact of a kind, heard already or not."""
    while True:
        for item in client.facts:
            if isinstance(item, kind):
                return item
        await client.hear()


async def ended(client: RawClient) -> EndReason:
    return (await client.news(wire.Ended)).reason


def codes(failed: object) -> tuple[int, int]:
    assert isinstance(failed, wire.Failed), failed
    return failed.code, failed.sub_code


# ------------------------------------------------------------------ one calls one


@pytest.mark.feature("INCOMING-001", "CALL-006", "INCOMING-008", "INCOMING-012")
async def test_a_callee_rings_answers_and_both_are_in_one_call(service: CallingService) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as callee:
        _, joined = await dial(caller, ben.raw_id)
        assert joined.call_type is CallType.ONE_TO_ONE
        assert [item.identity for item in joined.pending] == [ben.raw_id]
        assert joined.pending[0].state is PendingState.CONNECTING
        invited = await callee.news(wire.Invited)
        assert (invited.caller, invited.caller_name) == (anna.raw_id, "Anna")
        assert invited.call == joined.call
        assert not invited.is_group
        assert isinstance(await reply(callee, invited.invitation, Answer.RINGING), wire.Answered)
        changed = await fact(caller, PendingChanged)
        assert isinstance(changed, PendingChanged)
        assert changed.participant.state is PendingState.RINGING
        inside = await take(callee, invited.invitation)
        assert inside.call == joined.call
        assert not inside.pending
        assert [item.identity for item in inside.endpoints] == [anna.raw_id, ben.raw_id]
        arrived = await fact(caller, EndpointJoined)
        assert isinstance(arrived, EndpointJoined)
        assert arrived.endpoint.id == invited.invitation
        gone = await fact(caller, PendingGone)
        assert gone == PendingGone(identity=ben.raw_id)
        assert inside.revision == service.calls.live[joined.call].roster.revision
