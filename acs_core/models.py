"""Values that applications hand in and get back: devices, locators, options, limits.

States live beside their tables (`core/call.py`, `core/participant.py`), options that name streams
in `client/options.py`.

Source: @azure/communication-calling 2.0.0, in snake_case.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final, TypeAlias

from acs_core.core.facts import EndReason
from acs_core.core.meeting_link import invalid_meeting, parse_link
from acs_core.core.tones import DtmfTone
from acs_core.errors import InvalidArgumentError
from acs_core.identifiers import CommunicationIdentifier, PhoneNumberIdentifier
from acs_core.media.scaling import ScalingMode
from acs_core.media.sources import MediaSource

__all__ = [
    "ACS_LIMITS",
    "MOBILE_WEB_LIMITS",
    "AddPhoneNumberOptions",
    "AddTeamsParticipantOptions",
    "AudioDeviceInfo",
    "AudioDeviceType",
    "CallAgentKind",
    "CallAgentOptions",
    "CallClientOptions",
    "CallDirection",
    "CallEndReason",
    "CallEndedEventArgs",
    "CallKind",
    "CallLimits",
    "CallerInfo",
    "ConnectionStateChange",
    "ConnectionStateChangedReason",
    "CreateViewOptions",
    "CustomContext",
    "DeviceAccess",
    "DiagnosticQuality",
    "DisplayNameChange",
    "DominantSpeakersInfo",
    "DtmfTone",
    "EndpointDetails",
    "GroupCallLocator",
    "GroupLocator",
    "HangUpOptions",
    "IceServer",
    "IceTransportPolicy",
    "IncomingCallKind",
    "MediaStreamType",
    "NetworkConfiguration",
    "ParticipantInfo",
    "PermissionConstraints",
    "PermissionPolicy",
    "Place",
    "ProxyConfiguration",
    "RoomCallLocator",
    "ScalingMode",
    "ServiceConnectionState",
    "SourceFactory",
    "StreamSize",
    "TeamsCallAgentOptions",
    "TeamsMeetingCoordinatesLocator",
    "TeamsMeetingIdLocator",
    "TeamsMeetingLinkLocator",
    "TurnConfiguration",
    "VideoDeviceInfo",
    "VideoDeviceType",
    "group_locator",
]

DEFAULT_SERVICE_URL: Final = "http://127.0.0.1:7780"
DISPLAY_NAME_LIMIT: Final = 256

CallEndReason: TypeAlias = EndReason
"""Why a call ended, in ACS's name: `code`, `sub_code`, and our `message`."""

SourceFactory: TypeAlias = Callable[[], MediaSource]
"""Makes a source; called when a stream is built on the device, not when the device is listed."""


class CallKind(StrEnum):
    """Kind of a call."""

    CALL = "Call"
    TEAMS_CALL = "TeamsCall"


class CallAgentKind(StrEnum):
    """Kind of a call agent."""

    CALL_AGENT = "CallAgent"
    TEAMS_CALL_AGENT = "TeamsCallAgent"


class IncomingCallKind(StrEnum):
    """Kind of an incoming call."""

    INCOMING_CALL = "IncomingCall"
    TEAMS_INCOMING_CALL = "TeamsIncomingCall"


class CallDirection(StrEnum):
    """Who started a call; joining a group or room counts as outgoing."""

    INCOMING = "Incoming"
    OUTGOING = "Outgoing"


class MediaStreamType(StrEnum):
    """What a stream carries."""

    AUDIO = "Audio"
    VIDEO = "Video"
    SCREEN_SHARING = "ScreenSharing"
    RAW_MEDIA = "RawMedia"


class VideoDeviceType(StrEnum):
    """Kind of a video device."""

    UNKNOWN = "Unknown"
    USB_CAMERA = "UsbCamera"
    CAPTURE_ADAPTER = "CaptureAdapter"
    VIRTUAL = "Virtual"
    SCREEN_SHARING = "ScreenSharing"


class AudioDeviceType(StrEnum):
    """Kind of an audio device."""

    MICROPHONE = "Microphone"
    SPEAKER = "Speaker"
    COMPOSITE_AUDIO_DEVICE = "CompositeAudioDevice"
    VIRTUAL = "Virtual"


class ServiceConnectionState(StrEnum):
    """Whether a call agent is connected to the service."""

    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"


class DiagnosticQuality(IntEnum):
    """A quality that a diagnostic reports."""

    GOOD = 1
    POOR = 2
    BAD = 3


@dataclass(frozen=True, slots=True)
class VideoDeviceInfo:
    """A camera or screen, real or made by the program.

    Attributes:
        open_source: What the device delivers (ours); None for a device that cannot be captured.
    """

    name: str
    id: str
    device_type: VideoDeviceType
    open_source: SourceFactory | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class AudioDeviceInfo:
    """A microphone or speaker, real or made by the program.

    Attributes:
        open_source: What the device delivers (ours); None for a speaker.
    """

    name: str
    id: str
    is_system_default: bool
    device_type: AudioDeviceType
    open_source: SourceFactory | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class PermissionConstraints:
    """For what permission is asked."""

    audio: bool = False
    video: bool = False


@dataclass(frozen=True, slots=True)
class DeviceAccess:
    """What was permitted."""

    audio: bool
    video: bool


@dataclass(frozen=True, slots=True)
class PermissionPolicy:
    """Who may be captured at all; takes the place of a browser's question (ours)."""

    audio: bool = True
    video: bool = True


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How many streams a call takes; 0 or more.

    Attributes:
        device_start: Seconds that a camera, microphone or screen may take to open (ours).

    Source: the streaming limits table of the ACS documentation.
    """

    outgoing_video: int = 1
    outgoing_screen: int = 1
    rendered_video: int = 9
    rendered_screen: int = 1
    device_start: float = 10.0


ACS_LIMITS: Final = CallLimits()
"""Desktop browsers and native platforms."""

MOBILE_WEB_LIMITS: Final = CallLimits(rendered_video=4)
"""Browsers on telephones."""


@dataclass(frozen=True, slots=True)
class StreamSize:
    """Pixels of the pictures in a stream; 0 x 0 before the first one."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class EndpointDetails:
    """One of the endpoints with which a participant is in the call."""

    participant_id: str


@dataclass(frozen=True, slots=True)
class CallerInfo:
    """Who started the call."""

    identifier: CommunicationIdentifier | None
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class ParticipantInfo:
    """Who somebody was when something of theirs was told.

    Attributes:
        has_display_name_changed: They renamed themselves in the call; nobody can here.
    """

    identifier: CommunicationIdentifier
    display_name: str = ""
    has_display_name_changed: bool = False
    endpoint_details: tuple[EndpointDetails, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomContext:
    """What a telephone exchange or an application adds to a call: pairs of name and value."""

    sip_headers: tuple[tuple[str, str], ...] = ()
    voip_headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CallEndedEventArgs:
    """Why it rings no longer."""

    call_end_reason: EndReason


@dataclass(frozen=True, slots=True)
class AddPhoneNumberOptions:
    """How a telephone is added to a call.

    Attributes:
        alternate_caller_id: The number that it sees; telephones are not called without one.
    """

    alternate_caller_id: PhoneNumberIdentifier | None = None


@dataclass(frozen=True, slots=True)
class AddTeamsParticipantOptions:
    """How somebody is added to a call of a Teams user.

    Attributes:
        thread_id: The chat of the call; needed when it becomes a group call.
    """

    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class DisplayNameChange:
    """A participant's name before and after."""

    new_value: str
    old_value: str


class ConnectionStateChangedReason(StrEnum):
    """Why a call agent lost its connection."""

    INVALID_TOKEN = "invalidToken"
    CONNECTION_ISSUE = "connectionIssue"


@dataclass(frozen=True, slots=True)
class ConnectionStateChange:
    """A call agent's connection before and after.

    Attributes:
        reason: Why it was lost; None when the agent is disposed, or when it is there again.
            `invalidToken` also follows a loss, with equal states, when the service refuses the
            token of the client that comes back.
    """

    new_value: ServiceConnectionState
    old_value: ServiceConnectionState
    reason: ConnectionStateChangedReason | None = None


@dataclass(frozen=True, slots=True)
class DominantSpeakersInfo:
    """Who spoke, the most recent dominant speaker first."""

    speakers_list: tuple[CommunicationIdentifier, ...]
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class HangUpOptions:
    """How to leave."""

    for_everyone: bool = False


@dataclass(frozen=True, slots=True)
class CreateViewOptions:
    """How a view shows its stream; a missing `is_mirrored` mirrors local cameras only."""

    scaling_mode: ScalingMode | str = ScalingMode.STRETCH
    is_mirrored: bool | None = None


@dataclass(frozen=True, slots=True)
class CallAgentOptions:
    """Options of a call agent."""

    display_name: str = ""


@dataclass(frozen=True, slots=True)
class TeamsCallAgentOptions:
    """Options of a call agent of a Teams user; there are none yet."""


def _service_url() -> str:
    return os.environ.get("CALLING_SERVICE_URL") or DEFAULT_SERVICE_URL


@dataclass(frozen=True, slots=True)
class IceServer:
    """A TURN or STUN server.

    Attributes:
        urls: Like `turn:host:3478?transport=udp`, the preferred one first (RFC 7065).
        credential: The password.
    """

    urls: tuple[str, ...]
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TurnConfiguration:
    """The servers to use for media instead of those that the service names."""

    ice_servers: tuple[IceServer, ...]


@dataclass(frozen=True, slots=True)
class ProxyConfiguration:
    """The HTTP proxy to use for signaling; media does not go through it."""

    url: str


class IceTransportPolicy(StrEnum):
    """Which ways media may take: ALL, or RELAY for TURN servers only (WebRTC 1.0 section 4.2.2)."""

    ALL = "all"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class NetworkConfiguration:
    """How the network is to be used; None leaves it to the service and the system.

    Attributes:
        ice_transport_policy: RELAY hides our addresses from the service (ours).
        is_dscp_enabled: Mark media packets for routers that put some before others (ours).
    """

    proxy: ProxyConfiguration | None = None
    turn: TurnConfiguration | None = None
    ice_transport_policy: IceTransportPolicy = IceTransportPolicy.ALL
    is_dscp_enabled: bool = False


@dataclass(frozen=True, slots=True)
class CallClientOptions:
    """Options of a call client.

    Attributes:
        logger: Where the client reports; `acs_core` unless given.
        service_url: Where the calling service is (ours).
        limits: How many streams calls take (ours).
        permissions: What may be captured (ours).
        sample_interval: Seconds between two looks at statistics (ours).
        network_configuration: Proxy and TURN servers.
    """

    logger: logging.Logger | None = None
    service_url: str = field(default_factory=_service_url)
    limits: CallLimits = ACS_LIMITS
    permissions: PermissionPolicy = PermissionPolicy()
    sample_interval: float = 1.0
    network_configuration: NetworkConfiguration = NetworkConfiguration()


@dataclass(frozen=True, slots=True)
class GroupCallLocator:
    """A group call; `group_id` is a GUID that its members agreed on."""

    group_id: str


@dataclass(frozen=True, slots=True)
class RoomCallLocator:
    """A room; `room_id` may be an id or a unique name, empty for a new unnamed room."""

    room_id: str


@dataclass(frozen=True, slots=True)
class TeamsMeetingLinkLocator:
    """A meeting, by the link in its invitation."""

    meeting_link: str


@dataclass(frozen=True, slots=True)
class TeamsMeetingIdLocator:
    """A meeting, by its id, with or without spaces, and the passcode."""

    meeting_id: str
    passcode: str = ""


@dataclass(frozen=True, slots=True)
class TeamsMeetingCoordinatesLocator:
    """A meeting, by what its link is made of."""

    thread_id: str
    organizer_id: str
    tenant_id: str
    message_id: str


Place: TypeAlias = (
    GroupCallLocator | RoomCallLocator | TeamsMeetingLinkLocator | TeamsMeetingIdLocator
)
"""Where a call can be joined."""

GroupLocator: TypeAlias = Place | TeamsMeetingCoordinatesLocator | Mapping[str, str]
"""What a call can be joined by; mappings have the JavaScript SDK's keys, as {"groupId": ...}."""

_LOCATORS: Final[Mapping[frozenset[str], Callable[..., GroupLocator]]] = {
    frozenset({"groupid"}): GroupCallLocator,
    frozenset({"roomid"}): RoomCallLocator,
    frozenset({"meetinglink"}): TeamsMeetingLinkLocator,
    frozenset({"meetingid"}): TeamsMeetingIdLocator,
    frozenset({"meetingid", "passcode"}): TeamsMeetingIdLocator,
}
_KEYS: Final = ("groupid", "roomid", "meetinglink", "meetingid", "passcode")
_COORDINATES: Final = frozenset({"threadid", "organizerid", "tenantid", "messageid"})


def group_locator(value: GroupLocator) -> Place:
    """Read a locator in any of the ways that applications write one.

    Raises:
        InvalidArgumentError: 400/40209: none of a group with a GUID, a room and a meeting;
            400/40210: a link that is no meeting link, or the coordinates of a meeting, by which ACS
            does not join either.
    """
    if isinstance(value, Mapping):
        fields = {str(key).replace("_", "").lower(): item for key, item in value.items()}
        make = _LOCATORS.get(frozenset(fields))
        if make is not None:
            value = make(*(fields[key] for key in _KEYS if key in fields))
        elif set(fields) == _COORDINATES:
            value = TeamsMeetingCoordinatesLocator(
                *(fields[key] for key in ("threadid", "organizerid", "tenantid", "messageid"))
            )
    if isinstance(value, TeamsMeetingCoordinatesLocator):
        raise invalid_meeting("A meeting is not joined by its coordinates.")
    if isinstance(value, TeamsMeetingLinkLocator) and isinstance(value.meeting_link, str):
        parse_link(value.meeting_link)
        return value
    if isinstance(value, TeamsMeetingIdLocator) and value.meeting_id:
        if isinstance(value.meeting_id, str) and isinstance(value.passcode, str):
            return value
        raise invalid_meeting("A meeting id and its passcode are text.")
    if isinstance(value, RoomCallLocator) and isinstance(value.room_id, str):
        return value
    if isinstance(value, GroupCallLocator):
        try:
            return GroupCallLocator(str(uuid.UUID(value.group_id)))
        except (ValueError, AttributeError, TypeError):
            pass
    raise InvalidArgumentError(
        "A call is joined by a group id, which is a GUID, by a room id, or as a meeting.",
        sub_code=40209,
        next_step="Use GroupCallLocator(str(uuid.uuid4())) or RoomCallLocator(name).",
    )
