from __future__ import annotations

import asyncio
from pathlib import Path

import av
import pytest

from acs_core.core.facts import PublicationKind
from acs_core.errors import InvalidArgumentError
from acs_core.media.patterns import dominant_color
from tests.support.fake_call import ScriptedReceiver, endpoint, publication
from tests.support.fake_room import room_of
from twilio_compat.connect import connect
from twilio_compat.remote_track import RemoteVideoTrack
from twilio_compat.room import Room
from twilio_compat.room_recording import RoomRecording
from twilio_compat.server import CompatServer, embedded
from twilio_compat.shown_video import ShownVideo

RED, BLUE = (200, 30, 30), (30, 30, 200)


async def _enter(
    server: CompatServer, identity: str, color: tuple[int, int, int] | None = None
) -> Room:
    return await connect(
        server.access_token(identity),
        name="r",
        audio=False if color is None else {"source": "tone"},
        video=False
        if color is None
        else {"source": "pattern", "width": 320, "height": 240, "color": color},
        service_url=server.url,
    )


def _videos(room: Room) -> dict[str, RemoteVideoTrack]:
    return {
        participant.identity: publication.track
        for participant in room.participants.values()
        for publication in participant.video_tracks.values()
        if publication.track is not None
    }


async def _subscribed(room: Room, count: int) -> dict[str, RemoteVideoTrack]:
    """The video tracks once there are so many."""
    changed = asyncio.Event()
    room.on("trackSubscribed", lambda: changed.set())
    async with asyncio.timeout(20):
        while len(videos := _videos(room)) < count:
            changed.clear()
            await changed.wait()
    return videos


async def _color(shown: ShownVideo) -> tuple[int, int, int]:
    async with asyncio.timeout(10):
        return dominant_color((await shown.__anext__()).to_rgb())


async def test_pictures_change_with_the_track_that_is_shown() -> None:
    async with (
        embedded() as server,
        await _enter(server, "red", RED),
        await _enter(server, "blue", BLUE),
        await _enter(server, "watcher") as room,
    ):
        videos = await _subscribed(room, 2)
        shown = ShownVideo()
        shown.show(videos["red"])
        assert (await _color(shown))[0] > 120
        shown.show(videos["blue"])
        assert (await _color(shown))[2] > 120
        shown.close()
        assert shown.track is None


async def test_room_is_recorded_with_sound_and_picture(tmp_path: Path) -> None:
    path = tmp_path / "room.mkv"
    async with embedded() as server, await _enter(server, "watcher") as room:
        recording = RoomRecording(path)
        recording.start(room)
        async with await _enter(server, "red", RED):
            videos = await _subscribed(room, 1)
            frames = videos["red"].frames("queue", max_queue=64)
            async with asyncio.timeout(20):
                for _ in range(20):
                    await frames.__anext__()
            frames.close()
        summary = await recording.close()
    assert summary.duration > 0.5
    with av.open(str(path)) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}


@pytest.mark.parametrize("name", ["missing/x.webm", "x.txt"])
def test_place_that_cannot_be_written_is_refused_before_the_call(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgumentError):
        RoomRecording(tmp_path / name)


async def test_a_recording_that_is_over_leaves_no_listener(tmp_path: Path) -> None:
    async with room_of() as (room, _):
        recording = RoomRecording(tmp_path / "a.mkv")
        recording.start(room)
        assert room.listener_count("trackSubscribed") == 1
        await recording.close()
        assert room.listener_count("trackSubscribed") == 0


async def test_sound_that_is_not_received_just_now_is_left_out(tmp_path: Path) -> None:
    sounding = endpoint("a", "ann", publication("1", PublicationKind.AUDIO))
    async with room_of(sounding, received={"1" * 32: ScriptedReceiver()}) as (room, session):
        session.receivers.clear()
        recording = RoomRecording(tmp_path / "a.mkv")
        recording.start(room)
        assert (await recording.close()).path == tmp_path / "a.mkv"
