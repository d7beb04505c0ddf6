"""`Features.CAPABILITIES`: what we may do in the call, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from acs_core.client.features.base import CallContext, CallFeature, Joined, News, RosterChanged
from acs_core.core.capabilities import (
    CapabilityResolutionReason,
    ParticipantCapabilities,
    ParticipantCapability,
    ParticipantCapabilityName,
    resolve,
)
from acs_core.core.facts import ParticipantRole
from acs_core.events import CapabilitiesEvent

__all__ = [
    "CapabilitiesChangeInfo",
    "CapabilitiesChangedReason",
    "CapabilitiesFeature",
    "ChangedParticipantCapabilities",
]

_UNKNOWN = ParticipantCapability(False, CapabilityResolutionReason.NOT_INITIALIZED)

ChangedParticipantCapabilities: TypeAlias = Mapping[
    ParticipantCapabilityName, ParticipantCapability
]
"""Some capabilities by name: those that changed."""


class CapabilitiesChangedReason(StrEnum):
    """Why capabilities changed, in ACS's spelling."""

    ROLE_CHANGED = "RoleChanged"
    USER_POLICY_CHANGED = "UserPolicyChanged"
    MEETING_OPTION_OR_ORGANIZER_POLICY_CHANGED = "MeetingOptionOrOrganizerPolicyChanged"
    TEAMS_PREMIUM_LICENSE_CHANGED = "TeamsPremiumLicenseChanged"


@dataclass(frozen=True, slots=True)
class CapabilitiesChangeInfo:
    """Capabilities before and after a change; both hold the same names."""

    old_value: ChangedParticipantCapabilities
    new_value: ChangedParticipantCapabilities
    reason: CapabilitiesChangedReason


class CapabilitiesFeature(CallFeature):
    """Our own capabilities; the service decides by the same table.

    Source: `CapabilitiesFeature` of @azure/communication-calling 2.0.0.
    """

    NAME: ClassVar[str] = "Capabilities"
    EVENTS: ClassVar[frozenset[str]] = frozenset(CapabilitiesEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._capabilities: ParticipantCapabilities = MappingProxyType(
            dict.fromkeys(ParticipantCapabilityName, _UNKNOWN)
        )
        self._role = ParticipantRole.UNKNOWN

    @property
    def capabilities(self) -> ParticipantCapabilities:
        """All capabilities by name: `capabilities["shareScreen"].is_present`.

        Before the call is connected none is present, with the reason `NotInitialized`.
        """
        return self._capabilities

    def handle(self, news: News) -> None:
        """Take news; called by the call.

        The first time is a change, too: who shows buttons by capabilities learns of them then.
        """
        if isinstance(news, Joined | RosterChanged):
            self._take()

    def _take(self) -> None:
        roster = self._context.joined_session().roster
        own = roster.endpoints.get(self._context.endpoint_id)
        if own is None:
            return
        before, self._capabilities = (
            self._capabilities,
            resolve(own.attributes, roster.call_type),
        )
        old_role, self._role = self._role, own.attributes.role
        names = [name for name in before if before[name] != self._capabilities[name]]
        if names:
            reason = CapabilitiesChangedReason.MEETING_OPTION_OR_ORGANIZER_POLICY_CHANGED
            if old_role is not self._role:
                reason = CapabilitiesChangedReason.ROLE_CHANGED
            change = CapabilitiesChangeInfo(
                MappingProxyType({name: before[name] for name in names}),
                MappingProxyType({name: self._capabilities[name] for name in names}),
                reason,
            )
            self._emit(CapabilitiesEvent.CAPABILITIES_CHANGED, change)
