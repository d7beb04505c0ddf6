"""Rooms and who is invited to them over REST.

A room of Azure's client and a room of Twilio's are the same thing: each is found by its id, and
while a call runs in it also by unique name and SID. What Twilio's rooms have not cannot be changed
here: everybody with a token may enter, and they live as long as their call.

Source: Communication Rooms 2023-06-14, 2024-04-15 and 2025-03-13.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

from acs_core.core.facts import ParticipantRole
from acs_core.errors import InvalidArgumentError
from acs_core.identifiers import (
    CommunicationUserIdentifier,
    MicrosoftTeamsUserIdentifier,
    TeamsExtensionUserIdentifier,
    parse_raw_id,
)
from acs_core.service.calls import Calls
from acs_core.service.rest.messages import (
    AzureAnswer,
    AzureRequest,
    AzureRoute,
    not_found,
    wrong_request,
)
from acs_core.service.rooms import RoomOptions, RoomRecord

__all__ = ["RoomsResource"]

API_VERSIONS: Final = ("2023-06-14", "2024-04-15", "2025-03-13")
PAGE: Final = 100
ROLES: Final = {
    str(role): role
    for role in (
        ParticipantRole.PRESENTER,
        ParticipantRole.ATTENDEE,
        ParticipantRole.CONSUMER,
        ParticipantRole.COLLABORATOR,
    )
}
_CURSOR: Final = "continuationToken"

_Item = TypeVar("_Item")


class RoomsResource:
    """Rooms of the service.

    Args:
        calls: The calls that run in them, and the rooms.
        page: How many rooms or participants a page of a list has.
    """

    def __init__(self, calls: Calls, *, page: int = PAGE) -> None:
        self._calls = calls
        self._rooms = calls.rooms
        self._page = page

    def routes(self) -> list[AzureRoute]:
        """What is served."""
        room = "/rooms/{room}"
        table = (
            ("POST", "/rooms", self._create),
            ("GET", "/rooms", self._list),
            ("GET", room, self._get),
            ("PATCH", room, self._update),
            ("DELETE", room, self._delete),
            ("GET", f"{room}/participants", self._list_participants),
            ("PATCH", f"{room}/participants", self._update_participants),
        )
        return [AzureRoute(method, path, handler, API_VERSIONS) for method, path, handler in table]

    # ------------------------------------------------------------ rooms

    async def _create(self, request: AzureRequest) -> AzureAnswer:
        """A room for invited people; null means the default everywhere."""
        body = request.body
        invited, _ = _participants(body)
        record = self._rooms.create(
            members=invited,
            options=RoomOptions(is_dial_out_enabled=_flag(body, "pstnDialOutEnabled") or False),
            valid_from=_date(body, "validFrom"),
            valid_until=_date(body, "validUntil"),
        )
        return AzureAnswer(201, _written(record))

    async def _list(self, request: AzureRequest) -> AzureAnswer:
        """All rooms, in order of creation."""
        # After a restart rooms are in any order.
        rest = _after(_cursor(request), sorted(self._rooms.records, key=_created_at))
        return self._paged(request, "/rooms", rest, _cursor_of, _written)

    async def _get(self, request: AzureRequest) -> AzureAnswer:
        """One room."""
        return AzureAnswer(200, _written(self._found(request)))

    async def _update(self, request: AzureRequest) -> AzureAnswer:
        """Change a room; null leaves something as it is."""
        record, body = self._found(request), request.body
        begin, end = _date(body, "validFrom"), _date(body, "validUntil")
        is_enabled = _flag(body, "pstnDialOutEnabled")
        if begin is not None or end is not None:
            if record.is_session:
                raise wrong_request("This room has no validity: it lives as long as its call.")
            self._rooms.set_validity(record, valid_from=begin, valid_until=end)
        if is_enabled is not None:
            self._rooms.set_dial_out(record, is_enabled=is_enabled)
        return AzureAnswer(200, _written(record))

    async def _delete(self, request: AzureRequest) -> AzureAnswer:
        """Forget a room; the call in it ends."""
        record = self._found(request)
        call = self._calls.find_room(record.id)
        self._rooms.delete(record)
        if call is not None:
            call.complete()
        return AzureAnswer(204)

    # ------------------------------------------------------------ participants

    async def _list_participants(self, request: AzureRequest) -> AzureAnswer:
        """Who is invited; where everybody is, who is there."""
        record = self._found(request)
        people = record.members
        if people is None:
            call = self._calls.find_room(record.id)
            present = call.endpoints.values() if call is not None else ()
            people = {item.principal.raw_id: item.attributes.role for item in present}
        after = _cursor(request)
        return self._paged(
            request,
            f"/rooms/{quote(request.path['room'], '')}/participants",
            sorted(item for item in people.items() if item[0] > after),
            lambda item: item[0],
            lambda item: {"rawId": item[0], "role": item[1]},
        )

    async def _update_participants(self, request: AzureRequest) -> AzureAnswer:
        """Invite people, change their roles, or invite them no longer, which null stands for."""
        record = self._found(request)
        if record.members is None:
            raise wrong_request("Everybody may enter this room; nobody is invited.")
        invited, gone = _participants(request.body)
        if invited:
            self._rooms.set_members(record, invited)
        if gone:
            self._rooms.remove_members(record, gone)
        return AzureAnswer(200, {})

    # ------------------------------------------------------------ inside

    def _found(self, request: AzureRequest) -> RoomRecord:
        """The room that a path names: by id or unique name, or by the SID of its call."""
        name = request.path["room"]
        record = self._rooms.find(name)
        if record is None:
            call = self._calls.find_room(name)
            record = None if call is None else call.room
        if record is None:
            raise not_found(f"room {name}")
        return record

    def _paged(
        self,
        request: AzureRequest,
        path: str,
        rest: Sequence[_Item],
        cursor: Callable[[_Item], str],
        write: Callable[[_Item], Mapping[str, object]],
    ) -> AzureAnswer:
        """A page of a list, and the link to the next one.

        Args:
            request: Who asks.
            path: Of the list.
            rest: What has not been shown.
            cursor: Says where an item is in the list, whatever happens to the others.
            write: Makes the JSON of one.
        """
        shown, link = rest[: self._page], None
        if len(rest) > len(shown):
            query = {
                "api-version": request.query["api-version"],
                _CURSOR: base64.urlsafe_b64encode(cursor(shown[-1]).encode()).decode(),
            }
            link = f"{request.base_url}{path}?{urlencode(query)}"
        return AzureAnswer(200, {"value": [write(item) for item in shown], "nextLink": link})


def _cursor_of(record: RoomRecord) -> str:
    return f"{_iso(record.created_at)} {record.id}"


def _cursor(request: AzureRequest) -> str:
    """What the last page ended with; empty for the first page."""
    try:
        data = request.query.get(_CURSOR, "").encode()
        return base64.b64decode(data, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise _wrong_cursor() from None


def _after(cursor: str, ordered: list[RoomRecord]) -> list[RoomRecord]:
    """Rooms that were made after the one of a cursor, which may be gone."""
    if not cursor:
        return ordered
    text, _, id_ = cursor.partition(" ")
    try:
        date = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong_cursor() from None
    # Thousands of rooms are not worth a look each, and a few may be of the same moment.
    first = bisect_left(ordered, date, key=_created_at)
    last = bisect_right(ordered, date, key=_created_at)
    same = [record.id for record in ordered[first:last]]
    return ordered[first + same.index(id_) + 1 if id_ in same else first :]


def _created_at(record: RoomRecord) -> datetime:
    return record.created_at


def _wrong_cursor() -> InvalidArgumentError:
    return wrong_request(f"{_CURSOR} is not one of this service's.")


def _written(record: RoomRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "createdAt": _iso(record.created_at),
        "validFrom": _iso(record.valid_from),
        "validUntil": _iso(record.valid_until),
        "pstnDialOutEnabled": record.options.is_dial_out_enabled,
    }


def _iso(date: datetime) -> str:
    return date.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _date(body: Mapping[str, object], name: str) -> datetime | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        date = datetime.fromisoformat(value if isinstance(value, str) else "")
        if date.tzinfo is None:
            raise ValueError("no time zone")
        return date.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong_request(f"{name} must be a date in the format of RFC 3339.") from None


def _flag(body: Mapping[str, object], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong_request(f"{name} must be true or false.")
    return value


def _participants(
    body: Mapping[str, object],
) -> tuple[dict[str, ParticipantRole], list[str]]:
    """Whom a body invites, with their roles, and whom it does not invite any longer.

    Raises:
        InvalidArgumentError: A raw id is nobody's who can be invited, or a role is none.
    """
    given = body.get("participants") or {}
    if not isinstance(given, dict):
        raise wrong_request("participants must be an object with raw ids as keys.")
    invited, gone = {}, []
    for raw_id, value in given.items():
        _check_person(raw_id)
        if value is None:
            gone.append(raw_id)
        else:
            invited[raw_id] = _role(value)
    return invited, gone


def _check_person(raw_id: str) -> None:
    identifier = parse_raw_id(raw_id)
    is_guest = isinstance(identifier, MicrosoftTeamsUserIdentifier) and identifier.is_anonymous
    people = (
        CommunicationUserIdentifier,
        MicrosoftTeamsUserIdentifier,
        TeamsExtensionUserIdentifier,
    )
    if is_guest or not isinstance(identifier, people):
        raise wrong_request(f"{raw_id} is no user who can be invited.")


def _role(value: object) -> ParticipantRole:
    if isinstance(value, dict):
        name = value.get("role")
        if name is None:
            return ParticipantRole.ATTENDEE
        if isinstance(name, str) and name in ROLES:
            return ROLES[name]
    raise wrong_request(f"A participant's role must be one of {', '.join(ROLES)}.")
