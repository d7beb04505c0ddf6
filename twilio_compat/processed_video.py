"""Where a video track's frames meet its processor: on the way out, and on the way in.

Theory of operation. What a local video track sends, and shows, is a `ProcessedSource` in front of
its own source, from the start: without a processor it hands frames on untouched, and a processor
that is added or removed is in force from the next frame on, with nothing to be negotiated anew.
A remote track is read directly as long as it has no processor; `ProcessedFeeds` then reads it once
for all its readers, and a `ReopeningFeed` takes each reader over to it and back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast, final

import av

from acs_core.client.emitter import TaskOwner
from acs_core.errors import MediaError
from acs_core.media.frame_stream import FrameStream
from acs_core.media.frames import VideoFrame
from acs_core.media.sources import MediaFrame, MediaSource, SourceEndedError, SourceReader
from twilio_compat.frame_pump import FrameFeed
from twilio_compat.video_processor import ProcessorRun

__all__ = ["ProcessedFeeds", "ProcessedSource", "ReopeningFeed"]


@final
class ProcessedSource(MediaSource):
    """A video source seen through a processor, when there is one.

    Args:
        upstream: The source; it is not closed with this one, and its end is this one's.
        run: The processor there is already.
    """

    def __init__(self, upstream: MediaSource, run: ProcessorRun | None = None) -> None:
        super().__init__("video", upstream.label)
        self.stall_after = None  # Its source's stalls are told there.
        self._upstream = upstream
        self._run = run
        self._reader: SourceReader | None = None

    @property
    def upstream(self) -> MediaSource:
        """The source without a processor."""
        return self._upstream

    @property
    def is_ended(self) -> bool:
        """Whether there will be no more frames."""
        return super().is_ended or self._upstream.is_ended

    @property
    def run(self) -> ProcessorRun | None:
        """The processor that frames go through from the next one on."""
        return self._run

    @run.setter
    def run(self, run: ProcessorRun | None) -> None:
        self._run = run
        # Nobody gets a picture any more that was made with the processor before, or with none.
        self._latest = None
        for waiting in self._readers:
            waiting.forget()

    def on_failed(self, listener: Callable[[MediaError], None]) -> Callable[[], None]:
        """As `MediaSource.on_failed`; only the source fails, processors are contained."""
        return self._upstream.on_failed(listener)

    async def _prepare(self) -> None:
        self._reader = await self._upstream.open()

    async def _release(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._run is not None:
            await self._run.settle()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        reader = self._reader
        assert reader is not None, "opened by _prepare"
        while True:
            try:
                frame = await reader.read()
            except SourceEndedError:
                return
            run = self._run
            if run is None:
                yield frame
                continue
            assert isinstance(frame, av.VideoFrame)
            made = await run.apply(VideoFrame(frame))
            if made is not None and run is self._run:
                yield made.av_frame


@final
class ProcessedFeeds:
    """The frames of a remote track after its processor, for any number of readers.

    Args:
        open_feed: Opens a reader of the frames before it.
        run: The processor.
        tasks: Owns the task that works while there are readers.
    """

    def __init__(
        self, open_feed: Callable[[], FrameFeed[VideoFrame]], run: ProcessorRun, tasks: TaskOwner
    ) -> None:
        self._open_feed = open_feed
        self._run = run
        self._tasks = tasks
        self._streams: list[FrameStream] = []
        self._feed: FrameFeed[VideoFrame] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def run(self) -> ProcessorRun:
        """The processor."""
        return self._run

    def frames(self, maximum: int) -> FrameFeed[VideoFrame]:
        """Open a reader that keeps so many frames.

        Raises:
            InvalidStateError: The track is not received.
        """
        if self._task is None or self._task.done():
            self._feed = self._open_feed()
            self._task = self._tasks.start(self._work(self._feed), "processed video")
        stream = FrameStream(maximum, self._closed)
        self._streams.append(stream)
        return cast("FrameFeed[VideoFrame]", stream)

    def _closed(self, stream: FrameStream) -> None:
        self._streams = [one for one in self._streams if one is not stream]
        if not self._streams:
            self._stop()

    def _stop(self) -> None:
        task, self._task = self._task, None
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()
        if task is not None:
            task.cancel()

    async def _work(self, feed: FrameFeed[VideoFrame]) -> None:
        try:
            while True:
                made = await self._run.apply(await feed.__anext__())
                if made is not None:
                    for stream in tuple(self._streams):
                        stream.push(made)
        except StopAsyncIteration:
            pass
        finally:
            feed.close()
            # Readers who came after this task was stopped belong to the next one.
            if self._feed is feed:
                for stream in tuple(self._streams):
                    stream.end()


@final
class ReopeningFeed:
    """A reader that goes on with another feed when told so, without losing its place.

    Args:
        open_feed: Opens what is to be read now.
        closed: Called once, when the reader is closed.
    """

    def __init__(
        self,
        open_feed: Callable[[], FrameFeed[VideoFrame]],
        closed: Callable[[ReopeningFeed], None],
    ) -> None:
        self._open_feed = open_feed
        self._closed: Callable[[Any], None] | None = closed
        self._feed = open_feed()
        self._dropped_before = 0

    @property
    def dropped(self) -> int:
        """Frames lost so far."""
        return self._dropped_before + self._feed.dropped

    async def __anext__(self) -> VideoFrame:
        """Wait for the next frame."""
        while True:
            feed = self._feed
            try:
                return await feed.__anext__()
            except StopAsyncIteration:
                if feed is self._feed:
                    raise

    def reopen(self) -> None:
        """Read what is to be read now.

        Raises:
            InvalidStateError: The track is not received.
        """
        before, self._feed = self._feed, self._open_feed()
        self._dropped_before += before.dropped
        before.close()

    def close(self) -> None:
        """Stop reading."""
        closed, self._closed = self._closed, None
        self._feed.close()
        if closed is not None:
            closed(self)
