"""Where outgoing media comes from: the base of all sources, test pictures, tones and silence.

Theory of operation: a `MediaSource` outlives calls and may feed several of them, a preview and a
recorder at once. Each consumer opens its own `SourceReader`. One capture task serves all readers;
it starts with the first and ends with the last, so a camera is on only while somebody looks.
A reader that is too slow loses the oldest frames (video keeps 1, audio 10) and counts them; it
never holds up the source or the other readers, but for a moment those of a program's `put`.

Sources deliver PyAV frames in one form only: video is yuv420p with even sides in ticks of
1/90000 s, audio is packed s16 at 48 kHz, mono or stereo, in frames of 20 ms, in real time.

Program-written frames are in `program`, media files in `files`, devices in `capture`.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, Literal, TypeAlias, TypeVar

import av
import numpy as np

from acs_core.errors import InvalidArgumentError, InvalidStateError, MediaError, Stage
from acs_core.media.frames import (
    AUDIO_RATE,
    FRAME_SAMPLES,
    VIDEO_CLOCK_RATE,
    VIDEO_TIME_BASE,
    Picture,
    Samples,
    av_audio_frame,
)
from acs_core.media.patterns import Color, PatternPainter, tone
from acs_core.media.stall import StallWatch

__all__ = [
    "MediaFrame",
    "MediaKind",
    "MediaSource",
    "Pacer",
    "PatternSource",
    "SilenceSource",
    "SourceEndedError",
    "SourceReader",
    "ToneSource",
    "av_picture",
]

logger = logging.getLogger(__name__)

MediaKind: TypeAlias = Literal["audio", "video"]
MediaFrame: TypeAlias = av.VideoFrame | av.AudioFrame

_T = TypeVar("_T")
_READER_QUEUE: Final[dict[MediaKind, int]] = {"video": 1, "audio": 10}
_RELEASE_DEADLINE: Final = 5.0
"""Seconds for a device or file to let go; a driver that takes longer is left to its thread."""

STALL_AFTER: Final = 3.0
"""Seconds without a frame after which a device counts as muted; slow screens give one a second."""

_LATE_LIMIT: Final = 1.0
"""Seconds a pacer tries to catch up; after a longer stall (a suspended machine) it starts anew."""


class SourceEndedError(MediaError):
    """A source has no more frames: its file is at the end, or it was closed."""

    default_code = 410


class SourceReader:
    """One consumer's place at a source; made by `MediaSource.open`.

    Attributes:
        dropped: Frames this reader lost because it was too slow.
        unread_since: Since when, on the event loop's clock, frames wait for it; None while none do.
    """

    def __init__(self, source: MediaSource) -> None:
        self._source = source
        self._queue: deque[MediaFrame] = deque()
        self._limit = _READER_QUEUE[source.kind]
        self._wake = asyncio.Event()
        self._end: MediaError | None = None
        self._is_closed = False
        self.dropped = 0
        self.unread_since: float | None = None

    async def read(self) -> MediaFrame:
        """Return the next frame, waiting for it in real time.

        The frame is shared with other readers: do not write into it. One coroutine reads.

        Raises:
            SourceEndedError: There will be no more frames.
            MediaError: The source failed.
            InvalidStateError: This reader is closed.
        """
        while not self._queue:
            if self._is_closed:
                raise InvalidStateError("This reader is closed.", stage=Stage.MEDIA)
            if self._end is not None:
                raise self._end
            self._wake.clear()
            await self._wake.wait()
        frame = self._queue.popleft()
        self._read_some()
        return frame

    def close(self) -> None:
        """Stop reading; the source stops capturing with its last reader. Safe to repeat."""
        if self._is_closed:
            return
        self._is_closed = True
        self._queue.clear()
        self._wake.set()
        self._source._detach(self)

    def forget(self) -> None:
        """Drop the frames that wait; the next one comes as usual."""
        self._queue.clear()
        self._read_some()

    def __aiter__(self) -> AsyncIterator[MediaFrame]:
        return self

    async def __anext__(self) -> MediaFrame:
        try:
            return await self.read()
        except SourceEndedError:
            raise StopAsyncIteration from None

    def _push(self, frame: MediaFrame) -> None:
        if len(self._queue) >= self._limit:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(frame)
        if self.unread_since is None:
            self.unread_since = asyncio.get_running_loop().time()
        self._wake.set()

    def _read_some(self) -> None:
        self.unread_since = asyncio.get_running_loop().time() if self._queue else None
        self._source._taken()

    def _finish(self, reason: MediaError) -> None:
        self._end = reason
        self._wake.set()


class MediaSource(ABC):
    """Something that captures or makes media.

    A subclass gives `_frames`, and where there is a device or file `_prepare` and `_release`.
    `close` ends it for good and must be awaited by whoever made the source.

    Attributes:
        kind: "audio" or "video".
        label: A name for people, as a device name.
        stall_after: Seconds without a frame after which `is_stalled`; None for never.
    """

    def __init__(self, kind: MediaKind, label: str) -> None:
        self.kind: MediaKind = kind
        self.label = label
        self._readers: list[SourceReader] = []
        self._latest: av.VideoFrame | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self.stall_after: float | None = STALL_AFTER
        self._is_stalled = False
        self._end: MediaError | None = None
        self._stalled_listeners: list[Callable[[bool], None]] = []
        self._ended_listeners: list[Callable[[], None]] = []
        self._failed_listeners: list[Callable[[MediaError], None]] = []

    @property
    def is_capturing(self) -> bool:
        """Whether the capture task runs."""
        return self._task is not None

    @property
    def is_ended(self) -> bool:
        """Whether the source is closed, at its end, or has failed; it never comes back."""
        return self._end is not None

    @property
    def is_stalled(self) -> bool:
        """Whether it captures and gives no frames: the system mutes it, or it hangs."""
        return self._is_stalled

    async def open(self) -> SourceReader:
        """Start capturing if nobody else does, and return a new reader.

        A late reader of video starts with the newest frame instead of waiting for the next.

        Raises:
            SourceUnavailableError: The device or file cannot be opened.
            SourceEndedError: The source is at its end or closed.
        """
        async with self._lock:
            if self._end is not None:
                raise self._end
            if self._task is None:
                await self._settled()
                await self._prepare()
                if self._end is not None:  # Closed meanwhile.
                    await self._let_go()
                    raise self._end
                self._task = asyncio.create_task(self._capture(), name=f"capture {self.label}")
            reader = SourceReader(self)
            if self._latest is not None:
                reader._push(self._latest)
            self._readers.append(reader)
            return reader

    def on_ended(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when the source comes to its end; return what takes it back.

        `close` is not an end: who closes knows it.
        """
        self._ended_listeners.append(listener)
        return lambda: _discard(self._ended_listeners, listener)

    def on_failed(self, listener: Callable[[MediaError], None]) -> Callable[[], None]:
        """Call `listener` with the error when capturing fails; return what takes it back."""
        self._failed_listeners.append(listener)
        return lambda: _discard(self._failed_listeners, listener)

    def on_stalled(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        """Call `listener` whenever `is_stalled` changes; return what takes it back."""
        self._stalled_listeners.append(listener)
        return lambda: _discard(self._stalled_listeners, listener)

    async def close(self) -> None:
        """End the source and all its readers, and let go of the device. Safe to repeat."""
        if self._end is None:
            self._finish(SourceEndedError(f"The source {self.label!r} is closed."))
        self._stop()
        async with self._lock:
            await self._settled()

    @abstractmethod
    def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        """Yield frames in real time until the end of the source."""

    # Most sources have nothing to open or to close.
    async def _prepare(self) -> None:  # noqa: B027
        """Open what `_frames` reads; raise `SourceUnavailableError` if that is impossible."""

    async def _release(self) -> None:  # noqa: B027
        """Close what `_prepare` opened, if it is open."""

    def _taken(self) -> None:  # noqa: B027
        """Hear that a reader took frames, or is gone."""

    async def _capture(self) -> None:
        """Feed the readers until the end, let go of the device, then tell the listeners."""
        failure: MediaError | None = None
        try:
            await self._feed()
        except MediaError as error:
            failure = error
        except Exception as error:
            # Whatever it was, readers must not wait for ever.
            logger.exception("Capturing %s failed", self.label)
            failure = MediaError(f"Capturing {self.label!r} failed.", stage=Stage.MEDIA)
            failure.__cause__ = error
        self._latest = None
        await self._let_go()
        self._task = None
        self._finish(failure or SourceEndedError(f"The source {self.label!r} has ended."))
        if failure is None:
            self._tell_ended()
        else:
            self._tell_failed(failure)

    async def _feed(self) -> None:
        watch = None
        if self.stall_after is not None:
            watch = StallWatch(self._tell_stalled, self.stall_after)
        try:
            async with aclosing(self._frames()) as frames:
                async for frame in frames:
                    if watch is not None:
                        watch.frame()
                    if isinstance(frame, av.VideoFrame):
                        self._latest = frame
                    for reader in self._readers:
                        reader._push(frame)
        finally:
            if watch is not None:
                watch.stop()

    async def _let_go(self) -> None:
        try:
            await asyncio.wait_for(self._release(), _RELEASE_DEADLINE)
        except TimeoutError:
            logger.warning("%s did not let go within %s s", self.label, _RELEASE_DEADLINE)
        except Exception:
            logger.exception("%s could not be closed", self.label)

    def _detach(self, reader: SourceReader) -> None:
        _discard(self._readers, reader)
        self._taken()
        if not self._readers:
            self._stop()

    def _stop(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            self._latest = None
            self._stopping = asyncio.create_task(self._wind_down(task), name=f"stop {self.label}")

    async def _wind_down(self, task: asyncio.Task[None]) -> None:
        # Not the capture task's own business: cancelled before its first step, it never runs.
        task.cancel()
        await asyncio.wait([task])
        await self._let_go()

    async def _settled(self) -> None:
        """Wait until a capture that was told to stop has let go of its device."""
        if self._stopping is not None:
            await asyncio.wait([self._stopping])

    def _finish(self, reason: MediaError) -> None:
        self._end = reason
        for reader in self._readers:
            reader._finish(reason)

    def _tell_stalled(self, is_stalled: bool) -> None:
        self._is_stalled = is_stalled
        for listener in list(self._stalled_listeners):
            try:
                listener(is_stalled)
            except Exception:
                logger.exception("A listener for stalls of %s failed", self.label)

    def _tell_ended(self) -> None:
        for listener in list(self._ended_listeners):
            try:
                listener()
            except Exception:
                logger.exception("A listener for the end of %s failed", self.label)

    def _tell_failed(self, error: MediaError) -> None:
        for listener in list(self._failed_listeners):
            try:
                listener(error)
            except Exception:
                logger.exception("A listener for the failure of %s failed", self.label)


class Pacer:
    """Releases frames at their time on the event loop's clock.

    Frames that are a little late follow each other at once, so the rate is kept; after a stall
    of more than a second the missed time is given up and counted in `skipped`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self.skipped = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the start, without what was skipped."""
        return self._loop.time() - self._start

    async def wait(self, time: float) -> None:
        """Return when `time` seconds have elapsed; times must not go back."""
        delay = self._start + time - self._loop.time()
        if delay < -_LATE_LIMIT:
            self._start -= delay
            self.skipped -= delay
        # Yield even when late: a source that catches up must not hold the loop.
        await asyncio.sleep(max(0.0, delay))


class PatternSource(MediaSource):
    """A moving test picture; see `patterns` for what it carries and how to read it back.

    Args:
        width: Even, 96 or more.
        height: Even, 48 or more.
        fps: Frames per second, above 0.
        color: The identity color, red, green, blue.
        counter: Whether to draw the barcode with the frame number.
        label: A name for people.
    """

    def __init__(
        self,
        width: int = 640,
        height: int = 360,
        fps: float = 30.0,
        *,
        color: Color = (32, 120, 136),
        counter: bool = True,
        label: str = "Test pattern",
    ) -> None:
        super().__init__("video", label)
        if width < 96 or height < 48 or width % 2 or height % 2 or fps <= 0:
            raise InvalidArgumentError(
                f"No test pattern of {width}x{height} at {fps} frames per second.",
                next_step="Sides must be even, at least 96x48, and the rate positive.",
            )
        self._fps = fps
        self._painter = PatternPainter(width, height, color, counter=counter)
        # The number goes on when the last reader leaves and another comes.
        self._number = 0

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        first = self._number
        while True:
            time = (self._number - first) / self._fps
            await pacer.wait(time)
            yield av_picture(self._painter.draw(self._number), time=time)
            self._number += 1


class ToneSource(MediaSource):
    """A steady sine.

    Args:
        frequency_hz: Pitch, 20 to 20000.
        level_dbov: Power relative to a full-scale square wave (RFC 6464), -127 to -3.01.
        channels: 1 or 2; both carry the same.
        label: A name for people.
    """

    def __init__(
        self,
        frequency_hz: float = 440.0,
        level_dbov: float = -20.0,
        channels: int = 1,
        *,
        label: str = "Test tone",
    ) -> None:
        super().__init__("audio", label)
        if not 20 <= frequency_hz <= 20_000 or not -127 <= level_dbov <= -3:
            raise InvalidArgumentError(f"No tone of {frequency_hz} Hz at {level_dbov} dBov.")
        _check_channels(channels)
        self._frequency = frequency_hz
        self._level = level_dbov
        self._channels = channels

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        start = 0
        while True:
            await pacer.wait(start / AUDIO_RATE)
            yield av_audio_frame(self._samples(start), pts=start)
            start += FRAME_SAMPLES

    def _samples(self, start: int) -> Samples:
        wave = tone(
            start,
            FRAME_SAMPLES,
            frequency_hz=self._frequency,
            level_dbov=self._level,
            rate=AUDIO_RATE,
        )
        return wave.reshape(-1, 1).repeat(self._channels, axis=1)


class SilenceSource(MediaSource):
    """Digital silence: keeps an audio stream alive when there is nothing to say."""

    def __init__(self, channels: int = 1, *, label: str = "Silence") -> None:
        super().__init__("audio", label)
        _check_channels(channels)
        self._channels = channels

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        start = 0
        silence = np.zeros((FRAME_SAMPLES, self._channels), dtype=np.int16)
        while True:
            await pacer.wait(start / AUDIO_RATE)
            yield av_audio_frame(silence, pts=start)
            start += FRAME_SAMPLES


def av_picture(picture: Picture, *, time: float) -> av.VideoFrame:
    """Copy a yuv420p array into a PyAV frame that was captured at `time` seconds."""
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    frame.pts = round(time * VIDEO_CLOCK_RATE)
    frame.time_base = VIDEO_TIME_BASE
    return frame


def _check_channels(channels: int) -> None:
    if channels not in (1, 2):
        raise InvalidArgumentError(f"Audio has 1 or 2 channels, not {channels}.")


def _discard(items: list[_T], item: _T) -> None:
    if item in items:
        items.remove(item)
