"""Every operation with the unmodified helper library, once blocking and once asynchronous."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from acs_core.service.endpoints import Endpoint
from tests.support.fake_transcriber import ScriptedTranscriber
from tests.twilio_compat.rest.conftest import Rest
from tests.twilio_compat.rest.test_rooms import join, video
from twilio_compat.server import embedded

# The asynchronous half of the library makes its header as older versions of aiohttp want it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]

INCLUDE = {"type": "include", "all": True}


class Camera:
    def __init__(self, id_: str) -> None:
        self.id = id_


class Helper:
    """The helper library: `await helper(thing.fetch)` calls `fetch` or `fetch_async` of a thing."""

    def __init__(self, rest: Rest, client: Client, *, is_async: bool) -> None:
        self.rest = rest
        self.video = client.video.v1
        self._is_async = is_async

    async def __call__(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if not self._is_async:
            return await self.rest.call(lambda: method(*args, **options))
        thing = method.__self__  # type: ignore[attr-defined]
        return await getattr(thing, f"{method.__name__}_async")(*args, **options)


@pytest.fixture(params=["blocking", "asynchronous"])
async def helper(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Helper]:
    monkeypatch.chdir(tmp_path)
    async with (
        embedded(transcriber=ScriptedTranscriber()) as server,
        aiohttp.ClientSession() as http,
    ):
        rest = Rest(server, http)
        if request.param == "blocking":
            yield Helper(rest, rest.client, is_async=False)
            return
        sender = AsyncTwilioHttpClient(timeout=20)
        client = Client(rest.sid, rest.secret, rest.client.account_sid, http_client=sender)
        client.video.base_url = server.url
        try:
            yield Helper(rest, client, is_async=True)
        finally:
            await sender.close()


def people(helper: Helper, room: str) -> list[Endpoint]:
    """Ann and Ben in a room; each publishes a camera and receives the other's."""
    for number, name in enumerate(("ann", "ben"), 1):
        join(helper.rest, room, name, number)
    call = helper.rest.server.calls.find_room(room)
    assert call is not None
    here = list(call.endpoints.values())
    for endpoint in here:
        (info,) = endpoint.publish([video("camera")])
        endpoint.attach(info.id, Camera(info.id))
    return here


async def test_rooms_are_created_listed_fetched_and_completed(helper: Helper) -> None:
    rooms = helper.video.rooms
    for number in range(5):
        made = await helper(rooms.create, unique_name=f"r{number}", max_participants=number + 1)
        assert (made.unique_name, made.status) == (f"r{number}", "in-progress")
    # Several pages, each of which the library finds by the address in the one before.
    listed = await helper(rooms.list, page_size=2)
    assert [room.unique_name for room in listed] == ["r4", "r3", "r2", "r1", "r0"]
    assert len(await helper(rooms.list, limit=3, page_size=2)) == 3
    named = await helper(rooms.list, unique_name="r3", status="in-progress")
    assert [room.max_participants for room in named] == [4]
    assert await helper(rooms.list, date_created_after=made.date_created.replace(year=2100)) == []
    first = await helper(rooms.page, page_size=2)
    assert [room.unique_name for room in first] == ["r4", "r3"]
    done = await helper(rooms("r4").update, status="completed")
    assert (done.sid, done.status) == (made.sid, "completed")
    found = await helper(rooms(made.sid).fetch)
    assert (found.status, found.account_sid) == ("completed", helper.rest.client.account_sid)
    assert found.end_time >= found.date_created
    with pytest.raises(TwilioRestException) as caught:
        await helper(rooms("r4").fetch)
    assert (caught.value.status, caught.value.code, caught.value.uri) == (404, 20404, "/Rooms/r4")
    with pytest.raises(TwilioRestException) as caught:
        await helper(rooms.create, unique_name="r0")
    assert (caught.value.status, caught.value.code) == (400, 53113)


async def test_participants_are_listed_fetched_made_anonymous_and_removed(
    helper: Helper,
) -> None:
    made = await helper(helper.video.rooms.create, unique_name="daily")
    ann, ben = people(helper, "daily")
    room = helper.video.rooms(made.sid)
    listed = await helper(room.participants.list, page_size=1)
    assert [(one.identity, one.status) for one in listed] == [
        ("ann", "connected"),
        ("ben", "connected"),
    ]
    found = await helper(room.participants("ben").fetch)
    assert (found.sid, found.room_sid, found.duration) == (f"PA{ben.id}", made.sid, None)
    gone = await helper(room.participants(found.sid).update, status="disconnected")
    assert (gone.status, gone.duration) == ("disconnected", 0)
    here = await helper(room.participants.list, status="connected", identity="ann")
    assert [one.sid for one in here] == [f"PA{ann.id}"]
    hidden = await helper(room.participants(found.sid).anonymize().update)
    assert hidden.identity == found.sid
    assert (await helper(room.participants(found.sid).fetch)).identity == found.sid


async def test_tracks_are_listed_and_fetched(helper: Helper) -> None:
    made = await helper(helper.video.rooms.create, unique_name="daily")
    ann, ben = people(helper, "daily")
    (camera,) = ann.publications
    (_, here) = (helper.video.rooms(made.sid).participants(f"PA{one.id}") for one in (ann, ben))
    there = helper.video.rooms(made.sid).participants("ann")
    published = await helper(there.published_tracks.list)
    assert [(track.sid, track.kind, track.enabled) for track in published] == [
        (f"MT{camera}", "video", True)
    ]
    track = await helper(there.published_tracks(f"MT{camera}").fetch)
    assert (track.name, track.participant_sid) == ("camera", f"PA{ann.id}")
    subscribed = await helper(here.subscribed_tracks.list)
    assert [(item.sid, item.publisher_sid) for item in subscribed] == [
        (f"MT{camera}", f"PA{ann.id}")
    ]
    item = await helper(here.subscribed_tracks(f"MT{camera}").fetch)
    assert (item.participant_sid, item.room_sid) == (f"PA{ben.id}", made.sid)


async def test_rules_are_fetched_and_changed(helper: Helper) -> None:
    made = await helper(helper.video.rooms.create, unique_name="daily")
    _, ben = people(helper, "daily")
    room = helper.video.rooms(made.sid)
    rules = room.participants("ben").subscribe_rules
    assert [rule["type"] for rule in (await helper(rules.fetch)).rules] == ["include"]
    set_to = await helper(rules.update, rules=[INCLUDE, {"type": "exclude", "kind": "video"}])
    assert [rule["kind"] for rule in set_to.rules] == [None, "video"]
    assert not ben.subscriptions
    recording = room.recording_rules
    assert [rule["type"] for rule in (await helper(recording.fetch)).rules] == ["exclude"]
    kept = await helper(recording.update, rules=[INCLUDE])
    assert (kept.room_sid, kept.rules[0]["all"]) == (made.sid, True)
    assert ben.call.roster.is_recording


async def test_transcriptions_are_created_listed_fetched_and_changed(helper: Helper) -> None:
    made = await helper(helper.video.rooms.create, unique_name="daily")
    transcriptions = helper.video.rooms(made.sid).transcriptions
    started = await helper(transcriptions.create, configuration={"languageCode": "de-DE"})
    assert started.status == "started"
    assert [one.ttid for one in await helper(transcriptions.list)] == [started.ttid]
    one = helper.video.rooms(made.sid).transcriptions(started.ttid)
    stopped = await helper(one.update, status="stopped", configuration={"hints": "a"})
    assert (stopped.status, stopped.configuration["hints"]) == ("stopped", "a")
    assert (await helper(one.fetch)).status == "stopped"


async def test_settings_are_fetched_and_made(helper: Helper) -> None:
    for context in (helper.video.recording_settings(), helper.video.composition_settings()):
        assert (await helper(context.fetch)).friendly_name is None
        made = await helper(context.create, friendly_name="Ours", encryption_enabled=False)
        assert made.friendly_name == "Ours"
        assert (await helper(context.fetch)).friendly_name == "Ours"
        with pytest.raises(TwilioRestException):
            await helper(context.create, friendly_name="Ours", aws_storage_enabled=True)
