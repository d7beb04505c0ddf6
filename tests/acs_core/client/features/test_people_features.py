"""What people do in calls besides talking, against a scripted service."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from acs_core import (
    AdmitAllOperationResult,
    CapabilitiesChangedReason,
    CapabilitiesChangeInfo,
    CapabilityResolutionReason,
    CollectionUpdate,
    CommunicationUserIdentifier,
    Features,
    InvalidStateError,
    JoinCallOptions,
    Lobby,
    MediaAccess,
    MeetingMediaAccess,
    ParticipantRole,
    RaisedHand,
    Reaction,
    ReactionMessage,
    RemoteParticipantState,
    ServiceError,
    SpotlightedParticipant,
    wire,
)
from acs_core.client.emitter import Emitter
from acs_core.core.facts import (
    AttributesChanged,
    CallType,
    CallTypeChanged,
    EndpointAttributes,
    EndpointJoined,
    EndpointLeft,
    MediaAccessChanged,
    PendingChanged,
    PendingGone,
    PendingParticipant,
    PendingState,
)
from acs_core.errors import CallingError, InvalidArgumentError
from tests.support.calls import Log, agent, endpoint, joined
from tests.support.fake_session import FakeLink, FakeSession

NOTHING = JoinCallOptions(streams=())
ME = "8:acs:resource_me"
A, B = "8:acs:resource_a", "8:acs:resource_b"


def two_others(session: FakeSession) -> None:
    session.others.extend([endpoint("a"), endpoint("b")])


def user(raw_id: str) -> CommunicationUserIdentifier:
    return CommunicationUserIdentifier(raw_id)


def now(endpoint_id: str, **attributes: Any) -> AttributesChanged:
    return AttributesChanged(endpoint=endpoint_id, attributes=EndpointAttributes(**attributes))


def watched(emitter: Emitter) -> Log:
    return Log().watch(emitter)


# ------------------------------------------------------------------ hands


async def test_hands_are_shown_in_the_order_of_raising() -> None:
    async with joined(NOTHING, prepare=two_others) as (call, session):
        hands = call.feature(Features.RAISE_HAND)
        log = watched(hands)
        session.say(now("b" * 32, hand=4), now("a" * 32, hand=9), now(call.id, hand=12))
        places = [RaisedHand(user(B), 1), RaisedHand(user(A), 2), RaisedHand(user(ME), 3)]
        assert hands.get_raised_hands() == places
        session.say(now("b" * 32))
        session.say(now("a" * 32, hand=9, is_on_hold=True))
        assert hands.get_raised_hands() == [RaisedHand(user(A), 1), RaisedHand(user(ME), 2)]
        session.say(EndpointLeft(endpoint="a" * 32))
        told = [(name, item.identifier.raw_id) for name, (item,) in log.entries]
        assert told == [
            ("raisedHandEvent", B),
            ("raisedHandEvent", A),
            ("raisedHandEvent", ME),
            ("loweredHandEvent", B),
            ("loweredHandEvent", A),
        ]


async def test_hands_are_raised_and_lowered_by_the_service() -> None:
    async with joined(NOTHING) as (call, session):
        hands = call.feature(Features.RAISE_HAND)
        await hands.raise_hand()
        await hands.lower_hand()
        await hands.lower_hands([user(A), user(B), user(A)])
        await hands.lower_hands([])
        await hands.lower_all_hands()
        assert session.asked == [
            wire.RaiseHand(endpoint=call.id, is_raised=True),
            wire.RaiseHand(endpoint=call.id, is_raised=False),
            wire.RaiseHand(endpoint=call.id, is_raised=False, identities=(A, B)),
            wire.RaiseHand(endpoint=call.id, is_raised=False, identities=None),
        ]
        session.answers[wire.RaiseHand] = ServiceError("no", sub_code=45755)
        with pytest.raises(ServiceError):
            await hands.lower_all_hands()


# ------------------------------------------------------------------ spotlight


async def test_the_spotlight_is_shown_in_order() -> None:
    async with joined(NOTHING, prepare=two_others) as (call, session):
        spotlight = call.feature(Features.SPOTLIGHT)
        log = watched(spotlight)
        session.say(now("b" * 32, spotlight=1), now(call.id, spotlight=2))
        lit = [SpotlightedParticipant(user(B), 1), SpotlightedParticipant(user(ME), 2)]
        assert spotlight.get_spotlighted_participants() == lit
        session.say(now("b" * 32), now("a" * 32, spotlight=3))
        session.say(now("a" * 32, spotlight=3, hand=1))
        assert log.entries == [
            ("spotlightChanged", (CollectionUpdate(tuple(lit)),)),
            (
                "spotlightChanged",
                (
                    CollectionUpdate(
                        (SpotlightedParticipant(user(A), 2),), (SpotlightedParticipant(user(B)),)
                    ),
                ),
            ),
        ]
        assert spotlight.max_participants_to_spotlight == 7


async def test_the_spotlight_is_asked_of_the_service() -> None:
    async with joined(NOTHING) as (call, session):
        spotlight = call.feature(Features.SPOTLIGHT)
        await spotlight.start_spotlight()
        await spotlight.start_spotlight([user(A)])
        await spotlight.start_spotlight([])
        await spotlight.stop_spotlight()
        await spotlight.stop_spotlight([user(A)])
        await spotlight.stop_all_spotlight()
        assert session.asked == [
            wire.Spotlight(endpoint=call.id, is_on=is_on, identities=identities)
            for is_on, identities in [
                (True, ()),
                (True, (A,)),
                (False, ()),
                (False, (A,)),
                (False, None),
            ]
        ]


# ------------------------------------------------------------------ reactions


async def test_reactions_come_from_people() -> None:
    async with joined(NOTHING, prepare=two_others) as (call, session):
        log = watched(call.feature(Features.REACTION))
        for sender, reaction in (("a" * 32, "heart"), ("f" * 32, "heart"), ("a" * 32, "yawn")):
            notice = wire.Reaction(endpoint=call.id, sender=sender, reaction=reaction)
            session.observer.on_notice(notice)
        session.observer.on_notice(wire.MutedByOthers(endpoint=call.id, by=A))
        ((name, (payload,)),) = log.entries
        assert name == "reaction"
        assert payload.identifier == user(A)
        assert payload.reaction_message == ReactionMessage(Reaction.HEART)


async def test_only_reactions_that_there_are_can_be_sent() -> None:
    async with joined(NOTHING) as (call, session):
        reactions = call.feature(Features.REACTION)
        await reactions.send_reaction(ReactionMessage(Reaction.LIKE))
        await reactions.send_reaction(ReactionMessage("applause"))
        sent = [item.reaction for item in session.asked if isinstance(item, wire.React)]
        assert sent == ["like", "applause"]
        wrong: Any
        for wrong in (ReactionMessage("yawn"), "like", None):
            with pytest.raises(InvalidArgumentError) as caught:
                await reactions.send_reaction(wrong)
            assert caught.value.sub_code == 45808


# ------------------------------------------------------------------ capabilities


async def test_capabilities_follow_the_role_and_what_is_permitted() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.CAPABILITIES)
        log = watched(feature)
        assert feature.capabilities["shareScreen"].is_present
        session.say(now(call.id, role=ParticipantRole.ATTENDEE))
        session.say(now(call.id, role=ParticipantRole.ATTENDEE, hand=1))
        session.say(now(call.id, role=ParticipantRole.ATTENDEE, is_audio_permitted=False))
        session.say(CallTypeChanged(call_type=CallType.ONE_TO_ONE))
        changes: list[CapabilitiesChangeInfo] = [change for _, (change,) in log.entries]
        reason = CapabilitiesChangedReason
        policy = reason.MEETING_OPTION_OR_ORGANIZER_POLICY_CHANGED
        assert [change.reason for change in changes] == [reason.ROLE_CHANGED, policy, policy]
        assert changes[0].old_value["shareScreen"].is_present
        assert not changes[0].new_value["shareScreen"].is_present
        assert set(changes[1].new_value) == {"unmuteMic"} == set(changes[1].old_value)
        restricted = CapabilityResolutionReason.MEETING_RESTRICTED
        assert feature.capabilities["unmuteMic"].reason is restricted


async def test_nobody_is_capable_of_anything_before_the_call_is_connected() -> None:
    link = FakeLink(lambda session: setattr(session, "gate", asyncio.Event()))
    async with agent(link) as the_agent:
        call = the_agent.join({"roomId": "daily"}, NOTHING)
        found = call.feature(Features.CAPABILITIES).capabilities.values()
        assert {item.reason for item in found} == {CapabilityResolutionReason.NOT_INITIALIZED}
        with pytest.raises(InvalidStateError) as caught:
            await call.feature(Features.REACTION).send_reaction(ReactionMessage("like"))
        assert (caught.value.code, caught.value.sub_code) == (400, 45800)
        with pytest.raises(InvalidStateError) as caught:
            await call.feature(Features.MEDIA_ACCESS).forbid_others_audio()
        assert (caught.value.code, caught.value.sub_code) == (412, 46505)


# ------------------------------------------------------------------ media access


async def test_media_access_of_the_others_is_shown() -> None:
    async with joined(NOTHING, prepare=two_others) as (call, session):
        feature = call.feature(Features.MEDIA_ACCESS)
        log = watched(feature)
        free = {"is_audio_permitted": True, "is_video_permitted": True}
        muted = free | {"is_audio_permitted": False}
        session.say(now("a" * 32, **muted), now(call.id, **muted))
        session.say(MediaAccessChanged(is_audio_permitted=False))
        session.say(EndpointJoined(endpoint=endpoint("d")))
        assert feature.get_all_others_media_access() == [
            MediaAccess(participant=user(A), **muted),
            MediaAccess(participant=user(B), **free),
            MediaAccess(participant=user("8:acs:resource_d"), **free),
        ]
        assert feature.get_meeting_media_access() == MeetingMediaAccess(**muted)
        assert log.names == ["mediaAccessChanged", "meetingMediaAccessChanged"]
        (one,), (all_,) = (arguments for _, arguments in log.entries)
        assert one.media_accesses == (MediaAccess(participant=user(A), **muted),)
        assert all_.meeting_media_access == MeetingMediaAccess(**muted)


async def test_media_access_is_asked_of_the_service() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.MEDIA_ACCESS)
        await feature.permit_audio([user(A)])
        await feature.forbid_audio([user(A)])
        await feature.permit_others_audio()
        await feature.forbid_others_audio()
        await feature.permit_video([user(A)])
        await feature.forbid_video([user(A)])
        await feature.permit_others_video()
        await feature.forbid_others_video()
        asked = [
            (item.identities, item.media, item.is_permitted)
            for item in session.asked
            if isinstance(item, wire.PermitMedia)
        ]
        assert asked == [
            (identities, media, is_permitted)
            for media in ("audio", "video")
            for identities in ((A,), None)
            for is_permitted in (True, False)
        ]
        with pytest.raises(InvalidArgumentError) as caught:
            await feature.forbid_video([])
        assert caught.value.sub_code == 46508


# ------------------------------------------------------------------ lobby


def pending(raw_id: str, state: PendingState = PendingState.IN_LOBBY) -> PendingChanged:
    return PendingChanged(participant=PendingParticipant(identity=raw_id, state=state))


async def test_the_lobby_holds_who_waits_until_they_are_admitted_or_gone() -> None:
    async with joined(NOTHING) as (call, session):
        log = watched(call.lobby)
        session.say(pending(A), pending(B))
        ann, ben = call.lobby.participants
        assert ann.state is RemoteParticipantState.IN_LOBBY
        assert call.remote_participants == (ann, ben)
        session.say(pending(A, PendingState.CONNECTING))
        assert call.lobby.participants == (ben,)
        session.say(EndpointJoined(endpoint=endpoint("a")), PendingGone(identity=A))
        assert ann.state is RemoteParticipantState.CONNECTED
        assert call.remote_participants == (ben, ann) or call.remote_participants == (ann, ben)
        session.say(PendingGone(identity=B))
        assert call.lobby.participants == ()
        assert log.entries == [
            ("lobbyParticipantsUpdated", (CollectionUpdate((ann, ben)),)),
            ("lobbyParticipantsUpdated", (CollectionUpdate((), (ann,)),)),
            ("lobbyParticipantsUpdated", (CollectionUpdate((), (ben,)),)),
        ]


async def test_the_lobby_asks_the_service_to_decide() -> None:
    async with joined(NOTHING) as (call, session):
        lobby: Lobby = call.lobby
        session.say(pending(A), pending(B))
        await lobby.admit(user(A))
        await lobby.reject(user(B))
        assert await lobby.admit_all() == AdmitAllOperationResult(2, 0)
        asked = [
            (item.identities, item.is_admitted)
            for item in session.asked
            if isinstance(item, wire.DecideLobby)
        ]
        assert asked == [((A,), True), ((B,), False), (None, True)]
        session.answers[wire.DecideLobby] = ServiceError("no", sub_code=41805)
        with pytest.raises(CallingError):
            await lobby.admit_all()
        with pytest.raises(InvalidArgumentError) as caught:
            lobby.on("doorbell", print)
        assert (caught.value.code, caught.value.sub_code) == (422, 41800)


async def test_the_lobby_is_empty_when_the_call_is_over() -> None:
    async with joined(NOTHING) as (call, session):
        session.say(pending(A))
        log = watched(call.lobby)
        await call.hang_up()
        assert call.lobby.participants == ()
        assert log.names == ["lobbyParticipantsUpdated"]
        with pytest.raises(InvalidStateError):
            await call.lobby.admit_all()


@pytest.mark.parametrize("wrong", [None, 5, user(A)])
async def test_people_are_named_in_a_list(wrong: Any) -> None:
    async with joined(NOTHING, prepare=two_others) as (call, session):
        with pytest.raises(InvalidArgumentError):
            await call.feature(Features.RAISE_HAND).lower_hands(wrong)
        with pytest.raises(InvalidArgumentError):
            await call.feature(Features.MEDIA_ACCESS).forbid_audio(wrong)
        if wrong is not None:  # Ourselves.
            with pytest.raises(InvalidArgumentError):
                await call.feature(Features.SPOTLIGHT).start_spotlight(wrong)
        assert session.asked == []
