"""Records pictures and sound of a call into one webm, mkv or mp4 file.

Theory of operation: each added stream has a pump task that stamps frames with their arrival and
puts them into one bounded queue; a writer task hands them, one after the other, to `RecordingFile`
on a thread of its own. When the encoder is slow the queue fills, the pumps wait, and the streams
drop frames by their own rule: memory stays bounded and the loop free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, final

from acs_core.errors import CallingError, DeadlineError, InvalidStateError, MediaError, Stage
from acs_core.media.backdating import Arrived, Backdating
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.recording import (
    RecordingFile,
    RecordingOptions,
    RecordingSummary,
    check_recording_path,
)

__all__ = ["Recorder"]

logger = logging.getLogger(__name__)

_QUEUE: Final = 100
"""Frames waiting for the encoder: some 1.3 s of one picture and one sound."""
_DRAIN_DEADLINE: Final = 10.0
"""Seconds in which a slow encoder may take what waits for it; the rest is left out."""
_CLOSE_DEADLINE: Final = 15.0


@final
class Recorder:
    """Records one picture and any number of sounds, mixed, into a file.

    Use it as an async context manager, or `close` it: only then is the file complete.

    Args:
        path: Ends in .webm or .mkv (VP8 and Opus) or .mp4 (H264 and AAC); overwritten.
        options: Tracks, size and rates.

    Raises:
        InvalidArgumentError: The suffix or an option is not possible.
    """

    def __init__(self, path: str | Path, options: RecordingOptions | None = None) -> None:
        self.path = Path(path)
        self.options = options or RecordingOptions()
        check_recording_path(self.path, self.options)
        self._file = RecordingFile(self.path, self.options)
        self._queue: asyncio.Queue[Arrived | None] = asyncio.Queue(_QUEUE)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._pumps: set[asyncio.Task[None]] = set()
        self._video_pump: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._count = 0
        self._began: float | None = None
        self._backdating: Backdating | None = None
        self._closing: asyncio.Task[None] | None = None
        self._summary: RecordingSummary | None = None
        self._failure: MediaError | None = None

    @property
    def failure(self) -> MediaError | None:
        """Why nothing more is written; None while all is well. `close` raises it."""
        return self._failure

    def begin(self) -> None:
        """Let the recording last from now until `close`, whenever media comes; call it first.

        Otherwise it lasts from the first frame to the last one. In sound and pictures that have a
        clock, those before the first sender report are put in sync, too; that they wait for it
        suits a recording of one sender, and not a mix of several.
        """
        self._backdating = Backdating()
        self._began = asyncio.get_running_loop().time()
        self._file.begin(self._began)

    def add_video(self, frames: AsyncIterable[VideoFrame], *, clock: str = "") -> None:
        """Record these pictures until they end.

        Args:
            frames: The stream; `close` stops reading it, who made it closes it.
            clock: Whose clock the capture times are of, such as a participant's id. Streams of
                one clock are kept in sync by their capture times.

        Raises:
            InvalidStateError: The recorder is closed, or another video is still being recorded.
        """
        if self._video_pump is not None and not self._video_pump.done():
            raise InvalidStateError("A recorder records one video at a time.", stage=Stage.MEDIA)
        self._video_pump = self._add(frames, clock)

    def add_audio(self, frames: AsyncIterable[AudioFrame], *, clock: str = "") -> None:
        """Mix in this sound until it ends; arguments and errors as `add_video`."""
        self._add(frames, clock)

    async def close(self) -> RecordingSummary:
        """Stop reading, finish the file and say what it holds. Safe to repeat.

        The file is finished also when whoever waits for it is cancelled.

        Raises:
            MediaError: Writing failed; the file holds what was written before.
            DeadlineError: The file could not be finished in 15 s.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._end(), name="recorder end")
        # Waited for, not awaited: a caller that is cancelled must not leave half a file.
        await asyncio.wait({self._closing})
        self._closing.result()
        if self._summary is None:
            raise self._failure or MediaError(f"The recording {self.path} was not finished.")
        return self._summary

    async def __aenter__(self) -> Recorder:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _add(
        self, frames: AsyncIterable[VideoFrame] | AsyncIterable[AudioFrame], clock: str
    ) -> asyncio.Task[None]:
        if self._closing is not None:
            raise InvalidStateError(f"The recorder of {self.path} is closed.", stage=Stage.MEDIA)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="recorder writer")
        self._count += 1
        name = f"stream {self._count}"
        task = asyncio.create_task(self._pump(frames, name, clock), name=f"recorder {name}")
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        return task

    async def _pump(
        self,
        frames: AsyncIterable[VideoFrame] | AsyncIterable[AudioFrame],
        name: str,
        clock: str,
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for frame in frames:
                await self._queue.put(Arrived(name, clock, frame, loop.time()))
        except CallingError as error:
            # A stream that fails ends; the recording goes on with the others.
            logger.warning("Recording %s of %s ended: %s", name, self.path, error)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while (item := await self._queue.get()) is not None:
            if self._failure is not None:
                continue  # The queue is drained so that the pumps never block.
            try:
                await loop.run_in_executor(self._executor, self._store, item)
            except Exception as error:
                self._fail(error)

    def _store(self, item: Arrived) -> None:
        for ready in [item] if self._backdating is None else self._backdating.take(item):
            self._put(ready)

    def _put(self, item: Arrived) -> None:
        name, clock, frame, arrival = item
        if isinstance(frame, VideoFrame):
            self._file.write_video(name, clock, frame, arrival)
        else:
            self._file.write_audio(name, clock, frame, arrival)

    async def _end(self) -> None:
        """Take what waits, then complete the file; that also when the program ends meanwhile."""
        now = asyncio.get_running_loop().time()
        until = 0.0 if self._began is None else now - self._began
        try:
            async with asyncio.timeout(_DRAIN_DEADLINE):
                await self._drain()
        except TimeoutError:
            logger.warning("The encoder of %s is too slow: its end is left out", self.path)
        finally:
            await self._complete(until, now + _CLOSE_DEADLINE)

    async def _drain(self) -> None:
        pumps = [*self._pumps]
        for task in pumps:
            task.cancel()
        if pumps:
            await asyncio.wait(pumps)
        if self._writer is not None:
            await self._queue.put(None)
            await self._writer

    async def _complete(self, until: float, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                await loop.run_in_executor(self._executor, self._finish, until)
        except TimeoutError as error:
            message = f"The recording {self.path} was not finished in {_CLOSE_DEADLINE:g} s."
            raise DeadlineError(message, stage=Stage.MEDIA) from error
        except Exception as error:
            self._fail(error)
        finally:
            self._executor.shutdown(wait=False)

    def _finish(self, until: float) -> None:
        try:
            if self._failure is None:
                for held in [] if self._backdating is None else self._backdating.flush():
                    self._put(held)
                self._summary = self._file.finish(until=until)
        finally:
            self._file.close()

    def _fail(self, error: Exception) -> None:
        """Remember why the recording ends; whatever it was, nobody must wait for the writer."""
        if isinstance(error, MediaError):
            self._failure = error
            return
        self._failure = MediaError(
            f"The recording {self.path} cannot be written: {error}.", stage=Stage.MEDIA
        )
        self._failure.__cause__ = error
