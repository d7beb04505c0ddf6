from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence

import av
import numpy as np
import pytest

from acs_core.errors import MediaError
from acs_core.media.effects.chain import (
    AudioEffect,
    EffectChain,
    EffectFailure,
    EffectSource,
    VideoEffect,
)
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sources import (
    MediaFrame,
    MediaSource,
    PatternSource,
    SourceEndedError,
    ToneSource,
)
from tests.support.events import until


class Invert(VideoEffect):
    name = "Invert"

    def apply(self, frame: VideoFrame) -> VideoFrame:
        return VideoFrame.from_ndarray(255 - frame.to_rgb())


class Gate(VideoEffect):
    """Holds pictures up until the test lets them through."""

    name = "Gate"

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def apply(self, frame: VideoFrame) -> VideoFrame:
        self.entered.set()
        assert self.open.wait(10)
        return frame


class Broken(VideoEffect):
    name = "Broken"

    def apply(self, frame: VideoFrame) -> VideoFrame:
        raise OSError("no such luck")


class Narrow(VideoEffect):
    name = "Narrow"

    def apply(self, frame: VideoFrame) -> VideoFrame:
        return VideoFrame.from_ndarray(np.zeros((10, 10, 3), dtype=np.uint8))


class Deaf(AudioEffect):
    name = "Deaf"

    def process(self, frame: MediaFrame) -> Sequence[MediaFrame]:
        raise OSError("no such luck")


class Unplugged(MediaSource):
    """A camera that gives no picture, and fails when the test says so."""

    def __init__(self) -> None:
        super().__init__("video", "Camera")
        self.is_unplugged = asyncio.Event()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        await self.is_unplugged.wait()
        raise MediaError("It was unplugged.")
        yield  # Makes it a generator.


async def picture(reader: object) -> av.VideoFrame:
    async with asyncio.timeout(10):
        frame = await reader.read()  # type: ignore[attr-defined]
    assert isinstance(frame, av.VideoFrame)
    return frame


async def test_without_effects_the_very_frames_of_the_source_come_out() -> None:
    source = ProgramVideoSource()
    through = EffectSource(source, EffectChain("video"))
    ours, theirs = await through.open(), await source.open()
    source.write(VideoFrame.from_ndarray(np.zeros((48, 64, 3), dtype=np.uint8)))
    assert await picture(ours) is await picture(theirs)
    ours.close()
    theirs.close()
    await through.close()
    await source.close()


async def test_effects_apply_in_order_and_keep_time_size_and_form() -> None:
    source = PatternSource(96, 48, 30)
    chain: EffectChain[VideoEffect] = EffectChain("video")
    through = EffectSource(source, chain)
    reader, plain = await through.open(), await source.open()
    chain.effects = (Invert(),)
    await picture(reader)  # may have been on its way
    once = await picture(reader)
    assert (once.width, once.height, once.format.name) == (96, 48, "yuv420p")
    assert once.time_base == (await picture(plain)).time_base
    first, second = await picture(reader), await picture(reader)
    assert first.pts is not None
    assert second.pts is not None
    assert second.pts > first.pts
    chain.effects = (Invert(), Invert())
    twice = VideoFrame(await picture(reader)).to_rgb().astype(int)
    assert chain.stats.frames >= 3
    reader.close()
    plain.close()
    await through.close()
    await source.close()
    assert twice.shape == (48, 96, 3)


async def test_a_slow_effect_loses_pictures_and_delays_none() -> None:
    source = PatternSource(96, 48, 60)
    chain: EffectChain[VideoEffect] = EffectChain("video")
    gate = Gate()
    chain.effects = (gate,)
    through = EffectSource(source, chain)
    reader, plain = await through.open(), await source.open()
    await until(gate.entered.is_set)
    for _ in range(12):
        last = await picture(plain)
    gate.open.set()
    held = await picture(reader)
    fresh = await picture(reader)
    assert chain.stats.dropped >= 9
    assert chain.stats.busy > 0
    assert held.pts is not None
    assert fresh.pts is not None
    assert last.pts is not None
    # The next picture is the newest one, not the second.
    assert fresh.pts >= last.pts > held.pts
    reader.close()
    plain.close()
    await through.close()
    await source.close()


async def test_a_picture_that_an_effect_fails_on_is_left_out_and_told_once() -> None:
    source = PatternSource(96, 48, 60)
    chain: EffectChain[VideoEffect] = EffectChain("video")
    failures: list[EffectFailure] = []
    chain.on_failed = failures.append
    broken = Broken()
    chain.effects = (broken,)
    through = EffectSource(source, chain)
    reader = await through.open()
    await until(lambda: chain.stats.failed >= 3)
    assert [item.effect for item in failures] == [broken]
    assert str(failures[0].error) == "no such luck"
    reading = asyncio.ensure_future(reader.read())
    await until(lambda: chain.stats.failed >= 5)
    assert not reading.done()
    chain.effects = ()
    async with asyncio.timeout(10):
        assert isinstance(await reading, av.VideoFrame)
    reader.close()
    await through.close()
    await source.close()


async def test_an_effect_that_changes_the_size_fails() -> None:
    chain: EffectChain[VideoEffect] = EffectChain("video")
    frame = VideoFrame.from_ndarray(np.zeros((48, 64, 3), dtype=np.uint8)).av_frame
    frames, failure = chain.run(frame, (Narrow(),))
    assert frames == ()
    assert failure is not None
    assert "size must stay" in str(failure.error)


async def test_sound_goes_on_untouched_when_its_effect_fails() -> None:
    source = ToneSource(440)
    chain: EffectChain[AudioEffect] = EffectChain("audio")
    chain.effects = (Deaf(),)
    through = EffectSource(source, chain)
    reader = await through.open()
    async with asyncio.timeout(10):
        frame = await reader.read()
    assert isinstance(frame, av.AudioFrame)
    assert AudioFrame.from_av(frame).level_dbov == pytest.approx(-20, abs=0.5)
    assert chain.stats.failed >= 1
    reader.close()
    await through.close()
    await source.close()


async def test_the_source_is_on_only_while_somebody_looks() -> None:
    source = PatternSource(96, 48, 30)
    through = EffectSource(source, EffectChain("video"))
    assert not source.is_capturing
    reader = await through.open()
    assert source.is_capturing
    reader.close()
    await until(lambda: not source.is_capturing)
    await through.close()
    assert not source.is_ended
    await source.close()


async def test_the_end_of_the_source_is_the_end_of_what_is_seen_through_it() -> None:
    source = PatternSource(96, 48, 30)
    through = EffectSource(source, EffectChain("video"))
    ended = asyncio.Event()
    through.on_ended(ended.set)
    reader = await through.open()
    await source.close()
    async with asyncio.timeout(10):
        await ended.wait()
        async for _ in reader:
            pass
        with pytest.raises(SourceEndedError):
            await reader.read()
    assert through.is_ended
    reader.close()
    await through.close()


@pytest.mark.parametrize("is_read", [True, False])
async def test_the_failure_of_the_source_is_told_once_even_while_nobody_looks(
    is_read: bool,
) -> None:
    source = Unplugged()
    through = EffectSource(source, EffectChain("video"))
    told: list[MediaError] = []
    through.on_failed(told.append)
    through.on_failed(lambda _: pytest.fail("It was taken back."))()
    reader = await (through if is_read else source).open()
    source.is_unplugged.set()
    with pytest.raises(MediaError) as failure:
        await picture(reader)
    await until(lambda: told == [failure.value])
    reader.close()
    await through.close()
    await source.close()
    assert told == [failure.value]


async def test_closing_waits_for_the_picture_that_is_being_worked_on() -> None:
    source = PatternSource(96, 48, 30)
    chain: EffectChain[VideoEffect] = EffectChain("video")
    gate = Gate()
    chain.effects = (gate,)
    through = EffectSource(source, chain)
    reader = await through.open()
    await until(gate.entered.is_set)
    closing = asyncio.ensure_future(through.close())
    await asyncio.sleep(0)
    assert not closing.done()
    gate.open.set()
    async with asyncio.timeout(10):
        await closing
    reader.close()
    await source.close()


async def test_who_comes_late_never_sees_what_an_effect_that_fails_was_to_hide() -> None:
    source = PatternSource(96, 48, 60)
    chain: EffectChain[VideoEffect] = EffectChain("video")
    through = EffectSource(source, chain)
    idle = await through.open()  # As a sender that rests: a picture waits for it.
    await until(lambda: len(idle._queue) > 0)
    chain.effects = (Broken(),)
    late = await through.open()
    await until(lambda: chain.stats.failed >= 2)
    later = await through.open()
    for reader in (idle, late, later):
        assert not reader._queue
        reader.close()
    await through.close()
    await source.close()
