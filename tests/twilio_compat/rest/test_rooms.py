from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from acs_core import wire
from acs_core.core.facts import PublicationKind
from acs_core.service.admission import CallLimits
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat.server import embedded


def ann(name: str = "ann") -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.TWILIO, 2e9, display_name=name)


def join(rest: Rest, room: str, name: str = "ann", number: int = 1) -> str:
    """The SID of a participant without a network."""
    call = rest.server.calls.resolve(wire.RoomLocator(room=room), ann(name))
    return f"PA{call.join(f'{number:032x}', ann(name), EndpointObserver()).id}"


def video(name: str) -> wire.NewPublication:
    return wire.NewPublication(key=name, kind=PublicationKind.VIDEO, name=name)


async def test_one_room_too_many_is_refused_and_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    limits = CallLimits(rooms=1)
    async with embedded(options={"limits": limits}) as server, aiohttp.ClientSession() as http:
        rest = Rest(server, http)
        assert (await rest.post("/v1/Rooms", {"UniqueName": "first"}))[0] == 201
        status, refusal = await rest.post("/v1/Rooms", {"UniqueName": "second"})
        assert (status, refusal["code"]) == (429, 53119)
        assert refusal["message"].startswith("Room account limit exceeded: ")
        assert (await rest.post("/v1/Rooms", {"UniqueName": "first"}))[1]["code"] == 53113
        async with http.get(f"{server.url}/metrics") as answer:
            figures = await answer.text()
        assert "calling_rooms 1.0" in figures
        assert "calling_waiting_rooms 1.0" in figures
        assert "calling_refused_rooms_total 1.0" in figures


@pytest.mark.feature("MATRIX-024")
async def test_a_room_answers_with_what_it_was_created_with(rest: Rest) -> None:
    status, made = await rest.post(
        "/v1/Rooms",
        {
            "UniqueName": "big",
            "MaxParticipants": "100",
            "VideoCodecs": "H264",
            "MediaRegion": "de1",
            "EmptyRoomTimeout": "2",
            "MaxParticipantDuration": "700",
            "StatusCallback": "https://example.com/",
        },
    )
    assert status == 201
    assert made["sid"].startswith("RM")
    expected = {
        "unique_name": "big",
        "status": "in-progress",
        "type": "group",
        "max_participants": 100,
        "max_concurrent_published_tracks": 16,
        "max_participant_duration": 700,
        "media_region": "de1",
        "video_codecs": ["H264"],
        "large_room": True,
        "audio_only": False,
        "empty_room_timeout": 2,
        "unused_room_timeout": 5,
        "record_participants_on_connect": False,
        "status_callback": "https://example.com/",
        "status_callback_method": "POST",
        "duration": None,
        "end_time": None,
        "url": f"{rest.server.url}/v1/Rooms/{made['sid']}",
    }
    assert {name: made[name] for name in expected} == expected
    assert made["links"]["participants"] == f"{made['url']}/Participants"
    assert await rest.get(f"/v1/Rooms/{made['sid']}") == (200, made)
    assert await rest.get("/v1/Rooms/big") == (200, made)


async def test_an_unnamed_room_is_called_by_its_sid(rest: Rest) -> None:
    _, made = await rest.post("/v1/Rooms", {"Type": "peer-to-peer"})
    assert made["unique_name"] == made["sid"]
    assert made["media_region"] is None
    assert (made["max_participants"], made["max_concurrent_published_tracks"]) == (10, None)


async def test_a_room_that_a_participant_made_is_a_room_too(rest: Rest) -> None:
    join(rest, "lobby")
    _, found = await rest.get("/v1/Rooms/lobby")
    assert (found["status"], found["max_participants"]) == ("in-progress", 50)
    assert found["max_participant_duration"] is None


async def test_group_calls_are_no_rooms(rest: Rest) -> None:
    where = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
    call = rest.server.calls.resolve(where, ann())
    assert (await rest.get(f"/v1/Rooms/RM{call.id}"))[0] == 404
    assert (await rest.get("/v1/Rooms"))[1]["rooms"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"UniqueName": "taken"}, 53113),
        ({"UniqueName": "x" * 129}, 53101),
        ({"UniqueName": "a\tb"}, 53102),
        ({"UniqueName": "RM" + "0" * 32}, 53100),
        ({"MaxParticipants": "0"}, 53107),
        ({"Type": "circle"}, 53108),
        ({"Type": "go", "AudioOnly": "true"}, 53124),
    ],
)
async def test_what_cannot_be_created_is_refused_with_400(
    rest: Rest, fields: dict[str, str], code: int
) -> None:
    await rest.post("/v1/Rooms", {"UniqueName": "taken"})
    status, body = await rest.post("/v1/Rooms", fields)
    assert (status, body["status"], body["code"]) == (400, 400, code)
    assert body["more_info"].endswith(str(code))
    assert body["message"]
    assert len(rest.server.calls.live) == 1


async def test_completed_is_the_only_status_a_room_can_be_given(rest: Rest) -> None:
    _, made = await rest.post("/v1/Rooms", {"UniqueName": "daily"})
    for fields in ({}, {"Status": "in-progress"}):
        status, body = await rest.post("/v1/Rooms/daily", fields)
        assert (status, body["code"]) == (400, 53112)
    for _ in range(2):
        status, body = await rest.post(f"/v1/Rooms/{made['sid']}", {"Status": "completed"})
        assert (status, body["status"]) == (202, "completed")
    assert body["duration"] == 0
    # What belongs to a room in progress is gone with it.
    for path in ("daily", f"{made['sid']}/RecordingRules"):
        assert (await rest.get(f"/v1/Rooms/{path}"))[0] == 404


async def test_lists_are_filtered_and_paged(rest: Rest) -> None:
    for number in range(3):
        await rest.post("/v1/Rooms", {"UniqueName": f"r{number}"})
    _, first = await rest.get("/v1/Rooms?PageSize=2&UniqueName=")
    assert [room["unique_name"] for room in first["rooms"]] == ["r2", "r1"]
    meta = first["meta"]
    assert (meta["page"], meta["page_size"], meta["key"]) == (0, 2, "rooms")
    assert meta["previous_page_url"] is None
    assert meta["next_page_url"].startswith(f"{rest.server.url}/v1/Rooms?")
    _, second = await rest.get(meta["next_page_url"].removeprefix(rest.server.url))
    assert [room["unique_name"] for room in second["rooms"]] == ["r0"]
    assert second["meta"]["next_page_url"] is None
    assert second["meta"]["previous_page_url"] == meta["url"]
    for query, count in (
        ("Status=completed", 0),
        ("DateCreatedAfter=2020-01-01", 3),
        ("DateCreatedBefore=2020-01-01T00:00:00Z", 0),
        ("Page=1000000", 0),
    ):
        _, found = await rest.get(f"/v1/Rooms?{query}")
        assert len(found["rooms"]) == count
    for wrong in ("Status=x", "PageSize=0", "Page=-1", "PageSize=x", "DateCreatedAfter=x"):
        assert (await rest.get(f"/v1/Rooms?{wrong}"))[0] == 400


async def test_rooms_without_media_here_have_neither_recording_nor_subscribe_rules(
    rest: Rest,
) -> None:
    await rest.post("/v1/Rooms", {"UniqueName": "direct", "Type": "peer-to-peer"})
    sid = join(rest, "direct")
    everything = {"Rules": '[{"type":"include","all":true}]'}
    status, body = await rest.post("/v1/Rooms/direct/RecordingRules", everything)
    assert (status, body["code"]) == (400, 53114)
    for resource in ("SubscribeRules", "SubscribedTracks"):
        path = f"/v1/Rooms/direct/Participants/{sid}/{resource}"
        status, body = await rest.post(path, everything)
        assert (status, body["code"]) == (400, 53117)


async def test_wrong_rules_change_nothing(rest: Rest) -> None:
    await rest.post("/v1/Rooms", {"UniqueName": "daily", "RecordParticipantsOnConnect": "true"})
    sid = join(rest, "daily")
    for resource, code in (
        ("RecordingRules", 53120),
        (f"Participants/{sid}/SubscribeRules", 53215),
    ):
        path = f"/v1/Rooms/daily/{resource}"
        _, before = await rest.get(path)
        for rules in ("", "[]", "{", '[{"type":"include"}]'):
            status, body = await rest.post(path, {"Rules": rules})
            assert (status, body["code"]) == (400, code)
        assert (await rest.get(path))[1] == before
        assert before["rules"][0]["type"] == "include"


async def test_a_participant_can_only_be_disconnected(rest: Rest) -> None:
    sid = join(rest, "daily")
    join(rest, "daily", "ben", 2)
    path = f"/v1/Rooms/daily/Participants/{sid}"
    assert (await rest.post(path, {"Status": "connected"}))[0] == 400
    for _ in range(2):
        status, body = await rest.post(path, {"Status": "disconnected"})
        assert (status, body["status"]) == (202, "disconnected")
    for resource, count in (("PublishedTracks", 0), ("SubscribedTracks", 0)):
        _, found = await rest.get(f"{path}/{resource}")
        assert len(next(iter(found.values()))) == count
    assert (await rest.get(f"{path}/SubscribeRules"))[0] == 404
    _, people = await rest.get("/v1/Rooms/daily/Participants?Identity=ann&Status=disconnected")
    assert [person["sid"] for person in people["participants"]] == [sid]
    assert people["participants"][0]["duration"] == 0


async def test_an_identity_means_its_newest_participant(rest: Rest) -> None:
    join(rest, "daily", "ann", 1)
    newest = join(rest, "daily", "ann", 2)
    _, found = await rest.get("/v1/Rooms/daily/Participants/ann")
    assert (found["sid"], found["status"]) == (newest, "connected")


async def test_who_takes_an_id_of_somebody_else_for_a_name_is_not_taken_for_it(
    rest: Rest,
) -> None:
    # First: what is looked up by name alone finds the first.
    join(rest, "daily", f"PA{2:032x}", 1)
    ann = join(rest, "daily", "ann", 2)
    join(rest, "daily", "PA" + "e" * 32, 3)
    join(rest, "daily", f"{2:032x}", 4)
    people = "/v1/Rooms/daily/Participants"
    assert (await rest.get(f"{people}/{ann}"))[1]["identity"] == "ann"
    # An id is a SID with its prefix.
    assert (await rest.get(f"{people}/{2:032x}"))[1]["sid"] == f"PA{4:032x}"
    # Nobody has this one.
    status, found = await rest.get(f"{people}/PA{'e' * 32}")
    assert (status, found["identity"]) == (200, "PA" + "e" * 32)

    call = rest.server.calls.find_room("daily")
    assert call is not None
    by_identity = {endpoint.identity: endpoint for endpoint in call.endpoints.values()}
    (real,) = by_identity["ann"].publish([video("camera")])
    by_identity[ann].publish([video(f"MT{real.id}")])
    path = f"{people}/PA{'e' * 32}/SubscribedTracks"
    status, answer = await rest.post(path, {"Track": f"MT{real.id}", "Status": "unsubscribed"})
    assert (status, answer["sid"], answer["name"]) == (202, f"MT{real.id}", "camera")


async def test_a_subscription_needs_a_track_and_a_status(rest: Rest) -> None:
    sid = join(rest, "daily")
    path = f"/v1/Rooms/daily/Participants/{sid}/SubscribedTracks"
    assert (await rest.post(path, {"Track": "x", "Status": "maybe"}))[0] == 400
    assert (await rest.post(path, {"Track": "x", "Status": "subscribed"}))[0] == 404
    assert (await rest.post(path, {"Status": "subscribed"}))[0] == 404


async def test_anonymous_participants_are_kept_by_their_sid(rest: Rest) -> None:
    _, made = await rest.post("/v1/Rooms", {"UniqueName": "daily"})
    sid, ben = join(rest, "daily"), join(rest, "daily", "ben", 2)
    people = f"/v1/Rooms/{made['sid']}/Participants"
    status, answer = await rest.post(f"{people}/ann/Anonymize")
    assert (status, answer["identity"], answer["status"]) == (200, sid, "connected")
    assert (await rest.get(f"{people}/{sid}"))[1] == answer
    assert (await rest.get(f"{people}/ann"))[0] == 404
    # In the room everybody is called as before.
    call = rest.server.calls.find_room("daily")
    assert call is not None
    assert "ann" in {endpoint.identity for endpoint in call.endpoints.values()}

    await rest.post(f"/v1/Rooms/{made['sid']}", {"Status": "completed"})
    for name in (ben, ben, sid):
        _, answer = await rest.post(f"{people}/{name}/Anonymize")
        assert (answer["identity"], answer["status"]) == (name, "disconnected")
    _, found = await rest.get(people)
    assert [person["identity"] for person in found["participants"]] == [sid, ben]
    assert (await rest.post(f"{people}/nobody/Anonymize"))[0] == 404


async def test_a_track_has_the_date_on_which_it_was_offered(rest: Rest) -> None:
    sid = join(rest, "daily")
    call = rest.server.calls.find_room("daily")
    assert call is not None
    endpoint = call.endpoints[sid[2:]]
    (camera,) = endpoint.publish([video("camera")])
    endpoint.publications[camera.id].offered_at = 1_000_000_000
    _, track = await rest.get("/v1/Rooms/daily/Participants/ann/PublishedTracks/camera")
    assert track["date_created"] == "2001-09-09T01:46:40Z"
