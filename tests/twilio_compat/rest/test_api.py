"""The unmodified `twilio` helper library manages rooms with live participants."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.support.events import next_event, until
from tests.support.people import pattern
from tests.twilio_compat.rest.conftest import Rest, basic
from twilio_compat import LocalVideoTrack, Room, connect

NOBODY = {"Authorization": ""}


async def join(rest: Rest, identity: str, room: str, **options: Any) -> Room:
    options.setdefault("audio", False)
    options.setdefault("video", False)
    return await connect(
        rest.server.access_token(identity), name=room, service_url=rest.server.url, **options
    )


# ------------------------------------------------------------------ rooms and participants


@pytest.mark.feature("MATRIX-029")
async def test_a_room_is_created_joined_fetched_and_completed(rest: Rest) -> None:
    made = await rest.call(lambda: rest.rooms.create(unique_name="daily", max_participants=2))
    assert (made.status, made.type, made.unique_name) == ("in-progress", "group", "daily")
    assert made.max_participants == 2
    assert made.date_created.tzinfo is not None
    async with await join(rest, "ann", "daily") as ann, await join(rest, "ben", made.sid) as ben:
        assert ann.sid == ben.sid == made.sid
        ended = [next_event(room, "disconnected") for room in (ann, ben)]
        done = await rest.call(lambda: rest.rooms(made.sid).update(status="completed"))
        assert (done.status, done.sid) == ("completed", made.sid)
        for future in ended:
            _, error = await future
            assert error.code == 53118
    later = await rest.call(lambda: rest.rooms(made.sid).fetch())
    assert later.status == "completed"
    assert later.duration is not None
    with pytest.raises(TwilioRestException) as caught:
        await rest.call(lambda: rest.rooms("daily").fetch())
    assert (caught.value.status, caught.value.code) == (404, 20404)
    # The name is free again; its SID is nobody's.
    again = await rest.call(lambda: rest.rooms.create(unique_name="daily"))
    assert again.sid != made.sid
    with pytest.raises(Exception, match="53106"):
        await join(rest, "ann", made.sid)


@pytest.mark.feature("PARTICIPANT-001")
async def test_participants_are_listed_and_removed(rest: Rest) -> None:
    async with await join(rest, "ann", "daily") as ann, await join(rest, "ben", "daily") as ben:
        people = await rest.call(lambda: rest.rooms("daily").participants.list())
        assert [person.identity for person in people] == ["ann", "ben"]
        assert {person.status for person in people} == {"connected"}
        assert people[1].sid == ben.local_participant.sid
        gone, left = next_event(ben, "disconnected"), next_event(ann, "participantDisconnected")
        removed = await rest.call(
            lambda: rest.rooms(ann.sid).participants(people[1].sid).update(status="disconnected")
        )
        assert removed.status == "disconnected"
        assert (await left)[0].identity == "ben"
        _, error = await gone
        # As twilio-video.js has it; 53118 is for rooms that are completed.
        assert error is None
        here = await rest.call(lambda: rest.rooms("daily").participants.list(status="connected"))
        assert [person.identity for person in here] == ["ann"]
        ben_again = await rest.call(lambda: rest.rooms("daily").participants("ben").fetch())
        assert ben_again.status == "disconnected"
        assert ben_again.end_time is not None


async def test_rooms_are_listed_by_status_and_in_pages(rest: Rest) -> None:
    for number in range(5):
        await rest.post("/v1/Rooms", {"UniqueName": f"r{number}"})
    await rest.post("/v1/Rooms/r0", {"Status": "completed"})
    names = await rest.call(lambda: [room.unique_name for room in rest.rooms.list(page_size=2)])
    assert names == ["r4", "r3", "r2", "r1"]
    done = await rest.call(lambda: rest.rooms.list(status="completed"))
    assert [room.unique_name for room in done] == ["r0"]
    named = await rest.call(lambda: rest.rooms.list(unique_name="r2"))
    assert [room.unique_name for room in named] == ["r2"]


# ------------------------------------------------------------------ tracks and rules


async def test_tracks_are_listed_and_subscribed_for_somebody(rest: Rest) -> None:
    async with (
        await join(rest, "ann", "daily") as ann,
        await join(rest, "ben", "daily", automaticSubscription=False) as ben,
    ):
        local = await ann.local_participant.publish_track(_camera())
        people = f"/v1/Rooms/{ann.sid}/Participants"
        _, published = await rest.get(f"{people}/ann/PublishedTracks")
        assert [track["name"] for track in published["published_tracks"]] == ["camera"]
        assert published["published_tracks"][0]["sid"] == local.track_sid
        status, _ = await rest.get(f"{people}/ann/PublishedTracks/{local.track_sid}")
        assert status == 200
        _, rules = await rest.get(f"{people}/ben/SubscribeRules")
        assert rules["rules"][0]["type"] == "exclude"
        on = next_event(ben, "trackSubscribed")
        status, _ = await rest.post(
            f"{people}/{ben.local_participant.sid}/SubscribedTracks",
            {"Track": local.track_sid, "Status": "subscribed"},
        )
        assert status == 202
        await on
        _, subscribed = await rest.get(f"{people}/ben/SubscribedTracks")
        (track,) = subscribed["subscribed_tracks"]
        assert (track["sid"], track["publisher_sid"]) == (
            local.track_sid,
            ann.local_participant.sid,
        )
        off = next_event(ben, "trackUnsubscribed")
        await rest.post(
            f"{people}/ben/SubscribedTracks", {"Track": "camera", "Status": "unsubscribed"}
        )
        await off
        _, subscribed = await rest.get(f"{people}/ben/SubscribedTracks")
        assert subscribed["subscribed_tracks"] == []


async def test_subscribe_rules_take_the_place_of_what_was_chosen(rest: Rest) -> None:
    async with (
        await join(rest, "ann", "daily", tracks=[_camera()]) as ann,
        await join(rest, "ben", "daily") as ben,
    ):
        await next_event_or_subscribed(ben)
        off = next_event(ben, "trackUnsubscribed")
        rules = rest.rooms(ann.sid).participants("ben").subscribe_rules
        answer = await rest.call(
            lambda: rules.update(
                rules=[{"type": "include", "all": True}, {"type": "exclude", "publisher": "ann"}]
            )
        )
        assert [rule["type"] for rule in answer.rules] == ["include", "exclude"]
        await off
        call = rest.server.calls.find_room("daily")
        assert call is not None
        ben_here = next(item for item in call.endpoints.values() if item.identity == "ben")
        # Who is not subscribed has no stream out: nothing can be sent.
        await until(lambda: not any(side.consumers for side in ben_here.observer.transports))


async def next_event_or_subscribed(room: Room) -> None:
    def subscribed() -> bool:
        return any(
            publication.is_subscribed
            for participant in room.participants.values()
            for publication in participant.tracks.values()
        )

    await until(subscribed)


async def test_recording_follows_the_rules(rest: Rest) -> None:
    made = await rest.call(
        lambda: rest.rooms.create(unique_name="daily", record_participants_on_connect=True)
    )
    call = rest.server.calls.find_room("daily")
    assert call is not None
    async with await join(rest, "ann", "daily") as ann:
        assert not call.roster.is_recording
        await ann.local_participant.publish_track(_camera())
        assert call.roster.is_recording
        rules = rest.rooms(made.sid).recording_rules
        assert (await rest.call(rules.fetch)).rules[0]["type"] == "include"
        await rest.call(lambda: rules.update(rules=[{"type": "exclude", "all": True}]))
        assert not call.roster.is_recording
        status, _ = await rest.post(
            f"/v1/Rooms/{made.sid}/RecordingRules",
            {"Rules": '[{"type":"include","all":"true"}]'},
        )
        assert status == 200
        assert call.roster.is_recording


def _camera() -> LocalVideoTrack:
    return LocalVideoTrack(pattern((200, 30, 30)), name="camera")


# ------------------------------------------------------------------ who may ask


async def test_only_the_right_credentials_are_believed(rest: Rest) -> None:
    settings: Any = rest.server.settings
    account = settings.twilio_account_sid
    token = settings.twilio_auth_token.get_secret_value()
    right = {"Authorization": basic(account, token)}
    assert (await rest.ask("GET", "/v1/Rooms", headers=right))[0] == 200
    wrong = [
        "",
        "Bearer x",
        "Basic %%%",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        *(
            basic(user, password)
            for user, password in (
                (rest.sid, "wrong"), (rest.sid, ""), ("SK00", ""), ("", ""), (account, rest.secret),
            )
        ),
    ]  # fmt: skip
    for header in wrong:
        headers = {"Authorization": header}
        status, body, answered = await rest.ask("GET", "/v1/Rooms", headers=headers)
        assert (status, body["code"], body["status"]) == (401, 20003, 401)
        assert "WWW-Authenticate" not in answered


async def test_pages_of_any_origin_may_ask(rest: Rest) -> None:
    page = {"Origin": "http://example.com"}
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    for path in ("/v1/Rooms", "/v1/Rooms/RM1/Participants/PA1/SubscribedTracks"):
        status, _, headers = await rest.ask("OPTIONS", path, headers=page | asked | NOBODY)
        assert status == 204
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "authorization" in headers["Access-Control-Allow-Headers"]
        assert "POST" in headers["Access-Control-Allow-Methods"]
    status, _, headers = await rest.ask("POST", "/v1/Rooms", {"UniqueName": "x"}, headers=page)
    assert (status, headers["Access-Control-Allow-Origin"]) == (201, "*")
    _, _, headers = await rest.ask("GET", "/v1/Rooms/none", headers=page)
    assert headers["Access-Control-Allow-Origin"] == "*"
    # Everything else still asks where a page comes from.
    for path in ("/healthz", "/v1/RoomsAndMore", "/calls/ws"):
        assert await rest.status(path, headers=page) == 403


@pytest.mark.parametrize(
    "path",
    ["/v1/Rooms/none", "/v1/Rooms/daily/none", "/v1/Rooms/daily/Participants/none",
     "/v1/Rooms/daily/Participants/none/SubscribeRules", "/v1/Rooms/daily/Participants/a/b/c/d"],
)  # fmt: skip
async def test_what_is_not_there_is_told_as_twilio_does(rest: Rest, path: str) -> None:
    await rest.post("/v1/Rooms", {"UniqueName": "daily"})
    for method in ("GET", "POST", "DELETE"):
        status, body, _ = await rest.ask(method, path)
        assert (status, body["code"]) == (404, 20404)


async def test_a_body_that_is_no_form_or_too_large_is_refused(rest: Rest) -> None:
    bodies = ((b"\xff\xfe=1", 400), (b"a=1&" * 500, 400), (io.BytesIO(b"a" * (2 << 20)), 413))
    for data, status in bodies:
        assert (await rest.post("/v1/Rooms", data))[0] == status


@pytest.mark.parametrize("host", ["", "x:99999", "x:y"])
async def test_who_names_no_host_is_refused_before_anything_changes(rest: Rest, host: str) -> None:
    body = b"UniqueName=new"
    for path in ("/v1/Rooms", "/openapi.json"):
        method = "GET" if path == "/openapi.json" else "POST"
        reader, writer = await asyncio.open_connection("127.0.0.1", rest.server.port)
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            f"Authorization: {basic(rest.sid, rest.secret)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 400")
    assert rest.server.calls.find_room("new") is None
