"""Rooms and their participants through Microsoft's own client, on a real service.

Source: azure-communication-rooms for Python, blocking and not.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.communication.rooms import (
    CommunicationUserIdentifier,
    ParticipantRole,
    PhoneNumberIdentifier,
    RoomParticipant,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.acs_core.service.rest.conftest import Azure, VendorClient

VERSION = "2025-03-13"
ANN, BEN = "8:acs:somewhere_ann", "8:acs:somewhere_ben"
NOW = datetime.now(UTC)


def invited(raw_id: str, role: Any = ParticipantRole.ATTENDEE) -> RoomParticipant:
    return RoomParticipant(communication_identifier=CommunicationUserIdentifier(raw_id), role=role)


async def refused(doing: Awaitable[Any]) -> int:
    with pytest.raises(HttpResponseError) as caught:
        await doing
    assert caught.value.error is None or caught.value.error.message
    return caught.value.status_code or 0


async def roles(rooms: VendorClient, room_id: str) -> dict[str, str]:
    people = await rooms("list_participants", room_id)
    return {item.communication_identifier.raw_id: item.role for item in people}


async def test_the_vendors_client_takes_a_room_through_its_life(every_way: Azure) -> None:
    rooms = await every_way.client("rooms")
    begin, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    made = await rooms("create_room", valid_from=begin, valid_until=end)
    assert datetime.fromisoformat(made.valid_from) == begin
    assert datetime.fromisoformat(made.valid_until) == end
    assert made.pstn_dial_out_enabled is False
    assert await rooms("get_room", made.id) == made
    changed = await rooms("update_room", room_id=made.id, pstn_dial_out_enabled=True)
    assert (changed.valid_from, changed.valid_until) == (made.valid_from, made.valid_until)
    assert changed.pstn_dial_out_enabled is True
    later = end + timedelta(days=1)
    changed = await rooms("update_room", room_id=made.id, valid_until=later)
    assert datetime.fromisoformat(changed.valid_until) == later
    assert changed.pstn_dial_out_enabled is True
    assert await rooms("list_rooms") == [changed]
    await rooms("delete_room", made.id)
    assert await rooms("list_rooms") == []
    with pytest.raises(ResourceNotFoundError) as caught:
        await rooms("get_room", made.id)
    assert caught.value.error is not None
    assert caught.value.error.code == "NotFound"


async def test_the_vendors_client_invites_people_changes_their_roles_and_removes_them(
    every_way: Azure,
) -> None:
    rooms = await every_way.client("rooms")
    people = [invited(ANN, ParticipantRole.PRESENTER), invited(BEN)]
    room = await rooms("create_room", participants=people)
    assert await roles(rooms, room.id) == {ANN: "Presenter", BEN: "Attendee"}
    wish = [invited(BEN, ParticipantRole.CONSUMER), invited("8:acs:c_d", "Collaborator")]
    await rooms("add_or_update_participants", room_id=room.id, participants=wish)
    await rooms("remove_participants", room_id=room.id, participants=[invited(ANN)])
    assert await roles(rooms, room.id) == {BEN: "Consumer", "8:acs:c_d": "Collaborator"}


async def test_a_room_without_wishes_is_valid_for_180_days_for_nobody(azure: Azure) -> None:
    rooms = await azure.client("rooms")
    room = await rooms("create_room")
    span = datetime.fromisoformat(room.valid_until) - datetime.fromisoformat(room.valid_from)
    assert span == timedelta(days=180)
    assert room.created_at == room.valid_from
    assert await roles(rooms, room.id) == {}


async def test_what_cannot_be_is_a_bad_request_and_changes_nothing(azure: Azure) -> None:
    rooms = await azure.client("rooms")
    day = timedelta(days=1)
    for wish in (
        {"valid_from": NOW + day, "valid_until": NOW},
        {"valid_from": NOW, "valid_until": NOW + 181 * day},
        {"participants": [invited("nobody")]},
        {"participants": [invited(ANN, "Conductor")]},
    ):
        assert await refused(rooms("create_room", **wish)) == 400
    assert await rooms("list_rooms") == []
    room = await rooms("create_room", participants=[invited(ANN)])
    telephone = RoomParticipant(communication_identifier=PhoneNumberIdentifier("+15550100"))
    wish = [invited(BEN), telephone]
    update = rooms("add_or_update_participants", room_id=room.id, participants=wish)
    assert await refused(update) == 400
    assert await roles(rooms, room.id) == {ANN: "Attendee"}
    update = rooms("update_room", room_id=room.id, valid_until=NOW - 2 * day)
    assert await refused(update) == 400
    assert await rooms("get_room", room.id) == room


@pytest.mark.parametrize("name", ["nobody", "a b/c", "größe?", "100%", "RM" + "0" * 32])
async def test_a_room_that_is_not_there_is_not_found_whatever_its_name(
    azure: Azure, name: str
) -> None:
    rooms = await azure.client("rooms")
    assert await refused(rooms("get_room", name)) == 404
    assert await refused(rooms("delete_room", name)) == 404
    assert await refused(rooms("update_room", room_id=name)) == 404
    assert await refused(rooms("list_participants", name)) == 404
    participants = [invited(ANN)]
    for method in ("add_or_update_participants", "remove_participants"):
        assert await refused(rooms(method, room_id=name, participants=participants)) == 404


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        [],
        {"validFrom": 5},
        {"validFrom": "tomorrow"},
        {"validFrom": "2026-11-21T00:00:00"},
        {"validFrom": "0001-01-01T00:00:00+23:00"},
        {"pstnDialOutEnabled": "yes"},
        {"participants": [ANN]},
        {"participants": {ANN: "Presenter"}},
        {"participants": {ANN: {"role": 5}}},
        {"participants": {ANN: {"role": "Organizer"}}},
        {"participants": {"": {}}},
        {"participants": {"4:+15550100": {}}},
        {"participants": {"8:teamsvisitor:x": {}}},
    ],
)
async def test_bodies_that_nobody_understands_are_bad_requests(azure: Azure, body: Any) -> None:
    status, answer, headers = await azure.ask("POST", "/rooms", body, version=VERSION)
    assert (status, answer["error"]["code"]) == (400, "BadRequest")
    assert headers["x-ms-error-code"] == "BadRequest"


async def test_a_role_that_is_not_given_is_attendee(azure: Azure) -> None:
    wish = {"participants": {ANN: {}, BEN: {"role": None}}}
    status, room, _ = await azure.ask("POST", "/rooms", wish, version=VERSION)
    assert status == 201
    _, people, _ = await azure.ask("GET", f"/rooms/{room['id']}/participants", version=VERSION)
    assert people == {
        "value": [{"rawId": ANN, "role": "Attendee"}, {"rawId": BEN, "role": "Attendee"}],
        "nextLink": None,
    }


async def test_long_lists_come_in_pages(
    azure: Azure,
) -> None:
    rooms = await azure.client("rooms")
    people = [invited(f"8:acs:a_{number:03}") for number in range(250)]
    room = await rooms("create_room", participants=people)
    assert list(await roles(rooms, room.id)) == [
        item.communication_identifier.raw_id for item in people
    ]
    made = [azure.service.rooms.create() for _ in range(220)]
    listed = await rooms("list_rooms")
    assert [item.id for item in listed] == [room.id, *(record.id for record in made)]


async def test_a_page_goes_on_where_the_last_one_ended_whatever_was_deleted(azure: Azure) -> None:
    made = [azure.service.rooms.create() for _ in range(101)]
    status, page, _ = await azure.ask("GET", "/rooms", version=VERSION)
    assert (status, len(page["value"])) == (200, 100)
    azure.service.rooms.delete(made[99])
    path = page["nextLink"].removeprefix(azure.service.url).removesuffix(f"?api-version={VERSION}")
    assert path != page["nextLink"]
    path = path.replace(f"api-version={VERSION}&", "")
    _, page, _ = await azure.ask("GET", path, version=VERSION)
    assert [item["id"] for item in page["value"]] == [made[100].id]
    assert page["nextLink"] is None


@pytest.mark.parametrize("cursor", ["!", "AAAA", "_w==", "MDAwMS0wMS0wMVQwMDowMDowMCsyMzowMCB4"])
async def test_a_page_that_nobody_linked_to_is_a_bad_request(azure: Azure, cursor: str) -> None:
    path = f"/rooms?continuationToken={cursor}"
    status, answer, _ = await azure.ask("GET", path, version=VERSION)
    assert (status, answer["error"]["code"]) == (400, "BadRequest")
