"""What is answered of rooms and participants that were there: from the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from acs_core import wire
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from tests.support.disks import fill, small_disk
from tests.support.events import until
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat.server import CompatServer, embedded
from twilio_compat.settings import ServerSettings


def visit(server: CompatServer, room: str, name: str, number: int) -> None:
    """Somebody without a network comes and goes."""
    who = Principal(f"8:acs:r_{name}", PrincipalKind.TWILIO, 2e9, display_name=name)
    call = server.calls.resolve(wire.RoomLocator(room=room), who)
    call.join(f"{number:032x}", who, EndpointObserver()).leave()


async def sids(rest: Rest, path: str, key: str) -> list[list[str]]:
    """The SIDs of each page of a list."""
    pages, url = [], path
    while url:
        _, body = await rest.get(url.removeprefix(rest.server.url))
        pages.append([item["sid"] for item in body[key]])
        url = body["meta"]["next_page_url"]
    return pages


async def test_rooms_are_listed_newest_first_in_pages_without_gaps(rest: Rest) -> None:
    made = [rest.server.calls.create(unique_name=f"{number}") for number in range(7)]
    for call in made[:5]:
        call.complete()
    expected = [f"RM{call.id}" for call in reversed(made)]
    assert await sids(rest, "/v1/Rooms?Status=completed&PageSize=2", "rooms") == [
        expected[2:4],
        expected[4:6],
        expected[6:],
    ]
    assert await sids(rest, "/v1/Rooms?PageSize=2", "rooms") == [expected[:2]]


async def test_who_ends_the_rooms_of_a_page_before_asking_for_the_next_misses_none(
    rest: Rest,
) -> None:
    for number in range(7):
        rest.server.calls.create(unique_name=f"{number}")

    def end_all() -> int:
        ended = 0
        for room in rest.rooms.stream(status="in-progress", page_size=2):
            room.update(status="completed")
            ended += 1
        return ended

    assert await rest.call(end_all) == 7
    assert not rest.server.calls.live


async def test_ended_rooms_are_found_by_name_and_time(rest: Rest) -> None:
    for name in ("daily", "weekly", "daily"):
        rest.server.calls.create(unique_name=name).complete()
    unnamed = rest.server.calls.create()
    unnamed.complete()
    path = "/v1/Rooms?Status=completed"
    assert len((await sids(rest, f"{path}&UniqueName=daily", "rooms"))[0]) == 2
    assert await sids(rest, f"{path}&UniqueName=RM{unnamed.id}", "rooms") == [[f"RM{unnamed.id}"]]
    assert await sids(rest, f"{path}&UniqueName=nobody%00", "rooms") == [[]]
    assert await sids(rest, f"{path}&DateCreatedAfter=2099-01-01", "rooms") == [[]]
    assert len((await sids(rest, f"{path}&DateCreatedBefore=2099-01-01", "rooms"))[0]) == 4
    assert await sids(rest, "/v1/Rooms?Status=failed", "rooms") == [[]]
    status, room = await rest.get(f"/v1/Rooms/RM{unnamed.id}")
    assert (status, room["status"], room["unique_name"]) == (200, "completed", f"RM{unnamed.id}")
    assert (await rest.get("/v1/Rooms/weekly"))[0] == 404


async def test_participants_are_listed_in_pages_after_their_room_has_ended(rest: Rest) -> None:
    call = rest.server.calls.create(unique_name="daily")
    for number in range(5):
        visit(rest.server, "daily", f"p{number % 2}", number)
    call.complete()
    path = f"/v1/Rooms/RM{call.id}/Participants"
    expected = [f"PA{number:032x}" for number in range(5)]
    pages = await sids(rest, f"{path}?PageSize=2", "participants")
    assert pages == [expected[:2], expected[2:4], expected[4:]]
    of_one = await sids(rest, f"{path}?Identity=p1&Status=disconnected", "participants")
    assert of_one == [[expected[1], expected[3]]]
    assert await sids(rest, f"{path}?Status=connected", "participants") == [[]]
    assert (await rest.get(f"{path}?Status=asleep"))[1]["code"] == 20001
    _, newest = await rest.get(f"{path}/p0")
    assert (newest["sid"], newest["status"]) == (expected[4], "disconnected")
    assert (await rest.get(f"{path}/p2"))[0] == 404


@pytest.mark.parametrize("token", ["x", "1_a", "1.0", "nan_a", "1.0_" + "a" * 201])
async def test_a_page_token_that_is_none_of_ours_is_refused(rest: Rest, token: str) -> None:
    assert (await rest.get(f"/v1/Rooms?PageToken={token}"))[0] == 400


async def test_a_restarted_server_answers_as_before(tmp_path: Path) -> None:
    settings = ServerSettings(dev=True, port=0, media_port=0, data_dir=tmp_path / "data")
    async with CompatServer(settings) as server, aiohttp.ClientSession() as http:
        rest = Rest(server, http)
        _, ended = await rest.post("/v1/Rooms", {"UniqueName": "ended"})
        visit(server, "ended", "ann", 1)
        await rest.post("/v1/Rooms/ended", {"Status": "completed"})
        fields = {"UniqueName": "daily", "Type": "group-small", "EmptyRoomTimeout": "7"}
        await rest.post("/v1/Rooms", fields)
        visit(server, "daily", "ben", 2)
        rules = '[{"type": "include", "kind": "audio"}]'
        await rest.post("/v1/Rooms/daily/RecordingRules", {"Rules": rules})
        paths = (
            f"/v1/Rooms/{ended['sid']}",
            f"/v1/Rooms/{ended['sid']}/Participants/ann",
            "/v1/Rooms/daily",
            "/v1/Rooms/daily/RecordingRules",
            "/v1/Rooms/daily/Participants/ben",
        )
        before = [without_port(await rest.get(path), server) for path in paths]
    async with CompatServer(settings) as server, aiohttp.ClientSession() as http:
        rest = Rest(server, http)
        assert [without_port(await rest.get(path), server) for path in paths] == before
        assert (await rest.post("/v1/Rooms", {"UniqueName": "daily"}))[1]["code"] == 53113


def without_port(answer: tuple[int, dict[str, Any]], server: CompatServer) -> str:
    return str(answer).replace(server.url, "")


async def test_what_cannot_be_kept_is_not_acknowledged(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        async with embedded(options={"data_dir": disk}) as server, aiohttp.ClientSession() as http:
            rest = Rest(server, http)
            await rest.post("/v1/Rooms", {"UniqueName": "first"})
            fill(disk / "ballast")
            status, refusal = 201, {}
            number = 0
            while status == 201:
                number += 1
                status, refusal = await rest.post("/v1/Rooms", {"UniqueName": f"{number}"})
            assert (status, refusal["code"]) == (503, 20503)
            assert "database cannot be used" in refusal["message"]
            present = len(server.calls.live)
            with pytest.raises(TwilioRestException) as refused:
                await rest.call(lambda: rest.rooms.create(unique_name="later"))
            assert refused.value.status == 503
            assert len(server.calls.live) == present
            # What needs no database goes on.
            assert (await rest.get("/v1/Rooms/first"))[0] == 200
            (disk / "ballast").unlink()
            await until(lambda: is_writable(server))
            assert (await rest.post("/v1/Rooms", {"UniqueName": "later"}))[0] == 201


def is_writable(server: CompatServer) -> bool:
    try:
        server.database.check_writable()
    except Exception:
        return False
    return True
