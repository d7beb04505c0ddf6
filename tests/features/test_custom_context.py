"""What callers send along with a call, on a real service: headers, and the id of a chat."""

from __future__ import annotations

from typing import Any

import pytest

from acs_core import (
    AcceptCallOptions,
    AddTeamsParticipantOptions,
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
    CommunicationUserIdentifier,
    CustomContext,
    Features,
    IncomingCall,
    JoinCallOptions,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    StartCallOptions,
    StartTeamsCallOptions,
    TeamsCall,
    TeamsCallAgent,
    TeamsMeetingIdLocator,
    TransferToParticipantLocator,
    TransferToParticipantOptions,
    XHeader,
    wire,
)
from acs_core.core.custom_context import CustomContext as Context
from acs_core.core.custom_context import Header
from acs_core.service import embedded
from tests.support.callers import switch
from tests.support.events import next_event, until
from tests.support.people import AcsUser, Meeting, meeting
from tests.support.service_client import raw_client
from tests.support.telephones import Loopback

SILENT = AcceptCallOptions(streams=())
THREAD = "19:chat@thread.v2"
CONTEXT = CustomContext(
    "order=7", sip_headers=(XHeader("queue", "a"),), voip_headers=(XHeader("note", "two words"),)
)


def named(person: AcsUser) -> CommunicationUserIdentifier:
    return CommunicationUserIdentifier(person.raw_id)


async def test_the_callee_reads_what_the_caller_sent_along() -> None:
    async with meeting() as place:
        anna, ben, cleo = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
        ringing = next_event(ben.agent, "incomingCall")
        call = anna.agent.start_call(
            [named(ben)], StartCallOptions(streams=(), custom_context=CONTEXT)
        )
        (args,) = await ringing
        assert args.incoming_call.custom_context == CONTEXT
        theirs = await args.incoming_call.accept(SILENT)
        await call.connected()
        await theirs.connected()
        other = CustomContext(voip_headers=(XHeader("why", "transfer"),))
        ringing = next_event(cleo.agent, "incomingCall")
        call.feature(Features.TRANSFER).transfer(
            TransferToParticipantLocator(named(cleo)),
            TransferToParticipantOptions(custom_context=other),
        )
        (args,) = await ringing
        assert args.incoming_call.custom_context == other
        assert args.incoming_call.transferor_info.display_name == "Anna"


async def test_a_telephone_gets_the_sip_headers_only() -> None:
    telephones = Loopback()
    async with embedded(telephones=telephones) as service:
        _, token = service.issue_user_token()
        async with CallClient(CallClientOptions(service_url=service.url)) as client:
            agent = await client.create_call_agent(AzureCommunicationTokenCredential(token.token))
            agent.start_call(
                [PhoneNumberIdentifier("+15550100")],
                StartCallOptions(
                    streams=(),
                    alternate_caller_id=PhoneNumberIdentifier("+15550199"),
                    custom_context=CONTEXT,
                ),
            )
            await until(lambda: telephones.placed)
            assert telephones.placed[0].leg.headers == (
                ("User-To-User", "order=7"),
                ("X-MS-Custom-queue", "a"),
            )


@pytest.mark.feature("INCOMING-007")
async def test_those_who_are_called_see_the_chat_of_the_call() -> None:
    async with meeting() as place:
        anna, ben, cleo = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
        ringing = next_event(ben.agent, "incomingCall")
        call = anna.agent.start_call(
            [named(ben), named(cleo)], StartCallOptions(streams=(), thread_id=THREAD)
        )
        (args,) = await ringing
        incoming = args.incoming_call
        assert isinstance(incoming, IncomingCall)
        info = incoming.info
        assert (info.participant_id, info.thread_id, info.group_id) == (incoming.id, THREAD, None)
        theirs = await incoming.accept(SILENT)
        assert theirs.info.thread_id == THREAD
        await theirs.connected()
        assert theirs.info.thread_id == call.info.thread_id == THREAD
        assert await theirs.info.get_server_call_id() == await info.get_server_call_id()


async def test_the_others_hear_of_the_chat_with_which_a_call_grows() -> None:
    async with meeting() as place:
        tina, tom, tara = [await _teams_user(place, name) for name in ("tina", "tom", "tara")]
        ringing = next_event(tom, "incomingCall")
        call = tina.start_call(
            MicrosoftTeamsUserIdentifier("tom"), StartTeamsCallOptions(streams=())
        )
        (args,) = await ringing
        theirs = await args.incoming_call.accept(SILENT)
        assert isinstance(theirs, TeamsCall)
        await call.connected()
        await theirs.connected()
        assert theirs.info.thread_id is None
        changed = next_event(theirs.info, "callInfoChanged")
        ringing = next_event(tara, "incomingCall")
        call.add_participant(
            MicrosoftTeamsUserIdentifier("tara"), AddTeamsParticipantOptions(THREAD)
        )
        await changed
        (args,) = await ringing
        assert theirs.info.thread_id == args.incoming_call.info.thread_id == THREAD


async def test_the_service_checks_what_clients_send_along() -> None:
    headers = tuple(Header(key=f"k{number}", value="v") for number in range(6))
    many = ("8:acs:r_a", "8:acs:r_b")
    async with embedded() as service, raw_client(service) as client:
        await client.hello()
        codes = []
        attempts: list[tuple[tuple[str, ...], dict[str, Any]]] = [
            (many[:1], {"context": Context(sip_headers=headers)}),
            (many, {"context": Context(user_to_user="u")}),
            (many, {"thread_id": "19:" + "x" * 254}),
            (many, {"thread_id": "19:\r\n"}),
        ]
        for callees, options in attempts:
            _, refused = await client.join(wire.DialLocator(callees=callees, **options))
            assert isinstance(refused, wire.Failed)
            codes.append((refused.code, refused.sub_code))
        assert codes == [(400, 0), (412, 46400), (400, 41085), (400, 41085)]
        assert not service.calls.live


async def test_a_meeting_keeps_its_chat() -> None:
    async with switch() as stage:
        olga = await stage.caller()
        held = stage.service.meetings.create(olga.raw_id)
        place = TeamsMeetingIdLocator(held.id, held.passcode)
        call = await olga.agent.join(place, JoinCallOptions(streams=())).connected()
        (inside,) = stage.service.calls.live.values()
        (endpoint,) = inside.endpoints.values()
        invite = wire.Invite(endpoint=call.id, callee="8:acs:r_a", thread_id=THREAD)
        stage.service.calls.switchboard.invite(endpoint, invite)
        assert inside.thread_id == call.info.thread_id == held.thread_id


async def _teams_user(place: Meeting, name: str) -> TeamsCallAgent:
    _, token = place.server.issue_user_token(teams_user_id=name)
    client = CallClient(CallClientOptions(service_url=place.url))
    await place.stack.enter_async_context(client)
    return await client.create_teams_call_agent(AzureCommunicationTokenCredential(token.token))
