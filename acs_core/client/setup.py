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
from acs_core.models import (
    AudioDeviceInfo,
    CallLimits,
    GroupCallLocator,
    RoomCallLocator,
    VideoDeviceInfo,
)

if TYPE_CHECKING:
    from acs_core.client.call import Call

__all__ = ["CallSetup"]


@dataclass(slots=True)
class CallSetup:
    """The surroundings of one call.

    Attributes:
        endpoint_id: 32 hex digits; becomes `Call.id`.
        microphone: The selected or default microphone, or None.
        screen: The first screen; raises SourceUnavailableError without one.
        device_flags: Diagnostics about missing devices, by ACS's names.
        on_over: Told when the call is over.
        sample_interval: Seconds between two looks at statistics.
    """

    link: ServiceLink
    endpoint_id: str
    locator: GroupCallLocator | RoomCallLocator
    display_name: str
    limits: CallLimits
    logger: logging.Logger
    microphone: Callable[[], AudioDeviceInfo | None]
    screen: Callable[[], Awaitable[VideoDeviceInfo]]
    device_flags: Callable[[], Mapping[str, bool]]
    on_over: Callable[[Call], None]
    sample_interval: float = 1.0
    receive: wire.ReceivePolicy = field(default_factory=wire.ReceivePolicy)

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
        locator: wire.Locator
        if isinstance(self.locator, GroupCallLocator):
            locator = wire.GroupLocator(group_id=self.locator.group_id)
        else:
            locator = wire.RoomLocator(room=self.locator.room_id)
        return self.link.session(
            observer,
            endpoint_id=self.endpoint_id,
            locator=locator,
            name=self.display_name,
            receive=self.receive,
        )
