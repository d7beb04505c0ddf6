from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL
from acs_core.service.recording.info import RecordingInfo, RecordingQuery
from tests.support.events import until
from tests.support.media_checks import RED
from tests.support.people import pattern
from tests.support.recordings import completed, news_of
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat import LocalVideoTrack, connect

Recorded = tuple[str, RecordingInfo, RecordingInfo]


async def record(rest: Rest, name: str = "daily") -> Recorded:
    """A completed room: its SID, the recordings of its picture and its sound."""
    made = await rest.call(
        lambda: rest.rooms.create(unique_name=name, record_participants_on_connect=True)
    )
    call = rest.server.calls.find_room(name)
    assert call is not None
    news = news_of(rest.server)
    async with await connect(
        rest.server.access_token("ann"),
        name=name,
        service_url=rest.server.url,
        audio={"source": "tone"},
        video=False,
    ) as room:
        camera = LocalVideoTrack(pattern(RED), name="camera")
        await room.local_participant.publish_track(camera)
        await until(lambda: len(news) == 2)
        await until(lambda: rest.server.engine.stats().producers)
        await asyncio.sleep(0.6)
    await rest.call(lambda: rest.rooms(made.sid).update(status="completed"))
    found = await completed(rest.server, call, 2)
    by_kind = {info.kind: info for info in found.values()}
    return made.sid, by_kind["video"], by_kind["audio"]


async def test_the_helper_library_finds_and_deletes_recordings(rest: Rest) -> None:
    room, video, audio = await record(rest)
    recordings = rest.client.video.v1.recordings
    every = await rest.call(recordings.list)
    assert {item.sid for item in every} == {f"RT{video.id}", f"RT{audio.id}"}
    one = await rest.call(lambda: recordings(f"RT{video.id}").fetch())
    settings = rest.server.settings
    assert one.account_sid == settings.twilio_account_sid  # type: ignore[attr-defined]
    assert (one.status, one.type, one.codec, one.container_format) == (
        "completed",
        "video",
        "VP8",
        "mkv",
    )
    assert one.source_sid == f"MT{video.publication}"
    assert one.grouping_sids == {"room_sid": room, "participant_sid": f"PA{video.endpoint}"}
    assert one.track_name == "camera"
    assert one.size == video.size
    assert one.duration == round(video.duration or 0)
    assert one.offset == video.offset_ms
    assert abs(one.date_created - datetime.now(UTC)) < timedelta(minutes=1)
    assert one.links == {"media": f"{rest.server.url}/v1/Recordings/RT{video.id}/Media"}
    assert (one.status_callback, one.status_callback_method) == (None, "POST")
    await rest.call(lambda: recordings(one.sid).delete())
    assert not rest.server.recordings.path_of(video).exists()
    assert (await rest.call(lambda: recordings(one.sid).fetch())).status == "deleted"
    assert [item.sid for item in await rest.call(recordings.list)] == [f"RT{audio.id}"]
    gone = await rest.call(lambda: recordings.list(status="deleted"))
    assert [item.sid for item in gone] == [one.sid]
    with pytest.raises(TwilioRestException) as refused:
        await rest.call(lambda: recordings(one.sid).delete())
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def test_a_room_has_its_own_recordings_only(rest: Rest) -> None:
    room, video, audio = await record(rest)
    other, other_video, _ = await record(rest, "weekly")
    of_room = rest.rooms(room).recordings
    found = await rest.call(of_room.list)
    assert {item.sid for item in found} == {f"RT{video.id}", f"RT{audio.id}"}
    one = await rest.call(lambda: of_room(f"RT{audio.id}").fetch())
    assert (one.room_sid, one.codec, one.container_format) == (room, "OPUS", "mka")
    assert one.url == f"{rest.server.url}/v1/Rooms/{room}/Recordings/RT{audio.id}"
    with pytest.raises(TwilioRestException) as refused:
        await rest.call(lambda: of_room(f"RT{other_video.id}").fetch())
    assert (refused.value.status, refused.value.code) == (404, 20404)
    await rest.call(lambda: of_room(one.sid).delete())
    assert [item.sid for item in await rest.call(of_room.list)] == [f"RT{video.id}"]
    recordings = rest.client.video.v1.recordings

    async def sids(**filters: object) -> set[str]:
        return {item.sid for item in await rest.call(lambda: recordings.list(**filters))}

    assert await sids(grouping_sid=[other], media_type="video") == {f"RT{other_video.id}"}
    assert await sids(grouping_sid=[f"PA{video.endpoint}"]) == {f"RT{video.id}"}
    assert await sids(source_sid=f"MT{video.publication}") == {f"RT{video.id}"}
    assert await sids(source_sid="nothing") == set()
    assert await sids(date_created_before=datetime(2020, 1, 1, tzinfo=UTC)) == set()
    assert len(await sids(date_created_after=datetime(2020, 1, 1, tzinfo=UTC))) == 3
    assert await sids(status="processing") == set()
    assert len(await sids(page_size=1)) == 3


async def test_who_is_made_anonymous_is_so_in_recordings_done_under_way_and_to_come(
    rest: Rest,
) -> None:
    made = await rest.call(
        lambda: rest.rooms.create(unique_name="daily", record_participants_on_connect=True)
    )
    call = rest.server.calls.find_room("daily")
    assert call is not None
    news = news_of(rest.server)

    def times(what: str) -> int:
        return [told for told, _ in news].count(what)

    url = rest.server.url
    tone = {"source": "tone"}
    async with await connect(
        rest.server.access_token("ann"), name="daily", service_url=url, audio=tone, video=False
    ) as room:
        await until(lambda: times("started") == 1)
        call.set_recording_rules(EXCLUDE_ALL)
        await until(lambda: times("completed") == 1)
        call.set_recording_rules(INCLUDE_ALL)
        await until(lambda: times("started") == 2)
        ann = rest.rooms(made.sid).participants("ann")
        sid = (await rest.call(lambda: ann.anonymize().update())).sid
        assert sid == room.local_participant.sid
        told = len(news)
        call.set_recording_rules(EXCLUDE_ALL)
        call.set_recording_rules(INCLUDE_ALL)
        await until(lambda: times("started") == 3)
    await rest.call(lambda: rest.rooms(made.sid).update(status="completed"))
    await completed(rest.server, call, 3)
    kept = await rest.server.recordings.list(RecordingQuery(calls=(call.id,)))
    assert [info.identity for info in kept] == [sid] * 3
    assert {info.identity for _, info in news[:told]} == {"ann"}
    assert {info.identity for _, info in news[told:]} == {sid}


async def test_media_is_behind_a_link_that_serves_ranges_and_expires(rest: Rest) -> None:
    _, video, _ = await record(rest)
    path = f"/v1/Recordings/RT{video.id}/Media"
    status, body, headers = await rest.ask("GET", path, allow_redirects=False)
    assert (status, body) == (302, {"redirect_to": headers["Location"]})
    link = body["redirect_to"]
    assert link.startswith(f"{rest.server.url}/media/recordings/{video.id}.mkv?")
    data = rest.server.recordings.path_of(video).read_bytes()
    async with aiohttp.ClientSession() as http:
        async with http.get(link, headers={"Origin": "https://elsewhere.example"}) as answer:
            assert (answer.status, await answer.read()) == (200, data)
            assert answer.headers["Content-Type"] == "video/x-matroska"
        async with http.get(link, headers={"Range": "bytes=100-199"}) as answer:
            assert (answer.status, await answer.read()) == (206, data[100:200])
            assert answer.headers["Content-Range"] == f"bytes 100-199/{len(data)}"
        async with http.get(link, headers={"Range": f"bytes={len(data)}-"}) as answer:
            assert answer.status == 416
        async with http.head(link) as answer:
            assert int(answer.headers["Content-Length"]) == len(data)
        for wrong in (
            link.replace("expires=", "expires=9"),
            link[:-1] + ("0" if link[-1] != "0" else "1"),
            link.replace(".mkv", ".mka"),
            link.partition("?")[0],
        ):
            async with http.get(wrong) as answer:
                assert answer.status == 403
        expired = rest.server.media_files.link("recordings", video.file_name, lifetime=-5)
        async with http.get(f"{rest.server.url}{expired}") as answer:
            assert answer.status == 403
        await rest.server.recordings.delete(video.id)
        async with http.get(link) as answer:
            assert answer.status == 404
    assert (await rest.get(path))[0] == 404


@pytest.mark.parametrize(
    "query",
    ["Status=finished", "MediaType=text", "DateCreatedAfter=soon", "PageSize=none"],
)
async def test_wrong_filters_are_refused(rest: Rest, query: str) -> None:
    assert (await rest.get(f"/v1/Recordings?{query}"))[0] == 400


async def test_what_is_no_recording_is_not_found(rest: Rest) -> None:
    for sid in ("RT0", f"RT{'0' * 32}", f"MT{'0' * 32}", "%2e%2e%2fmedia.key"):
        status, body = await rest.get(f"/v1/Recordings/{sid}")
        assert (status, body["code"]) == (404, 20404)
    assert await rest.status("/v1/Recordings") == 401
    assert await rest.status("/media/recordings/..%2f..%2fmedia.key") == 403
