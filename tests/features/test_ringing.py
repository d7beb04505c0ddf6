"""Calling people and being called, on a real service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from acs_core import (
    AcceptCallOptions,
    AddPhoneNumberOptions,
    AudioOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgent,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallDirection,
    CallState,
    CommunicationUserIdentifier,
    DtmfTone,
    Features,
    IncomingCall,
    IncomingCallEventArgs,
    InvalidStateError,
    LocalAudioStream,
    LocalVideoStream,
    PhoneNumberIdentifier,
    RemoteParticipant,
    RemoteParticipantState,
    ServiceError,
    StartCallOptions,
    VideoOptions,
)
from acs_core.core import endings
from acs_core.media.sources import ToneSource
from acs_core.service import embedded
from acs_core.service.app import CallingService
from acs_core.service.ringing import RingTimes
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, listen, until_loudness
from tests.support.people import AcsUser, Meeting, camera, meeting
from tests.support.telephones import Loopback

QUIET = StartCallOptions(streams=())
SILENT = AcceptCallOptions(streams=())


def user(person: AcsUser) -> CommunicationUserIdentifier:
    return CommunicationUserIdentifier(person.raw_id)


def sound(hertz: float) -> AudioOptions:
    return AudioOptions(local_audio_streams=(LocalAudioStream(ToneSource(hertz)),))


def states_of(thing: Call | RemoteParticipant) -> list[str]:
    states = [str(thing.state)]
    thing.on("stateChanged", lambda: states.append(str(thing.state)))
    return states


def rings(person: AcsUser | CallAgent) -> Awaitable[IncomingCall]:
    """The next call for somebody; listens from now on, await it when you like."""
    ringing = next_event(person if isinstance(person, CallAgent) else person.agent, "incomingCall")

    async def take() -> IncomingCall:
        (args,) = await ringing
        assert isinstance(args, IncomingCallEventArgs)
        assert isinstance(args.incoming_call, IncomingCall)
        return args.incoming_call

    return take()


async def pair(place: Meeting, **options: Any) -> tuple[Call, Call, AcsUser, AcsUser]:
    """A connected call between Anna, who called, and Ben."""
    anna, ben = await place.user("Anna"), await place.user("Ben")
    ringing = rings(ben)
    ours = anna.agent.start_call([user(ben)], StartCallOptions(**({"streams": ()} | options)))
    theirs = await (await ringing).accept(AcceptCallOptions(audio_options=sound(440.0)))
    await asyncio.gather(ours.connected(), theirs.connected())
    return ours, theirs, anna, ben


@pytest.mark.feature(
    "CALL-005",
    "CALL-006",
    "CALL-014",
    "CALLTYPE-001",
    "CALLTYPE-003",
    "INCOMING-001",
    "INCOMING-003",
    "INCOMING-004",
    "INCOMING-006",
    "INCOMING-008",
    "INCOMING-012",
    "INCOMING-013",
    "STATE-006",
    "STATE-007",
    "STATE-009",
    "STATE-015",
)
async def test_one_calls_the_other_and_they_hear_each_other() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        ringing = rings(ben)
        ours = anna.agent.start_call([user(ben)], StartCallOptions(audio_options=sound(660.0)))
        assert ours.state in (CallState.NONE, CallState.CONNECTING)
        (callee,) = ours.remote_participants
        mine, his = states_of(ours), states_of(callee)
        async with asyncio.timeout(1.0):
            incoming = await ringing
        assert incoming.caller_info.identifier == user(anna)
        assert incoming.caller_info.display_name == "Anna"
        await until(lambda: ours.state == CallState.RINGING)
        theirs = await incoming.accept(AcceptCallOptions(audio_options=sound(440.0)))
        seen = states_of(theirs)
        await asyncio.gather(ours.connected(), theirs.connected())
        assert theirs.id == incoming.id
        assert mine == ["Connecting", "Ringing", "Connected"]
        assert his == ["Connecting", "Ringing", "Connected"]
        assert seen == ["Connecting", "Connected"]
        assert (ours.direction, theirs.direction) == (
            CallDirection.OUTGOING,
            CallDirection.INCOMING,
        )
        assert ours.caller_info.identifier == theirs.caller_info.identifier == user(anna)
        assert ours.remote_participants == (callee,)
        assert callee.display_name == "Ben"
        (caller,) = theirs.remote_participants
        assert caller.identifier == user(anna)
        assert await ours.info.get_server_call_id() == await incoming.info.get_server_call_id()
        for participant, hertz in ((caller, 660), (callee, 440)):
            frames = participant.audio_frames()
            assert await listen(frames) == pytest.approx(hertz, abs=40)
            await frames.aclose()


@pytest.mark.feature("DOCS-002")
async def test_the_steps_of_a_call_come_in_the_documented_order() -> None:
    steps: list[str] = []
    async with embedded() as service:
        raw_ids, tokens = zip(*(service.issue_user_token() for _ in range(2)), strict=True)
        steps.append("tokens")
        options = CallClientOptions(service_url=service.url, sample_interval=0.1)
        async with CallClient(options) as caller, CallClient(options) as callee:
            agents = [
                await client.create_call_agent(AzureCommunicationTokenCredential(token.token))
                for client, token in zip((caller, callee), tokens, strict=True)
            ]
            steps.append("agents")
            ringing = rings(agents[1])
            agents[1].on("incomingCall", lambda _: steps.append("notification"))
            steps.append("start call")
            call = agents[0].start_call(
                [CommunicationUserIdentifier(raw_ids[1])],
                StartCallOptions(audio_options=sound(660.0)),
            )
            call.on("stateChanged", lambda: steps.append(str(call.state)))
            incoming = await ringing
            await until(lambda: call.state is CallState.RINGING)
            steps.append("accept")
            answered = await incoming.accept(SILENT)
            await asyncio.gather(call.connected(), answered.connected())
            (heard,) = answered.remote_participants
            frames = heard.audio_frames()
            assert await listen(frames) == pytest.approx(660, abs=40)
            steps.append("media")
            await frames.aclose()
    assert steps[:8] == [
        "tokens",
        "agents",
        "start call",
        "notification",
        "Ringing",
        "accept",
        "Connected",
        "media",
    ]


@pytest.mark.feature("CALL-011", "CALL-012", "INCOMING-013")
async def test_video_options_hold_for_calling_and_accepting() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        ringing = rings(ben)
        mine, his = (LocalVideoStream(camera(BLUE, name)) for name in ("mine", "his"))
        ours = anna.agent.start_call(
            [user(ben)], StartCallOptions(video_options=VideoOptions((mine,)))
        )
        theirs = await (await ringing).accept(AcceptCallOptions(video_options=VideoOptions((his,))))
        await asyncio.gather(ours.connected(), theirs.connected())
        for call, stream in ((ours, mine), (theirs, his)):
            assert call.local_video_streams == (stream,)
            await until(lambda call=call: call.remote_participants[0].video_streams)  # type: ignore[misc]


@pytest.mark.feature("INCOMING-005", "INCOMING-010", "STATE-014")
async def test_a_rejected_call_ends_for_the_caller_with_the_reason() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        ringing = rings(ben)
        call = anna.agent.start_call([user(ben)], QUIET)
        (callee,) = call.remote_participants
        states = states_of(call)
        incoming = await ringing
        await until(lambda: call.state == CallState.RINGING)
        await incoming.reject()
        assert (await call.ended()) == endings.DECLINED
        with pytest.raises(ServiceError) as caught:
            await call.connected()
        assert caught.value.code == 603
        assert callee.call_end_reason == endings.DECLINED
        assert incoming.call_end_reason == endings.DECLINED
        assert states == ["Connecting", "Ringing", "Disconnected"]
        assert anna.agent.calls == ben.agent.calls == ()


@pytest.mark.feature("INCOMING-009", "INCOMING-010")
async def test_a_caller_who_gives_up_stops_the_ringing() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        ringing = rings(ben)
        call = anna.agent.start_call([user(ben)], QUIET)
        incoming = await ringing
        over = next_event(incoming, "callEnded")
        await call.hang_up()
        (args,) = await over
        assert args.call_end_reason == incoming.call_end_reason == endings.CANCELLED
        with pytest.raises(InvalidStateError) as caught:
            await incoming.accept()
        assert caught.value.sub_code == 41006


async def test_nobody_answers_in_time() -> None:
    async with meeting(ringing=RingTimes(one_to_one=0.5)) as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        ringing = rings(ben)
        call = anna.agent.start_call([user(ben)], QUIET)
        incoming = await ringing
        over = next_event(incoming, "callEnded")
        reason = await call.ended()
        assert reason == endings.NO_ANSWER
        (args,) = await over
        assert args.call_end_reason.code != 0


async def test_who_is_not_online_cannot_be_reached() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        nobody, _ = place.server.issue_user_token()
        call = anna.agent.start_call([CommunicationUserIdentifier(nobody)], QUIET)
        (callee,) = call.remote_participants
        assert await call.ended() == endings.NOT_REGISTERED
        assert callee.state is RemoteParticipantState.DISCONNECTED


async def test_all_clients_of_a_user_ring_and_one_answers() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        raw_id, token = place.server.issue_user_token()
        agents = []
        for _ in range(2):
            client = CallClient(CallClientOptions(service_url=place.url))
            await place.stack.enter_async_context(client)
            agents.append(
                await client.create_call_agent(AzureCommunicationTokenCredential(token.token))
            )
        ringing = asyncio.gather(*map(rings, agents))
        ours = anna.agent.start_call([CommunicationUserIdentifier(raw_id)], QUIET)
        first, second = await ringing
        over = next_event(second, "callEnded")
        await (await first.accept(SILENT)).connected()
        await over
        assert second.call_end_reason == endings.ANSWERED_ELSEWHERE
        await ours.connected()
        assert len(ours.remote_participants) == 1


@pytest.mark.feature("STATE-014", "STATE-012")
async def test_a_call_between_two_ends_for_both() -> None:
    async with meeting() as place:
        ours, theirs, _, _ = await pair(place)
        await theirs.hang_up()
        reason = await ours.ended()
        assert (reason.code, reason.sub_code) == (0, 0)
        assert (ours.state, theirs.state) == (CallState.DISCONNECTED, CallState.DISCONNECTED)


@pytest.mark.feature("CALL-016", "CALLTYPE-004", "PARTICIPANT-010")
async def test_one_calls_many_and_who_accepts_is_there() -> None:
    async with meeting() as place:
        anna, *others = [await place.user(name) for name in ("Anna", "Ben", "Cem", "Dee")]
        ringing = asyncio.gather(*map(rings, others))
        call = anna.agent.start_call([user(person) for person in others], QUIET)
        ben, cem, dee = call.remote_participants
        first, second, third = await ringing
        await third.reject()
        await until(lambda: dee.call_end_reason is not None)
        assert dee.call_end_reason == endings.DECLINED
        calls = [await incoming.accept(SILENT) for incoming in (first, second)]
        await asyncio.gather(*(item.connected() for item in (call, *calls)))
        await until(lambda: all(len(item.remote_participants) == 2 for item in (call, *calls)))
        await until(lambda: cem.state == RemoteParticipantState.CONNECTED)
        assert call.remote_participants == (ben, cem)
        await calls[0].hang_up()
        await until(lambda: call.remote_participants == (cem,))
        assert call.state == CallState.CONNECTED


@pytest.mark.feature("CALLTYPE-005", "PARTICIPANT-005", "PARTICIPANT-007")
async def test_a_call_between_two_grows_and_shrinks() -> None:
    async with meeting() as place:
        ours, theirs, _, ben = await pair(place)
        cem = await place.user("Cem")
        states = states_of(ours)
        ringing = rings(cem)
        added = ours.add_participant(user(cem))
        assert added.state in (RemoteParticipantState.IDLE, RemoteParticipantState.CONNECTING)
        third = await (await ringing).accept(SILENT)
        await third.connected()
        await until(lambda: added.state == RemoteParticipantState.CONNECTED)
        assert ours.remote_participants[-1] is added
        await until(lambda: len(theirs.remote_participants) == 2)
        await ours.remove_participant(user(ben))
        assert ours.remote_participants == (added,)
        assert await theirs.ended() == endings.REMOVED
        assert ours.state == third.state == CallState.CONNECTED
        assert states == ["Connected"]


@pytest.mark.feature("PARTICIPANT-010", "STATE-021")
async def test_who_is_added_and_declines_is_gone_with_the_reason() -> None:
    async with meeting() as place:
        ours, _, _, _ = await pair(place)
        cem = await place.user("Cem")
        ringing = rings(cem)
        added = ours.add_participant(user(cem))
        states = states_of(added)
        incoming = await ringing
        await until(lambda: added.state == RemoteParticipantState.RINGING)
        await incoming.reject()
        await until(lambda: added.state == RemoteParticipantState.DISCONNECTED)
        assert added.call_end_reason == endings.DECLINED
        assert states == ["Idle", "Connecting", "Ringing", "Disconnected"]
        assert ours.state == CallState.CONNECTED


@pytest.mark.feature("HOLD-001", "HOLD-002", "STATE-010", "STATE-019")
async def test_a_hold_stops_media_both_ways_until_it_is_resumed() -> None:
    async with meeting() as place:
        ours, theirs, _, _ = await pair(place, audio_options=sound(660.0), streams=None)
        (caller,), (callee,) = theirs.remote_participants, ours.remote_participants
        at_ours, at_theirs = callee.audio_frames(), caller.audio_frames()
        for frames in (at_ours, at_theirs):
            await until_loudness(frames, loud=True)
        await ours.hold()
        assert ours.state == CallState.LOCAL_HOLD
        await until(lambda: theirs.state == CallState.REMOTE_HOLD)
        assert caller.state == RemoteParticipantState.HOLD
        assert not caller.is_muted
        for call, frames in ((ours, at_ours), (theirs, at_theirs)):
            await until_loudness(frames, loud=False)
            before = packets(call)
            await until_loudness(frames, loud=False, blocks=25)
            assert packets(call) == before
        await theirs.hold()
        assert theirs.state == CallState.LOCAL_HOLD
        await ours.resume()
        assert ours.state == CallState.REMOTE_HOLD
        await theirs.resume()
        assert theirs.state == CallState.CONNECTED
        await until(lambda: ours.state == CallState.CONNECTED)
        for frames in (at_ours, at_theirs):
            await until_loudness(frames, loud=True)
            await frames.aclose()


def packets(call: Call) -> int:
    """How many packets of the other side's sound have arrived."""
    (endpoint,) = call.feature(Features.STREAMS).endpoints
    (publication,) = endpoint.publications
    stats = publication.stats
    assert stats is not None
    return stats.packets_received


# ---------------------------------------------------------------- telephones

PHONE, OUR_NUMBER = PhoneNumberIdentifier("+15550100"), PhoneNumberIdentifier("+15550199")


@asynccontextmanager
async def agents(
    service: CallingService, *names: str
) -> AsyncIterator[tuple[list[CallAgent], list[str]]]:
    """Agents of new users on a service, and the users' raw ids."""
    async with AsyncExitStack() as stack:
        found, raw_ids = [], []
        for name in names:
            raw_id, token = service.issue_user_token()
            client = CallClient(CallClientOptions(service_url=service.url, sample_interval=0.1))
            await stack.enter_async_context(client)
            credential = AzureCommunicationTokenCredential(token.token)
            found.append(await client.create_call_agent(credential, CallAgentOptions(name)))
            raw_ids.append(raw_id)
        yield found, raw_ids


@pytest.mark.feature("PSTN-001", "STATE-008", "STATE-020", "CALLTYPE-003")
async def test_a_telephone_rings_plays_an_announcement_and_answers() -> None:
    telephones = Loopback()
    async with embedded(telephones=telephones) as service, agents(service, "Anna") as ((anna,), _):
        options = StartCallOptions(streams=(), alternate_caller_id=OUR_NUMBER)
        call = anna.start_call([PHONE], options)
        (phone,) = call.remote_participants
        states, theirs = states_of(call), states_of(phone)
        await until(lambda: telephones.placed)
        (telephone,) = telephones.placed
        assert (telephone.leg.number, telephone.leg.caller_id) == ("+15550100", "+15550199")
        telephone.leg.ringing()
        telephone.leg.early_media()
        telephone.leg.answered()
        await call.connected()
        assert states == ["Connecting", "Ringing", "EarlyMedia", "Connected"]
        assert theirs == ["Connecting", "Ringing", "EarlyMedia", "Connected"]
        assert call.remote_participants == (phone,)
        await call.send_dtmf(DtmfTone.NUM5)
        await call.send_dtmf("Pound")
        assert telephone.tones == ["Num5", "Pound"]
        telephone.leg.ended()
        reason = await call.ended()
        assert (reason.code, reason.sub_code) == (0, 560000)


@pytest.mark.feature("CALLTYPE-002", "PSTN-001")
async def test_without_telephony_a_call_to_a_telephone_ends_with_a_reason() -> None:
    async with embedded() as service, agents(service, "Anna") as ((anna,), _):
        options = StartCallOptions(streams=(), alternate_caller_id=OUR_NUMBER)
        call = anna.start_call([PHONE], options)
        assert await call.ended() == endings.NO_TELEPHONY


@pytest.mark.feature("PSTN-003", "PSTN-004", "CALL-010")
async def test_a_telephone_is_added_and_removed() -> None:
    telephones = Loopback()
    async with (
        embedded(telephones=telephones) as service,
        agents(service, "Anna", "Ben") as ((anna, ben), raw_ids),
    ):
        ringing = rings(ben)
        call = anna.start_call([CommunicationUserIdentifier(raw_ids[1])], QUIET)
        await (await ringing).accept(SILENT)
        await call.connected()
        phone = call.add_participant(PHONE, AddPhoneNumberOptions(OUR_NUMBER))
        await until(lambda: telephones.placed)
        telephones.placed[0].leg.answered()
        await until(lambda: phone.state == RemoteParticipantState.CONNECTED)
        kinds = {item.identifier.kind for item in call.remote_participants}
        assert kinds == {"communicationUser", "phoneNumber"}
        await call.remove_participant(PHONE)
        assert phone not in call.remote_participants
        assert telephones.placed[0].hang_ups == 1
