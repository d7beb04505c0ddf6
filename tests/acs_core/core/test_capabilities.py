from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from acs_core.core.capabilities import (
    MODERATORS,
    CapabilityResolutionReason,
    ParticipantCapabilityName,
    attributes_in_role,
    capability_for,
    decide,
    resolve,
)
from acs_core.core.facts import (
    CallType,
    EndpointAttributes,
    MediaAccessChanged,
    ParticipantRole,
    PublicationKind,
)

Name = ParticipantCapabilityName
Reason = CapabilityResolutionReason
Role = ParticipantRole

ATTRIBUTES = st.builds(
    EndpointAttributes,
    role=st.sampled_from(Role),
    is_audio_permitted=st.booleans(),
    is_video_permitted=st.booleans(),
)
UNSUPPORTED = {Name.JOIN_BREAKOUT_ROOMS, Name.REAL_TIME_TEXT, Name.START_TOGETHER_MODE}


def present(role: Role, call_type: CallType = CallType.ROOM) -> set[str]:
    found = resolve(EndpointAttributes(role=role), call_type)
    return {name for name, capability in found.items() if capability.is_present}


@given(ATTRIBUTES, st.sampled_from(CallType))
def test_every_capability_is_decided_with_a_reason_that_fits(
    attributes: EndpointAttributes, call_type: CallType
) -> None:
    found = resolve(attributes, call_type)
    assert set(found) == set(Name)
    for capability in found.values():
        assert capability.is_present is (capability.reason is Reason.CAPABLE)


@given(st.sampled_from(CallType), st.sampled_from(Role))
def test_nobody_can_do_more_than_a_presenter(call_type: CallType, role: Role) -> None:
    assert present(role, call_type) <= present(Role.PRESENTER, call_type)


@pytest.mark.parametrize("role", sorted(MODERATORS))
def test_moderators_can_do_all_that_a_meeting_has(role: Role) -> None:
    missing = set(Name) - present(role, CallType.MEETING)
    assert missing == UNSUPPORTED | {Name.START_LIVE_CALLING_CAPTIONS}


@pytest.mark.feature("CALLTYPE-006")
def test_roles_are_those_of_acs_rooms() -> None:
    attendee = present(Role.ATTENDEE)
    assert {"turnVideoOn", "unmuteMic", "raiseHand", "useReactions"} <= attendee
    assert not attendee & {"shareScreen", "muteOthers", "removeParticipant", "hangUpForEveryOne"}
    assert present(Role.COLLABORATOR) == attendee | {"shareScreen"}
    consumer = present(Role.CONSUMER)
    assert not consumer & {"turnVideoOn", "unmuteMic", "shareScreen", "raiseHand"}
    assert {"startLiveCallingCaptions", "setCaptionLanguage"} <= consumer
    assert present(Role.UNKNOWN) == consumer


def test_what_makes_no_sense_between_two_is_not_applicable() -> None:
    found = resolve(EndpointAttributes(), CallType.ONE_TO_ONE)
    for name in ("raiseHand", "spotlightParticipant", "useReactions", "muteOthers"):
        reason = found[Name(name)].reason
        assert reason is Reason.CAPABILITY_NOT_APPLICABLE_FOR_THE_CALL_TYPE
    assert found[Name.SHARE_SCREEN].is_present


def test_only_meetings_have_a_lobby() -> None:
    assert decide(Name.MANAGE_LOBBY, EndpointAttributes(), CallType.MEETING).is_present
    for call_type in set(CallType) - {CallType.MEETING}:
        assert not decide(Name.MANAGE_LOBBY, EndpointAttributes(), call_type).is_present


def test_a_forbidden_microphone_is_restricted_by_the_meeting_not_by_the_role() -> None:
    attributes = EndpointAttributes(role=Role.ATTENDEE, is_audio_permitted=False)
    found = resolve(attributes, CallType.MEETING)
    assert found[Name.UNMUTE_MIC].reason is Reason.MEETING_RESTRICTED
    assert not found[Name.UNMUTE_MIC].is_lost_with_role
    assert found[Name.TURN_VIDEO_ON].is_present
    forbidden = replace(attributes, is_video_permitted=False)
    assert decide(Name.TURN_VIDEO_ON, forbidden, CallType.MEETING).is_present is False


def test_messages_need_the_role_but_no_permission_to_speak() -> None:
    muted = EndpointAttributes(role=Role.ATTENDEE, is_audio_permitted=False)
    assert capability_for(PublicationKind.DATA, muted, CallType.MEETING).is_present
    assert not capability_for(PublicationKind.AUDIO, muted, CallType.MEETING).is_present
    watching = EndpointAttributes(role=Role.CONSUMER)
    for kind in PublicationKind:
        assert capability_for(kind, watching, CallType.ROOM).is_lost_with_role


@given(ATTRIBUTES, st.sampled_from(Role), st.booleans(), st.booleans())
def test_a_new_role_keeps_the_rest_and_asks_the_call_what_is_permitted(
    before: EndpointAttributes, role: Role, audio: bool, video: bool
) -> None:
    access = MediaAccessChanged(is_audio_permitted=audio, is_video_permitted=video)
    after = attributes_in_role(role, access, replace(before, hand=3))
    assert (after.role, after.hand) == (role, 3)
    assert after.is_audio_permitted is (audio or role in MODERATORS)
    assert after.is_video_permitted is (video or role in MODERATORS)
