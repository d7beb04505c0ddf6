"""What tracks can be attached to, besides the sinks in memory: files and windows.

In a browser `attach` takes an element; here it takes a sink, or names one: "window", or the path of
a recording. A sink shows one track.

Source: `attach` of twilio-video.js 2.36, whose argument is an element or its CSS selector.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from os import PathLike
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, final

from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.media.frame_stream import FrameStream
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.recorder import Recorder
from acs_core.media.recording import RecordingOptions, RecordingSummary
from acs_core.media.sinks import FrameSurface
from acs_core.media.window import SurfaceWindow

__all__ = ["FileSink", "FrameSink", "WindowSink", "open_sink"]

_FrameIn = TypeVar("_FrameIn", bound=VideoFrame | AudioFrame, contravariant=True)

_log = logging.getLogger(__name__)

WINDOW: Final = "window"
_QUEUE: Final = 50
"""Frames that may wait for the recorder, which has a queue of its own."""
_DRAIN_DEADLINE: Final = 10.0


class FrameSink(Protocol[_FrameIn]):
    """What a track can be attached to."""

    def show(self, frame: _FrameIn) -> None:
        """Take a frame; must not block."""

    def blank(self) -> None:
        """Show nothing: the track was detached."""


@final
class FileSink:
    """Writes one track into a .webm, .mkv or .mp4 file, from the first frame until it is detached.

    The file is complete, too, when a remote track is not received any more, and when the program
    is cancelled.

    Args:
        path: Overwritten.
        kind: "audio" or "video".

    Raises:
        InvalidArgumentError: Another suffix, or there is no such folder.
    """

    def __init__(self, path: str | PathLike[str], kind: str) -> None:
        options = RecordingOptions(has_video=kind == "video", has_audio=kind == "audio")
        target = Path(path)
        if not target.parent.is_dir():
            raise InvalidArgumentError(
                f"There is no folder {target.parent} to record to.", next_step="Make it first."
            )
        self._recorder = Recorder(target, options)
        self._frames = FrameStream(_QUEUE, lambda _stream: None)
        self._is_detached = asyncio.Event()
        self._drained = asyncio.Event()
        frames: Any = self._queued()
        if kind == "video":
            self._recorder.add_video(frames)
        else:
            self._recorder.add_audio(frames)
        self._writing = asyncio.create_task(self._write(), name=f"file sink {target.name}")

    @property
    def path(self) -> Path:
        """The file."""
        return self._recorder.path

    @property
    def dropped(self) -> int:
        """Frames that were lost because the encoder was too slow."""
        return self._frames.dropped

    def show(self, frame: VideoFrame | AudioFrame) -> None:
        """Write a frame; none any more once it was detached."""
        if not self._is_detached.is_set():
            self._frames.push(frame)

    def blank(self) -> None:
        """Finish the file in the background; `closed` waits for it."""
        self._is_detached.set()
        self._frames.end()

    async def closed(self) -> RecordingSummary:
        """Wait until the file is complete, and say what it holds.

        Raises:
            MediaError: It could not be written.
            InvalidStateError: It is attached still.
        """
        if not self._is_detached.is_set():
            raise InvalidStateError(f"{self.path} is being written.", next_step="Detach it first.")
        return await asyncio.shield(self._writing)

    async def _queued(self) -> AsyncGenerator[VideoFrame | AudioFrame, None]:
        async for frame in self._frames:
            yield frame
        self._drained.set()

    async def _write(self) -> RecordingSummary:
        try:
            await self._is_detached.wait()
            # What waits is part of the recording; a recorder that failed drains its queue, too.
            async with asyncio.timeout(_DRAIN_DEADLINE):
                await self._drained.wait()
        except TimeoutError:
            _log.warning("The encoder of %s is too slow: its end is left out", self.path)
        except asyncio.CancelledError:
            # The program ends without having detached it: the file is complete all the same.
            await self._recorder.close()
            raise
        return await self._recorder.close()


@final
class WindowSink:
    """Shows a video track in a window on the desktop until it is detached, or somebody closes it.

    Args:
        title: Of the window.

    Raises:
        MediaError: There is no display, or this Python has no tkinter.
    """

    def __init__(self, title: str) -> None:
        self.surface = FrameSurface()
        self._window = SurfaceWindow(self.surface, title=title)

    def show(self, frame: VideoFrame) -> None:
        """Show a picture."""
        self.surface.show(frame)

    @property
    def is_open(self) -> bool:
        """Whether the window is there."""
        return self._window.is_open

    def blank(self) -> None:
        """Close the window."""
        self._window.close()

    async def closed(self) -> None:
        """Wait until the window is closed."""
        await self._window.closed()


def open_sink(element: str | PathLike[str], kind: str, title: str) -> Any:
    """Make the sink that `attach` names for a track of a kind.

    Raises:
        InvalidArgumentError: There is none of that name for this kind.
        MediaError: There is no display for a window.
    """
    if element == WINDOW:
        if kind != "video":
            raise InvalidArgumentError("Only a video track has a window.")
        return WindowSink(title)
    return FileSink(element, kind)
