from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, InvalidStateError, MediaError
from acs_core.media.frames import VideoFrame
from tests.support.events import until
from tests.support.fake_call import ScriptedReceiver
from tests.support.fake_room import ANN, only, room_of
from twilio_compat import create_local_audio_track, create_local_video_track
from twilio_compat.sinks import FileSink, WindowSink, open_sink


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
async def test_a_track_is_attached_to_a_file(tmp_path: Path, suffix: str) -> None:
    track = await create_local_video_track(source="pattern", width=96, height=48)
    sink = track.attach(tmp_path / f"a{suffix}")
    assert isinstance(sink, FileSink)
    assert track.attach(sink) is track.attach(str(tmp_path / f"a{suffix}")) is sink
    with pytest.raises(InvalidStateError, match="Detach it first"):
        await sink.closed()
    surface = track.attach()
    await until(lambda: surface.frame_count > 10)  # type: ignore[attr-defined]
    assert track.detach() == [sink, surface]
    summary = await sink.closed()
    assert (summary.path, sink.path) == (tmp_path / f"a{suffix}", summary.path)
    with av.open(str(sink.path)) as container:
        assert len(container.streams) == 1
        frames = list(container.decode(video=0))
    assert len(frames) >= 10
    assert sink.dropped == 0
    assert (frames[0].width, frames[0].height) == (96, 48)
    track.stop()
    await track.closed()


async def test_sound_is_attached_to_a_file_twice(tmp_path: Path) -> None:
    track = await create_local_audio_track(source="tone")
    for number in range(2):
        sink = track.attach(str(tmp_path / f"{number}.mkv"))
        frames = track.frames()
        for _ in range(15):
            await anext(frames)
        frames.close()
        assert track.detach(tmp_path / f"{number}.mkv") is sink
        sink.blank()
        assert isinstance(sink, FileSink)
        assert (await sink.closed()).duration > 0.2
    track.stop()
    await track.closed()


async def test_what_cannot_be_attached_is_refused(tmp_path: Path) -> None:
    track = await create_local_audio_track(source="tone")
    for element in ("#video", str(tmp_path / "none" / "a.mp4"), "window"):
        with pytest.raises(InvalidArgumentError):
            track.attach(element)
    assert track.detach() == []
    with pytest.raises(InvalidArgumentError, match="not attached to"):
        track.detach("window")
    track.stop()
    await track.closed()


@pytest.mark.skipif("DISPLAY" in os.environ, reason="there is a display")
async def test_without_a_display_there_is_no_window() -> None:
    with pytest.raises(MediaError) as caught:
        open_sink("window", "video", "cam")
    assert caught.value.next_step


async def test_a_file_for_a_track_that_is_not_received_is_closed_again(tmp_path: Path) -> None:
    async with room_of(ANN, received={"1" * 32: ScriptedReceiver()}) as (room, session):
        publication = next(iter(only(room).video_tracks.values()), None)
        assert publication is not None
        track = publication.track
        assert track is not None
        session.receivers.clear()
        with pytest.raises(InvalidStateError):
            track.attach(tmp_path / "a.mkv")
        assert track.detach() == []


async def test_a_file_is_complete_when_its_track_is_not_received_any_more(tmp_path: Path) -> None:
    receiver = ScriptedReceiver()
    async with room_of(ANN, received={"1" * 32: receiver}) as (room, _):
        (publication,) = only(room).video_tracks.values()
        track = publication.track
        assert track is not None
        sink = track.attach(tmp_path / "a.mkv")
        assert isinstance(sink, FileSink)
        receiver.queue.put_nowait(VideoFrame.from_ndarray(np.zeros((48, 96, 3), np.uint8)))
        await until(lambda: track.is_started)
        publication._unsubscribe()
        assert (await sink.closed()).video_frames > 0
        assert track.detach() == [sink]
    assert _pictures(tmp_path / "a.mkv")


def test_a_file_is_complete_when_the_program_is_cancelled(tmp_path: Path) -> None:
    async def program() -> None:
        track = await create_local_video_track(source="pattern", width=96, height=48)
        sink = track.attach(tmp_path / "a.webm")
        frames = track.frames()
        for _ in range(10):
            await anext(frames)
        assert isinstance(sink, FileSink)

    asyncio.run(program())
    assert _pictures(tmp_path / "a.webm")


async def test_a_file_whose_encoder_is_too_slow_is_closed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twilio_compat.sinks._DRAIN_DEADLINE", 0.0)
    sink = FileSink(tmp_path / "a.mkv", "video")
    for _ in range(40):
        sink.show(VideoFrame.from_ndarray(np.zeros((480, 640, 3), np.uint8)))
    sink.blank()
    assert (await sink.closed()).path == tmp_path / "a.mkv"


@pytest.mark.skipif(find_spec("tkinter") is None, reason="this Python has no tkinter")
async def test_a_window_that_a_person_closed_is_opened_again(display: None) -> None:
    track = await create_local_video_track(source="pattern", width=96, height=48)
    first = track.attach("window")
    assert isinstance(first, WindowSink)
    assert track.attach("window") is first
    first.blank()
    await first.closed()
    second = track.attach("window")
    assert isinstance(second, WindowSink)
    assert second is not first
    assert second.is_open
    await until(lambda: second.surface.frame_count > 0)
    assert track.detach() == [second]
    await second.closed()
    track.stop()
    await track.closed()


def _pictures(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
