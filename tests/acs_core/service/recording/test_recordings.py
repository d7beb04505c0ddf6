from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import delete

from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL, TrackRule
from acs_core.errors import InvalidStateError, ServiceError
from acs_core.service.recording.info import RecordingInfo, RecordingQuery, RecordingStatus
from acs_core.service.store.database import Database
from acs_core.service.store.recordings import RECORDINGS
from tests.acs_core.service.recording.test_container import write
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED, is_color
from tests.support.people import Meeting, meeting
from tests.support.recordings import (
    completed,
    media_flows,
    news_of,
    pictures_of,
    pitch_of,
    studio,
)
from twilio_compat.server import embedded

VIDEO_ONLY = (TrackRule(is_include=True, kind="video"),)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Meeting]:
    async with meeting(data_dir=tmp_path, free_disk_floor=0) as made:
        yield made


@pytest.mark.feature("MATRIX-021")
async def test_each_track_becomes_a_file_that_plays(place: Meeting) -> None:
    server = place.server
    call = studio(server)
    news = news_of(server)
    guest = await place.guest("anna", name="studio", color=RED, tone=440.0)
    await until(lambda: len(news) == 2)
    assert {(what, info.status) for what, info in news} == {("started", "processing")}
    await until(lambda: guest.is_recording)
    await media_flows(server, 30)
    guest.disconnect()
    await until(lambda: len(news) == 4)
    call.complete()
    by_kind = {info.kind: info for info in (await completed(server, call, 2)).values()}
    video, audio = by_kind["video"], by_kind["audio"]
    assert (video.codec, video.container) == ("VP8", "mkv")
    assert (audio.codec, audio.container) == ("OPUS", "mka")
    assert {(what, info) for what, info in news[2:]} == {("completed", audio), ("completed", video)}
    for info in (video, audio):
        assert (info.call, info.identity, info.is_damaged) == (call.id, "anna", False)
        assert info.size == server.recordings.path_of(info).stat().st_size
    pictures = pictures_of(server.recordings.path_of(video))
    assert all(is_color(picture.color, RED) for picture in pictures)
    counters = [picture.counter or 0 for picture in pictures]
    assert counters == sorted(set(counters))
    assert len(counters) >= 30
    assert abs(pictures[-1].time - (video.duration or 0)) < 0.3
    assert pitch_of(server.recordings.path_of(audio)) == pytest.approx(440, abs=5)


async def test_h264_is_recorded_as_it_is(place: Meeting) -> None:
    server = place.server
    call = studio(server)
    news = news_of(server)
    await place.guest("anna", name="studio", color=BLUE, preferredVideoCodecs=["H264"])
    await until(lambda: len(news) == 1)
    await media_flows(server, 20)
    call.complete()
    (info,) = (await completed(server, call, 1)).values()
    assert (info.codec, info.container) == ("H264", "mkv")
    pictures = pictures_of(server.recordings.path_of(info))
    assert all(is_color(picture.color, BLUE) for picture in pictures)
    assert len({picture.counter for picture in pictures}) == len(pictures) >= 20


async def test_rules_decide_and_each_period_is_a_recording_of_its_own(place: Meeting) -> None:
    server = place.server
    call = studio(server)
    news = news_of(server)
    call.set_recording_rules(VIDEO_ONLY)
    await place.guest("anna", name="studio", color=RED, tone=440.0)
    await until(lambda: [info.kind for _, info in news] == ["video"])
    call.set_recording_rules(EXCLUDE_ALL)
    await until(lambda: news[-1][0] == "completed")
    call.set_recording_rules(INCLUDE_ALL)
    await until(lambda: [what for what, _ in news].count("started") == 3)
    call.complete()
    found = await completed(server, call, 3)
    assert sorted(info.kind for info in found.values()) == ["audio", "video", "video"]
    videos = [info for info in found.values() if info.kind == "video"]
    assert videos[0].publication == videos[1].publication
    assert videos[0].offset_ms < videos[1].offset_ms


async def test_a_recording_of_the_whole_call_takes_every_track(place: Meeting) -> None:
    server = place.server
    user = await place.user("anna")
    news = news_of(server)
    await place.guest("ben", color=RED, tone=440.0)
    (call,) = server.calls.live.values()
    recording = call.activity.start_recording()
    await until(lambda: len(news) == 2)
    call.activity.pause_recording(recording)
    await until(lambda: len(news) == 4)
    call.activity.resume_recording(recording)
    await until(lambda: len(news) == 6)
    call.activity.stop_recording(recording)
    await until(lambda: len(news) == 8)
    assert user is not None
    assert len(await completed(server, call, 4)) == 4


async def test_who_is_silenced_is_not_kept(place: Meeting) -> None:
    server = place.server
    call = studio(server)
    news = news_of(server)
    guest = await place.guest("anna", name="studio", tone=440.0)
    await until(lambda: len(news) == 1)
    (endpoint,) = call.endpoints.values()
    (publication,) = endpoint.publications
    endpoint.silence(publication)
    before = next(server.recordings.folder.iterdir()).stat().st_size
    await media_flows(server, 100)
    guest.disconnect()
    await until(lambda: len(news) == 2)
    assert (news[1][1].size or 0) < before + 6000


async def test_a_publication_that_never_sends_has_no_recording(place: Meeting) -> None:
    server = place.server
    call = studio(server)
    news = news_of(server)
    guest = await place.guest("anna", name="studio")
    call.set_recording_rules(INCLUDE_ALL)
    guest.disconnect()
    call.complete()
    assert await completed(server, call, 0) == {}
    assert news == []


async def test_a_full_disk_fails_the_recording_and_the_call_goes_on(tmp_path: Path) -> None:
    async with meeting(data_dir=tmp_path, free_disk_floor=10**18) as place:
        server = place.server
        call = studio(server)
        news = news_of(server)
        anna = await place.guest("anna", name="studio", color=RED)
        await until(lambda: len(news) == 1)
        (what, info) = news[0]
        assert (what, info.status, info.codec) == ("failed", RecordingStatus.FAILED, "VP8")
        assert "are free on the disk" in info.failure
        assert await server.recordings.find(info.id) == info
        await place.guest("ben", name="studio", tone=440.0)
        await until(lambda: len(news) == 2)
        assert anna.state == "connected"
        await media_flows(server, 10)
        # Nobody tries again with each change of the call.
        call.refresh_recording()
        for publication in call.publications:
            assert publication.source is not None
            assert publication.source.tap is None  # type: ignore[attr-defined]
        call.complete()
        await server.recordings.settled(call.id)
        assert [what for what, _ in news] == ["failed", "failed"]
        assert list(server.recordings.folder.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; it needs a privilege that containers often have not."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        timeout=10,
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=10)


async def test_a_disk_that_fills_up_leaves_a_file_that_plays(
    tmp_path: Path, small_disk: Path
) -> None:
    async with meeting(data_dir=tmp_path, free_disk_floor=0) as place:
        server = place.server
        # The folder of the recordings alone is on the small disk.
        server.recordings.folder.rmdir()
        server.recordings.folder.symlink_to(small_disk)
        call = studio(server)
        news = news_of(server)
        anna = await place.guest("anna", name="studio", color=RED, tone=440.0)
        await until(lambda: len(news) == 2)
        await media_flows(server, 60)
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:
            while True:
                try:
                    if not file.write(bytes(4096)):
                        break
                except OSError:
                    break
        await until(lambda: [what for what, _ in news].count("failed") == 2)
        assert anna.state == "connected"
        for what, info in news:
            if what == "failed":
                assert "No space left" in info.failure
                if info.kind == "video":
                    assert pictures_of(server.recordings.path_of(info))
        call.complete()


async def test_what_a_killed_service_left_is_completed_or_failed(tmp_path: Path) -> None:
    plays = RecordingInfo(
        id="a" * 32,
        call="c" * 32,
        room="daily",
        endpoint="e" * 32,
        identity="anna",
        publication="d" * 32,
        name="camera",
        kind="video",
        codec="VP8",
        container="mkv",
        status=RecordingStatus.PROCESSING,
        created_at=1000.0,
        offset_ms=1_000_000,
    )
    lost, empty = replace(plays, id="b" * 32), replace(plays, id="f" * 32)
    options = {"data_dir": tmp_path}
    async with embedded(options=options) as server:
        folder = server.recordings.folder
        database: Database = server.database
        for info in (plays, lost, empty):
            database.put(RECORDINGS, info.as_row())
    write(folder / plays.file_name, is_closed=False)
    (folder / empty.file_name).write_bytes(b"")
    async with embedded(options=options) as server:
        recordings = server.recordings
        # Observers come too late for what happens at the start; compositions wait for it, too.
        async with asyncio.timeout(10):
            await recordings.settled(plays.call)
        all_found = [await recordings.find(info.id) for info in (plays, lost, empty)]
        found = [info for info in all_found if info is not None]
        assert [info.status for info in found] == ["completed", "failed", "failed"]
        assert found[0].size == (folder / plays.file_name).stat().st_size
        assert found[0].duration == pytest.approx(len(pictures_of(folder / plays.file_name)) / 10)
        assert "holds nothing" in found[2].failure or "failed" in found[2].failure


async def leave_endless(folder: Path) -> tuple[RecordingInfo, Path]:
    """What a killed service left, and its file, which is read until somebody closes it."""
    left = RecordingInfo(
        id="a" * 32,
        call="c" * 32,
        room="daily",
        endpoint="e" * 32,
        identity="anna",
        publication="d" * 32,
        name="microphone",
        kind="audio",
        codec="OPUS",
        container="mka",
        status=RecordingStatus.PROCESSING,
        created_at=1000.0,
        offset_ms=1_000_000,
    )
    async with embedded(options={"data_dir": folder}) as server:
        server.database.put(RECORDINGS, left.as_row())
        endless = server.recordings.folder / left.file_name
    os.mkfifo(endless)
    return left, endless


async def end(file: Path) -> None:
    """Let it have an end, once somebody reads it."""
    os.close(await asyncio.to_thread(os.open, file, os.O_WRONLY))


async def test_looking_at_what_was_left_holds_up_no_recording(tmp_path: Path) -> None:
    left, endless = await leave_endless(tmp_path)
    async with meeting(data_dir=tmp_path, free_disk_floor=0) as place:
        studio(place.server)
        news = news_of(place.server)
        guest = await place.guest("anna", name="studio", tone=440.0)
        await until(lambda: len(news) == 1)
        guest.disconnect()
        await until(lambda: [what for what, _ in news] == ["started", "completed"])
        found = await place.server.recordings.find(left.id)
        assert found == left
    # Its thread, for which nobody waits, ends.
    await end(endless)


async def test_who_is_renamed_while_what_was_left_is_read_stays_so(tmp_path: Path) -> None:
    left, endless = await leave_endless(tmp_path)
    async with embedded(options={"data_dir": tmp_path}) as server:
        server.recordings.rename(left.call, left.endpoint, "somebody")
        server.recordings.rename(left.call, "0" * 32, "somebody else")
        assert await server.recordings.find(left.id) == replace(left, identity="somebody")
        await end(endless)
        async with asyncio.timeout(10):
            await server.recordings.settled(left.call)
        found = await server.recordings.find(left.id)
        assert found is not None
        assert (found.status, found.identity) == (RecordingStatus.FAILED, "somebody")


async def test_media_that_a_slow_disk_cannot_take_is_left_out_and_told(place: Meeting) -> None:
    server = place.server
    call, news = studio(server), news_of(server)
    guest = await place.guest("anna", name="studio", color=RED)
    await until(lambda: len(news) == 1)
    await media_flows(server, 20)
    # Private on purpose: disks that are slow cannot be had everywhere.
    thread = server.recordings._studio.thread  # type: ignore[union-attr]
    most, thread._max_pending = thread._max_pending, 0
    await media_flows(server, 20)
    thread._max_pending = most
    await media_flows(server, 60)
    guest.disconnect()
    (info,) = (await completed(server, call, 1)).values()
    assert info.is_damaged
    counters = [picture.counter or 0 for picture in pictures_of(server.recordings.path_of(info))]
    steps = [two - one for one, two in pairwise(counters)]
    assert min(steps) > 0
    assert max(steps) > 3


async def test_another_codec_begins_another_recording(place: Meeting) -> None:
    server = place.server
    call, news = studio(server), news_of(server)
    await place.guest("anna", name="studio", color=RED)
    await until(lambda: len(news) == 1)
    # No client of ours changes its codec in the middle; `test_writer.py` has packets that do.
    (recorder,) = server.recordings._recorders[call.id].values()
    server.recordings._begin_anew(recorder)
    server.recordings._begin_anew(recorder)
    await until(lambda: sorted(what for what, _ in news) == ["completed", "started", "started"])
    call.complete()
    found = await completed(server, call, 2)
    assert len({info.publication for info in found.values()}) == 1


async def test_a_file_without_a_row_gets_one(tmp_path: Path) -> None:
    async with meeting(data_dir=tmp_path, free_disk_floor=0) as place:
        call, news = studio(place.server), news_of(place.server)
        guest = await place.guest("anna", name="studio", tone=440.0)
        await until(lambda: len(news) == 1)
        await media_flows(place.server, 20)
        guest.disconnect()
        (info,) = (await completed(place.server, call, 1)).values()
        folder = place.server.recordings.folder
        place.server.database.write(delete(RECORDINGS))
    (folder / f"{'a' * 32}.mkv").write_bytes(b"no recording")
    (folder / f"{'b' * 32}.mka").write_bytes((folder / info.file_name).read_bytes())
    async with meeting(data_dir=tmp_path) as place:
        recordings = place.server.recordings
        async with asyncio.timeout(10):
            # Observers come too late for what happens at the start.
            while (found := await recordings.find(info.id)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert found.duration == pytest.approx(info.duration or 0, abs=0.03)
        assert replace(found, duration=info.duration) == info
        assert len(await recordings.list(RecordingQuery())) == 1


async def test_deleting_takes_the_file_and_keeps_the_row(place: Meeting) -> None:
    server = place.server
    call = studio(server)
    news = news_of(server)
    guest = await place.guest("anna", name="studio", tone=440.0)
    await until(lambda: len(news) == 1)
    with pytest.raises(InvalidStateError):
        await server.recordings.delete(news[0][1].id)
    left = next_event(guest, "disconnected")
    call.complete()
    await left
    (info,) = (await completed(server, call, 1)).values()
    await server.recordings.delete(info.id)
    assert not server.recordings.path_of(info).exists()
    assert await server.recordings.find(info.id) == replace(info, status=RecordingStatus.DELETED)
    assert news[-1][0] == "deleted"
    for gone in (info.id, "0" * 32):
        with pytest.raises(ServiceError):
            await server.recordings.delete(gone)


async def test_a_service_that_stops_completes_its_recordings(tmp_path: Path) -> None:
    async with meeting(data_dir=tmp_path, free_disk_floor=0) as place:
        studio(place.server)
        news = news_of(place.server)
        await place.guest("anna", name="studio", tone=440.0)
        await until(lambda: len(news) == 1)
        await media_flows(place.server, 20)
        await place.server.close()
        assert [what for what, _ in news] == ["started", "completed"]
    async with meeting(data_dir=tmp_path) as place:
        assert await place.server.recordings.find(news[0][1].id) == news[1][1]
