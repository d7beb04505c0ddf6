from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from acs_core.service.compositions import Composition
from tests.support.recorded_calls import RecordedCalls
from tests.support.track_files import BLUE, RED, colors_at, lengths, levels
from tests.twilio_compat.rest.conftest import Rest

GRID = {"grid": {"video_sources": ["*"]}}
SOUND = {"audio_sources": ["*"], "format": "mp4"}


@pytest.fixture
def recorded(rest: Rest, tmp_path: Path) -> RecordedCalls:
    recordings = RecordedCalls(tmp_path)
    rest.server.compositions.recordings = recordings
    return recordings


async def ended_room(rest: Rest, name: str = "daily") -> str:
    """The SID of a room that is over."""
    _, made = await rest.post("/v1/Rooms", {"UniqueName": name})
    await rest.post("/v1/Rooms/" + name, {"Status": "completed"})
    return str(made["sid"])


async def completed(rest: Rest, composition_sid: str) -> Any:
    """A composition when it is done."""
    compositions, wanted, done = rest.server.compositions, composition_sid[2:], asyncio.Event()

    def look(item: Composition) -> None:
        if item.id == wanted and item.state in ("completed", "failed"):
            done.set()

    compositions.observe(lambda _, item: look(item))
    found = await compositions.find(wanted)
    assert found is not None
    look(found)
    await asyncio.wait_for(done.wait(), 40)
    return await rest.call(lambda: rest.client.video.v1.compositions(composition_sid).fetch())


async def test_a_room_is_composed_and_its_file_is_fetched(
    rest: Rest, recorded: RecordedCalls, tmp_path: Path
) -> None:
    room = await ended_room(rest)
    recorded.color(room[2:], RED, 1.0, name="camera")
    recorded.color(room[2:], BLUE, 1.0, name="screen")
    recorded.tone(room[2:], 440, 1.0)
    compositions = rest.client.video.v1.compositions
    layout = {
        "main": {"video_sources": ["screen"]},
        "small": {"video_sources": ["cam*"], "x_pos": 40, "width": 24, "height": 18, "z_pos": 1},
    }
    made = await rest.call(
        lambda: compositions.create(
            room_sid=room,
            video_layout=layout,
            audio_sources=["*"],
            resolution="64x48",
            format="mp4",
            status_callback="https://example.com/done",
        )
    )
    assert (made.status, made.room_sid, made.format) == ("enqueued", room, "mp4")
    assert (made.audio_sources, made.audio_sources_excluded) == (["*"], [])
    assert made.video_layout["small"]["reuse"] == "show_oldest"
    assert (made.size, made.duration, made.bitrate) == (0, 0, 0)
    assert isinstance(made.date_created, datetime)
    done = await completed(rest, made.sid)
    assert (done.status, done.duration, done.trim) == ("completed", 1, True)
    assert done.size > 1000
    assert done.bitrate > 0
    assert isinstance(done.date_completed, datetime)
    status, body, headers = await rest.ask(
        "GET", f"/v1/Compositions/{made.sid}/Media?Ttl=60", allow_redirects=False
    )
    assert status == 302
    assert body["redirect_to"] == headers["Location"]
    path = tmp_path / "fetched.mp4"
    async with aiohttp.ClientSession() as http, http.get(body["redirect_to"]) as answer:
        assert answer.headers["Content-Type"] == "video/mp4"
        path.write_bytes(await answer.read())
    assert path.stat().st_size == done.size
    assert all(abs(length - 1.0) < 0.1 for length in lengths(path).values())
    assert colors_at(path, [0.5], [(10, 24), (52, 9)]) == [[BLUE, RED]]
    assert min(levels(path, 440)[0][1:9]) > 5000


async def test_a_composition_is_deleted_with_its_file(rest: Rest, recorded: RecordedCalls) -> None:
    room = await ended_room(rest)
    recorded.tone(room[2:], 440, 0.2)
    compositions = rest.client.video.v1.compositions
    made = await rest.call(lambda: compositions.create(room_sid=room, **SOUND))
    await completed(rest, made.sid)
    assert await rest.call(lambda: compositions(made.sid).delete())
    gone = await rest.call(lambda: compositions(made.sid).fetch())
    assert gone.status == "deleted"
    assert isinstance(gone.date_deleted, datetime)
    assert (await rest.ask("GET", f"/v1/Compositions/{made.sid}/Media"))[0] == 404
    with pytest.raises(TwilioRestException) as caught:
        await rest.call(lambda: compositions(made.sid).delete())
    assert (caught.value.status, caught.value.code) == (404, 20404)


async def test_what_has_no_tracks_fails(rest: Rest, recorded: RecordedCalls) -> None:
    room = await ended_room(rest)
    _, made = await rest.post("/v1/Compositions", {"RoomSid": room, "AudioSources": "*"})
    done = await completed(rest, made["sid"])
    assert (done.status, done.size, done.video_layout) == ("failed", 0, {})


async def test_compositions_are_listed_in_pages_and_by_filters(
    rest: Rest, recorded: RecordedCalls
) -> None:
    recorded.is_settled.clear()
    first, second = await ended_room(rest, "a"), await ended_room(rest, "b")
    sids = [
        (await rest.post("/v1/Compositions", {"RoomSid": room, "AudioSources": "*"}))[1]["sid"]
        for room in (first, first, second, first, second)
    ]
    compositions = rest.client.video.v1.compositions
    listed = await rest.call(lambda: compositions.list(page_size=2))
    assert [item.sid for item in listed] == sids[::-1]
    of_second = await rest.call(lambda: compositions.list(room_sid=second))
    assert {item.sid for item in of_second} == {sids[2], sids[4]}
    await rest.call(lambda: compositions(sids[0]).delete())
    deleted = await rest.call(lambda: compositions.list(status="deleted"))
    assert [item.sid for item in deleted] == [sids[0]]
    before = datetime(2020, 1, 1)
    assert await rest.call(lambda: compositions.list(date_created_before=before)) == []
    assert len(await rest.call(lambda: compositions.list(date_created_after=before))) == 5
    assert (await rest.ask("GET", "/v1/Compositions?Status=late"))[0] == 400


async def test_rooms_that_cannot_be_composed_are_refused(
    rest: Rest, recorded: RecordedCalls
) -> None:
    await rest.post("/v1/Rooms", {"UniqueName": "live"})
    _, live = await rest.get("/v1/Rooms/live")
    for room, status, code in (
        ("", 400, 20001),
        ("daily", 400, 20001),
        ("RM" + "0" * 32, 404, 53106),
        (live["sid"], 400, 20001),
    ):
        answer = await rest.post("/v1/Compositions", {"RoomSid": room, "AudioSources": "*"})
        assert (answer[0], answer[1]["code"]) == (status, code)
    assert (await rest.get("/v1/Compositions/CJ1"))[0] == 404
    assert (await rest.get(f"/v1/Compositions/CJ{'0' * 32}"))[1]["code"] == 20404


async def test_the_link_holds_as_long_as_is_asked(rest: Rest, recorded: RecordedCalls) -> None:
    room = await ended_room(rest)
    _, made = await rest.post("/v1/Compositions", {"RoomSid": room, "AudioSources": "*"})
    for wrong in ("0", "x", "604801", "-1"):
        assert (await rest.get(f"/v1/Compositions/{made['sid']}/Media?Ttl={wrong}"))[0] == 400


# What the vendor's client uses.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_asynchronous_client_composes_too(rest: Rest, recorded: RecordedCalls) -> None:
    recorded.is_settled.clear()
    room = await ended_room(rest)
    settings: Any = rest.server.settings
    http = AsyncTwilioHttpClient()
    client = Client(rest.sid, rest.secret, settings.twilio_account_sid, http_client=http)
    client.video.base_url = rest.server.url
    compositions = client.video.v1.compositions
    try:
        made = await compositions.create_async(room_sid=room, video_layout=GRID)
        assert (await compositions(made.sid).fetch_async()).status == "enqueued"
        assert [item.sid for item in await compositions.list_async()] == [made.sid]
        assert await compositions(made.sid).delete_async()
        hooks = client.video.v1.composition_hooks
        hook = await hooks.create_async(friendly_name="all", video_layout=GRID)
        assert (await hooks(hook.sid).fetch_async()).friendly_name == "all"
        assert await hooks(hook.sid).delete_async()
    finally:
        await http.close()
