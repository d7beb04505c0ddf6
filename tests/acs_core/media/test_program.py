import asyncio

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import dominant_frequency, tone
from acs_core.media.program import PcmBuffer, ProgramAudioSource, ProgramVideoSource
from acs_core.media.sources import SourceEndedError
from tests.support.events import until

TICK = 960


def ramp(count: int, start: int = 1) -> np.ndarray:
    return (np.arange(start, start + count) % 30_000 + 1).astype(np.int16).reshape(-1, 1)


@given(st.lists(st.integers(0, 3000), max_size=40))
def test_buffer_keeps_every_taken_sample_in_order(sizes: list[int]) -> None:
    buffer = PcmBuffer(1)
    taken, heard, position = [], [], 0
    for size in sizes:
        part = ramp(size, position)
        if buffer.push(part):
            taken.append(part)
            position += size
        heard.append(buffer.pop())
    while buffer.buffered:
        heard.append(buffer.pop())
    sound = np.concatenate([np.zeros((0, 1), np.int16), *heard])
    assert all(len(frame) == TICK for frame in heard)
    # Silence is inserted, nothing is lost: what is not zero is what was written.
    expected = np.concatenate([np.zeros((0, 1), np.int16), *taken])
    assert np.array_equal(sound[sound != 0], expected[:, 0])


def test_writer_three_times_too_fast_is_refused_two_thirds_of_the_time() -> None:
    buffer = PcmBuffer(1)
    for _ in range(200):
        for _ in range(3):
            buffer.push(ramp(TICK))
        buffer.pop()
    assert 390 <= buffer.refused <= 400
    assert buffer.buffered <= 9600
    assert buffer.underruns == 0


def test_late_writer_gets_silence_once_and_not_a_stutter() -> None:
    buffer = PcmBuffer(1)
    buffer.push(ramp(2 * TICK))
    assert buffer.pop().all()
    assert buffer.pop().all()
    assert not buffer.pop().any()  # The writer is late.
    assert buffer.underruns == 1
    buffer.push(ramp(TICK))
    assert not buffer.pop().any()  # 20 ms are not enough to go on.
    buffer.push(ramp(TICK))
    assert buffer.pop().all()
    assert buffer.pop().all()


def test_tail_shorter_than_a_frame_is_played() -> None:
    buffer = PcmBuffer(1)
    buffer.push(ramp(100))
    assert not buffer.pop().any()
    frame = buffer.pop()
    assert frame[:100].all()
    assert not frame[100:].any()
    assert buffer.buffered == 0
    buffer.clear()
    assert not buffer.pop().any()


async def test_video_is_taken_only_while_somebody_reads() -> None:
    source = ProgramVideoSource()
    picture = np.full((48, 64, 3), (200, 40, 60), dtype=np.uint8)
    assert source.write(picture) is False
    reader = await source.open()
    assert source.write(picture) is True
    picture[:] = 0
    frame = await reader.read()
    assert frame.format.name == "yuv420p"
    seen = VideoFrame(frame).to_rgb()[24, 32]
    assert np.abs(seen.astype(int) - (200, 40, 60)).max() < 4
    await source.close()
    assert source.write(picture) is False
    assert (source.written, source.refused) == (1, 2)


@pytest.mark.parametrize(
    ("frame", "size"),
    [
        (np.zeros((49, 65, 3), np.uint8), (64, 48)),
        (np.full((72, 64), 128, np.uint8), (64, 48)),
        (VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8)), (64, 48)),
        (av.VideoFrame(64, 48, "yuv420p"), (64, 48)),
        (av.VideoFrame(65, 49, "yuv420p"), (64, 48)),
        (av.VideoFrame(64, 48, "yuyv422"), (64, 48)),
    ],
)
async def test_every_kind_of_picture_becomes_i420_with_even_sides(frame, size) -> None:
    source = ProgramVideoSource()
    reader = await source.open()
    assert source.write(frame)
    sent = await reader.read()
    assert (sent.width, sent.height, sent.format.name) == (*size, "yuv420p")
    assert sent is not frame
    await source.close()


async def test_writers_picture_keeps_its_own_time() -> None:
    source = ProgramVideoSource()
    await source.open()
    mine = av.VideoFrame(64, 48, "yuv420p")
    mine.pts = 4711
    assert source.write(mine)
    assert mine.pts == 4711
    await source.close()


async def test_more_pictures_than_the_limit_are_refused() -> None:
    source = ProgramVideoSource(max_frame_rate=10)
    await source.open()
    picture = np.zeros((48, 64, 3), np.uint8)
    answers = [source.write(picture) for _ in range(10)]
    assert answers[0] is True
    # Half an interval of tolerance lets a second one in, when the first was late.
    assert sum(answers) <= 2
    await source.close()


async def test_video_may_be_written_from_another_thread() -> None:
    source = ProgramVideoSource()
    reader = await source.open()
    assert await asyncio.to_thread(source.write, np.zeros((48, 64, 3), np.uint8))
    assert (await reader.read()).width == 64
    await source.close()


@pytest.mark.parametrize("bad", [np.zeros((1, 8, 3), np.uint8), np.zeros((4, 4)), "picture", None])
async def test_what_is_no_picture_is_refused(bad: object) -> None:
    source = ProgramVideoSource()
    with pytest.raises(InvalidArgumentError):
        source.write(bad)
    with pytest.raises(InvalidArgumentError):
        ProgramVideoSource(max_frame_rate=0)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (16_000, 1), (44_100, 2)])
async def test_sound_of_any_rate_keeps_its_pitch(rate: int, channels: int) -> None:
    source = ProgramAudioSource()
    reader = await source.open()
    wave = tone(0, rate // 5 - 1000, frequency_hz=500, level_dbov=-20, rate=rate)
    assert source.write(wave.reshape(-1, 1).repeat(channels, axis=1), sample_rate=rate)
    frames = [AudioFrame.from_av(await reader.read()).samples for _ in range(10)]
    sound = np.concatenate(frames)
    loud = sound[np.nonzero(sound[:, 0])[0][0] :][:4800]
    assert dominant_frequency(loud, 48_000) == pytest.approx(500, abs=5)
    await source.close()


async def test_sound_beyond_200_ms_is_refused_and_counted() -> None:
    source = ProgramAudioSource(channels=2)
    assert source.write(ramp(TICK)) is False  # Nobody reads.
    await source.open()
    answers = [source.write(AudioFrame.from_ndarray(ramp(TICK))) for _ in range(15)]
    assert answers == [True] * 10 + [False] * 5
    assert source.refused == 5
    assert source.buffered == pytest.approx(0.2)
    assert source.underruns == 0
    await source.close()
    assert source.write(ramp(TICK)) is False


@pytest.mark.parametrize("bad", [np.zeros(4), np.zeros((4, 3), np.int16)])
def test_what_is_no_sound_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InvalidArgumentError):
        ProgramAudioSource().write(bad)
    with pytest.raises(InvalidArgumentError):
        ProgramAudioSource(channels=3)


async def test_sound_that_is_put_comes_out_whole_and_at_the_pace_of_real_time() -> None:
    source = ProgramAudioSource()
    written = np.arange(1, 24_001, dtype=np.int16)
    putting = asyncio.create_task(source.put(written))
    reader = await source.open()
    heard: list[np.ndarray] = []
    async with asyncio.timeout(5):
        while sum(map(len, heard)) < len(written):
            samples = AudioFrame.from_av(await reader.read()).samples[:, 0]  # type: ignore[arg-type]
            heard.append(samples[samples != 0])
    await putting
    await source.drained()
    assert np.array_equal(np.concatenate(heard), written)
    assert (source.refused, source.underruns) == (0, 0)
    reader.close()
    await source.close()


@pytest.mark.parametrize("make", [ProgramAudioSource, ProgramVideoSource])
async def test_who_puts_media_into_a_source_that_closes_is_told(make: type) -> None:
    source = make()
    media = np.zeros((96, 64, 3), np.uint8) if source.kind == "video" else np.zeros(960, np.int16)
    putting = asyncio.create_task(source.put(media))
    await asyncio.sleep(0)
    await source.close()
    with pytest.raises(SourceEndedError):
        await putting
    await source.drained()


async def test_pictures_that_are_put_are_all_sent_in_their_turn() -> None:
    source = ProgramVideoSource(max_frame_rate=100)
    reader = await source.open()
    began = asyncio.get_running_loop().time()

    async def put() -> None:
        for number in range(20):
            await source.put(np.full((48, 64, 3), number * 10, np.uint8))

    putting = asyncio.create_task(put())
    seen = []
    async with asyncio.timeout(5):
        for _ in range(20):
            frame = VideoFrame(await reader.read())  # type: ignore[arg-type]
            seen.append(round(float(frame.to_rgb().mean()) / 10))
    await putting
    await source.drained()
    assert seen == list(range(20))
    assert asyncio.get_running_loop().time() - began >= 0.17
    reader.close()
    await source.close()


async def test_a_picture_that_is_put_waits_for_a_slow_reader_but_not_for_one_that_stopped() -> None:
    source = ProgramVideoSource(max_frame_rate=1000)
    slow, stopped = await source.open(), await source.open()

    async def put() -> None:
        for number in range(5):
            await source.put(np.full((48, 64, 3), number * 10, np.uint8))
        await source.drained()

    putting = asyncio.create_task(put())
    seen = []
    for number in range(5):
        await until(lambda number=number: source.written == number + 1)  # type: ignore[misc]
        frame = VideoFrame(await slow.read())  # type: ignore[arg-type]
        seen.append(round(float(frame.to_rgb().mean()) / 10))
    await asyncio.wait_for(putting, 5)
    assert seen == list(range(5))
    assert stopped.dropped == 4
    slow.close()
    stopped.close()
    await source.close()


async def test_the_last_picture_is_sent_again_while_nothing_is_written() -> None:
    source = ProgramVideoSource(repeat_after=0.05)
    reader = await source.open()
    await source.put(np.full((48, 64, 3), 90, np.uint8))
    frames = [await reader.read() for _ in range(3)]
    assert frames[0] is not frames[1]
    assert [frame.pts for frame in frames] == sorted({frame.pts for frame in frames})
    reader.close()
    await source.close()


async def test_a_picture_in_the_moment_of_the_end_does_not_keep_the_source_alive() -> None:
    source = ProgramVideoSource(max_frame_rate=1e6, repeat_after=60.0)
    reader = await source.open()
    picture = np.zeros((48, 64, 3), np.uint8)
    assert source.write(picture)
    await reader.read()
    assert source.write(picture)
    async with asyncio.timeout(2):
        await source.close()
