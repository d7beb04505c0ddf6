"""Recordings, compositions and hooks of a really recorded room with the unmodified Node helper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.interop.node_side import NodeError
from tests.interop.node_stage import ROOM, BackEnd
from tests.support.events import until
from tests.support.media_checks import RED
from tests.support.recordings import media_flows
from tests.support.webhook_sink import WebhookSink, webhook_sink

PACKETS = 25
"""Half a second of sound."""

RENDERED = 40.0
"""Seconds in which a short composition must be done."""

MEDIA = """async ({client}, uri) => {
    // As Twilio's guide has it: the API answers with a link to the file.
    const answer = await client.request({method: 'get', uri});
    const file = await fetch(answer.body.redirect_to);
    const bytes = (await file.arrayBuffer()).byteLength;
    return [answer.statusCode, file.headers.get('content-type'), bytes];
}"""


async def record(back_end: BackEnd, sink: WebhookSink, name: str = ROOM) -> str:
    """A room that is over, with a recorded picture and sound: its SID."""
    room = await back_end.run(
        "({video}, options) => video.rooms.create(options)",
        {"uniqueName": name, "recordParticipantsOnConnect": True, "statusCallback": sink.url},
    )
    ann = await back_end.guest("ann", color=RED, tone=440, name=name)
    sid = str(room["sid"])
    await told(sink, "recording-started", 2, RoomSid=sid)
    await media_flows(back_end.server, PACKETS)
    ann.disconnect()
    await back_end.run(
        "({video}, sid) => video.rooms(sid).update({status: 'completed'})", room["sid"]
    )
    await told(sink, "recording-completed", 2, RoomSid=sid)
    return sid


async def told(sink: WebhookSink, event: str, count: int = 1, **fields: str) -> list[Any]:
    """The forms of callbacks with an event and fields, once they are so many."""

    def found() -> list[dict[str, str]]:
        return [
            got.form
            for got in sink.got
            if got.event == event and got.form.items() >= fields.items()
        ]

    await until(lambda: len(found()) >= count, deadline=RENDERED)
    return found()


async def gone(back_end: BackEnd, source: str, *args: Any) -> bool:
    """Whether the helper says that something is not there."""
    with pytest.raises(NodeError) as caught:
        await back_end.run(source, *args)
    return (caught.value.status, caught.value.code) == (404, 20404)


@pytest.mark.operations("ListRecording", "FetchRecording", "FetchRecordingMedia", "DeleteRecording")
async def test_recordings_are_found_downloaded_and_deleted(back_end: BackEnd) -> None:
    async with webhook_sink() as sink:
        room = await record(back_end, sink)
        await record(back_end, sink, "weekly")
    list_ = "({video}, options) => video.recordings.list(options)"
    every = await back_end.run(list_, {"pageSize": 3})
    assert len(every) == 4
    of_room = [item for item in every if item["groupingSids"]["room_sid"] == room]
    sound, picture = sorted(of_room, key=lambda item: str(item["type"]))
    assert await back_end.run(list_, {"groupingSid": [room]}) == of_room
    assert await back_end.run(list_, {"groupingSid": [room], "mediaType": "audio"}) == [sound]
    now, day = datetime.now(UTC), timedelta(days=1)
    assert await back_end.run(list_, {"dateCreatedAfter": now + day}) == []
    span = {"dateCreatedAfter": now - day, "dateCreatedBefore": now + day}
    assert await back_end.run(list_, span | {"status": "completed"}) == every

    fetch = "({video}, sid) => video.recordings(sid).fetch()"
    assert await back_end.run(fetch, sound["sid"]) == sound
    kind = ("status", "type", "codec", "containerFormat")
    assert [sound[name] for name in kind] == ["completed", "audio", "OPUS", "mka"]
    assert [picture[name] for name in kind] == ["completed", "video", "VP8", "mkv"]
    assert isinstance(sound["dateCreated"], datetime)
    assert {type(sound[name]) for name in ("duration", "offset", "size")} == {int}
    answer = await back_end.run(MEDIA, sound["links"]["media"])
    assert answer == [302, "audio/x-matroska", sound["size"]]

    remove = "({video}, sid) => video.recordings(sid).remove()"
    assert await back_end.run(remove, sound["sid"]) is True
    assert await gone(back_end, remove, sound["sid"])
    assert await back_end.run(list_, {"groupingSid": [room]}) == [picture]
    deleted = await back_end.run(list_, {"status": "deleted"})
    assert [item["sid"] for item in deleted] == [sound["sid"]]


@pytest.mark.operations("ListRoomRecording", "FetchRoomRecording", "DeleteRoomRecording")
async def test_a_room_has_its_own_recordings(back_end: BackEnd) -> None:
    async with webhook_sink() as sink:
        room = await record(back_end, sink)
    other = await back_end.run("({video}) => video.rooms.create({uniqueName: 'weekly'})")
    list_ = "({video}, room) => video.rooms(room).recordings.list()"
    found = {item["type"]: item for item in await back_end.run(list_, room)}
    assert set(found) == {"audio", "video"}
    assert await back_end.run(list_, other["sid"]) == []
    fetch = "({video}, room, sid) => video.rooms(room).recordings(sid).fetch()"
    picture = await back_end.run(fetch, room, found["video"]["sid"])
    assert picture == found["video"]
    assert (picture["roomSid"], picture["codec"]) == (room, "VP8")
    assert await gone(back_end, fetch, other["sid"], picture["sid"])
    remove = "({video}, room, sid) => video.rooms(room).recordings(sid).remove()"
    assert await back_end.run(remove, room, picture["sid"]) is True
    assert await gone(back_end, remove, room, picture["sid"])
    assert await back_end.run(list_, room) == [found["audio"]]


@pytest.mark.operations(
    "CreateComposition",
    "ListComposition",
    "FetchComposition",
    "DeleteComposition",
    "FetchCompositionMedia",
)
async def test_a_recorded_room_is_composed_and_its_file_downloaded(back_end: BackEnd) -> None:
    create = "({video}, options) => video.compositions.create(options)"
    order = {
        "audioSources": ["*"],
        "videoLayout": {"grid": {"video_sources": ["*"]}},
        "resolution": "160x96",
        "format": "mp4",
        "trim": True,
    }
    async with webhook_sink() as sink:
        room = await record(back_end, sink)
        made = await back_end.run(create, {"roomSid": room, "statusCallback": sink.url, **order})
        assert (made["status"], made["roomSid"], made["format"]) == ("enqueued", room, "mp4")
        assert (made["audioSources"], made["audioSourcesExcluded"]) == (["*"], [])
        assert made["videoLayout"]["grid"]["video_sources"] == ["*"]
        assert (made["resolution"], made["trim"], made["size"]) == ("160x96", True, 0)
        assert made["dateCompleted"] is None
        await told(sink, "composition-available", CompositionSid=made["sid"])
    done = await back_end.run("({video}, sid) => video.compositions(sid).fetch()", made["sid"])
    assert (done["status"], type(done["bitrate"]), type(done["duration"])) == (
        "completed",
        int,
        int,
    )
    assert done["size"] > 1000
    assert isinstance(done["dateCompleted"], datetime)
    assert await back_end.run(MEDIA, f"{done['links']['media']}?Ttl=60") == [
        302,
        "video/mp4",
        done["size"],
    ]
    list_ = "({video}, options) => video.compositions.list(options)"
    assert await back_end.run(list_, {"roomSid": room, "status": "completed"}) == [done]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert await back_end.run(list_, {"dateCreatedAfter": tomorrow}) == []
    delete = "({video}, sid) => video.compositions(sid).remove()"
    assert await back_end.run(delete, made["sid"]) is True
    assert await gone(back_end, delete, made["sid"])
    assert await back_end.run(list_, {"roomSid": room, "status": "completed"}) == []
    with pytest.raises(NodeError) as caught:
        await back_end.run(create, {"roomSid": room, **order, "format": "gif"})
    assert caught.value.status == 400


@pytest.mark.operations(
    "CreateCompositionHook",
    "ListCompositionHook",
    "FetchCompositionHook",
    "UpdateCompositionHook",
    "DeleteCompositionHook",
    "ListComposition",
)
async def test_a_hook_composes_the_room_that_ends(back_end: BackEnd) -> None:
    create = "({video}, options) => video.compositionHooks.create(options)"
    async with webhook_sink() as sink:
        order = {"audioSources": ["*"], "format": "mp4"}
        hook = await back_end.run(
            create, {"friendlyName": "all", "statusCallback": sink.url, **order}
        )
        assert (hook["friendlyName"], hook["enabled"], hook["trim"]) == ("all", True, True)
        assert isinstance(hook["dateCreated"], datetime)
        assert hook["dateUpdated"] is None
        off = await back_end.run(create, {"friendlyName": "off", "enabled": False, **order})
        list_ = """async ({video}, options) =>
            (await video.compositionHooks.list(options)).map((hook) => hook.friendlyName)"""
        assert await back_end.run(list_, {"pageSize": 1}) == ["off", "all"]
        assert await back_end.run(list_, {"enabled": True}) == ["all"]
        assert await back_end.run(list_, {"friendlyName": "al*"}) == ["all"]
        room = await record(back_end, sink)
        await told(sink, "composition-enqueued", HookSid=hook["sid"], RoomSid=room)
        await told(sink, "composition-available", RoomSid=room)
    (made,) = await back_end.run("({video}) => video.compositions.list()")
    assert (made["roomSid"], made["format"], made["status"]) == (room, "mp4", "completed")
    changed = await back_end.run(
        "({video}, sid, options) => video.compositionHooks(sid).update(options)",
        off["sid"],
        {"friendlyName": "half", "audioSources": ["mic*"], "resolution": "320x240"},
    )
    assert (changed["sid"], changed["friendlyName"]) == (off["sid"], "half")
    assert isinstance(changed["dateUpdated"], datetime)
    fetch = "({video}, sid) => video.compositionHooks(sid).fetch()"
    assert await back_end.run(fetch, off["sid"]) == changed
    delete = "({video}, sid) => video.compositionHooks(sid).remove()"
    assert await back_end.run(delete, off["sid"]) is True
    assert await gone(back_end, fetch, off["sid"])
