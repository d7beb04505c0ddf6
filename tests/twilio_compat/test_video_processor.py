from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.media.frames import VIDEO_TIME_BASE, VideoFrame
from acs_core.media.sources import PatternSource
from twilio_compat import LocalVideoTrack
from twilio_compat.video_processor import (
    ProcessorOptions,
    ProcessorOutput,
    ProcessorRun,
    VideoProcessor,
    frame_function,
    read_processor_options,
)

RED = np.full((48, 64, 3), (200, 30, 30), dtype=np.uint8)


def frame(picture: Any = RED) -> VideoFrame:
    made = VideoFrame.from_ndarray(picture).av_frame.reformat(format="yuv420p")
    made.pts, made.time_base = 3000, VIDEO_TIME_BASE
    return VideoFrame(made, time=1.5, capture_time=7.0)


def run(function: Any, **options: str) -> ProcessorRun:
    return ProcessorRun(SimpleNamespace(processFrame=function), ProcessorOptions(**options))


def is_red(made: VideoFrame | None) -> bool:
    return made is not None and bool(np.abs(made.to_rgb().astype(int) - RED[0, 0]).max() < 12)


async def test_a_processor_gets_rgb_and_draws_rgb() -> None:
    def turn(given: Any, output: ProcessorOutput) -> None:
        assert (given.shape, given.dtype) == ((48, 64, 3), np.uint8)
        output.image[:] = given[..., ::-1]

    made = await run(turn).apply(frame())
    assert made is not None
    assert (made.time, made.capture_time, made.av_frame.pts) == (1.5, 7.0, 3000)
    assert made.av_frame.format.name == "yuv420p"
    assert abs(int(made.to_rgb()[0, 0, 2]) - 200) < 12


@pytest.mark.parametrize("kind", ["video", "videoframe"])
async def test_a_processor_may_take_frames_as_they_are(kind: str) -> None:
    seen: list[object] = []

    async def same(given: Any, output: ProcessorOutput) -> None:
        seen.append(given)
        output.draw(given)

    given = frame()
    assert await run(same, input_frame_buffer_type=kind).apply(given) is given
    assert seen == [given]


async def test_an_awaitable_of_a_plain_function_is_awaited() -> None:
    async def later(given: Any, output: ProcessorOutput) -> None:
        await asyncio.sleep(0)
        output.draw(av.VideoFrame.from_ndarray(given, format="rgb24"))

    assert is_red(await run(lambda given, output: later(given, output)).apply(frame()))


@pytest.mark.feature("BG-002")
async def test_a_frame_on_which_nothing_is_drawn_is_left_out() -> None:
    assert await run(lambda _given, _output: None).apply(frame()) is None


async def test_a_failing_processor_is_told_once_and_its_frames_are_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(given: Any, output: ProcessorOutput) -> None:
        output.draw(given)
        raise RuntimeError("broken")

    work = run(fail)
    assert [await work.apply(frame()) for _ in range(3)] == [None, None, None]
    assert (work.failed, caplog.text.count("RuntimeError: broken")) == (3, 1)


async def test_what_a_processor_returns_must_be_nothing_or_awaitable() -> None:
    work = run(lambda _given, _output: 3)
    assert await work.apply(frame()) is None
    assert work.failed == 1


async def test_another_size_is_made_even() -> None:
    made = await run(lambda given, output: output.draw(given[:33, :35].copy())).apply(frame())
    assert made is not None
    assert (made.width, made.height) == (34, 32)
    assert made.to_rgb().shape == (32, 34, 3)


def test_only_pictures_are_drawn() -> None:
    with pytest.raises(InvalidArgumentError):
        ProcessorOutput(64, 48).draw("picture")  # type: ignore[arg-type]


def test_either_spelling_of_the_method_counts() -> None:
    class Snake(VideoProcessor):
        def process_frame(self, input_frame_buffer: Any, output_frame_buffer: Any) -> None:
            """Draw nothing."""

    class Camel(VideoProcessor):
        def processFrame(  # noqa: N802
            self, input_frame_buffer: Any, output_frame_buffer: Any
        ) -> None:
            """Draw nothing."""

    assert frame_function(Snake()).__name__ == "process_frame"
    assert frame_function(Camel()).__name__ == "processFrame"
    for no_processor in (VideoProcessor(), object(), None):
        with pytest.raises(TypeError, match="processFrame"):
            frame_function(no_processor)
    with pytest.raises(NotImplementedError):
        VideoProcessor().process_frame(None, ProcessorOutput(2, 2))


@pytest.mark.feature("BG-003")
def test_options_are_checked() -> None:
    assert read_processor_options(None, {}) == ProcessorOptions()
    given = {"inputFrameBufferType": "canvas", "outputFrameBufferContextType": "webgl2"}
    assert read_processor_options(given, {}).input_frame_buffer_type == "canvas"
    with pytest.raises(ValueError, match="inputFrameBufferType must be one of video"):
        read_processor_options({"inputFrameBufferType": "bitmap"}, {})
    with pytest.raises(TypeError, match="outputFrameBufferContextType"):
        read_processor_options({"outputFrameBufferContextType": 2}, {})
    with pytest.raises(TypeError, match="no key"):
        read_processor_options({"frameRate": 3}, {})


@pytest.mark.feature("BG-003")
async def test_a_track_has_one_processor_at_a_time() -> None:
    track = LocalVideoTrack(PatternSource())
    first = SimpleNamespace(processFrame=lambda _given, _output: None)
    second = SimpleNamespace(processFrame=lambda _given, _output: None)
    with pytest.raises(InvalidStateError, match="no processor"):
        track.removeProcessor(first)
    assert track.addProcessor(first) is track
    assert (track.processor, track.processedTrack) == (first, track.sent_source)
    with pytest.raises(InvalidStateError, match="has a processor"):
        track.addProcessor(second)
    with pytest.raises(InvalidStateError, match="another processor"):
        track.removeProcessor(second)
    assert track.removeProcessor(first) is track
    assert (track.processor, track.processedTrack) == (None, None)
    assert track.mediaStreamTrack is not track.sent_source
    track.stop()
    await track.closed()
