"""Decoders: complete coded pictures and sound in, frames out, off the event loop.

`DecodeWorker` owns one stream's decoder. The decoder is made with the first piece of work, runs
in the process-wide pool (codecs release the interpreter lock), one call at a time per stream,
and a backlog is bounded: a machine that is too slow loses pictures, never memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

import av
import av.error

from acs_core.errors import InvalidArgumentError, MediaError, Stage
from acs_core.media.frames import VIDEO_TIME_BASE, Samples
from acs_core.media.jitter import AssembledFrame, AudioGap, AudioUnit
from acs_core.media.opus import create_opus_decoder
from acs_core.media.pool import media_pool

__all__ = ["AudioDecoder", "DecodeWorker", "Decoder", "VideoDecoder"]

logger = logging.getLogger(__name__)

# libvpx rather than FFmpeg's own VP8: measured alike, and it is the reference.
_DECODERS: Final = {"VP8": "libvpx", "H264": "h264"}

Work = TypeVar("Work", contravariant=True)
Item = TypeVar("Item")
Frame = TypeVar("Frame", covariant=True)
Output = TypeVar("Output")


class Decoder(Protocol[Work, Frame]):
    """Something that `DecodeWorker` can run in a thread."""

    def decode(self, work: Work) -> Sequence[Frame]:
        """Decode one piece.

        Raises:
            MediaError: It is damaged; the next key frame may be asked for.
        """
        ...


class VideoDecoder:
    """One VP8 or H264 stream to `av.VideoFrame` in its native pixel format (YUV 4:2:0)."""

    def __init__(self, codec_name: str) -> None:
        """Make a decoder.

        Raises:
            InvalidArgumentError: Neither VP8 nor H264.
        """
        name = _DECODERS.get(codec_name.upper())
        if name is None:
            raise InvalidArgumentError(f"No decoder for {codec_name}; choose VP8 or H264.")
        # The `av` stubs do not tell that this is a video context.
        self._codec: Any = av.CodecContext.create(name, "r")
        # Frame threads would hold pictures back (one per thread).
        self._codec.thread_count = 1

    def decode(self, work: AssembledFrame) -> list[av.VideoFrame]:
        """Decode one picture; `pts` is its RTP timestamp."""
        packet = av.Packet(work.data)
        packet.pts = work.timestamp
        packet.time_base = VIDEO_TIME_BASE
        try:
            frames: list[av.VideoFrame] = self._codec.decode(packet)
        except av.error.FFmpegError as error:
            raise MediaError(f"A picture is damaged: {error}", stage=Stage.MEDIA) from error
        for frame in frames:
            frame.time_base = VIDEO_TIME_BASE
        return frames


class AudioDecoder:
    """One Opus stream to 48 kHz stereo, gaps filled."""

    def __init__(self) -> None:
        """Make a decoder."""
        self._decoder = create_opus_decoder()

    def decode(self, work: AudioUnit) -> list[tuple[int, Samples]]:
        """Decode a packet or fill a gap: the unit's timestamp and samples ``(n, 2)``."""
        if isinstance(work, AudioGap):
            return [(work.timestamp, self._decoder.conceal(work.samples, work.following))]
        return [(work.timestamp, self._decoder.decode(work.payload))]


class DecodeWorker(Generic[Item, Output]):
    """Runs one decoder in the pool for as long as there is work.

    Attributes:
        frames_decoded: Frames handed to `on_frames`.
        overflows: How often the backlog was thrown away.
    """

    def __init__(
        self,
        create: Callable[[], Decoder[Item, Output]],
        *,
        on_frames: Callable[[Sequence[Output]], None],
        on_failure: Callable[[], None],
        maximum: int,
        kind: Literal["audio", "video"],
    ) -> None:
        """Prepare; neither decoder nor task exists before `submit`.

        Args:
            create: Makes the decoder, in a thread of the pool.
            on_frames: Called on the event loop with what was decoded, in order.
            on_failure: Called on the event loop when pieces were damaged or thrown away.
            maximum: Pieces that may wait for the decoder.
            kind: Which threads to use.
        """
        self.frames_decoded = 0
        self.overflows = 0
        self._create = create
        self._decoder: Decoder[Item, Output] | None = None
        self._on_frames = on_frames
        self._on_failure = on_failure
        self._maximum = maximum
        self._pool = media_pool(kind)
        self._backlog: deque[Item] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def has_decoder(self) -> bool:
        """A decoder was made; memory and CPU are in use."""
        return self._decoder is not None

    @property
    def is_busy(self) -> bool:
        """A thread may be working for this stream."""
        return self._task is not None

    def submit(self, items: Sequence[Item]) -> bool:
        """Hand pieces over, in order.

        Returns:
            False when the decoder is too far behind: these and those that waited are gone.
        """
        if self._is_closed or not items:
            return True
        if len(self._backlog) + len(items) > self._maximum:
            self._backlog.clear()
            self.overflows += 1
            return False
        self._backlog.extend(items)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="decode")
        return True

    def stop(self) -> None:
        """Drop what waits and take nothing more; a running call still ends."""
        self._is_closed = True
        self._backlog.clear()

    async def close(self) -> None:
        """Stop, and return when no thread works for this stream any more."""
        self.stop()
        if self._task is not None:
            # Not canceled: a decoder must not be freed while a thread is in it.
            await asyncio.wait({self._task})
        self._decoder = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._backlog:
                batch = tuple(self._backlog)
                self._backlog.clear()
                frames, failed = await loop.run_in_executor(self._pool, self._decode, batch)
                if self._is_closed:
                    return
                self.frames_decoded += len(frames)
                if frames:
                    self._on_frames(frames)
                if failed:
                    self._on_failure()
        finally:
            self._task = None

    def _decode(self, batch: tuple[Item, ...]) -> tuple[list[Output], bool]:
        frames: list[Output] = []
        failed = False
        try:
            if self._decoder is None:
                self._decoder = self._create()
            for item in batch:
                try:
                    frames.extend(self._decoder.decode(item))
                except MediaError as error:
                    logger.debug("%s", error)
                    failed = True
        except Exception:
            logger.exception("a decoder could not be made or broke")
            failed = True
        return frames, failed
