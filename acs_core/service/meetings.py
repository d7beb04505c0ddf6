"""Meetings: who organizes them, how they are found, and who waits in the lobby.

A meeting is known whether or not a call runs in it, as a room is (`rooms.py`). People join it by
its link, or by its id and passcode. Those who may not bypass the lobby wait there (`lobby.py`).

Source: the meeting options of Microsoft Teams ("Who can bypass the lobby?", roles of participants),
and the locators `TeamsMeetingLinkLocator` and `TeamsMeetingIdLocator` of
@azure/communication-calling 2.0.0. Meetings themselves are this service's own.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from acs_core import wire
from acs_core.core.capabilities import MODERATORS
from acs_core.core.facts import ParticipantRole
from acs_core.core.meeting_link import MeetingLink, format_link, invalid_meeting, parse_link

__all__ = ["LobbyBypass", "MeetingRecord", "Meetings"]

LOBBY_TIMEOUT: Final = 1800.0
"""Seconds; Teams lets people wait for half an hour."""
ID_DIGITS: Final = 12
PASSCODE_BYTES: Final = 6


class LobbyBypass(StrEnum):
    """Who enters a meeting without waiting in the lobby."""

    ORGANIZERS = "organizers"
    """The organizer and co-organizers."""
    INVITED = "invited"
    """Everybody who was given a role."""
    EVERYONE = "everyone"


@dataclass(slots=True, eq=False)
class MeetingRecord:
    """One meeting.

    Attributes:
        thread_id: As `19:meeting_...@thread.v2`; unique.
        id: Digits that people can type.
        passcode: What goes with the id.
        link: See `core/meeting_link.py`.
        organizer: Raw id.
        roles: By raw id; the organizer's included.
        guest_role: Of everybody else.
        bypass: Who does not wait in the lobby.
        lobby_timeout: Seconds for which the others wait there at most.
    """

    thread_id: str
    id: str
    passcode: str
    link: str
    organizer: str
    roles: Mapping[str, ParticipantRole]
    guest_role: ParticipantRole = ParticipantRole.ATTENDEE
    bypass: LobbyBypass = LobbyBypass.INVITED
    lobby_timeout: float = LOBBY_TIMEOUT

    def role_of(self, raw_id: str) -> ParticipantRole:
        """In which role somebody is here."""
        return self.roles.get(raw_id, self.guest_role)

    def bypasses_lobby(self, raw_id: str) -> bool:
        """Whether somebody enters without being let in."""
        match self.bypass:
            case LobbyBypass.EVERYONE:
                return True
            case LobbyBypass.INVITED:
                return raw_id in self.roles
            case LobbyBypass.ORGANIZERS:
                return self.role_of(raw_id) in MODERATORS - {ParticipantRole.PRESENTER}


class Meetings:
    """Meeting records by link and by id; in memory.

    Args:
        host: Stands in the links.
        new_id: Makes 32 hex digits.
    """

    def __init__(
        self,
        *,
        host: str = "meetings.invalid",
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._host = host
        self._new_id = new_id
        self._by_thread: dict[str, MeetingRecord] = {}
        self._by_id: dict[str, MeetingRecord] = {}

    def create(
        self,
        organizer: str,
        *,
        roles: Mapping[str, ParticipantRole] | None = None,
        guest_role: ParticipantRole = ParticipantRole.ATTENDEE,
        bypass: LobbyBypass = LobbyBypass.INVITED,
        lobby_timeout: float = LOBBY_TIMEOUT,
    ) -> MeetingRecord:
        """Make a meeting.

        Args:
            organizer: Raw id.
            roles: Of those who are invited, by raw id.
            guest_role: Of everybody else.
            bypass: Who does not wait in the lobby.
            lobby_timeout: Seconds for which the others wait there at most.
        """
        thread = f"19:meeting_{self._new_id()}@thread.v2"
        given = {**(roles or {}), organizer: ParticipantRole.ORGANIZER}
        link = MeetingLink(thread, organizer_id=organizer)
        record = MeetingRecord(
            thread,
            self._free_id(),
            secrets.token_urlsafe(PASSCODE_BYTES),
            format_link(link, host=self._host),
            organizer,
            MappingProxyType(given),
            guest_role,
            bypass,
            lobby_timeout,
        )
        self._by_thread[thread] = self._by_id[record.id] = record
        return record

    def resolve(self, locator: wire.MeetingLocator) -> MeetingRecord:
        """The meeting that a locator means.

        Raises:
            InvalidArgumentError: 400/40210: the link is malformed, or there is no such meeting. A
                wrong passcode is not told from a wrong id.
        """
        if locator.link:
            record = self._by_thread.get(parse_link(locator.link).thread_id)
        else:
            record = self._by_id.get("".join(locator.meeting_id.split()))
            given, right = locator.passcode, "" if record is None else record.passcode
            if not hmac.compare_digest(given.encode(), right.encode()):
                record = None
        if record is None:
            raise invalid_meeting("There is no such meeting.")
        return record

    def delete(self, record: MeetingRecord) -> None:
        """Forget a meeting; a call that runs goes on, nobody finds it any more."""
        self._by_thread.pop(record.thread_id, None)
        self._by_id.pop(record.id, None)

    def _free_id(self) -> str:
        while True:
            digits = "".join(secrets.choice("0123456789") for _ in range(ID_DIGITS))
            if digits not in self._by_id:
                return digits
