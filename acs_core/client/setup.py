"""What a call agent gives to a new call, so that calls need not know agents."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acs_core import wire
from acs_core.client.features.base import CallFeature
from acs_core.client.features.receive_policy import ReceivePolicyFeature
from acs_core.client.options import JoinCallOptions
from acs_core.client.ports import ServiceLink, Session, SessionObserver
from acs_core.core.call import Accepted, DialRequested, Input, JoinRequested
from acs_core.identifiers import CommunicationIdentifier
from acs_core.models import (
    AudioDeviceInfo,
    CallDirection,
    CallerInfo,
    CallLimits,
    GroupCallLocator,
    Place,
    ProbeCallLocator,
    RoomCallLocator,
    TeamsMeetingIdLocator,
    TeamsMeetingLinkLocator,
    VideoDeviceInfo,
)

if TYPE_CHECKING:
    from acs_core.client.call import CallCommon

__all__ = ["CallSetup", "wire_locator"]


@dataclass(slots=True)
class CallSetup:
    """The surroundings of one call.

    Attributes:
        endpoint_id: 32 hex digits; becomes `Call.id`.
        locator: How the call is entered; it decides whether the call is joined, started or
            accepted.
        identifier: Who we are, as far as the token says it.
        microphone: The selected or default microphone, or None.
        screen: The first screen; raises SourceUnavailableError without one.
        device_flags: Diagnostics about missing devices, by ACS's names.
        on_over: Told when the call is over.
        follow: Begins another call, to which this one is transferred.
        sample_interval: Seconds between two looks at statistics.
        caller: Who calls; None when it is us.
        transferor: Who sent the caller to us, or us to this call; None when nobody did.
        callees: Whom we call.
        thread_id: The chat of the call, when it is known from the start.
    """

    link: ServiceLink
    endpoint_id: str
    locator: wire.Locator
    display_name: str
    limits: CallLimits
    logger: logging.Logger
    microphone: Callable[[], AudioDeviceInfo | None]
    screen: Callable[[], Awaitable[VideoDeviceInfo]]
    device_flags: Callable[[], Mapping[str, bool]]
    on_over: Callable[[CallCommon], None]
    follow: Callable[[wire.TransferRequested, JoinCallOptions], CallCommon]
    sample_interval: float = 1.0
    receive: wire.ReceivePolicy = field(default_factory=wire.ReceivePolicy)
    identifier: CommunicationIdentifier | None = None
    caller: CallerInfo | None = None
    transferor: CallerInfo | None = None
    callees: tuple[CommunicationIdentifier, ...] = ()
    thread_id: str = ""

    @property
    def direction(self) -> CallDirection:
        """Whether we were called."""
        is_incoming = isinstance(self.locator, wire.InvitationLocator)
        return CallDirection.INCOMING if is_incoming else CallDirection.OUTGOING

    @property
    def is_dialed(self) -> bool:
        """Whether we call others, and are not connected before somebody answers."""
        return isinstance(self.locator, wire.DialLocator)

    @property
    def first_input(self) -> Input:
        """How the call begins."""
        match self.locator:
            case wire.DialLocator():
                return DialRequested()
            case wire.InvitationLocator():
                return Accepted()
            case _:
                return JoinRequested()

    def plan(
        self, features: Mapping[type[CallFeature], CallFeature], options: JoinCallOptions
    ) -> None:
        """Take what the call shall receive."""
        self.receive = wire.ReceivePolicy(
            automatic=options.receive_automatically,
            quality=options.report_network_quality,
            profile=options.bandwidth_profile,
        )
        feature = features[ReceivePolicyFeature]
        assert isinstance(feature, ReceivePolicyFeature)
        feature.start(self.receive)

    def open_session(self, observer: SessionObserver) -> Session:
        """A session for the call, not joined yet."""
        return self.link.session(
            observer,
            endpoint_id=self.endpoint_id,
            locator=self.locator,
            name=self.display_name,
            receive=self.receive,
        )


def wire_locator(place: Place) -> wire.Locator:
    """How the service names a place that can be joined."""
    match place:
        case GroupCallLocator(group_id=group_id):
            return wire.GroupLocator(group_id=group_id)
        case ProbeCallLocator(probe_id=probe_id):
            return wire.ProbeLocator(probe_id=probe_id)
        case RoomCallLocator(room_id=room_id):
            return wire.RoomLocator(room=room_id)
        case TeamsMeetingLinkLocator(meeting_link=link):
            return wire.MeetingLocator(link=link)
        case TeamsMeetingIdLocator(meeting_id=meeting_id, passcode=passcode):
            return wire.MeetingLocator(meeting_id=meeting_id, passcode=passcode)
