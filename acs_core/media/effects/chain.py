"""Effects in the way of a source: switched on, off and exchanged while frames pass.

Theory of operation. An `EffectSource` stands between a source and its readers. Without effects
it hands frames on untouched. With effects each frame goes through them in order, in a thread of
the media pool, one frame at a time: while a frame is worked on, the newest frame waits at the
upstream reader and older ones are dropped and counted, so a slow effect lowers the frame rate
and never adds delay. Nobody downstream is told of a change, so nothing is negotiated anew.

An effect that fails is reported once per run of failures. A picture it failed on is left out,
because the person asked not to show what the effect hides; sound goes on untouched, because a
noisy voice is better than none.

Source: the policy is ours; the ACS documents name the error event and not what is sent meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import av

from acs_core.errors import MediaError
from acs_core.media.frames import VideoFrame
from acs_core.media.pool import media_pool
from acs_core.media.sources import (
    MediaFrame,
    MediaKind,
    MediaSource,
    SourceEndedError,
    SourceReader,
)

__all__ = [
    "AudioEffect",
    "EffectChain",
    "EffectFailure",
    "EffectSource",
    "EffectStats",
    "MediaEffect",
    "VideoEffect",
]


class MediaEffect(ABC):
    """One step of a chain; serves one stream at a time."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the effect is called in `active_effects`."""

    async def is_supported(self) -> bool:
        """Whether it can run here: its libraries and model are there."""
        return True

    # Many effects have nothing to load.
    async def prepare(self) -> None:  # noqa: B027
        """Load what the first frame needs; called before the effect is switched on.

        Raises:
            CallingError: It cannot run.
        """

    @abstractmethod
    def process(self, frame: MediaFrame) -> Sequence[MediaFrame]:
        """Take a frame and return those that are ready. Blocks; called in one thread at a time.

        A frame is shared with other readers and must not be written into.
        """


class VideoEffect(MediaEffect):
    """A change of each picture; applications may write their own.

    Subclasses give `name` and `apply`.
    """

    @abstractmethod
    def apply(self, frame: VideoFrame) -> VideoFrame:
        """Return the changed picture, of the same size. Blocks; called in a thread.

        `frame` is shared: make a new one, for instance by `VideoFrame.from_ndarray`. Its time
        need not be set. Whatever is raised is reported, and the picture is left out.
        """

    def process(self, frame: MediaFrame) -> Sequence[MediaFrame]:
        """Apply the effect, keeping the time of the picture and the form that senders expect.

        Raises:
            ValueError: `apply` changed the size.
        """
        if not isinstance(frame, av.VideoFrame):
            raise TypeError(f"{self.name} works on pictures.")
        changed = self.apply(VideoFrame(frame)).av_frame
        if (changed.width, changed.height) != (frame.width, frame.height):
            raise ValueError(
                f"{self.name} made {changed.width}x{changed.height} of "
                f"{frame.width}x{frame.height}; the size must stay."
            )
        if changed is frame:
            return (frame,)
        if changed.format.name != "yuv420p":
            changed = changed.reformat(format="yuv420p")
        changed.pts, changed.time_base = frame.pts, frame.time_base
        return (changed,)


class AudioEffect(MediaEffect):
    """A change of sound; takes and gives packed s16 at 48 kHz in frames of 20 ms."""


@dataclass(frozen=True, slots=True)
class EffectFailure:
    """An effect failed on a frame."""

    effect: MediaEffect
    error: Exception


@dataclass(frozen=True, slots=True)
class EffectStats:
    """What a chain has done so far.

    Attributes:
        frames: Frames it worked on.
        failed: Those of them on which an effect failed.
        dropped: Frames that never reached it because it was busy.
        busy: Seconds spent working.
    """

    frames: int
    failed: int
    dropped: int
    busy: float


_Effect = TypeVar("_Effect", bound=MediaEffect)


class EffectChain(Generic[_Effect]):
    """The effects of one stream in the order of their work, none at first.

    Attributes:
        on_failed: Called on the event loop with the first of a run of failures.
        on_processed: Called on the event loop after each frame, with the loop's time.
    """

    def __init__(self, kind: MediaKind) -> None:
        self.on_failed: Callable[[EffectFailure], None] | None = None
        self.on_processed: Callable[[float], None] | None = None
        self._kind: MediaKind = kind
        self._effects: tuple[_Effect, ...] = ()
        self._is_failing = False
        self._lock = threading.Lock()
        self._frames = self._failed = self._dropped = 0
        self._busy = 0.0

    @property
    def kind(self) -> MediaKind:
        """What its effects work on."""
        return self._kind

    @property
    def effects(self) -> tuple[_Effect, ...]:
        """What frames go through from the next one on."""
        return self._effects

    @effects.setter
    def effects(self, effects: Sequence[_Effect]) -> None:
        self._effects = tuple(effects)
        self._is_failing = False

    @property
    def stats(self) -> EffectStats:
        """Figures since the chain was made."""
        return EffectStats(self._frames, self._failed, self._dropped, self._busy)

    def run(
        self, frame: MediaFrame, effects: Sequence[_Effect]
    ) -> tuple[Sequence[MediaFrame], EffectFailure | None]:
        """Send one frame through `effects`; blocks. What an effect raises is returned."""
        frames: list[MediaFrame] = [frame]
        # While a stream changes over to another device, both devices' frames come here.
        with self._lock:
            for effect in effects:
                try:
                    frames = [ready for item in frames for ready in effect.process(item)]
                except Exception as error:
                    untouched = (frame,) if self._kind == "audio" else ()
                    return untouched, EffectFailure(effect, error)
        return frames, None

    def count(self, failure: EffectFailure | None, *, dropped: int, busy: float) -> None:
        """Take the outcome of one frame, on the event loop."""
        self._frames += 1
        self._dropped += dropped
        self._busy += busy
        if failure is not None:
            self._failed += 1
            is_news = not self._is_failing and failure.effect in self._effects
            if is_news and self.on_failed is not None:
                self.on_failed(failure)
        elif self.on_processed is not None:
            self.on_processed(asyncio.get_running_loop().time())
        self._is_failing = failure is not None


class EffectSource(MediaSource):
    """A source seen through a chain of effects; `upstream` is not closed with it."""

    def __init__(self, upstream: MediaSource, chain: EffectChain[Any]) -> None:
        super().__init__(upstream.kind, upstream.label)
        self.stall_after = None  # Its source's stalls are told there.
        self._upstream = upstream
        self._chain = chain
        self._reader: SourceReader | None = None
        self._work: asyncio.Future[tuple[Sequence[MediaFrame], EffectFailure | None]] | None = None
        self._seen_drops = 0
        self._shown_with: Sequence[MediaEffect] = ()

    @property
    def upstream(self) -> MediaSource:
        """The source without effects."""
        return self._upstream

    def on_failed(self, listener: Callable[[MediaError], None]) -> Callable[[], None]:
        """As `MediaSource.on_failed`; the source's failure counts also while nobody looks here."""
        is_told = False

        def tell(error: MediaError) -> None:
            # Who looks here meets the source's failure, too.
            nonlocal is_told
            if not is_told:
                is_told = True
                listener(error)

        forget = (self._upstream.on_failed(tell), super().on_failed(tell))

        def take_back() -> None:
            for end in forget:
                end()

        return take_back

    async def open(self) -> SourceReader:
        """As `MediaSource.open`; nobody gets a picture that was made with other effects."""
        self._forget_others()
        return await super().open()

    async def _prepare(self) -> None:
        self._reader = await self._upstream.open()
        self._seen_drops = 0

    async def _release(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._work is not None:
            # A thread cannot be cancelled, and an effect must not meet two frames at once.
            await asyncio.wait([self._work])
            self._work = None

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        reader = self._reader
        assert reader is not None, "opened by _prepare"
        while True:
            try:
                frame = await reader.read()
            except SourceEndedError:
                return
            self._forget_others()
            if not self._chain.effects:
                yield frame
                continue
            for ready in await self._process(frame, reader):
                yield ready

    def _forget_others(self) -> None:
        """Drop pictures that wait for readers and were made with other effects than now."""
        effects = self._chain.effects
        if effects == self._shown_with:
            return
        self._shown_with = effects
        if self.kind == "video":
            self._latest = None
            for waiting in self._readers:
                waiting.forget()

    async def _process(self, frame: MediaFrame, reader: SourceReader) -> Sequence[MediaFrame]:
        loop = asyncio.get_running_loop()
        began, effects = loop.time(), self._chain.effects
        self._work = loop.run_in_executor(media_pool(self.kind), self._chain.run, frame, effects)
        frames, failure = await asyncio.shield(self._work)
        self._work = None
        dropped, self._seen_drops = reader.dropped - self._seen_drops, reader.dropped
        self._chain.count(failure, dropped=dropped, busy=loop.time() - began)
        # Effects that were switched meanwhile have the last word on pictures.
        is_stale = self.kind == "video" and effects != self._chain.effects
        return () if is_stale and self._chain.effects else frames
