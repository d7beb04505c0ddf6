"""Calls that ring, through raw messages to a real service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    CallType,
    CallTypeChanged,
    EndpointJoined,
    EndReason,
    Fact,
    PendingChanged,
    PendingGone,
    PendingState,
)
from acs_core.service.app import CallingService, embedded
from acs_core.service.ringing import RingTimes
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import ServiceSettings
from tests.support.service_client import RawClient, group, new_id, raw_client

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


# ------------------------------------------------------------------ nobody comes


async def test_a_callee_who_declines_ends_the_call_with_603(service: CallingService) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as callee:
        await dial(caller, ben.raw_id)
        invitation = (await callee.news(wire.Invited)).invitation
        assert await reply(callee, invitation, Answer.DECLINED) == wire.Answered()
        assert await ended(caller) == endings.DECLINED
        assert not service.calls.live
        assert codes(await reply(callee, invitation, Answer.DECLINED)) == (400, 41007)


async def test_a_busy_client_ends_the_call_only_when_no_other_rings(
    service: CallingService,
) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as desk, ben.online() as phone:
        await dial(caller, ben.raw_id)
        invitations = [(await client.news(wire.Invited)).invitation for client in (desk, phone)]
        await reply(desk, invitations[0], Answer.BUSY)
        assert service.calls.live
        await reply(phone, invitations[1], Answer.BUSY)
        assert await ended(caller) == endings.BUSY


async def test_a_callee_who_is_not_online_ends_the_call_at_once(service: CallingService) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller:
        _, joined = await dial(caller, ben.raw_id)
        assert joined.pending
        assert await ended(caller) == endings.NOT_REGISTERED


async def test_nobody_answers_in_time() -> None:
    times = RingTimes(one_to_one=0.05)
    settings = ServiceSettings(dev=True, port=0, media_port=0, ringing=times)
    async with embedded(settings) as service:
        anna, ben = Person(service), Person(service)
        async with anna.online() as caller, ben.online() as callee:
            await dial(caller, ben.raw_id)
            assert await ended(caller) == endings.NO_ANSWER
            assert (await callee.news(wire.InvitationEnded)).reason == endings.NO_ANSWER


async def test_a_caller_who_leaves_before_the_answer_cancels_the_call(
    service: CallingService,
) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as callee:
        endpoint, _ = await dial(caller, ben.raw_id)
        invitation = (await callee.news(wire.Invited)).invitation
        assert await caller.ask(wire.Leave(endpoint=endpoint)) == wire.Answered()
        over = await callee.news(wire.InvitationEnded)
        assert over == wire.InvitationEnded(invitation=invitation, reason=endings.CANCELLED)
        late = await callee.join(wire.InvitationLocator(invitation=invitation), endpoint=invitation)
        assert codes(late[1]) == (400, 41006)
        assert not service.calls.live


async def test_a_callee_whose_last_client_says_goodbye_will_not_come(
    service: CallingService,
) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller:
        async with ben.online() as callee:
            await dial(caller, ben.raw_id)
            await callee.news(wire.Invited)
        assert await ended(caller) == endings.CALLEE_GONE


async def test_a_client_that_resumes_still_rings_and_can_answer() -> None:
    patient = SessionTimes(acs_window=20.0)
    settings = ServiceSettings(dev=True, port=0, media_port=0, times=patient)
    async with embedded(settings) as service:
        anna, ben = Person(service), Person(service)
        async with anna.online() as caller, ben.online() as lost, ben.online() as found:
            # Only one client of Ben's rings: the other one is his no more.
            await found.socket.close()
            lost.cut()
            await dial(caller, ben.raw_id)
            async with raw_client(service, token=lost.token) as again:
                await again.hello(resume=lost.resume_point())
                _, joined = await accept(again)
            assert len(joined.endpoints) == 2


# ------------------------------------------------------------------ several clients of one user


async def test_all_clients_ring_and_the_first_to_answer_has_the_call(
    service: CallingService,
) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as desk, ben.online() as phone:
        await dial(caller, ben.raw_id)
        other = (await phone.news(wire.Invited)).invitation
        mine, _ = await accept(desk)
        assert mine != other
        over = await phone.news(wire.InvitationEnded)
        assert over == wire.InvitationEnded(invitation=other, reason=endings.ANSWERED_ELSEWHERE)
        for client, invitation in ((phone, other), (desk, mine)):
            locator = wire.InvitationLocator(invitation=invitation)
            refused = await phone.join(locator, endpoint=invitation)
            assert codes(refused[1]) == (400, 41006), client


async def test_a_client_that_declines_declines_for_all(service: CallingService) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as desk, ben.online() as phone:
        await dial(caller, ben.raw_id)
        await reply(desk, (await desk.news(wire.Invited)).invitation, Answer.DECLINED)
        assert (await phone.news(wire.InvitationEnded)).reason == endings.DECLINED_ELSEWHERE
        assert await ended(caller) == endings.DECLINED


async def test_an_invitation_is_only_for_whom_it_rang(service: CallingService) -> None:
    anna, ben, eve = Person(service), Person(service), Person(service)
    async with anna.online() as caller, ben.online() as callee, eve.online() as thief:
        await dial(caller, ben.raw_id)
        invitation = (await callee.news(wire.Invited)).invitation
        locator = wire.InvitationLocator(invitation=invitation)
        assert codes((await thief.join(locator, endpoint=invitation))[1]) == (400, 41006)
        assert codes(await reply(thief, invitation, Answer.DECLINED)) == (400, 41007)
        assert codes((await callee.join(locator, endpoint=new_id()))[1]) == (400, 0)
        assert len((await take(callee, invitation)).endpoints) == 2


# ------------------------------------------------------------------ ends and growth


async def test_when_one_of_two_leaves_the_call_is_over_for_the_other(
    service: CallingService,
) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as callee:
        endpoint, _ = await dial(caller, ben.raw_id)
        await accept(callee)
        await caller.ask(wire.Leave(endpoint=endpoint))
        assert await ended(callee) == endings.OTHER_HUNG_UP
        assert not service.calls.live


async def test_a_call_to_several_goes_on_while_somebody_is_there_or_expected(
    service: CallingService,
) -> None:
    anna, ben, cleo = Person(service), Person(service), Person(service)
    async with anna.online() as caller, ben.online() as first, cleo.online() as second:
        _, joined = await dial(caller, ben.raw_id, cleo.raw_id, ben.raw_id)
        assert joined.call_type is CallType.DIAL_OUT
        assert [item.identity for item in joined.pending] == [ben.raw_id, cleo.raw_id]
        invited = await first.news(wire.Invited)
        assert invited.is_group
        await reply(first, invited.invitation, Answer.DECLINED)
        gone = await fact(caller, PendingGone)
        assert gone == PendingGone(identity=ben.raw_id, reason=endings.DECLINED)
        endpoint, _ = await accept(second)
        await second.ask(wire.Leave(endpoint=endpoint))
        assert await ended(caller) == endings.OTHER_HUNG_UP


async def test_a_call_of_two_grows_and_then_outlives_one_of_them(service: CallingService) -> None:
    anna, ben, cleo = Person(service), Person(service), Person(service)
    async with anna.online() as caller, ben.online() as first, cleo.online() as second:
        endpoint, joined = await dial(caller, ben.raw_id)
        invite = wire.Invite(endpoint=endpoint, callee=cleo.raw_id)
        assert codes(await caller.ask(invite)) == (412, 41089)
        guest, _ = await accept(first)
        assert await caller.ask(invite) == wire.Answered()
        assert await fact(first, CallTypeChanged) == CallTypeChanged(call_type=CallType.DIAL_OUT)
        assert codes(await caller.ask(invite)) == (400, 41053)
        _, third = await accept(second)
        assert (third.call, third.call_type) == (joined.call, CallType.DIAL_OUT)
        assert len(third.endpoints) == 3
        assert codes(await caller.ask(invite)) == (400, 41053)
        await first.ask(wire.Leave(endpoint=guest))
        assert service.calls.live[joined.call].type is CallType.DIAL_OUT


async def test_a_group_is_not_ended_by_a_guest_who_does_not_come(service: CallingService) -> None:
    anna, ben = Person(service), Person(service)
    async with anna.online() as caller, ben.online() as callee:
        endpoint, joined = await caller.join(group())
        await caller.ask(wire.Invite(endpoint=endpoint, callee=ben.raw_id))
        invited = await callee.news(wire.Invited)
        assert invited.is_group
        await reply(callee, invited.invitation, Answer.DECLINED)
        gone = await fact(caller, PendingGone)
        assert gone == PendingGone(identity=ben.raw_id, reason=endings.DECLINED)
        assert list(service.calls.live) == [joined.call]


# ------------------------------------------------------------------ removing


async def test_who_is_removed_hears_it_and_who_rings_rings_no_longer(
    service: CallingService,
) -> None:
    anna, ben, cleo = Person(service), Person(service), Person(service)
    async with anna.online() as caller, ben.online() as first, cleo.online() as second:
        endpoint, _ = await caller.join(group())
        for callee in (ben, cleo):
            await caller.ask(wire.Invite(endpoint=endpoint, callee=callee.raw_id))
        await accept(first)
        await second.news(wire.Invited)
        for callee in (ben, cleo):
            ask = wire.RemoveParticipant(endpoint=endpoint, identity=callee.raw_id)
            assert await caller.ask(ask) == wire.Answered()
            assert codes(await caller.ask(ask)) == (400, 41054)
        assert await ended(first) == endings.REMOVED
        assert (await second.news(wire.InvitationEnded)).reason == endings.CANCELLED
        (call,) = service.calls.live.values()
        assert list(call.endpoints) == [endpoint]
        assert not call.roster.pending


# ------------------------------------------------------------------ who cannot be called


async def test_people_who_cannot_be_called_are_refused_and_leave_no_call_behind(
    service: CallingService,
) -> None:
    anna = Person(service)
    stranger, phone = "99:nobody", "4:+14255550123"
    async with anna.online() as caller:
        for callees, expected in (
            ((), (400, 40227)),
            ((anna.raw_id,), (400, 40202)),
            ((stranger,), (400, 40236)),
            (("4:anonymous",), (400, 40236)),
            (("4:12",), (422, 44000)),
            ((phone,), (403, 510403)),
            (tuple(f"8:acs:r_{number}" for number in range(60)), (403, 53105)),
        ):
            answer = (await caller.join(wire.DialLocator(callees=callees)))[1]
            assert codes(answer) == expected, callees
        assert not service.calls.live
        endpoint, _ = await caller.join(group())
        invite = wire.Invite(endpoint=endpoint, callee=stranger)
        assert codes(await caller.ask(invite)) == (400, 41052)


async def test_a_token_that_is_only_for_joining_calls_nobody(service: CallingService) -> None:
    ben = Person(service)
    _, issued = service.issue_user_token(scopes=("voip.join",))
    async with raw_client(service, token=issued.token) as guest:
        await guest.hello()
        answer = (await guest.join(wire.DialLocator(callees=(ben.raw_id,))))[1]
        assert codes(answer) == (403, 44113)
