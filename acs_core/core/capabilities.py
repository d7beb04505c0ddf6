"""Who may do what in a call: a table by role, and what the call itself rules out.

Theory of operation. `resolve` asks four questions in this order, and the first "no" is the reason:
does this service have it at all, does it make sense in this type of call, does the role include it,
has a moderator forbidden it. The service enforces the answers with `require`; the client shows them
in `Features.CAPABILITIES`. Both read the same roster, so they cannot disagree.

Source: names and reasons are `ParticipantCapabilityName` and `CapabilityResolutionReason` of
@azure/communication-calling 2.0.0; the roles are those of the table "Predefined participant roles
and permissions" in the ACS Rooms overview. Where that table is silent (hands, reactions, spotlight)
attendees take part and presenters moderate, as the ACS pages on these features say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec.structs import replace

from acs_core.core.facts import (
    CallType,
    EndpointAttributes,
    MediaAccessChanged,
    ParticipantRole,
    PublicationKind,
)

__all__ = [
    "MODERATORS",
    "CapabilityResolutionReason",
    "ParticipantCapabilities",
    "ParticipantCapability",
    "ParticipantCapabilityName",
    "attributes_in_role",
    "capability_for",
    "decide",
    "resolve",
]


class ParticipantCapabilityName(StrEnum):
    """Something that a participant may be able to do, in ACS's spelling."""

    TURN_VIDEO_ON = "turnVideoOn"
    UNMUTE_MIC = "unmuteMic"
    SHARE_SCREEN = "shareScreen"
    REMOVE_PARTICIPANT = "removeParticipant"
    HANG_UP_FOR_EVERY_ONE = "hangUpForEveryOne"
    ADD_COMMUNICATION_USER = "addCommunicationUser"
    ADD_TEAMS_USER = "addTeamsUser"
    ADD_PHONE_NUMBER = "addPhoneNumber"
    MANAGE_LOBBY = "manageLobby"
    SPOTLIGHT_PARTICIPANT = "spotlightParticipant"
    REMOVE_PARTICIPANTS_SPOTLIGHT = "removeParticipantsSpotlight"
    BLUR_BACKGROUND = "blurBackground"
    START_LIVE_MEETING_CAPTIONS = "startLiveMeetingCaptions"
    START_LIVE_CALLING_CAPTIONS = "startLiveCallingCaptions"
    SET_CAPTION_LANGUAGE = "setCaptionLanguage"
    RAISE_HAND = "raiseHand"
    PSTN_DIAL_OUT = "pstnDialOut"
    MUTE_OTHERS = "muteOthers"
    USE_REACTIONS = "useReactions"
    VIEW_ATTENDEE_NAMES = "viewAttendeeNames"
    START_TOGETHER_MODE = "startTogetherMode"
    JOIN_BREAKOUT_ROOMS = "joinBreakoutRooms"
    FORBID_OTHERS_AUDIO = "forbidOthersAudio"
    FORBID_OTHERS_VIDEO = "forbidOthersVideo"
    REAL_TIME_TEXT = "realTimeText"


class CapabilityResolutionReason(StrEnum):
    """Why somebody has a capability, or has not, in ACS's spelling."""

    CAPABLE = "Capable"
    CAPABILITY_NOT_APPLICABLE_FOR_THE_CALL_TYPE = "CapabilityNotApplicableForTheCallType"
    CLIENT_RESTRICTED = "ClientRestricted"
    USER_POLICY_RESTRICTED = "UserPolicyRestricted"
    ROLE_RESTRICTED = "RoleRestricted"
    FEATURE_NOT_SUPPORTED = "FeatureNotSupported"
    MEETING_RESTRICTED = "MeetingRestricted"
    NOT_INITIALIZED = "NotInitialized"
    NOT_CAPABLE = "NotCapable"
    TEAMS_PREMIUM_LICENSE_RESTRICTED = "TeamsPremiumLicenseRestricted"
    IP_MODE_USER_POLICY_RESTRICTED = "IpModeUserPolicyRestricted"
    EXPLICIT_CONSENT_REQUIRED = "ExplicitConsentRequired"


@dataclass(frozen=True, slots=True)
class ParticipantCapability:
    """Whether somebody has a capability, and why or why not."""

    is_present: bool
    reason: CapabilityResolutionReason

    @property
    def is_lost_with_role(self) -> bool:
        """Whether it is the role that does not include it (ours)."""
        return self.reason is CapabilityResolutionReason.ROLE_RESTRICTED


ParticipantCapabilities: TypeAlias = Mapping[ParticipantCapabilityName, ParticipantCapability]
"""Every capability by name; the names may be written as plain strings."""

_Name = ParticipantCapabilityName
_Reason = CapabilityResolutionReason

MODERATORS: Final = frozenset(
    {ParticipantRole.PRESENTER, ParticipantRole.ORGANIZER, ParticipantRole.CO_ORGANIZER}
)
"""Roles that include everything."""

_CONSUMER: Final = frozenset(
    {
        _Name.SET_CAPTION_LANGUAGE,
        _Name.START_LIVE_CALLING_CAPTIONS,
        _Name.START_LIVE_MEETING_CAPTIONS,
        _Name.VIEW_ATTENDEE_NAMES,
    }
)
_ATTENDEE: Final = _CONSUMER | {
    _Name.BLUR_BACKGROUND,
    _Name.RAISE_HAND,
    _Name.TURN_VIDEO_ON,
    _Name.UNMUTE_MIC,
    _Name.USE_REACTIONS,
}
_BY_ROLE: Final[Mapping[ParticipantRole, frozenset[ParticipantCapabilityName]]] = MappingProxyType(
    {
        # A role that a later service knows and this program does not: nobody's rights but to watch.
        ParticipantRole.UNKNOWN: _CONSUMER,
        ParticipantRole.CONSUMER: _CONSUMER,
        ParticipantRole.ATTENDEE: _ATTENDEE,
        ParticipantRole.COLLABORATOR: _ATTENDEE | {_Name.SHARE_SCREEN},
    }
    | {role: frozenset(_Name) for role in MODERATORS}
)

_UNSUPPORTED: Final = frozenset(
    {_Name.JOIN_BREAKOUT_ROOMS, _Name.REAL_TIME_TEXT, _Name.START_TOGETHER_MODE}
)
"""What this service does not have at all."""

_MEETING_ONLY: Final = frozenset({_Name.MANAGE_LOBBY, _Name.START_LIVE_MEETING_CAPTIONS})
_NOT_ONE_TO_ONE: Final = frozenset(
    {
        _Name.FORBID_OTHERS_AUDIO,
        _Name.FORBID_OTHERS_VIDEO,
        _Name.MUTE_OTHERS,
        _Name.RAISE_HAND,
        _Name.REMOVE_PARTICIPANTS_SPOTLIGHT,
        _Name.SPOTLIGHT_PARTICIPANT,
        _Name.USE_REACTIONS,
    }
)
_NEEDED_TO_PUBLISH: Final[Mapping[PublicationKind, ParticipantCapabilityName]] = MappingProxyType(
    {
        PublicationKind.AUDIO: _Name.UNMUTE_MIC,
        PublicationKind.VIDEO: _Name.TURN_VIDEO_ON,
        PublicationKind.SCREEN: _Name.SHARE_SCREEN,
        # ACS has no capability for messages: who may not speak may not write either.
        PublicationKind.DATA: _Name.UNMUTE_MIC,
    }
)

_CAPABLE: Final = ParticipantCapability(True, _Reason.CAPABLE)


def _applies(name: ParticipantCapabilityName, call_type: CallType) -> bool:
    if call_type is CallType.ONE_TO_ONE and name in _NOT_ONE_TO_ONE:
        return False
    if call_type is CallType.MEETING:
        return name is not _Name.START_LIVE_CALLING_CAPTIONS
    return name not in _MEETING_ONLY


def _is_forbidden(name: ParticipantCapabilityName, attributes: EndpointAttributes) -> bool:
    if name is _Name.UNMUTE_MIC:
        return not attributes.is_audio_permitted
    return name is _Name.TURN_VIDEO_ON and not attributes.is_video_permitted


def decide(
    name: ParticipantCapabilityName, attributes: EndpointAttributes, call_type: CallType
) -> ParticipantCapability:
    """Whether an endpoint has one capability, and the first reason against it."""
    if name in _UNSUPPORTED:
        return ParticipantCapability(False, _Reason.FEATURE_NOT_SUPPORTED)
    if not _applies(name, call_type):
        return ParticipantCapability(False, _Reason.CAPABILITY_NOT_APPLICABLE_FOR_THE_CALL_TYPE)
    if name not in _BY_ROLE[attributes.role]:
        return ParticipantCapability(False, _Reason.ROLE_RESTRICTED)
    if _is_forbidden(name, attributes):
        return ParticipantCapability(False, _Reason.MEETING_RESTRICTED)
    return _CAPABLE


def resolve(attributes: EndpointAttributes, call_type: CallType) -> ParticipantCapabilities:
    """All capabilities of an endpoint."""
    return MappingProxyType({name: decide(name, attributes, call_type) for name in _Name})


def capability_for(
    kind: PublicationKind, attributes: EndpointAttributes, call_type: CallType
) -> ParticipantCapability:
    """Whether an endpoint may offer and send a stream of this kind.

    Messages need the role of who may speak, but no permission to do so now.
    """
    capability = decide(_NEEDED_TO_PUBLISH[kind], attributes, call_type)
    if kind is PublicationKind.DATA and capability.reason is _Reason.MEETING_RESTRICTED:
        return _CAPABLE
    return capability


def attributes_in_role(
    role: ParticipantRole,
    access: MediaAccessChanged,
    before: EndpointAttributes | None = None,
) -> EndpointAttributes:
    """Attributes of somebody who enters a role: attendees may send what the call permits to them.

    Args:
        role: The new one.
        access: What attendees of the call may send.
        before: What is known otherwise.
    """
    is_free = role in MODERATORS
    return replace(
        before or EndpointAttributes(),
        role=role,
        is_audio_permitted=is_free or access.is_audio_permitted,
        is_video_permitted=is_free or access.is_video_permitted,
    )
