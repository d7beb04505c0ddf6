import asyncio
import threading
from pathlib import Path

import av
import numpy as np
import pytest

from acs_core.errors import MediaError, SourceUnavailableError, Stage
from acs_core.media.files import FileSource
from acs_core.media.frames import AudioFrame, VideoFrame, av_audio_frame
from acs_core.media.patterns import PatternPainter, dominant_frequency, read_counter, tone
from acs_core.media.sources import SourceEndedError, av_picture


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten numbered pictures at 25 per second and 0.4 s of a 440 Hz tone at 44.1 kHz stereo."""
    path = tmp_path_factory.mktemp("media") / "clip.mkv"
    painter = PatternPainter(320, 180, (200, 40, 60))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx", rate=25, options={"deadline": "realtime"})
        video.width, video.height, video.bit_rate = 320, 180, 500_000
        audio = container.add_stream("flac", rate=44_100)
        audio.layout = "stereo"
        for index in range(10):
            frame = av_picture(painter.draw(index), time=index / 25)
            container.mux(video.encode(frame))
        wave = tone(0, 17_640, frequency_hz=440, level_dbov=-20, rate=44_100)
        stereo = wave.reshape(-1, 1).repeat(2, axis=1)
        container.mux(audio.encode(av_audio_frame(stereo, pts=0, sample_rate=44_100)))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


async def test_video_file_plays_in_real_time_and_ends(clip: Path) -> None:
    source = FileSource(clip, "video")
    ended = asyncio.Event()
    source.on_ended(ended.set)
    loop = asyncio.get_running_loop()
    reader = await source.open()
    start = loop.time()
    frames = [VideoFrame(frame) async for frame in reader]
    assert 0.3 < loop.time() - start < 1.5
    assert [read_counter(frame.to_rgb()) for frame in frames] == list(range(10))
    assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in range(10)])
    await asyncio.wait_for(ended.wait(), 1)
    assert source.label == "clip.mkv"
    await source.close()


async def test_audio_file_becomes_48_khz_in_20_ms_frames(clip: Path) -> None:
    source = FileSource(clip, "audio")
    reader = await source.open()
    frames = [AudioFrame.from_av(frame) async for frame in reader]
    assert {frame.samples.shape for frame in frames} == {(960, 2)}
    assert len(frames) == pytest.approx(20, abs=1)
    assert [frame.time for frame in frames] == pytest.approx([n * 0.02 for n in range(len(frames))])
    sound = np.concatenate([frame.samples for frame in frames[2:-2]])
    assert dominant_frequency(sound, 48_000) == pytest.approx(440, abs=2)
    await source.close()


@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_looping_file_starts_again_with_rising_times(clip: Path, kind: str) -> None:
    source = FileSource(clip, kind, loop=True)
    reader = await source.open()
    times, numbers = [], []
    while not times or times[-1] < 0.6:
        frame = await reader.read()
        times.append(frame.time)
        if kind == "video":
            numbers.append(read_counter(VideoFrame(frame).to_rgb()))
    assert times == sorted(set(times))
    assert np.diff(times).max() < 0.1
    if kind == "video":
        assert {0, 9} <= set(numbers)
        assert numbers[-1] == round(times[-1] * 25) % 10
    await source.close()


async def test_closing_ends_the_worker_thread(clip: Path) -> None:
    before = threading.active_count()
    source = FileSource(clip, "video", loop=True)
    reader = await source.open()
    await reader.read()
    worker = [thread for thread in threading.enumerate() if "clip.mkv" in thread.name]
    assert len(worker) == 1
    await source.close()
    await asyncio.to_thread(worker[0].join, 2)
    assert not worker[0].is_alive()
    # asyncio.to_thread made one thread of its own.
    assert threading.active_count() <= before + 1


async def test_unpaced_file_is_read_at_once(clip: Path) -> None:
    source = FileSource(clip, "audio", realtime=False)
    reader = await source.open()
    loop = asyncio.get_running_loop()
    start = loop.time()
    async for _frame in reader:
        pass
    assert loop.time() - start < 0.3
    await source.close()


async def test_missing_file_names_the_problem_and_the_next_step(tmp_path: Path) -> None:
    source = FileSource(tmp_path / "none.mp4", "video")
    with pytest.raises(SourceUnavailableError, match="does not exist") as failure:
        await source.open()
    error = failure.value
    assert (error.code, error.sub_code, error.stage) == (412, 43000, Stage.DEVICE)
    assert error.next_step
    await source.close()


async def test_file_without_the_stream_or_without_media_is_refused(tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000)
        stream.layout = "mono"
        container.mux(stream.encode(av_audio_frame(np.zeros((960, 1), np.int16), pts=0)))
    with pytest.raises(SourceUnavailableError, match="has no video"):
        await FileSource(sound, "video").open()
    text = tmp_path / "text.mp4"
    text.write_text("This is not a film.")
    with pytest.raises(SourceUnavailableError, match="cannot be opened"):
        await FileSource(text, "video").open()


@pytest.fixture
def damaged_clip(clip: Path, tmp_path: Path) -> Path:
    path = tmp_path / "damaged.mkv"
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    return path


async def test_damaged_file_fails_or_ends_but_never_hangs(damaged_clip: Path) -> None:
    source = FileSource(damaged_clip, "video", realtime=False)
    reader = await source.open()

    async def read_all() -> None:
        while True:
            await reader.read()

    with pytest.raises((SourceEndedError, MediaError)):
        await asyncio.wait_for(read_all(), 2)
    await source.close()


async def test_open_that_is_cancelled_closes_the_file(clip: Path) -> None:
    source = FileSource(clip, "video")
    opening = asyncio.create_task(source.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    reader = await source.open()
    assert (await reader.read()).width == 320
    await source.close()
