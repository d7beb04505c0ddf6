"""From a track's frames to whoever registered for them: callbacks and sinks.

Theory of operation: a track has at most one pump. It runs while somebody is registered, as one task
that reads `track.frames()` and hands each frame to all. Nobody registered means nobody reads, and
a remote track that nobody reads is not decoded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar, final

from acs_core.client.emitter import TaskOwner
from acs_core.client.frame_reader import close_when_forgotten
from acs_core.errors import CallingError
from acs_core.media.frames import AudioFrame, VideoFrame

__all__ = ["AudioSink", "FrameFeed", "FrameMode", "FramePump", "TrackFrames"]

_log = logging.getLogger(__name__)

FrameMode: TypeAlias = Literal["latest", "queue"]
_Frame = TypeVar("_Frame", bound=VideoFrame | AudioFrame)
_FrameOut = TypeVar("_FrameOut", bound=VideoFrame | AudioFrame, covariant=True)

SINK_SECONDS: Final = 1.0
"""Sound that an attached sink holds for whoever drains it late."""


class FrameFeed(Protocol[_FrameOut]):
    """Frames of one reader, with the number of those it lost because it was too slow."""

    @property
    def dropped(self) -> int:
        """Frames lost so far."""

    async def __anext__(self) -> _FrameOut:
        """Wait for the next frame; `StopAsyncIteration` at the end."""

    def close(self) -> None:
        """Stop reading."""


@final
class TrackFrames(AsyncIterator[_Frame], Generic[_Frame]):
    """What `track.frames()` gives: `async for frame in frames`, and `frames.dropped`.

    Close it with `close` (or `contextlib.aclosing`) when leaving the loop early, so that decoding
    stops at once; otherwise it stops when nobody holds this any more.
    """

    def __init__(self, feed: FrameFeed[_Frame], seen: Callable[[_Frame], None]) -> None:
        self._feed = feed
        self._seen = seen
        self._finalizer = close_when_forgotten(self, feed.close)

    @property
    def dropped(self) -> int:
        """Frames that were lost because the reader was too slow."""
        return self._feed.dropped

    def __aiter__(self) -> TrackFrames[_Frame]:
        return self

    async def __anext__(self) -> _Frame:
        frame = await self._feed.__anext__()
        self._seen(frame)
        return frame

    def close(self) -> None:
        """Stop reading; safe to repeat."""
        self._finalizer.detach()
        self._feed.close()

    async def aclose(self) -> None:
        """Same as `close`, for `contextlib.aclosing`."""
        self.close()


@final
class FramePump(Generic[_Frame]):
    """Hands the frames of one track to its receivers while there are any."""

    def __init__(
        self, frames: Callable[[], TrackFrames[_Frame]], owner: TaskOwner, name: str
    ) -> None:
        self._frames = frames
        self._owner = owner
        self._name = name
        self._receivers: list[Callable[[_Frame], object]] = []
        self._task: asyncio.Task[None] | None = None
        self._current: TrackFrames[_Frame] | None = None

    def add(self, receiver: Callable[[_Frame], object]) -> None:
        """Call `receiver` with each frame from now on.

        Raises:
            InvalidStateError: The track is not received.
        """
        if self._task is None or self._task.done():
            self._current = self._frames()
            self._task = self._owner.start(self._run(self._current), self._name)
        self._receivers.append(receiver)

    def remove(self, receiver: Callable[[_Frame], object]) -> None:
        """Stop calling `receiver`; one that is not registered is no error."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)
        if not self._receivers:
            self.stop()

    def again(self) -> None:
        """Read anew for those who are registered: the track has another source."""
        self.stop()
        if self._receivers:
            self._current = self._frames()
            self._task = self._owner.start(self._run(self._current), self._name)

    def stop(self) -> None:
        """Stop reading until the next `add`; the owner waits for the end."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._current is not None:
            # Here too: a task that is cancelled before its first step never closes them.
            self._current.close()
            self._current = None

    async def _run(self, frames: TrackFrames[_Frame]) -> None:
        try:
            async for frame in frames:
                for receiver in tuple(self._receivers):
                    self._hand(receiver, frame)
        except CallingError as error:
            _log.warning("%s ended: %s", self._name, error)
        finally:
            frames.close()

    def _hand(self, receiver: Callable[[_Frame], object], frame: _Frame) -> None:
        try:
            receiver(frame)
        except Exception:
            _log.exception("A frame receiver of %s failed.", self._name)


@final
class AudioSink:
    """Where an attached audio track's sound goes: the newest second of it.

    Attributes:
        muted: The sound is thrown away; the default for local tracks, as in a browser.
        frames_received: Counted while muted, too.
    """

    def __init__(self, *, muted: bool = False) -> None:
        self.muted = muted
        self.frames_received = 0
        self._frames: deque[AudioFrame] = deque()
        self._seconds = 0.0

    def show(self, frame: AudioFrame) -> None:
        """Take a frame; the oldest ones go when there is more than a second."""
        self.frames_received += 1
        if self.muted:
            return
        self._frames.append(frame)
        self._seconds += frame.duration
        while self._seconds > SINK_SECONDS:
            self._seconds -= self._frames.popleft().duration

    def drain(self) -> list[AudioFrame]:
        """Take the sound out, oldest first."""
        frames = list(self._frames)
        self.blank()
        return frames

    def blank(self) -> None:
        """Forget the sound."""
        self._frames.clear()
        self._seconds = 0.0
