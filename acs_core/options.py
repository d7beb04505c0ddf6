"""What applications choose: of a client, its agents, a call and a view.

Options that name streams are in `client/options.py`, where a call is joined in `locators.py`.

Source: @azure/communication-calling 2.0.0, in snake_case.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from acs_core.identifiers import PhoneNumberIdentifier
from acs_core.media.scaling import ScalingMode

__all__ = [
    "ACS_LIMITS",
    "DEFAULT_SERVICE_URL",
    "DISPLAY_NAME_LIMIT",
    "MOBILE_WEB_LIMITS",
    "AddPhoneNumberOptions",
    "AddTeamsParticipantOptions",
    "CallAgentOptions",
    "CallClientOptions",
    "CallLimits",
    "CreateViewOptions",
    "HangUpOptions",
    "IceServer",
    "IceTransportPolicy",
    "NetworkConfiguration",
    "PermissionConstraints",
    "PermissionPolicy",
    "ProxyConfiguration",
    "TeamsCallAgentOptions",
    "TurnConfiguration",
]

DEFAULT_SERVICE_URL: Final = "http://127.0.0.1:7780"
DISPLAY_NAME_LIMIT: Final = 256


@dataclass(frozen=True, slots=True)
class PermissionConstraints:
    """For what permission is asked."""

    audio: bool = False
    video: bool = False


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
