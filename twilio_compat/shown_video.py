"""The pictures of one video track after the other, as one stream for a recorder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, final

import numpy as np

from acs_core.errors import InvalidStateError
from acs_core.media.frames import VideoFrame
from twilio_compat.frame_pump import TrackFrames
from twilio_compat.remote_track import RemoteVideoTrack

__all__ = ["ShownVideo"]

_QUEUE: Final = 60
"""Pictures that may wait while the encoder is busy."""


@final
class ShownVideo(AsyncIterator[VideoFrame]):
    """The pictures of one track after the other, for one reader.

    Their `time` is that of our loop when the track's first picture came, and goes on by the track's
    own time: senders have clocks of their own, and tracks begin at zero.

    Args:
        keeps_capture_time: All tracks are of one sender, whose clock the capture times are of.
    """

    def __init__(self, *, keeps_capture_time: bool = False) -> None:
        self._keeps_capture_time = keeps_capture_time
        self._track: RemoteVideoTrack | None = None
        self._frames: TrackFrames[VideoFrame] | None = None
        self._changed = asyncio.Event()
        self._began: float | None = None
        self._last: VideoFrame | None = None
        self._is_blank_due = False

    @property
    def track(self) -> RemoteVideoTrack | None:
        """The track that is shown."""
        return self._track

    def show(self, track: RemoteVideoTrack | None) -> None:
        """Go on with another track; None waits for one, and the last picture stays."""
        if track is self._track:
            return
        self.close()
        self._track = track
        if track is not None:
            self._changed.set()

    def blank(self) -> None:
        """Show black until the next track."""
        self.close()
        self._is_blank_due = self._last is not None
        self._changed.set()

    def close(self) -> None:
        """Read nothing until the next track."""
        self._track = None
        self._changed.clear()
        frames, self._frames = self._frames, None
        if frames is not None:
            frames.close()

    async def __anext__(self) -> VideoFrame:
        """Wait for the next picture; there is no end."""
        while True:
            await self._changed.wait()
            if self._is_blank_due and self._last is not None:
                self._is_blank_due = False
                return _black(self._last, asyncio.get_running_loop().time())
            if self._frames is None and self._track is not None:
                self._frames = _open(self._track)
                self._began = None
            frames = self._frames
            if frames is None:
                self._changed.clear()
                continue
            try:
                frame = await frames.__anext__()
            except StopAsyncIteration:
                if frames is self._frames:
                    self._ended()
                continue
            return self._placed(frame)

    def _ended(self) -> None:
        """Read the track anew, or wait for the next one."""
        self._frames = None
        track = self._track
        # One that ends before its first picture would do so for ever: who chooses shows it again.
        if track and (self._began is None or not track.media_stream_track.is_subscribed):
            self.close()

    def _placed(self, frame: VideoFrame) -> VideoFrame:
        if self._began is None:
            self._began = asyncio.get_running_loop().time() - frame.time
        captured = frame.capture_time if self._keeps_capture_time else None
        self._last = VideoFrame(
            frame.av_frame, time=self._began + frame.time, capture_time=captured
        )
        return self._last


def _open(track: RemoteVideoTrack) -> TrackFrames[VideoFrame] | None:
    try:
        return track.frames("queue", max_queue=_QUEUE)
    except InvalidStateError:
        return None  # It went in the same moment; who chooses is told.


def _black(like: VideoFrame, time: float) -> VideoFrame:
    height, width = like.height & ~1, like.width & ~1
    planes = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
    planes[:height] = 16
    return VideoFrame.from_ndarray(planes, format="yuv420p", time=time)
