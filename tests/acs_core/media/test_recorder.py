import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, InvalidStateError, MediaError, TransportError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import dominant_frequency, read_counter
from acs_core.media.recorder import Recorder
from acs_core.media.recording import RecordingOptions
from acs_core.media.sources import MediaSource, PatternSource, ToneSource


async def pictures(source: MediaSource, count: int) -> AsyncIterator[VideoFrame]:
    reader = await source.open()
    for _ in range(count):
        yield VideoFrame(await reader.read())
    reader.close()


async def sounds(source: MediaSource, count: int) -> AsyncIterator[AudioFrame]:
    reader = await source.open()
    for _ in range(count):
        yield AudioFrame.from_av(await reader.read())
    reader.close()


async def for_ever(frame: VideoFrame) -> AsyncIterator[VideoFrame]:
    while True:
        yield frame
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("suffix", ["webm", "mkv", "mp4"])
async def test_live_picture_and_sound_are_recorded(tmp_path: Path, suffix: str) -> None:
    video, audio = PatternSource(320, 180), ToneSource(700)
    path = tmp_path / f"live.{suffix}"
    recorder = Recorder(path)
    recorder.add_video(pictures(video, 20))
    recorder.add_audio(sounds(audio, 35))
    await asyncio.sleep(0.75)  # Real media takes real time.
    summary = await recorder.close()
    assert summary.duration == pytest.approx(0.7, abs=0.15)
    assert summary.video_frames >= 15
    with av.open(str(path)) as container:
        numbers = [
            read_counter(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)
        ]
    with av.open(str(path)) as container:
        parts = [AudioFrame.from_av(frame).samples for frame in container.decode(audio=0)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) >= 15
    sound = np.concatenate(parts)[4_800:24_000]
    assert dominant_frequency(sound, 48_000) == pytest.approx(700, abs=5)
    await video.close()
    await audio.close()


async def test_close_ends_tasks_and_thread_and_may_be_repeated(tmp_path: Path) -> None:
    frame = VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))
    recorder = Recorder(tmp_path / "a.webm", RecordingOptions(has_audio=False))
    recorder.add_video(for_ever(frame))
    with pytest.raises(InvalidStateError, match="one video"):
        recorder.add_video(for_ever(frame))
    await asyncio.sleep(0)
    first = await recorder.close()
    assert await recorder.close() is first
    with pytest.raises(InvalidStateError, match="closed"):
        recorder.add_audio(sounds(ToneSource(), 1))
    assert {task.get_name() for task in asyncio.all_tasks()} & {"recorder writer"} == set()
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("recorder")]
    for worker in workers:
        await asyncio.to_thread(worker.join, 2)
        assert not worker.is_alive()


async def test_stream_that_fails_ends_and_the_recording_goes_on(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[VideoFrame]:
        yield VideoFrame.from_ndarray(np.full((48, 64, 3), 200, np.uint8))
        raise TransportError("The link was lost.")

    async with Recorder(tmp_path / "a.webm", RecordingOptions(has_audio=False)) as recorder:
        recorder.add_video(broken())
        await asyncio.sleep(0.05)
    assert (await recorder.close()).video_frames == 1
    assert recorder.failure is None


async def test_file_that_cannot_be_written_fails_at_close_and_blocks_nobody(
    tmp_path: Path,
) -> None:
    recorder = Recorder(tmp_path / "none" / "a.webm", RecordingOptions(has_audio=False))
    frame = VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))

    async def many() -> AsyncIterator[VideoFrame]:
        for _ in range(500):
            yield frame

    recorder.add_video(many())
    await asyncio.sleep(0.05)
    with pytest.raises(MediaError, match="cannot be written"):
        await recorder.close()
    assert recorder.failure is not None
    with pytest.raises(MediaError):
        await recorder.close()


async def test_recorder_without_streams_makes_an_empty_file(tmp_path: Path) -> None:
    async with Recorder(tmp_path / "a.mp4") as recorder:
        pass
    assert (await recorder.close()).duration == 0
    with pytest.raises(InvalidArgumentError):
        Recorder(tmp_path / "a.gif")


async def cancelled_at_the_file(recorder: Recorder) -> None:
    """Close a recorder, and give it up as soon as it has begun to."""
    closing = asyncio.create_task(recorder.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()


def pictures_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return len([*container.decode(video=0)])


async def test_a_file_is_finished_though_who_closes_it_is_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    recorder = Recorder(path, RecordingOptions(has_audio=False))
    recorder.add_video(for_ever(VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
    await asyncio.sleep(0.05)
    await cancelled_at_the_file(recorder)
    first, second = await asyncio.gather(recorder.close(), recorder.close())
    assert first is second
    assert pictures_in(path) == first.video_frames > 0


def test_a_file_is_finished_when_the_program_ends_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"

    async def program() -> None:
        recorder = Recorder(path, RecordingOptions(has_audio=False))
        recorder.add_video(for_ever(VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        await asyncio.sleep(0.05)
        await cancelled_at_the_file(recorder)

    asyncio.run(program())
    assert pictures_in(path) > 0
