"""Which call a client means: the locators of `Join`."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from acs_core.core.custom_context import CustomContext

__all__ = [
    "DialLocator",
    "GroupLocator",
    "InvitationLocator",
    "Locator",
    "MeetingLocator",
    "ProbeLocator",
    "RoomLocator",
]


class GroupLocator(Struct, frozen=True, kw_only=True, tag="group"):
    """A group call, by a GUID that its members agreed on."""

    group_id: str


class RoomLocator(Struct, frozen=True, kw_only=True, tag="room"):
    """A room: live session id, unique name or ACS room id; empty for a new unnamed one."""

    room: str


class ProbeLocator(Struct, frozen=True, kw_only=True, tag="probe"):
    """A test call of one user, by a GUID that the user made up; nobody else can find it."""

    probe_id: str


class DialLocator(Struct, frozen=True, kw_only=True, tag="dial"):
    """A new call in which some users and telephones ring.

    Attributes:
        callees: Raw ids.
        alternate_caller_id: The telephone number that telephones see; "+" and digits.
        transfer: The transfer that this call carries out; empty for none.
        context: What the callee gets along with the call; only with one callee.
        thread_id: The chat of the call; empty for none.
    """

    callees: tuple[str, ...]
    alternate_caller_id: str = ""
    transfer: str = ""
    context: CustomContext = CustomContext()
    thread_id: str = ""


class InvitationLocator(Struct, frozen=True, kw_only=True, tag="invitation"):
    """The call of an `Invited`; joining it accepts, with the invitation as endpoint id."""

    invitation: str


class MeetingLocator(Struct, frozen=True, kw_only=True, tag="meeting"):
    """A meeting with a lobby, by its link, or by meeting id and passcode."""

    link: str = ""
    meeting_id: str = ""
    passcode: str = ""


Locator: TypeAlias = (
    GroupLocator | RoomLocator | ProbeLocator | DialLocator | InvitationLocator | MeetingLocator
)
