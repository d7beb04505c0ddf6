"""Where a call can be joined: groups, rooms and meetings.

Source: @azure/communication-calling 2.0.0, in snake_case.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from acs_core.core.meeting_link import invalid_meeting, parse_link
from acs_core.errors import InvalidArgumentError

__all__ = [
    "GroupCallLocator",
    "GroupLocator",
    "Place",
    "ProbeCallLocator",
    "RoomCallLocator",
    "TeamsMeetingCoordinatesLocator",
    "TeamsMeetingIdLocator",
    "TeamsMeetingLinkLocator",
    "group_locator",
]


@dataclass(frozen=True, slots=True)
class GroupCallLocator:
    """A group call; `group_id` is a GUID that its members agreed on."""

    group_id: str


@dataclass(frozen=True, slots=True)
class RoomCallLocator:
    """A room; `room_id` may be an id or a unique name, empty for a new unnamed room."""

    room_id: str


@dataclass(frozen=True, slots=True)
class ProbeCallLocator:
    """A test call of one user with itself (ours); `probe_id` is a GUID that the user made up.

    Every token opens it, those for a single room included, and nobody else can find it.
    """

    probe_id: str


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
    GroupCallLocator
    | RoomCallLocator
    | ProbeCallLocator
    | TeamsMeetingLinkLocator
    | TeamsMeetingIdLocator
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
    try:
        if isinstance(value, GroupCallLocator):
            return GroupCallLocator(str(uuid.UUID(value.group_id)))
        if isinstance(value, ProbeCallLocator):
            return ProbeCallLocator(str(uuid.UUID(value.probe_id)))
    except (ValueError, AttributeError, TypeError):
        pass
    raise InvalidArgumentError(
        "A call is joined by a group id, which is a GUID, by a room id, or as a meeting.",
        sub_code=40209,
        next_step="Use GroupCallLocator(str(uuid.uuid4())) or RoomCallLocator(name).",
    )
