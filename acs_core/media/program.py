"""Media written by the program: `write` a picture or PCM, and it is sent.

Theory of operation: `write` copies at once, never waits, and says whether the media was taken;
False means not sent. Both sources may be written from any thread. Media written while nobody reads
is not taken. A coroutine that has more to send than real time takes uses `put` instead: it waits
for room, so everything is sent, in order, at the pace of real time.

Source: the frame contract of Twilio's Node media SDK (`@twilio/video-node`, FRAME_CONTRACT), with
names in snake case. Unlike there, audio of any rate is taken and resampled.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

import av
import numpy as np

from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.media.frames import (
    AUDIO_RATE,
    FRAME_SAMPLES,
    VIDEO_CLOCK_RATE,
    VIDEO_TIME_BASE,
    AudioFrame,
    Picture,
    Samples,
    VideoFrame,
    av_audio_frame,
    picture_format,
)
from acs_core.media.sources import MediaFrame, MediaSource, Pacer

__all__ = ["PcmBuffer", "ProgramAudioSource", "ProgramVideoSource"]

_MAX_BUFFERED: Final = AUDIO_RATE // 5
"""200 ms: what a program may be ahead before its writes are refused."""

_PRIME: Final = 2 * FRAME_SAMPLES
"""40 ms: what must be there before a starved stream goes on, so that it does not stutter."""

_PATIENCE: Final = 1.0
"""Seconds that a picture waits for a reader that has not taken the one before; then it loses that,
and is waited for no more until it reads again."""

_PRIME_TICKS: Final = 2
"""Frames of silence after which whatever is there is played: the tail of an utterance."""


class PcmBuffer:
    """Turns writes of any length into frames of 20 ms, one per tick. Pure.

    A writer that is late hears silence inserted; one that is ahead by more than the capacity is
    refused. A clock that differs a little from ours thus costs one frame now and then.

    Args:
        channels: Channels of every write.
        capacity: Samples that may be waiting.

    Attributes:
        refused: Writes not taken.
        underruns: Times the writer fell silent in mid-stream.
    """

    def __init__(self, channels: int, capacity: int = _MAX_BUFFERED) -> None:
        self._channels = channels
        self._capacity = capacity
        self._parts: deque[Samples] = deque()
        self._waiting_ticks = 0
        self._is_starved = True
        self.buffered = 0
        self.refused = 0
        self.underruns = 0

    def push(self, samples: Samples) -> bool:
        """Take ``(n, channels)`` samples whole or refuse them whole."""
        if self.buffered + len(samples) > self._capacity:
            self.refused += 1
            return False
        self._parts.append(samples)
        self.buffered += len(samples)
        return True

    def pop(self) -> Samples:
        """Return the next 20 ms, ``(960, channels)``, filled up with silence where need be."""
        if self._is_starved:
            self._waiting_ticks = self._waiting_ticks + 1 if self.buffered else 0
            if self.buffered < _PRIME and self._waiting_ticks < _PRIME_TICKS:
                return np.zeros((FRAME_SAMPLES, self._channels), dtype=np.int16)
            self._is_starved = False
            self._waiting_ticks = 0
        frame = np.zeros((FRAME_SAMPLES, self._channels), dtype=np.int16)
        filled = 0
        while self._parts and filled < FRAME_SAMPLES:
            part = self._parts.popleft()
            used = min(len(part), FRAME_SAMPLES - filled)
            frame[filled : filled + used] = part[:used]
            filled += used
            if used < len(part):
                self._parts.appendleft(part[used:])
        self.buffered -= filled
        if filled < FRAME_SAMPLES:
            self._is_starved = True
            self.underruns += 1
        return frame

    def clear(self) -> None:
        """Forget what is waiting."""
        self._parts.clear()
        self.buffered = 0
        self._is_starved = True
        self._waiting_ticks = 0


class ProgramVideoSource(MediaSource):
    """Pictures that the program writes.

    Args:
        max_frame_rate: Frames per second above which writes are refused.
        repeat_after: Seconds without a write after which the last picture is sent again, so that
            whoever comes later sees it; None for never.
        label: A name for people.

    Attributes:
        written: Frames taken.
        refused: Frames not taken.
    """

    def __init__(
        self,
        *,
        max_frame_rate: float = 60.0,
        repeat_after: float | None = None,
        label: str = "Program video",
    ) -> None:
        super().__init__("video", label)
        # A program that writes nothing knows it; slides need no frame rate.
        self.stall_after = None
        if max_frame_rate <= 0:
            raise InvalidArgumentError(f"max_frame_rate must be positive, not {max_frame_rate}.")
        self._interval = 1 / max_frame_rate
        self._lock_written = threading.Lock()
        self._pending: av.VideoFrame | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._putting = asyncio.Lock()
        self._repeat_after = repeat_after
        self._started = 0.0
        self._next_time = 0.0
        self.written = 0
        self.refused = 0

    def write(self, frame: Picture | VideoFrame | av.VideoFrame) -> bool:
        """Copy a picture and send it; return whether it was taken.

        Args:
            frame: ``(h, w, 3)`` uint8 RGB, ``(h * 3 / 2, w)`` uint8 I420, or a video frame. An
                odd side is made even: the codecs' chroma is shared by pairs of pixels.

        Returns:
            False when nobody reads the source, it is closed, or it gets more than
            `max_frame_rate`. A taken frame may still be dropped by a slow encoder.

        Raises:
            InvalidArgumentError: It is no picture.
        """
        given = _checked(frame)
        with self._lock_written:
            loop = self._loop
            now = loop.time() if loop is not None else 0.0
            # Half a tick of tolerance: a writer paced by sleep() jitters around its interval.
            if loop is None or now < self._next_time - self._interval / 2:
                self.refused += 1
                return False
            picture = _to_i420(given)
            self._next_time = max(self._next_time, now) + self._interval
            picture.pts = round((now - self._started) * VIDEO_CLOCK_RATE)
            picture.time_base = VIDEO_TIME_BASE
            self._pending = picture
            self.written += 1
            loop.call_soon_threadsafe(self._wake.set)
            return True

    async def put(self, frame: Picture | VideoFrame | av.VideoFrame) -> None:
        """Copy a picture and send it in its turn, `max_frame_rate` of them in a second.

        Waits while nobody reads the source, and for readers (an encoder that is slow) that have not
        taken the picture before, up to a second.

        Raises:
            SourceEndedError: The source is closed.
            InvalidArgumentError: It is no picture.
        """
        given = _checked(frame)
        async with self._putting:
            while True:
                if self._end is not None:
                    raise self._end
                loop, wait = self._loop, None
                if loop is not None and self._pending is None:
                    wait = max(self._next_time - loop.time(), self._readers_wait())
                    if wait <= 0 and self.write(given):
                        return
                await self._room_made(wait)

    async def drained(self) -> None:
        """Wait until the last picture is on its way, or the source is closed."""
        while self._end is None:
            wait = None if self._pending is not None else self._readers_wait()
            if wait is not None and wait <= 0:
                return
            await self._room_made(wait)

    def _readers_wait(self) -> float:
        """Seconds for which readers that have not taken the newest picture are waited for."""
        unread = (one.unread_since for one in self._readers if one.unread_since is not None)
        patience = (since + _PATIENCE - asyncio.get_running_loop().time() for since in unread)
        return max(patience, default=0.0)

    async def _room_made(self, deadline: float | None) -> None:
        """Wait for those who take a picture, open or close, for `deadline` seconds at most."""
        self._room.clear()
        # Not `wait_for`, which swallows a cancellation that comes with the event (3.11).
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                await self._room.wait()

    def _finish(self, reason: MediaError) -> None:
        super()._finish(reason)
        self._room.set()

    def _taken(self) -> None:
        self._room.set()

    async def _prepare(self) -> None:
        self._room.set()
        with self._lock_written:
            self._loop = asyncio.get_running_loop()
            self._started = self._next_time = self._loop.time()
            self._wake.clear()

    async def _release(self) -> None:
        with self._lock_written:
            self._loop = None
            self._pending = None
        self._room.set()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        loop = asyncio.get_running_loop()
        last: av.VideoFrame | None = None
        while True:
            try:
                # Before the first picture there is none to repeat. Not `wait_for`: see `put`.
                async with asyncio.timeout(self._repeat_after if last else None):
                    await self._wake.wait()
            except TimeoutError:
                assert last is not None
                yield _again(last, round((loop.time() - self._started) * VIDEO_CLOCK_RATE))
                continue
            self._wake.clear()
            with self._lock_written:
                picture, self._pending = self._pending, None
            self._room.set()
            if picture is not None:
                last = picture
                yield picture


class ProgramAudioSource(MediaSource):
    """Sound that the program writes.

    Frames go out every 20 ms as long as somebody reads, silence where nothing was written.

    Args:
        channels: 1 or 2, what is sent; writes with another number are mixed to it.
        label: A name for people.
    """

    def __init__(self, *, channels: int = 1, label: str = "Program audio") -> None:
        super().__init__("audio", label)
        if channels not in (1, 2):
            raise InvalidArgumentError(f"Audio has 1 or 2 channels, not {channels}.")
        self._channels = channels
        self._lock_written = threading.Lock()
        self._buffer = PcmBuffer(channels)
        self._is_read = False
        self._room = asyncio.Event()
        self._putting = asyncio.Lock()
        self._resampler: av.AudioResampler | None = None
        self._written_form = (AUDIO_RATE, channels)

    @property
    def refused(self) -> int:
        """Writes not taken because 200 ms were waiting already."""
        return self._buffer.refused

    @property
    def underruns(self) -> int:
        """Times the program was late in mid-stream and silence was inserted."""
        return self._buffer.underruns

    @property
    def buffered(self) -> float:
        """Seconds of sound waiting to be sent."""
        return self._buffer.buffered / AUDIO_RATE

    def write(self, samples: Samples | AudioFrame, *, sample_rate: int = AUDIO_RATE) -> bool:
        """Copy samples and send them; return whether they were taken.

        Args:
            samples: int16, ``(n,)`` or ``(n, channels)`` with one or two channels, or a frame
                (whose own rate counts). At most 200 ms at once.
            sample_rate: Samples per second; keep to one rate, a change costs a few samples.

        Returns:
            False when nobody reads the source, it is closed, or 200 ms are waiting already.

        Raises:
            InvalidArgumentError: These are no samples.
        """
        frame = _checked_sound(samples, sample_rate)
        with self._lock_written:
            if not self._is_read:
                return False
            if self.buffered + frame.duration > _MAX_BUFFERED / AUDIO_RATE:
                # Refused before it touches the resampler, whose state is part of the stream.
                self._buffer.refused += 1
                return False
            return self._buffer.push(self._converted(frame))

    async def put(self, samples: Samples | AudioFrame, *, sample_rate: int = AUDIO_RATE) -> None:
        """Copy samples of any length and send them in their turn, at the pace of real time.

        Waits while nobody reads the source. Arguments as of `write`.

        Raises:
            SourceEndedError: The source is closed.
            InvalidArgumentError: These are no samples.
        """
        frame = _checked_sound(samples, sample_rate)
        step = max(1, frame.sample_rate // 50)
        async with self._putting:
            for start in range(0, len(frame.samples), step):
                piece = AudioFrame(
                    frame.samples[start : start + step], sample_rate=frame.sample_rate
                )
                await self._put_piece(piece)

    async def drained(self) -> None:
        """Wait until everything that was written is sent, or the source is closed."""
        while self._buffer.buffered and self._end is None:
            self._room.clear()
            await self._room.wait()

    async def _put_piece(self, piece: AudioFrame) -> None:
        while True:
            if self._end is not None:
                raise self._end
            self._room.clear()
            has_room = self.buffered + piece.duration <= _MAX_BUFFERED / AUDIO_RATE
            if self._is_read and has_room and self.write(piece):
                return
            await self._room.wait()

    def _finish(self, reason: MediaError) -> None:
        super()._finish(reason)
        self._room.set()

    def clear(self) -> None:
        """Take back what was written and is not sent yet, at most 200 ms."""
        with self._lock_written:
            self._buffer.clear()
            # It holds the last samples of what is taken back.
            self._resampler = None
        self._room.set()

    def _converted(self, frame: AudioFrame) -> Samples:
        form = (frame.sample_rate, frame.channels)
        if form == (AUDIO_RATE, self._channels):
            return frame.samples.copy()
        if self._resampler is None or form != self._written_form:
            layout = "mono" if self._channels == 1 else "stereo"
            self._resampler = av.AudioResampler(format="s16", layout=layout, rate=AUDIO_RATE)
            self._written_form = form
        packed = av_audio_frame(frame.samples, pts=0, sample_rate=frame.sample_rate)
        packed.pts = None
        parts = [AudioFrame.from_av(part).samples for part in self._resampler.resample(packed)]
        empty = np.zeros((0, self._channels), dtype=np.int16)
        return np.concatenate([empty, *parts])

    async def _prepare(self) -> None:
        with self._lock_written:
            self._is_read = True
        self._room.set()

    async def _release(self) -> None:
        with self._lock_written:
            self._is_read = False
            self._buffer.clear()
            self._resampler = None
        self._room.set()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        start = 0
        while True:
            await pacer.wait(start / AUDIO_RATE)
            with self._lock_written:
                samples = self._buffer.pop()
            self._room.set()
            yield av_audio_frame(samples, pts=start)
            start += FRAME_SAMPLES


def _checked(frame: Picture | VideoFrame | av.VideoFrame) -> Picture | av.VideoFrame:
    """Return the frame as an array or a PyAV frame, or refuse it; nothing is converted yet."""
    if isinstance(frame, np.ndarray):
        picture_format(frame)
        if min(frame.shape[:2]) < 2:
            raise InvalidArgumentError("A picture needs at least 2x2 pixels.")
        return frame
    if isinstance(frame, VideoFrame):
        return frame.av_frame
    if isinstance(frame, av.VideoFrame):
        return frame
    raise InvalidArgumentError(f"Expected a picture, got {type(frame).__name__}.")


def _checked_sound(samples: Samples | AudioFrame, sample_rate: int) -> AudioFrame:
    frame = (
        samples
        if isinstance(samples, AudioFrame)
        else AudioFrame.from_ndarray(samples, sample_rate=sample_rate)
    )
    if frame.channels not in (1, 2):
        raise InvalidArgumentError(f"Audio has 1 or 2 channels, not {frame.channels}.")
    return frame


def _again(frame: av.VideoFrame, pts: int) -> av.VideoFrame:
    """Copy a yuv420p picture for another time; who got it before keeps it as it is."""
    copy = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
    copy.pts, copy.time_base = pts, VIDEO_TIME_BASE
    return copy


def _to_i420(frame: Picture | av.VideoFrame) -> av.VideoFrame:
    """Copy a checked picture into a yuv420p frame with even sides."""
    if isinstance(frame, np.ndarray):
        layout = picture_format(frame)
        if layout == "rgb24":
            frame = frame[: frame.shape[0] & ~1, : frame.shape[1] & ~1]
        source = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=layout)
        return source.reformat(format="yuv420p")
    width, height = frame.width & ~1, frame.height & ~1
    if (width, height, "yuv420p") == (frame.width, frame.height, frame.format.name):
        # reformat() would hand back the caller's own frame, whose time we are about to set.
        return av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
    return frame.reformat(width=width, height=height, format="yuv420p")
