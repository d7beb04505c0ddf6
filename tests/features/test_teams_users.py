"""Calls of Teams users on a real service."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from acs_core import (
    AcceptCallOptions,
    AddTeamsParticipantOptions,
    AzureCommunicationTokenCredential,
    CallAgent,
    CallClient,
    CallClientOptions,
    CallState,
    CommunicationUserIdentifier,
    InvalidArgumentError,
    JoinCallOptions,
    MicrosoftTeamsUserIdentifier,
    ParticipantRole,
    PhoneNumberIdentifier,
    RemoteParticipantState,
    ServiceError,
    StartTeamsCallOptions,
    StartTeamsGroupCallOptions,
    TeamsCall,
    TeamsCallAgent,
    TeamsIncomingCall,
    TeamsMeetingLinkLocator,
)
from acs_core.client.call import CallCommon
from acs_core.core import endings
from acs_core.service import embedded
from tests.support.events import next_event, until
from tests.support.people import Meeting, meeting
from tests.support.telephones import Loopback

TINA, TOM, TARA = (MicrosoftTeamsUserIdentifier(name) for name in ("tina", "tom", "tara"))
QUIET = StartTeamsCallOptions(streams=())
PHONE = PhoneNumberIdentifier("+15550100")
THREAD = "19:chat@thread.v2"


async def agent(place: Meeting, who: MicrosoftTeamsUserIdentifier) -> TeamsCallAgent:
    _, token = place.server.issue_user_token(teams_user_id=who.microsoft_teams_user_id)
    client = CallClient(CallClientOptions(service_url=place.url))
    await place.stack.enter_async_context(client)
    return await client.create_teams_call_agent(AzureCommunicationTokenCredential(token.token))


async def answer(told: Any) -> TeamsCall:
    (args,) = await told
    incoming = args.incoming_call
    assert isinstance(incoming, TeamsIncomingCall)
    assert incoming.kind == "TeamsIncomingCall"
    assert incoming.info.participant_id == incoming.id
    call = await incoming.accept(AcceptCallOptions(streams=()))
    assert isinstance(call, TeamsCall)
    return call


@pytest.mark.feature("TEAMS-002", "TEAMS-003", "TEAMS-004", "TEAMS-005")
async def test_teams_users_call_each_other_and_grow_with_a_chat() -> None:
    async with meeting() as place:
        tina, tom, tara = [await agent(place, who) for who in (TINA, TOM, TARA)]
        assert tina.kind == "TeamsCallAgent"
        told = next_event(tom, "incomingCall")
        call = tina.start_call(TOM, QUIET)
        assert isinstance(call, TeamsCall)
        assert isinstance(call, CallCommon)
        assert (call.kind, call.state) == ("TeamsCall", CallState.CONNECTING)
        theirs = await answer(told)
        await call.connected()
        assert theirs.caller_info.identifier == TINA
        with pytest.raises(InvalidArgumentError) as caught:
            call.add_participant(TARA)
        assert (caught.value.code, caught.value.sub_code) == (400, 41055)
        with pytest.raises(InvalidArgumentError) as caught:
            call.add_participant(CommunicationUserIdentifier("8:acs:r_u"))
        assert caught.value.sub_code == 40236
        told = next_event(tara, "incomingCall")
        changed = next_event(call.info, "callInfoChanged")
        added = call.add_participant(TARA, AddTeamsParticipantOptions(THREAD))
        await changed
        assert call.info.thread_id == THREAD
        await answer(told)
        await until(lambda: added.state == RemoteParticipantState.CONNECTED)


@pytest.mark.feature("TEAMS-002")
async def test_a_group_call_has_a_chat() -> None:
    async with meeting() as place:
        tina, tom, tara = [await agent(place, who) for who in (TINA, TOM, TARA)]
        for participants, options, sub_code in [
            ([TOM, TARA], QUIET, 40212),
            ([TOM], StartTeamsGroupCallOptions(thread_id=THREAD), 40213),
            ([CommunicationUserIdentifier("8:acs:r_u")], QUIET, 40236),
            ([TINA], QUIET, 40202),
            (None, QUIET, 40227),
        ]:
            with pytest.raises(InvalidArgumentError) as caught:
                tina.start_call(participants, options)  # type: ignore[arg-type]
            assert (caught.value.code, caught.value.sub_code) == (400, sub_code)
        told = [next_event(item, "incomingCall") for item in (tom, tara)]
        group = StartTeamsGroupCallOptions(streams=(), thread_id=THREAD)
        call = tina.start_call([TOM, TARA], group)
        assert call.info.thread_id == THREAD
        for item in told:
            await answer(item)
        here = RemoteParticipantState.CONNECTED
        await until(lambda: all(item.state == here for item in call.remote_participants))


@pytest.mark.feature("TEAMS-001", "TEAMS-006")
async def test_teams_users_join_meetings_and_nothing_else() -> None:
    async with meeting() as place:
        tina, tom = [await agent(place, who) for who in (TINA, TOM)]
        held = place.server.meetings.create(
            TINA.raw_id, roles={TOM.raw_id: ParticipantRole.PRESENTER}
        )
        quiet = JoinCallOptions(streams=())
        call = tina.join(TeamsMeetingLinkLocator(held.link), quiet)
        assert isinstance(call, TeamsCall)
        await call.connected()
        assert (call.role, call.info.thread_id) == (ParticipantRole.ORGANIZER, held.thread_id)
        theirs = tom.join({"meetingId": held.id, "passcode": held.passcode}, quiet)
        await until(lambda: theirs.state in {CallState.CONNECTED, CallState.IN_LOBBY})
        if theirs.state is CallState.IN_LOBBY:
            await call.lobby.admit(TOM)
            await theirs.connected()
        await until(lambda: [item.identifier for item in call.remote_participants] == [TOM])
        for wrong in ({"groupId": str(uuid.uuid4())}, {"roomId": "x"}, {}):
            with pytest.raises(InvalidArgumentError) as caught:
                tina.join(wrong, quiet)
            assert (caught.value.code, caught.value.sub_code) == (400, 40209)


@pytest.mark.feature("TEAMS-005")
async def test_a_teams_user_calls_a_telephone_without_naming_a_number() -> None:
    telephones = Loopback()
    async with embedded(telephones=telephones) as service:
        _, token = service.issue_user_token(teams_user_id="tina")
        async with CallClient(CallClientOptions(service_url=service.url)) as client:
            credential = AzureCommunicationTokenCredential(token.token)
            tina = await client.create_teams_call_agent(credential)
            call = tina.start_call(PHONE, QUIET)
            assert isinstance(call, TeamsCall)
            await until(lambda: telephones.placed)
            assert telephones.placed[0].leg.caller_id == ""
            telephones.placed[0].leg.ended(endings.TELEPHONE_BUSY)
            assert await call.ended() == endings.TELEPHONE_BUSY


@pytest.mark.feature("TEAMS-002")
async def test_each_kind_of_agent_takes_its_own_tokens_only() -> None:
    async with meeting() as place:
        _, acs = place.server.issue_user_token()
        _, teams = place.server.issue_user_token(teams_user_id="tina")
        async with CallClient(CallClientOptions(service_url=place.url)) as client:
            with pytest.raises(ServiceError) as caught:
                await client.create_teams_call_agent(AzureCommunicationTokenCredential(acs.token))
            assert (caught.value.code, caught.value.sub_code) == (403, 40231)
            with pytest.raises(ServiceError) as caught:
                await client.create_call_agent(AzureCommunicationTokenCredential(teams.token))
            assert (caught.value.code, caught.value.sub_code) == (403, 40229)
            credential = AzureCommunicationTokenCredential(acs.token)
            assert isinstance(await client.create_call_agent(credential), CallAgent)
