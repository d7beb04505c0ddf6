from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from acs_core.client.emitter import TaskOwner
from acs_core.errors import InvalidStateError
from acs_core.media.frame_stream import FrameStream
from acs_core.media.frames import VideoFrame
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sources import PatternSource, SourceEndedError
from tests.support.events import until
from tests.support.fake_room import turns
from twilio_compat import create_local_video_track
from twilio_compat.processed_video import ProcessedFeeds, ProcessedSource, ReopeningFeed
from twilio_compat.video_processor import ProcessorOptions, ProcessorOutput, ProcessorRun

GRAY = np.full((48, 64, 3), 100, dtype=np.uint8)


def adding(amount: int) -> ProcessorRun:
    def work(given: Any, output: ProcessorOutput) -> None:
        output.draw(given + np.uint8(amount))

    return ProcessorRun(SimpleNamespace(processFrame=work), ProcessorOptions())


class Feeds:
    """Readers that a test fills."""

    def __init__(self) -> None:
        self.open: list[FrameStream] = []

    def __call__(self) -> Any:
        stream = FrameStream(10, self.open.remove)
        self.open.append(stream)
        return stream

    def push(self, picture: Any = GRAY) -> None:
        for stream in self.open:
            stream.push(VideoFrame.from_ndarray(picture))


def brightness(frame: VideoFrame) -> int:
    return round(float(frame.to_rgb().mean()))


async def test_a_source_without_processor_hands_on_the_same_frames() -> None:
    upstream = ProgramVideoSource()
    source = ProcessedSource(upstream)
    reader = await source.open()
    assert upstream.write(GRAY)
    assert abs(brightness(VideoFrame(await reader.read())) - 100) < 3  # type: ignore[arg-type]
    reader.close()
    await source.close()
    await upstream.close()


async def test_a_processor_is_in_force_from_the_next_frame_on() -> None:
    upstream = PatternSource(96, 48, 50)
    source = ProcessedSource(upstream)
    reader = await source.open()
    await reader.read()
    source.run = ProcessorRun(
        SimpleNamespace(processFrame=lambda _given, output: output.image.fill(9)),
        ProcessorOptions(),
    )
    for _ in range(3):
        assert brightness(VideoFrame(await reader.read())) < 30  # type: ignore[arg-type]
    source.run = None
    assert brightness(VideoFrame(await reader.read())) > 30  # type: ignore[arg-type]
    reader.close()
    await source.close()
    await upstream.close()


async def test_a_source_ends_and_fails_with_what_it_stands_on() -> None:
    upstream = ProgramVideoSource()
    source = ProcessedSource(upstream, adding(1))
    reader = await source.open()
    await upstream.close()
    with pytest.raises(SourceEndedError):
        await reader.read()
    assert source.is_ended
    with pytest.raises(SourceEndedError):
        await ProcessedSource(upstream).open()


async def test_readers_of_a_remote_track_share_the_work() -> None:
    feeds, tasks = Feeds(), TaskOwner()
    processed = ProcessedFeeds(feeds, adding(50), tasks)
    first, second = processed.frames(1), processed.frames(3)
    await turns()
    assert len(feeds.open) == 1
    feeds.push()
    seen = [await first.__anext__(), await second.__anext__()]
    assert seen[0] is seen[1]
    assert abs(brightness(seen[0]) - 150) < 3
    first.close()
    assert len(feeds.open) == 1
    second.close()
    assert feeds.open == []
    # One that comes later starts anew; the end of the track is its end.
    third = processed.frames(1)
    await turns()
    feeds.open[0].end()
    with pytest.raises(StopAsyncIteration):
        await third.__anext__()
    await tasks.aclose()


async def test_who_comes_as_the_last_reader_goes_is_served() -> None:
    feeds, tasks = Feeds(), TaskOwner()
    processed = ProcessedFeeds(feeds, adding(50), tasks)
    first = processed.frames(1)
    await turns()
    first.close()
    second = processed.frames(1)
    await turns()
    feeds.push()
    async with asyncio.timeout(5):
        assert abs(brightness(await anext(second)) - 150) < 3  # type: ignore[call-overload]
    second.close()
    await tasks.aclose()


async def test_a_reader_goes_on_with_another_feed() -> None:
    before, after = Feeds(), Feeds()
    sources = [before, after]
    closed: list[object] = []
    reader = ReopeningFeed(lambda: sources.pop(0)(), closed.append)
    before.push()
    await reader.__anext__()
    reader.reopen()
    assert before.open == []
    after.push(GRAY + np.uint8(50))
    assert abs(brightness(await reader.__anext__()) - 150) < 3
    reader.close()
    reader.close()
    assert (closed, after.open, reader.dropped) == ([reader], [], 0)
    with pytest.raises(StopAsyncIteration):
        await reader.__anext__()


async def test_a_reader_that_cannot_go_on_stays_where_it_is() -> None:
    feeds = Feeds()

    def once() -> Any:
        if feeds.open:
            raise InvalidStateError("not received")
        return feeds()

    reader = ReopeningFeed(once, lambda _reader: None)
    with pytest.raises(InvalidStateError):
        reader.reopen()
    feeds.push()
    assert await reader.__anext__()
    reader.close()


async def test_a_restarted_track_keeps_its_processor() -> None:
    track = await create_local_video_track(source="pattern", width=96, height=48)
    black = SimpleNamespace(processFrame=lambda _given, output: output.image.fill(0))
    track.add_processor(black)
    surface = track.attach()
    await until(lambda: surface.frame_count > 1)  # type: ignore[attr-defined]
    await track.restart(source="pattern", width=128, height=64)
    await until(lambda: surface.size == (128, 64))  # type: ignore[attr-defined]
    assert track.processor is black
    assert int(surface.image.max()) < 5  # type: ignore[attr-defined]
    track.detach()
    track.stop()
    await track.closed()
