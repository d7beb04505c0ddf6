from __future__ import annotations

import asyncio
import gc
import threading

import av
import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, InvalidStateError, SourceUnavailableError
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sinks import FrameSurface
from acs_core.media.sources import PatternSource, ToneSource
from tests.support.events import until
from tests.support.sources import HeldSource
from twilio_compat import (
    AudioSink,
    LocalAudioTrack,
    LocalDataTrack,
    LocalVideoTrack,
    create_local_audio_track,
    create_local_tracks,
    create_local_video_track,
    createLocalVideoTrack,
)


async def finish(*tracks: LocalAudioTrack | LocalVideoTrack) -> None:
    for track in tracks:
        track.stop()
        await track.closed()


@pytest.mark.feature("AUDIO-001")
async def test_tracks_are_made_from_words() -> None:
    audio, video = await create_local_tracks(audio={"source": "tone"}, video={"source": "pattern"})
    assert isinstance(audio, LocalAudioTrack)
    assert isinstance(video, LocalVideoTrack)
    assert (audio.kind, video.kind, audio.name) == ("audio", "video", audio.id)
    assert await create_local_tracks({"audio": False, "video": False}) == []
    await finish(audio, video)


async def test_the_first_frame_starts_a_local_track() -> None:
    track = await createLocalVideoTrack({"source": "pattern", "width": 320, "height": 180})
    started = asyncio.Event()
    track.on("started", started.set)
    async with asyncio.timeout(5):
        await started.wait()
    assert (track.isStarted, track.dimensions.width, track.dimensions.height) == (True, 320, 180)
    await finish(track)


async def test_frames_are_iterated_and_counted_from_zero() -> None:
    track = await create_local_audio_track(source="tone", frequency=1000)
    frames = track.frames()
    first = await anext(frames)
    assert (first.time, first.sample_rate, first.samples.shape) == (0.0, 48000, (960, 1))
    assert frames.dropped == 0
    await frames.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(frames)
    await finish(track)


async def test_modes_and_queues_are_checked() -> None:
    track = LocalVideoTrack(PatternSource())
    with pytest.raises(ValueError, match="mode must be one of"):
        track.frames("newest")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_queue"):
        track.frames("queue", max_queue=0)
    await finish(track)


@pytest.mark.feature("RENDER-001", "RENDER-027", "RENDER-028", "RENDER-029")
async def test_attach_shows_frames_and_detach_takes_them_away() -> None:
    track = await create_local_video_track(source="pattern", name="cam")
    surface = track.attach()
    assert isinstance(surface, FrameSurface)
    assert track.attach(surface) is surface
    frames = track.frames()
    async with asyncio.timeout(5):
        while surface.frame_count < 2:
            await anext(frames)
    frames.close()
    assert track.detach() == [surface]
    assert surface.is_blank
    assert track.detach(surface) is surface
    await finish(track)


@pytest.mark.feature("AUDIO-004")
async def test_a_local_audio_sink_is_muted() -> None:
    track = await create_local_audio_track(source="tone")
    sink = track.attach()
    assert isinstance(sink, AudioSink)
    heard = asyncio.Event()
    stop = track.on_frame(lambda _frame: heard.set())
    async with asyncio.timeout(5):
        await heard.wait()
    stop()
    assert sink.muted
    assert sink.drain() == []
    await finish(track)


async def test_a_failing_frame_receiver_is_contained(caplog: pytest.LogCaptureFixture) -> None:
    track = await create_local_audio_track(source="tone")
    seen = asyncio.Event()

    def fails(_frame: object) -> None:
        raise RuntimeError("broken")

    track.on_frame(fails)
    track.on_frame(lambda _frame: seen.set())
    async with asyncio.timeout(5):
        await seen.wait()
    assert "broken" in caplog.text
    track._end_frames()
    await finish(track)


async def test_written_frames_start_the_track_once_somebody_reads() -> None:
    track = await create_local_video_track(source="program")
    picture = np.zeros((48, 64, 3), np.uint8)
    assert track.write(picture) is False
    assert not track.is_started
    reader = await track.media_stream_track.open()
    assert track.write(picture) is True
    assert track.is_started
    reader.close()
    await finish(track)
    assert track.write(picture) is False


async def test_written_sound() -> None:
    track = await create_local_audio_track(source="program")
    reader = await track.media_stream_track.open()
    assert track.write(np.zeros(960, np.int16)) is True
    assert track.is_started
    reader.close()
    await finish(track)
    assert track.write(np.zeros(960, np.int16)) is False


async def test_only_program_tracks_are_written() -> None:
    audio, video = LocalAudioTrack(ToneSource()), LocalVideoTrack(PatternSource())
    with pytest.raises(InvalidStateError, match="own source"):
        audio.write(np.zeros(960, np.int16))
    with pytest.raises(InvalidStateError, match="own source"):
        video.write(np.zeros((48, 64, 3), np.uint8))
    await finish(audio, video)


@pytest.mark.feature("VIDEO-005")
async def test_enable_tells_only_changes() -> None:
    track = LocalVideoTrack(PatternSource())
    heard: list[str] = []
    track.on("enabled", lambda: heard.append("on")).on("disabled", lambda: heard.append("off"))
    assert track.enable() is track
    track.disable().enable().enable()
    assert heard == ["off", "on"]
    await finish(track)


async def test_stop_is_told_once_and_is_for_good() -> None:
    track = await create_local_video_track(source="pattern")
    heard: list[object] = []
    track.on("stopped", heard.append)
    assert track.stop() is track
    track.stop()
    await track.closed()
    assert heard == [track]
    assert track.isStopped
    assert not track.isMuted
    assert [frame async for frame in track.frames()] == []


async def test_restart_goes_on_with_a_new_source() -> None:
    track = await create_local_video_track(source="pattern", width=320, height=180)
    before = track.media_stream_track
    await track.restart(source="pattern", width=640, height=360)
    assert track.mediaStreamTrack is not before
    assert before.is_ended
    assert not track.is_stopped
    await track.restart()
    frame = await anext(frames := track.frames())
    assert (frame.width, frame.height) == (640, 360)
    frames.close()
    await finish(track)


async def test_a_track_made_by_hand_is_not_restarted() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), {"name": "mine"})
    assert track.name == "mine"
    with pytest.raises(TypeError, match="Illegal call to restart"):
        await track.restart()
    await finish(track)


@pytest.mark.parametrize("source", ["tone", "microphone"])
async def test_sound_is_no_video_source(source: str) -> None:
    with pytest.raises(InvalidArgumentError, match="no video source"):
        await create_local_video_track(source=source)


async def test_a_source_of_the_other_kind_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="no video source"):
        await create_local_video_track(source=ToneSource())
    with pytest.raises(TypeError, match="must be a audio MediaSource"):
        LocalAudioTrack(PatternSource())


async def test_what_does_not_exist_is_told_with_a_next_step() -> None:
    with pytest.raises(SourceUnavailableError):
        await create_local_audio_track(source="/no/such/file.wav")
    with pytest.raises(SourceUnavailableError, match="no camera 'x'") as caught:
        await create_local_video_track(source="camera", device_id="x")
    assert caught.value.next_step


def test_data_tracks() -> None:
    track = LocalDataTrack({"ordered": False, "maxRetransmits": 2, "name": "chat"})
    assert (track.kind, track.name, track.ordered) == ("data", "chat", False)
    assert (track.maxRetransmits, track.maxPacketLifeTime) == (2, None)
    assert (track.reliable, track.isEnabled) == (False, True)
    assert str(track) == track.to_string()
    assert track.to_json() == {"kind": "data", "name": "chat"}


async def test_what_is_attached_goes_on_over_a_restart() -> None:
    track = await create_local_video_track(source="pattern", width=320, height=180)
    surface = track.attach()
    assert isinstance(surface, FrameSurface)
    await track.restart(source="pattern", width=640, height=360)
    frames = track.frames()
    async with asyncio.timeout(5):
        while surface.frame is None or surface.frame.width != 640:
            await anext(frames)
    frames.close()
    await finish(track)


async def test_a_stop_while_the_track_restarts_wins() -> None:
    track = await create_local_video_track(source="pattern")
    heard: list[object] = []
    track.on("stopped", heard.append)
    restarting = asyncio.create_task(track.restart())
    await asyncio.sleep(0)
    track.stop()
    await restarting
    assert (heard, track.is_stopped) == ([track], True)
    await track.closed()


async def test_a_restart_that_fails_leaves_a_stopped_track() -> None:
    track = await create_local_video_track(source="pattern")
    heard: list[object] = []
    track.on("stopped", heard.append)
    with pytest.raises(SourceUnavailableError):
        await track.restart(source="/no/such/file.mp4")
    assert (heard, track.is_stopped) == ([track], True)
    await track.restart()
    assert not track.is_stopped
    await finish(track)


async def test_writing_from_a_thread_tells_on_the_event_loop() -> None:
    track = await create_local_video_track(source="program")
    threads: list[int] = []
    started = asyncio.Event()
    track.on("started", lambda: threads.append(threading.get_ident()))
    track.on("started", started.set)
    reader = await track.media_stream_track.open()
    assert await asyncio.to_thread(track.write, np.zeros((48, 64, 3), np.uint8))
    async with asyncio.timeout(2):
        await started.wait()
    assert threads == [threading.get_ident()]
    assert (track.dimensions.width, track.dimensions.height) == (64, 48)
    reader.close()
    await finish(track)


async def test_waiting_for_a_running_track_leaves_its_sinks_alone() -> None:
    track = await create_local_audio_track(source="tone")
    heard = asyncio.Event()
    await track.closed()
    track.on_frame(lambda _frame: heard.set())
    await track.closed()
    async with asyncio.timeout(5):
        await heard.wait()
    assert not track.is_stopped
    await finish(track)


async def test_frames_that_nobody_holds_are_not_read() -> None:
    track = LocalVideoTrack(PatternSource())
    async for _ in track.frames():
        break
    gc.collect()
    await until(lambda: not track.media_stream_track.is_capturing)
    await finish(track)


async def test_a_source_that_gives_no_frames_mutes_its_track() -> None:
    source = HeldSource()
    track = LocalAudioTrack(source)
    told: list[str] = []
    track.on("muted", lambda one: told.append(f"muted {one is track}"))
    track.on("unmuted", lambda one: told.append(f"unmuted {one is track}"))
    frames = track.frames()
    source.give()
    await anext(frames)
    assert track.isMuted is False
    await until(lambda: track.isMuted)
    source.give()
    await anext(frames)
    assert (track.is_muted, told) == (False, ["muted True", "unmuted True"])
    await until(lambda: track.isMuted)
    track.stop()
    assert not track.is_muted
    frames.close()
    await finish(track)


class SlowSource(HeldSource):
    """A device that opens when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_open = asyncio.Event()

    async def _prepare(self) -> None:
        await self.may_open.wait()


async def test_frames_that_are_closed_while_the_device_opens_let_go_of_it() -> None:
    source = SlowSource()
    track = LocalAudioTrack(source)
    frames = track.frames()
    waiting = asyncio.create_task(anext(frames, None))
    await asyncio.sleep(0)
    frames.close()
    source.may_open.set()
    async with asyncio.timeout(5):
        assert await waiting is None
    assert not source.is_capturing
    await finish(track)


async def test_closing_frames_ends_who_waits_for_one() -> None:
    track = LocalAudioTrack(HeldSource())
    frames = track.frames()
    waiting = asyncio.create_task(anext(frames, None))
    await until(lambda: track.media_stream_track.is_capturing)
    frames.close()
    async with asyncio.timeout(5):
        assert await waiting is None
    await finish(track)


async def test_frames_of_pyav_are_written_and_put() -> None:
    track = await create_local_video_track(source="program")
    frames = track.frames()
    reading = asyncio.create_task(anext(frames))
    await until(lambda: track.media_stream_track.is_capturing)
    picture = av.VideoFrame.from_ndarray(np.zeros((51, 65, 3), np.uint8), format="rgb24")
    assert track.write(picture)
    assert (await reading).width == 64
    await track.put(picture)
    assert (track.dimensions.width, track.dimensions.height) == (64, 50)
    frames.close()
    await finish(track)
