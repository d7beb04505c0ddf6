"""Recordings of participants in real calls."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from acs_core.media.patterns import dominant_color
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED, Color, is_color
from tests.support.people import meeting
from twilio_compat import LocalVideoTrack, Room
from twilio_compat.recording import record


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def has(path: Path, color: Color) -> bool:
    return any(is_color(dominant_color(picture), color) for picture in pictures(path))


async def shown(room: Room, seconds: float = 0.6) -> None:
    """Let what is there be recorded for a while."""
    tracks = [
        publication.track
        for participant in room.participants.values()
        for publication in participant.video_tracks.values()
        if publication.track is not None
    ]
    surfaces = [track.attach() for track in tracks]
    await until(lambda: all(not one.is_blank for one in surfaces))  # type: ignore[attr-defined]
    await asyncio.sleep(seconds)
    for track in tracks:
        track.detach()


async def test_everybody_has_a_file_in_a_folder(tmp_path: Path) -> None:
    async with meeting() as place:
        watcher = await place.guest("watcher")
        await place.guest("../red", color=RED, tone=440.0)
        await until(lambda: len(watcher.participants) == 1)
        async with record(watcher, tmp_path / "calls") as recording:
            assert recording.files == ()
            await shown(watcher)
            await place.guest("blue", color=BLUE, tone=880.0)
            await until(lambda: len(watcher.participants) == 2)
            await shown(watcher)
        red, blue = recording.files
        assert await recording.stop() == (red, blue)
    assert (red.identity, blue.identity) == ("../red", "blue")
    assert {red.path.parent, blue.path.parent} == {tmp_path / "calls"}
    assert red.offset < 0.1 < blue.offset
    # Both end with the recording.
    assert red.offset + red.duration == pytest.approx(blue.offset + blue.duration, abs=0.1)
    assert has(red.path, RED)
    assert has(blue.path, BLUE)
    assert not has(blue.path, RED)


async def test_who_comes_back_goes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "one.mp4"
    async with meeting() as place:
        watcher = await place.guest("watcher")
        await place.guest("other", color=GREEN)
        recording = record(watcher, path, participant="bot")
        for color in (RED, BLUE):
            subscribed = next_event(watcher, "trackSubscribed")
            bot = await place.guest("bot", color=color)
            await subscribed
            await shown(watcher)
            gone = next_event(watcher, "participantDisconnected")
            bot.disconnect()
            await gone
            await bot.closed()
        (file,) = await recording.stop()
    assert (file.identity, file.path) == ("bot", path)
    assert has(path, RED)
    assert has(path, BLUE)
    assert not has(path, GREEN)


async def test_a_video_that_is_switched_off_by_its_sender_is_black(tmp_path: Path) -> None:
    async with meeting() as place:
        watcher = await place.guest("watcher")
        sender = await place.guest("sender", color=RED)
        await until(lambda: watcher.participants)
        recording = record(watcher, tmp_path / "a.mkv")
        await shown(watcher)
        publication = next(iter(sender.local_participant.video_tracks.values()))
        assert isinstance(publication.track, LocalVideoTrack)
        disabled = next_event(watcher, "trackDisabled")
        publication.track.disable()
        await disabled
        await asyncio.sleep(0.3)
        (file,) = await recording.stop()
    seen = pictures(file.path)
    assert has(file.path, RED)
    assert int(seen[-1].max()) < 24


async def test_a_recording_that_is_cancelled_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    async with meeting() as place:
        watcher = await place.guest("watcher")
        await place.guest("red", color=RED, tone=440.0)
        await until(lambda: watcher.participants)

        async def work() -> None:
            async with record(watcher, path):
                await shown(watcher, 3600.0)

        task = asyncio.create_task(work())
        await until(lambda: path.exists() and path.stat().st_size > 5_000)
        # As if the process had been killed: what is on the disk can be played.
        shutil.copy(path, tmp_path / "killed.mp4")
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    assert has(tmp_path / "killed.mp4", RED)
    assert has(path, RED)
    with av.open(str(path)) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}
        assert container.duration is not None
