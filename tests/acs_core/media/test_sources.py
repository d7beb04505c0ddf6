import asyncio
from collections.abc import AsyncGenerator

import av
import numpy as np
import pytest

from acs_core.errors import (
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    SourceUnavailableError,
)
from acs_core.media.frames import AudioFrame, VideoFrame, av_audio_frame
from acs_core.media.patterns import PatternPainter, dominant_color, dominant_frequency, read_counter
from acs_core.media.sources import (
    MediaFrame,
    MediaSource,
    Pacer,
    PatternSource,
    SilenceSource,
    SourceEndedError,
    ToneSource,
    av_picture,
)


class ScriptedSource(MediaSource):
    """Yields a frame for each number that the test puts; None ends it, an error fails it."""

    def __init__(self, kind: str = "video") -> None:
        super().__init__(kind, "scripted")
        self.script: asyncio.Queue[int | Exception | None] = asyncio.Queue()
        self.log: list[str] = []
        self.refusal: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._painter = PatternPainter(96, 48, (0, 0, 0))

    async def _prepare(self) -> None:
        await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        self.log.append("prepared")

    async def _release(self) -> None:
        self.log.append("released")

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        while (item := await self.script.get()) is not None:
            if isinstance(item, Exception):
                self.script.task_done()
                raise item
            if self.kind == "video":
                yield av_picture(self._painter.draw(item), time=item / 30)
            else:
                yield av_audio_frame(np.full((960, 1), item, dtype=np.int16), pts=item * 960)
            # The capture comes back for more when every reader has the frame.
            self.script.task_done()
        self.script.task_done()

    async def feed(self, *items: int | Exception | None) -> None:
        """Return when the readers have what is yielded, or know that it has ended."""
        for item in items:
            self.script.put_nowait(item)
        await self.script.join()


def number(frame: MediaFrame) -> int | None:
    if isinstance(frame, av.AudioFrame):
        return int(AudioFrame.from_av(frame).samples[0, 0])
    return read_counter(VideoFrame(frame).to_rgb())


async def test_one_capture_serves_all_readers_and_ends_with_the_last() -> None:
    source = ScriptedSource()
    first, second = await source.open(), await source.open()
    await source.feed(1)
    assert [number(await first.read()), number(await second.read())] == [1, 1]
    first.close()
    first.close()
    assert source.is_capturing
    second.close()
    assert not source.is_capturing
    third = await source.open()
    assert source.log == ["prepared", "released", "prepared"]
    third.close()
    await source.close()
    assert source.log == ["prepared", "released", "prepared", "released"]


async def test_late_reader_starts_with_the_newest_picture() -> None:
    source = ScriptedSource()
    await source.open()
    await source.feed(1, 2)
    late = await source.open()
    assert number(await late.read()) == 2
    await source.close()


async def test_late_reader_of_audio_starts_with_the_next_frame() -> None:
    source = ScriptedSource("audio")
    await source.open()
    await source.feed(1)
    late = await source.open()
    await source.feed(2)
    assert number(await late.read()) == 2
    await source.close()


@pytest.mark.parametrize(("kind", "kept"), [("video", 1), ("audio", 10)])
async def test_slow_reader_loses_the_oldest_frames_and_counts_them(kind: str, kept: int) -> None:
    source = ScriptedSource(kind)
    reader = await source.open()
    await source.feed(*range(1, 21))
    assert reader.dropped == 20 - kept
    assert number(await reader.read()) == 21 - kept
    await source.close()


async def test_end_is_told_to_readers_and_listeners() -> None:
    source = ScriptedSource()
    told: list[str] = []
    source.on_ended(lambda: 1 / 0)
    source.on_ended(lambda: told.append("ended"))
    source.on_ended(lambda: told.append("taken back"))()
    reader = await source.open()
    await source.feed(1, None)
    assert [number(frame) async for frame in reader] == [1]
    with pytest.raises(SourceEndedError):
        await reader.read()
    with pytest.raises(SourceEndedError):
        await source.open()
    await asyncio.sleep(0)
    assert told == ["ended"]
    assert source.is_ended
    await source.close()
    assert source.log == ["prepared", "released"]


@pytest.mark.parametrize("cause", [MediaError("no signal"), RuntimeError("a bug")])
async def test_failure_reaches_readers_and_listeners_as_a_media_error(cause: Exception) -> None:
    source = ScriptedSource()
    told: list[MediaError] = []
    source.on_failed(lambda error: 1 / 0)
    source.on_failed(told.append)
    source.on_ended(lambda: told.append(MediaError("ended")))
    reader = await source.open()
    await source.feed(cause)
    with pytest.raises(MediaError) as failure:
        await reader.read()
    assert failure.value is cause or failure.value.__cause__ is cause
    assert told == [failure.value]
    assert source.log == ["prepared", "released"]
    await source.close()


async def test_listener_may_close_the_reader_when_the_source_ends() -> None:
    source = ScriptedSource()
    reader = await source.open()
    source.on_ended(reader.close)
    await source.feed(None)
    with pytest.raises(InvalidStateError):
        await reader.read()
    await source.close()
    assert source.log == ["prepared", "released"]


async def test_close_wakes_a_waiting_reader() -> None:
    source = ScriptedSource()
    reader = await source.open()
    waiting = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    await source.close()
    with pytest.raises(SourceEndedError):
        await waiting
    await source.close()


async def test_closed_reader_refuses_to_read() -> None:
    source = ScriptedSource()
    reader = await source.open()
    reader.close()
    with pytest.raises(InvalidStateError):
        await reader.read()
    await source.close()


async def test_source_that_cannot_open_may_be_tried_again() -> None:
    source = ScriptedSource()
    source.refusal = SourceUnavailableError("busy")
    with pytest.raises(SourceUnavailableError):
        await source.open()
    source.refusal = None
    reader = await source.open()
    await source.feed(7)
    assert number(await reader.read()) == 7
    await source.close()


async def test_source_closed_while_opening_lets_go() -> None:
    source = ScriptedSource()
    source.gate.clear()
    opening = asyncio.create_task(source.open())
    await asyncio.sleep(0)
    closing = asyncio.create_task(source.close())
    await asyncio.sleep(0)
    source.gate.set()
    with pytest.raises(SourceEndedError):
        await opening
    await closing
    assert source.log == ["prepared", "released"]


@pytest.mark.feature("DEVICE-001")
async def test_pattern_comes_in_real_time_and_counts() -> None:
    source = PatternSource(320, 180, fps=50, color=(200, 40, 60))
    loop = asyncio.get_running_loop()
    reader = await source.open()
    start = loop.time()
    frames = [await reader.read() for _ in range(6)]
    assert 0.08 < loop.time() - start < 1.0
    pictures = [VideoFrame(frame) for frame in frames]
    numbers = [read_counter(picture.to_rgb()) for picture in pictures]
    assert numbers == sorted(set(numbers))
    assert np.abs(np.subtract(dominant_color(pictures[0].to_rgb()), (200, 40, 60))).max() < 4
    assert [picture.time for picture in pictures] == pytest.approx([n / 50 for n in numbers])
    assert frames[0].time_base.denominator == 90_000
    await source.close()


async def test_counter_goes_on_when_readers_come_back() -> None:
    source = PatternSource(96, 48, fps=100)
    reader = await source.open()
    last = number([await reader.read() for _ in range(3)][-1])
    reader.close()
    assert number(await (await source.open()).read()) >= last
    await source.close()


@pytest.mark.parametrize("channels", [1, 2])
async def test_tone_has_its_pitch_and_level(channels: int) -> None:
    source = ToneSource(880, -26, channels)
    reader = await source.open()
    frames = [AudioFrame.from_av(await reader.read()) for _ in range(6)]
    samples = np.concatenate([frame.samples for frame in frames])
    assert samples.shape == (960 * 6, channels)
    assert dominant_frequency(samples, 48_000) == pytest.approx(880, abs=1)
    assert frames[0].level_dbov == pytest.approx(-26, abs=0.5)
    assert [frame.time for frame in frames] == pytest.approx([n * 0.02 for n in range(6)])
    await source.close()


async def test_silence_is_digital_silence() -> None:
    source = SilenceSource(2)
    reader = await source.open()
    frame = AudioFrame.from_av(await reader.read())
    assert frame.samples.shape == (960, 2)
    assert not frame.samples.any()
    await source.close()


async def test_pacer_gives_up_on_a_long_stall_but_catches_up_on_a_short_one() -> None:
    pacer = Pacer()
    await pacer.wait(-0.5)
    assert pacer.skipped == 0
    await pacer.wait(-10.0)
    assert pacer.skipped == pytest.approx(10.0, abs=0.1)
    assert pacer.elapsed == pytest.approx(-10.0, abs=0.1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PatternSource(95, 48),
        lambda: PatternSource(94, 48),
        lambda: PatternSource(fps=0),
        lambda: ToneSource(5),
        lambda: ToneSource(level_dbov=0),
        lambda: ToneSource(channels=3),
        lambda: SilenceSource(0),
    ],
)
def test_impossible_test_media_is_refused(make) -> None:
    with pytest.raises(InvalidArgumentError):
        make()
