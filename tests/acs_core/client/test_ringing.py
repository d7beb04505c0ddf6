from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from acs_core import (
    AcceptCallOptions,
    AddPhoneNumberOptions,
    AudioOptions,
    Call,
    CallAgent,
    CallAgentEvent,
    CallDirection,
    CallEvent,
    CallState,
    CommunicationUserIdentifier,
    CustomContext,
    DeadlineError,
    Features,
    GroupCallLocator,
    IncomingCall,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    LocalAudioStream,
    MicrosoftTeamsUserIdentifier,
    ParticipantRole,
    PhoneNumberIdentifier,
    RemoteParticipantState,
    ServiceError,
    StartCallOptions,
    TransportError,
    UnknownIdentifier,
    VideoOptions,
    XHeader,
    wire,
)
from acs_core.core import endings
from acs_core.core.facts import (
    AttributesChanged,
    CallType,
    EndpointAttributes,
    EndpointJoined,
    EndpointLeft,
    Fact,
    PendingChanged,
    PendingGone,
    PendingParticipant,
    PendingState,
    Priority,
)
from acs_core.media.sources import ToneSource
from acs_core.models import CallEndedEventArgs, CallerInfo, DtmfTone
from tests.support.calls import Log, agent, endpoint, joined, settle
from tests.support.events import until
from tests.support.fake_session import FakeLink, FakeSession

ANN, BOB = "8:acs:resource_a", "8:acs:resource_b"
PHONE, OUR_NUMBER = PhoneNumberIdentifier("+15550100"), PhoneNumberIdentifier("+15550199")
INVITATION = "d" * 32


class HangingLink(FakeLink):
    """Answers nothing while it hangs."""

    hangs = False

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        if self.hangs:
            await asyncio.Event().wait()
        return await super().ask(body)


def user(identity: str = ANN) -> CommunicationUserIdentifier:
    return CommunicationUserIdentifier(identity)


def pending(identity: str = ANN, state: PendingState = PendingState.CONNECTING) -> Fact:
    return PendingChanged(participant=PendingParticipant(identity=identity, state=state))


def dialed(*callees: str, type_: CallType = CallType.ONE_TO_ONE) -> FakeLink:
    def prepare(session: FakeSession) -> None:
        session.call_type = type_
        session.pending = [PendingParticipant(identity=callee) for callee in callees]

    return FakeLink(prepare)


async def ringing(the_agent: CallAgent, link: FakeLink) -> tuple[Call, FakeSession]:
    call = the_agent.start_call([user()], StartCallOptions(streams=()))
    await settle()
    return call, link.sessions[0]


async def answered(the_agent: CallAgent, link: FakeLink) -> tuple[Call, FakeSession]:
    call, session = await ringing(the_agent, link)
    session.say(EndpointJoined(endpoint=endpoint("a")), PendingGone(identity=ANN))
    await call.connected()
    return call, session


def invited(link: FakeLink, **fields: Any) -> None:
    assert link.observer is not None
    link.observer.on_invited(
        wire.Invited(invitation=INVITATION, call="c" * 32, caller=ANN, caller_name="Ann", **fields)
    )


def incoming_of(the_agent: CallAgent) -> list[IncomingCall]:
    calls: list[IncomingCall] = []
    the_agent.on(CallAgentEvent.INCOMING_CALL, lambda args: calls.append(args.incoming_call))
    return calls


# ---------------------------------------------------------------- calling


@pytest.mark.feature("CALL-005", "CALL-017", "STATE-004", "STATE-006", "STATE-007", "STATE-008")
async def test_a_call_rings_before_it_is_connected() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call = the_agent.start_call([user()], StartCallOptions(streams=()))
        (callee,) = call.remote_participants
        states, theirs = [call.state], [callee.state]
        call.on(CallEvent.STATE_CHANGED, lambda: states.append(call.state))
        callee.on("stateChanged", lambda: theirs.append(callee.state))
        assert (callee.identifier, callee.display_name) == (user(), "")
        assert len(call.id) == 32
        assert the_agent.calls == (call,)
        await settle()
        session = link.sessions[0]
        assert session.locator == wire.DialLocator(callees=(ANN,))
        session.say(pending(state=PendingState.RINGING))
        session.say(pending(state=PendingState.EARLY_MEDIA))
        session.say(EndpointJoined(endpoint=endpoint("a")), PendingGone(identity=ANN))
        assert await call.connected() is call
        assert states == ["Connecting", "Ringing", "EarlyMedia", "Connected"]
        assert theirs == ["Connecting", "Ringing", "EarlyMedia", "Connected"]
        assert call.remote_participants == (callee,)
        assert callee.display_name == "A"
        assert call.direction is CallDirection.OUTGOING


async def test_whoever_answers_while_media_is_made_ready_is_not_lost() -> None:
    def prepare(session: FakeSession) -> None:
        session.call_type = CallType.ONE_TO_ONE
        session.others = [endpoint("a")]

    async with agent(FakeLink(prepare)) as the_agent:
        call = the_agent.start_call([user()], StartCallOptions(streams=()))
        (callee,) = call.remote_participants
        await call.connected()
        assert call.remote_participants == (callee,)
        assert callee.state is RemoteParticipantState.CONNECTED


@pytest.mark.feature("STATE-014")
async def test_a_declined_call_ends_with_the_callees_reason() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await ringing(the_agent, link)
        (callee,) = call.remote_participants
        session.end(endings.DECLINED)
        with pytest.raises(ServiceError) as caught:
            await call.connected()
        assert caught.value.code == 603
        assert call.call_end_reason == endings.DECLINED
        assert call.state is CallState.DISCONNECTED
        assert callee.state is RemoteParticipantState.DISCONNECTED
        assert callee.call_end_reason == endings.DECLINED


async def test_hanging_up_cancels_what_rings() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await ringing(the_agent, link)
        await call.hang_up()
        assert session.left == [False]
        assert call.call_end_reason == endings.HUNG_UP


@pytest.mark.feature("CALL-010", "CALL-016")
async def test_several_may_be_called_and_one_answer_connects() -> None:
    link = dialed(ANN, BOB, PHONE.raw_id, type_=CallType.DIAL_OUT)
    options = StartCallOptions(streams=(), alternate_caller_id=OUR_NUMBER)
    async with agent(link) as the_agent:
        call = the_agent.start_call([user(), user(BOB), PHONE, user()], options)
        await settle()
        session = link.sessions[0]
        assert session.locator == wire.DialLocator(
            callees=(ANN, BOB, "4:+15550100"), alternate_caller_id="+15550199"
        )
        ann, bob, phone = call.remote_participants
        log = Log().watch(call)
        session.say(PendingGone(identity=BOB, reason=endings.DECLINED))
        assert bob.call_end_reason == endings.DECLINED
        assert call.remote_participants == (ann, phone)
        assert log.names == ["remoteParticipantsUpdated"]
        session.say(EndpointJoined(endpoint=endpoint("a")), PendingGone(identity=ANN))
        assert call.state is CallState.CONNECTED
        assert phone.state is RemoteParticipantState.CONNECTING


@pytest.mark.parametrize(
    ("participants", "options", "sub_code"),
    [
        (None, {}, 40227),
        ([], {}, 40227),
        ([None], {}, 40227),
        ([user()], {"custom_context": CustomContext(user_to_user="a b")}, 0),
        ([user()], {"custom_context": {"userToUser": "a"}}, 0),
        ([user()], {"custom_context": CustomContext(sip_headers=(("a", "b"),))}, 0),  # type: ignore[arg-type]
        (["8:acs:resource_a"], {}, 40226),
        ("8:acs:resource_a", {}, 40226),
        ([user()], {"thread_id": "19:x"}, 40213),
        ([MicrosoftTeamsUserIdentifier("t"), user()], {}, 40212),
    ],
)
async def test_wrong_callees_are_refused_at_once(
    participants: Any, options: dict[str, Any], sub_code: int
) -> None:
    async with agent(FakeLink()) as the_agent:
        with pytest.raises(InvalidArgumentError) as caught:
            the_agent.start_call(participants, StartCallOptions(**options))
        assert (caught.value.code, caught.value.sub_code) == (400, sub_code)
        assert the_agent.calls == ()


async def test_a_custom_context_goes_along_with_a_call_to_one() -> None:
    link = dialed(ANN)
    headers = CustomContext("uui", (XHeader("old", "1"),), (XHeader("new", "2"),))
    async with agent(link) as the_agent:
        call = the_agent.start_call([user()], StartCallOptions(custom_context=headers))
        await settle()
        locator = link.sessions[0].locator
        assert isinstance(locator, wire.DialLocator)
        assert locator.context.user_to_user == "uui"
        assert [header.key for header in locator.context.sip_headers] == ["new", "old"]
        with pytest.raises(InvalidStateError) as caught:
            the_agent.start_call([user(), user(BOB)], StartCallOptions(custom_context=headers))
        assert (caught.value.code, caught.value.sub_code) == (412, 46400)
        assert the_agent.calls == (call,)


async def test_nobody_calls_themselves() -> None:
    async with agent(FakeLink()) as the_agent:
        the_agent.identify(user())
        with pytest.raises(InvalidArgumentError) as caught:
            the_agent.start_call([user(BOB), user()])
        assert caught.value.sub_code == 40202


@pytest.mark.feature("PSTN-002", "PSTN-003")
async def test_telephones_are_not_called_without_a_number_to_show() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        with pytest.raises(InvalidArgumentError, match="alternate caller id"):
            the_agent.start_call([PHONE])
        call, session = await answered(the_agent, link)
        with pytest.raises(InvalidArgumentError, match="alternate caller id"):
            call.add_participant(PHONE)
        with pytest.raises(InvalidArgumentError, match="PhoneNumberIdentifier"):
            call.add_participant(PHONE, AddPhoneNumberOptions(user()))  # type: ignore[arg-type]
        call.add_participant(PHONE, AddPhoneNumberOptions(OUR_NUMBER))
        await settle()
        assert session.asked == [
            wire.Invite(endpoint=call.id, callee="4:+15550100", alternate_caller_id="+15550199")
        ]


# ---------------------------------------------------------------- being called


@pytest.mark.feature("INCOMING-003", "INCOMING-006", "INCOMING-007", "INCOMING-008")
async def test_a_call_for_us_rings_and_says_who_calls() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link, transferor=BOB, transferor_name="Bob")
        invited(link)  # The same one, told twice.
        (incoming,) = calls
        await settle()
        assert link.asked == [
            wire.ReplyToInvitation(invitation=INVITATION, answer=wire.InvitationAnswer.RINGING)
        ]
        assert (incoming.kind, incoming.id) == ("IncomingCall", INVITATION)
        assert incoming.caller_info == CallerInfo(user(), "Ann")
        assert incoming.transferor_info == CallerInfo(user(BOB), "Bob")
        assert incoming.call_end_reason is None
        assert incoming.custom_context == CustomContext()
        assert incoming.info.participant_id == INVITATION
        assert (incoming.info.group_id, incoming.info.thread_id) == (None, None)
        assert await incoming.info.get_server_call_id() == "c" * 32
        assert the_agent.calls == ()


@pytest.mark.feature("INCOMING-004", "INCOMING-006", "INCOMING-010", "INCOMING-011", "STATE-015")
async def test_an_accepted_call_has_the_id_of_the_invitation() -> None:
    link = FakeLink(lambda session: session.others.append(endpoint("a")))
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        call = await calls[0].accept()
        assert the_agent.calls == (call,)
        assert (call.id, call.state) == (INVITATION, "Connecting")
        assert call.direction is CallDirection.INCOMING
        assert call.caller_info == CallerInfo(user(), "Ann")
        await call.connected()
        assert link.sessions[0].locator == wire.InvitationLocator(invitation=INVITATION)
        with pytest.raises(InvalidStateError) as caught:
            await calls[0].accept()
        assert (caught.value.code, caught.value.sub_code) == (400, 41006)
        with pytest.raises(InvalidStateError) as caught:
            await calls[0].reject()
        assert (caught.value.code, caught.value.sub_code) == (400, 41007)
        assert calls[0].call_end_reason is None


@pytest.mark.feature("INCOMING-005", "INCOMING-009", "INCOMING-010")
async def test_a_rejected_call_is_declined_once() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        log = Log().watch(calls[0])
        await calls[0].reject()
        assert link.asked[-1] == wire.ReplyToInvitation(
            invitation=INVITATION, answer=wire.InvitationAnswer.DECLINED
        )
        assert log.entries == [("callEnded", (CallEndedEventArgs(endings.DECLINED),))]
        assert calls[0].call_end_reason == endings.DECLINED
        with pytest.raises(InvalidStateError):
            await calls[0].accept()


async def test_what_could_not_be_rejected_rings_on() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        await settle()
        link.answers[wire.ReplyToInvitation] = TransportError("lost")
        with pytest.raises(TransportError):
            await calls[0].reject()
        link.answers.clear()
        await calls[0].reject()


async def test_whoever_gives_up_rejecting_may_still_answer() -> None:
    link = HangingLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        await settle()
        link.hangs = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await calls[0].reject()
        link.hangs = False
        assert await calls[0].accept()


async def test_a_rejection_whose_answer_was_lost_is_over_when_it_is_repeated() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        await settle()
        link.answers[wire.ReplyToInvitation] = DeadlineError("no answer")
        with pytest.raises(DeadlineError):
            await calls[0].reject()
        asked = len(link.asked)
        # The service took it the first time: there is no such invitation any more.
        link.answers[wire.ReplyToInvitation] = ServiceError("It does not ring.", sub_code=41007)
        await calls[0].reject()
        assert calls[0].call_end_reason == endings.DECLINED
        await the_agent.dispose()
        assert len(link.asked) == asked + 1


async def test_wrong_options_leave_it_ringing() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        wrong = AcceptCallOptions(video_options=VideoOptions((object(),)))  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError):
            await calls[0].accept(wrong)
        assert the_agent.calls == ()
        await calls[0].accept()


@pytest.mark.feature("INCOMING-009", "INCOMING-010")
async def test_a_call_that_ends_before_an_answer_says_why() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        log = Log().watch(calls[0])
        assert link.observer is not None
        ended = wire.InvitationEnded(invitation=INVITATION, reason=endings.CANCELLED)
        link.observer.on_invitation_ended(ended)
        link.observer.on_invitation_ended(ended)
        assert log.entries == [("callEnded", (CallEndedEventArgs(endings.CANCELLED),))]
        with pytest.raises(InvalidStateError):
            await calls[0].reject()


async def test_a_connection_lost_for_good_ends_what_rings() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        assert link.observer is not None
        link.observer.on_closed(TransportError("gone", code=408, sub_code=53001))
        reason = calls[0].call_end_reason
        assert reason is not None
        assert (reason.code, reason.sub_code) == (408, 53001)


async def test_a_disposed_agent_rejects_what_rings() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        calls = incoming_of(the_agent)
        invited(link)
        await the_agent.dispose()
        assert calls[0].call_end_reason == endings.DECLINED
        assert isinstance(link.asked[-1], wire.ReplyToInvitation)
        assert link.asked[-1].answer is wire.InvitationAnswer.DECLINED
        invited(link)
        assert len(calls) == 1


# ---------------------------------------------------------------- others in the call


@pytest.mark.feature("PARTICIPANT-005", "PARTICIPANT-010", "CALLTYPE-005")
async def test_somebody_is_added_and_may_decline() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        log = Log().watch(call)
        bob = call.add_participant(user(BOB))
        assert bob.state is RemoteParticipantState.IDLE
        assert bob in call.remote_participants
        await settle()
        assert session.asked == [wire.Invite(endpoint=call.id, callee=BOB)]
        session.say(pending(BOB, PendingState.RINGING))
        assert bob.state == RemoteParticipantState.RINGING
        session.say(PendingGone(identity=BOB, reason=endings.DECLINED))
        assert bob.state == RemoteParticipantState.DISCONNECTED
        assert bob.call_end_reason == endings.DECLINED
        assert bob not in call.remote_participants
        assert call.state is CallState.CONNECTED
        assert log.names == ["remoteParticipantsUpdated"] * 2


async def test_an_added_participant_who_joins_stays_the_same_object() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        bob = call.add_participant(user(BOB))
        session.say(pending(BOB))
        # Whichever comes first.
        session.say(EndpointJoined(endpoint=endpoint("b")))
        session.say(PendingGone(identity=BOB))
        assert call.remote_participants[-1] is bob
        assert bob.state is RemoteParticipantState.CONNECTED


async def test_who_cannot_be_called_is_shown_and_gone() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        session.answers[wire.Invite] = ServiceError("No.", code=400, sub_code=40236)
        bob = call.add_participant(user(BOB))
        await settle()
        assert bob.state is RemoteParticipantState.DISCONNECTED
        assert bob.call_end_reason is not None
        assert bob.call_end_reason.sub_code == 40236
        assert bob not in call.remote_participants


@pytest.mark.feature("PARTICIPANT-005", "PARTICIPANT-007")
async def test_adding_and_removing_is_refused_with_acs_codes() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await ringing(the_agent, link)
        with pytest.raises(InvalidStateError) as state:
            call.add_participant(user(BOB))
        assert (state.value.code, state.value.sub_code) == (412, 41089)
        with pytest.raises(InvalidStateError) as state:
            await call.remove_participant(user(BOB))
        assert (state.value.code, state.value.sub_code) == (412, 41090)
        session.say(EndpointJoined(endpoint=endpoint("a")), PendingGone(identity=ANN))
        for wrong, sub_code in [
            (UnknownIdentifier("?"), 41052),
            (user(), 41053),
            (user("8:acs:resource_me"), 41053),
        ]:
            with pytest.raises(InvalidArgumentError) as argument:
                call.add_participant(wrong)
            assert (argument.value.code, argument.value.sub_code) == (400, sub_code)
        with pytest.raises(InvalidArgumentError) as argument:
            await call.remove_participant(user(BOB))
        assert (argument.value.code, argument.value.sub_code) == (400, 41054)
        await call.remove_participant(user())
        assert session.asked == [wire.RemoveParticipant(endpoint=call.id, identity=ANN)]


async def test_others_are_muted_by_the_service_and_refusals_have_acs_codes() -> None:
    link = dialed(ANN, type_=CallType.DIAL_OUT)
    async with agent(link) as the_agent:
        call, session = await ringing(the_agent, link)
        (ann,) = call.remote_participants
        with pytest.raises(InvalidStateError) as state:
            await ann.mute()
        assert (state.value.code, state.value.sub_code) == (405, 42005)
        with pytest.raises(InvalidStateError) as state:
            await call.mute_all_remote_participants()
        assert (state.value.code, state.value.sub_code) == (412, 41087)
        session.say(EndpointJoined(endpoint=endpoint("a")), PendingGone(identity=ANN))
        await ann.mute()
        await call.mute_all_remote_participants()
        assert session.asked == [
            wire.MuteParticipants(endpoint=call.id, identities=(ANN,)),
            wire.MuteParticipants(endpoint=call.id),
        ]
        session.answers[wire.MuteParticipants] = ServiceError("Attendees do not mute.")
        with pytest.raises(ServiceError) as refused:
            await ann.mute()
        assert (refused.value.code, refused.value.sub_code) == (403, 42000)
        with pytest.raises(ServiceError) as refused:
            await call.mute_all_remote_participants()
        assert (refused.value.code, refused.value.sub_code) == (403, 41018)
        session.answers[wire.MuteParticipants] = TransportError("lost")
        with pytest.raises(TransportError):
            await ann.mute()
        session.say(EndpointLeft(endpoint="a" * 32))
        with pytest.raises(InvalidStateError) as state:
            await call.mute_all_remote_participants()
        assert (state.value.code, state.value.sub_code) == (405, 41092)


async def test_in_a_call_between_two_nobody_mutes_the_other() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        with pytest.raises(InvalidStateError) as state:
            await call.remote_participants[0].mute()
        assert (state.value.code, state.value.sub_code) == (405, 42006)
        with pytest.raises(InvalidStateError) as state:
            await call.mute_all_remote_participants()
        assert (state.value.code, state.value.sub_code) == (405, 41093)
        assert session.asked == []


async def test_being_muted_by_others_is_told() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        call = the_agent.join(GroupCallLocator(str(uuid.uuid4())), JoinCallOptions(streams=()))
        await call.connected()
        log = Log().watch(call)
        notice = wire.MutedByOthers(endpoint=call.id, by=ANN)
        link.sessions[0].observer.on_notice(notice)
        assert call.is_muted
        assert log.names == ["isMutedChanged", "mutedByOthers"]


async def test_roles_are_followed() -> None:
    link = FakeLink(lambda session: session.others.append(endpoint("a")))
    async with agent(link) as the_agent:
        call = the_agent.join(GroupCallLocator(str(uuid.uuid4())), JoinCallOptions(streams=()))
        assert call.role is ParticipantRole.UNKNOWN
        await call.connected()
        (ann,) = call.remote_participants
        assert call.role is ann.role is ParticipantRole.PRESENTER
        log = Log().watch(call).watch(ann, "ann ")
        attendee = EndpointAttributes(role=ParticipantRole.ATTENDEE)
        session = link.sessions[0]
        session.say(AttributesChanged(endpoint=call.id, attributes=attendee))
        session.say(AttributesChanged(endpoint="a" * 32, attributes=attendee))
        assert call.role is ann.role is ParticipantRole.ATTENDEE
        assert log.names == ["roleChanged", "ann roleChanged"]


async def test_tones_are_for_telephones() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        with pytest.raises(InvalidArgumentError) as argument:
            await call.send_dtmf("Num10")
        assert (argument.value.code, argument.value.sub_code) == (422, 41023)
        with pytest.raises(InvalidStateError, match="telephone"):
            await call.send_dtmf(DtmfTone.POUND)
        phone = endpoint("b")
        session.say(EndpointJoined(endpoint=type(phone)(id=phone.id, identity="4:+15550100")))
        await call.send_dtmf("Num1")
        assert session.asked == [wire.SendTone(endpoint=call.id, tone=DtmfTone.NUM1)]


# ---------------------------------------------------------------- hold


def held(letter: str, is_on_hold: bool) -> Fact:
    return AttributesChanged(
        endpoint=letter * 32, attributes=EndpointAttributes(is_on_hold=is_on_hold)
    )


@pytest.mark.feature("HOLD-001", "HOLD-002", "STATE-010", "STATE-019")
async def test_the_other_sides_hold_is_a_state_of_a_call_between_two() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        (ann,) = call.remote_participants
        states: list[str] = []
        call.on(CallEvent.STATE_CHANGED, lambda: states.append(call.state))
        session.say(held("a", True))
        assert ann.state is RemoteParticipantState.HOLD
        await call.hold()
        await call.hold()
        session.say(held("a", True))
        await call.resume()
        session.say(held("a", False))
        assert ann.state == RemoteParticipantState.CONNECTED
        await call.resume()
        assert states == ["RemoteHold", "LocalHold", "RemoteHold", "Connected"]
        assert session.asked == [
            wire.SetHold(endpoint=call.id, is_on_hold=True),
            wire.SetHold(endpoint=call.id, is_on_hold=False),
        ]


async def test_a_hold_whose_answer_nobody_heard_is_followed_all_the_same() -> None:
    sound = LocalAudioStream(ToneSource(440))
    options = JoinCallOptions(audio_options=AudioOptions(local_audio_streams=(sound,)))
    async with joined(options) as (call, session):
        (stream,) = session.streams.values()

        def say(is_on_hold: bool) -> None:
            attributes = EndpointAttributes(is_on_hold=is_on_hold)
            session.say(AttributesChanged(endpoint=call.id, attributes=attributes))

        session.ask_gate = asyncio.Event()
        holding = asyncio.create_task(call.hold())
        await until(lambda: session.asked)
        assert call.state is CallState.CONNECTED
        holding.cancel()
        await asyncio.wait({holding})
        say(True)
        assert call.state is CallState.LOCAL_HOLD
        assert stream.is_held
        session.answers[wire.SetHold] = DeadlineError("no answer")
        session.ask_gate.set()
        with pytest.raises(DeadlineError):
            await call.resume()
        assert call.state is CallState.LOCAL_HOLD
        say(False)
        assert call.state is CallState.CONNECTED
        assert not stream.is_held


async def test_a_resume_undoes_a_hold_that_its_caller_did_not_wait_for() -> None:
    async with joined() as (call, session):
        session.ask_gate = asyncio.Event()
        holding = asyncio.create_task(call.hold())
        await until(lambda: session.asked)
        holding.cancel()
        await asyncio.wait({holding})
        resuming = asyncio.create_task(call.resume())
        await settle()
        session.ask_gate.set()
        await resuming
        assert session.asked[-1] == wire.SetHold(endpoint=call.id, is_on_hold=False)
        assert call.state == CallState.CONNECTED


async def test_in_a_larger_call_a_hold_is_a_state_of_the_participant_only() -> None:
    link = dialed(ANN, type_=CallType.DIAL_OUT)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        session.say(held("a", True))
        assert call.remote_participants[0].state is RemoteParticipantState.HOLD
        assert call.state is CallState.CONNECTED


async def test_only_connected_calls_are_held() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await ringing(the_agent, link)
        with pytest.raises(InvalidStateError) as caught:
            await call.hold()
        assert (caught.value.code, caught.value.sub_code) == (500, 41033)
        with pytest.raises(InvalidStateError) as caught:
            await call.resume()
        assert (caught.value.code, caught.value.sub_code) == (500, 41034)
        session.say(EndpointJoined(endpoint=endpoint("a")), PendingGone(identity=ANN))
        session.answers[wire.SetHold] = TransportError("lost")
        with pytest.raises(TransportError):
            await call.hold()
        assert call.state == CallState.CONNECTED


async def test_streams_rest_while_the_call_is_held_and_stay_enabled() -> None:
    link = dialed(ANN)
    async with agent(link) as the_agent:
        call, session = await answered(the_agent, link)
        streams = call.feature(Features.STREAMS)
        tone = await streams.publish(ToneSource(440.0), name="tone")
        await call.hold()
        late = await streams.publish(ToneSource(440.0), name="late")
        resting = [session.stream(name) for name in ("tone", "late")]
        assert [(item.is_sending, item.enabled) for item in resting] == [(False, True)] * 2
        late.set_enabled(False)
        tone.set_priority(Priority.HIGH)
        await call.resume()
        assert [item.is_sending for item in resting] == [True, False]
