"""Values that applications get back: devices, people, kinds, changes.

Options (`options.py`) and locators (`locators.py`) are listed here, too. States live beside their
tables (`core/call.py`, `core/participant.py`), options that name streams in `client/options.py`.

Source: @azure/communication-calling 2.0.0, in snake_case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TypeAlias

from acs_core.core.facts import EndReason
from acs_core.core.tones import DtmfTone
from acs_core.identifiers import CommunicationIdentifier
from acs_core.locators import (
    GroupCallLocator,
    GroupLocator,
    Place,
    ProbeCallLocator,
    RoomCallLocator,
    TeamsMeetingCoordinatesLocator,
    TeamsMeetingIdLocator,
    TeamsMeetingLinkLocator,
    group_locator,
)
from acs_core.media.scaling import ScalingMode
from acs_core.media.sources import MediaSource
from acs_core.options import (
    ACS_LIMITS,
    DEFAULT_SERVICE_URL,
    DISPLAY_NAME_LIMIT,
    MOBILE_WEB_LIMITS,
    AddPhoneNumberOptions,
    AddTeamsParticipantOptions,
    CallAgentOptions,
    CallClientOptions,
    CallLimits,
    CreateViewOptions,
    HangUpOptions,
    IceServer,
    IceTransportPolicy,
    NetworkConfiguration,
    PermissionConstraints,
    PermissionPolicy,
    ProxyConfiguration,
    TeamsCallAgentOptions,
    TurnConfiguration,
)

__all__ = [
    "ACS_LIMITS",
    "DEFAULT_SERVICE_URL",
    "DISPLAY_NAME_LIMIT",
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
    "CustomContextOptions",
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
    "ProbeCallLocator",
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
    "XHeader",
    "group_locator",
]

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
class DeviceAccess:
    """What was permitted."""

    audio: bool
    video: bool


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
class XHeader:
    """One header of a call; ACS spells it `xHeader`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class CustomContextOptions:
    """What a caller sends along with a call.

    Attributes:
        user_to_user: At most 256 letters, digits and =;.!%*_+~- characters.
        x_headers: The older name of `CustomContext.sip_headers`; sent with those, and received as
            those.
    """

    user_to_user: str = ""
    x_headers: tuple[XHeader, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomContext(CustomContextOptions):
    """What a caller sends along with a call, for the other application or a telephone exchange.

    Attributes:
        sip_headers: Those that telephones get, too: at most five. Names have at most 64 characters
            with the prefix `X-MS-Custom-`, which is added for telephones; values are as
            `user_to_user`.
        voip_headers: Those that users get: at most 1000, names of 64 and values of 1024 characters.

    Source: ACS, "Pass user-to-user information (UUI) data in a header".
    """

    sip_headers: tuple[XHeader, ...] = ()
    voip_headers: tuple[XHeader, ...] = ()


@dataclass(frozen=True, slots=True)
class CallEndedEventArgs:
    """Why it rings no longer."""

    call_end_reason: EndReason


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
