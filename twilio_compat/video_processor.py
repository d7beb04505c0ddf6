"""Programs between the frames and their readers: `track.add_processor(processor)`.

A processor is any object with `processFrame` or `process_frame`: it gets a frame and an output to
draw on. What it gets depends on option `inputFrameBufferType`:

* "canvas", "offscreencanvas" (the default): ``(height, width, 3)`` uint8 RGB, a copy of its own;
* "video", "videoframe": a `VideoFrame`, which costs no conversion and must not be written into.

`outputFrameBufferContextType` names a context of a browser's canvas; it is accepted and means
nothing here. A frame on which nothing is drawn, or on which the processor fails, is left out.

A plain function runs in a thread of the media pool, so it may compute, and must not touch rooms and
tracks; a coroutine function runs on the event loop. One frame at a time; while it is worked on,
newer ones replace each other, so a slow processor lowers the frame rate and adds no delay.

Source: twilio-video.js 2.36, `VideoProcessor` and `AddProcessorOptions`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypedDict, final

import av
import numpy as np

from acs_core.errors import InvalidArgumentError
from acs_core.media.frames import Picture, VideoFrame
from acs_core.media.pool import media_pool
from twilio_compat.option_bags import NO_NAMES, OptionBag, merge

__all__ = [
    "AddProcessorKeywords",
    "AddProcessorOptions",
    "ProcessorOptions",
    "ProcessorOutput",
    "ProcessorRun",
    "VideoProcessor",
    "frame_function",
    "read_processor_options",
]

_log = logging.getLogger(__name__)

DEADLINE: Final = 5.0
"""Seconds that a coroutine may work on one frame before the frame is left out."""

_ARRAYS: Final = ("canvas", "offscreencanvas")
_INPUT_TYPES: Final = ("video", "canvas", "offscreencanvas", "videoframe")

_FrameFunction: TypeAlias = Callable[[Any, Any], object]


class AddProcessorKeywords(TypedDict, total=False):
    """Keywords of `add_processor`."""

    input_frame_buffer_type: str
    output_frame_buffer_context_type: str


class AddProcessorOptions(TypedDict, total=False):
    """Options of `add_processor`; see `ProcessorOptions`."""

    inputFrameBufferType: str
    input_frame_buffer_type: str
    outputFrameBufferContextType: str
    output_frame_buffer_context_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorOptions:
    """In what form a processor takes frames.

    Attributes:
        input_frame_buffer_type: "video", "canvas", "offscreencanvas" or "videoframe".
        output_frame_buffer_context_type: Of a browser's canvas; without meaning here.
    """

    input_frame_buffer_type: str = "offscreencanvas"
    output_frame_buffer_context_type: str = "2d"


class VideoProcessor:
    """What a processor looks like; it need not derive from this.

    Subclasses give `process_frame` or `processFrame`.
    """

    def process_frame(
        self, input_frame_buffer: Any, output_frame_buffer: ProcessorOutput
    ) -> Awaitable[None] | None:
        """Draw a frame anew; see the module.

        Args:
            input_frame_buffer: An array or a `VideoFrame`.
            output_frame_buffer: What is shown in its place.
        """
        raise NotImplementedError("A VideoProcessor gives process_frame.")

    # Twilio's spelling; a subclass may give either.
    processFrame = process_frame


@final
class ProcessorOutput:
    """What a processor draws on; made for one frame.

    Args:
        width: Pixels, of the frame.
        height: Pixels, of the frame.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._canvas: Picture | None = None
        self._drawn: VideoFrame | None = None

    @property
    def image(self) -> Picture:
        """``(height, width, 3)`` uint8 RGB to write into, black at first; reading it draws it."""
        if self._canvas is None:
            self._canvas = np.zeros((self.height, self.width, 3), dtype=np.uint8)
        return self._canvas

    def draw(self, picture: Picture | VideoFrame | av.VideoFrame) -> None:
        """Show this picture: RGB or I420 as of `VideoFrame.from_ndarray`, or a frame.

        It may have another size. The last call counts.

        Raises:
            InvalidArgumentError: It is no picture.
        """
        self._canvas = None
        match picture:
            case VideoFrame():
                self._drawn = picture
            case av.VideoFrame():
                self._drawn = VideoFrame(picture)
            case np.ndarray():
                self._drawn = VideoFrame.from_ndarray(picture)
            case _:
                raise InvalidArgumentError(f"Expected a picture, got {type(picture).__name__}.")

    def result(self, like: VideoFrame) -> VideoFrame | None:
        """What was drawn, as yuv420p with the times of `like`; None for nothing. Blocks."""
        drawn = self._drawn
        if self._canvas is not None:
            drawn = VideoFrame.from_ndarray(self._canvas, format="rgb24")
        if drawn is None:
            return None
        frame, original = drawn.av_frame, like.av_frame
        if frame is original:
            return like
        size = (max(2, frame.width & ~1), max(2, frame.height & ~1))
        # Codecs take even sides and this format only.
        if (frame.width, frame.height, frame.format.name) != (*size, "yuv420p"):
            frame = frame.reformat(width=size[0], height=size[1], format="yuv420p")
        if original.time_base:
            frame.pts, frame.time_base = original.pts, original.time_base
        return VideoFrame(frame, time=like.time, capture_time=like.capture_time)


@final
class ProcessorRun:
    """One processor at work on one track.

    Args:
        processor: An object with `processFrame` or `process_frame`.
        options: See the module.

    Attributes:
        processor: As given.
        failed: Frames on which it failed.

    Raises:
        TypeError: It has no such method.
    """

    def __init__(self, processor: object, options: ProcessorOptions) -> None:
        self.processor = processor
        self.failed = 0
        self._function = frame_function(processor)
        self._is_coroutine = inspect.iscoroutinefunction(self._function)
        self._takes_arrays = options.input_frame_buffer_type in _ARRAYS
        self._is_failing = False
        self._lock = asyncio.Lock()
        self._step: asyncio.Future[Any] | None = None

    async def apply(self, frame: VideoFrame) -> VideoFrame | None:
        """Return the frame as it is to be shown; None when it is left out."""
        async with self._lock:
            try:
                result = await self._apply(frame)
            except Exception:
                self.failed += 1
                if not self._is_failing:
                    _log.exception("A video processor failed; its frames are left out.")
                self._is_failing = True
                return None
            self._is_failing = False
            return result

    async def settle(self) -> None:
        """Wait until a thread that was at work is done: it cannot be cancelled."""
        if self._step is not None:
            await asyncio.wait([self._step])

    async def _apply(self, frame: VideoFrame) -> VideoFrame | None:
        output = ProcessorOutput(frame.width, frame.height)
        if not self._is_coroutine:
            pending, result = await self._in_thread(lambda: self._work(frame, output))
            if pending is None:
                shown: VideoFrame | None = result
                return shown
        else:
            given = await self._in_thread(lambda: self._given(frame))
            pending = self._function(given, output)
        if not inspect.isawaitable(pending):
            raise TypeError("processFrame returns nothing, or what can be awaited")
        async with asyncio.timeout(DEADLINE):
            await pending
        drawn: VideoFrame | None = await self._in_thread(lambda: output.result(frame))
        return drawn

    def _work(self, frame: VideoFrame, output: ProcessorOutput) -> tuple[object, VideoFrame | None]:
        pending = self._function(self._given(frame), output)
        return (pending, None) if pending is not None else (None, output.result(frame))

    def _given(self, frame: VideoFrame) -> Picture | VideoFrame:
        return frame.to_rgb() if self._takes_arrays else frame

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        self._step = loop.run_in_executor(media_pool("video"), work)
        return await asyncio.shield(self._step)


def frame_function(processor: object) -> _FrameFunction:
    """The method of a processor that works on frames, in whichever spelling it is given.

    Raises:
        TypeError: There is none.
    """
    unwritten = VideoProcessor.process_frame
    for name in ("processFrame", "process_frame"):
        found = getattr(processor, name, None)
        if callable(found) and getattr(found, "__func__", found) is not unwritten:
            return found  # type: ignore[no-any-return]
    raise TypeError("processor must be an object with a method processFrame")


def read_processor_options(
    bag: OptionBag | None, keywords: AddProcessorKeywords
) -> ProcessorOptions:
    """Read the options of `add_processor`.

    Raises:
        TypeError: Unknown key, given twice, or no text.
        ValueError: There is no such type of input.
    """
    known = frozenset(ProcessorOptions.__dataclass_fields__)
    values = merge("options", bag, dict(keywords), known, NO_NAMES, NO_NAMES)
    options = ProcessorOptions(**values)
    if options.input_frame_buffer_type not in _INPUT_TYPES:
        raise ValueError(f"inputFrameBufferType must be one of {', '.join(_INPUT_TYPES)}")
    if not isinstance(options.output_frame_buffer_context_type, str):
        raise TypeError("outputFrameBufferContextType must be a string")
    return options
