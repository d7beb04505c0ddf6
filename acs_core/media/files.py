"""Media files as sources, and what files share with devices: a PyAV container on its own thread.

Theory of operation: demuxing and decoding block, so each open container has one worker thread
that opens it, reads it and closes it, in that order; a container is never touched by two threads,
nor closed under a running read. The event loop paces the frames that come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import av
import numpy as np

from acs_core.errors import MediaError, SourceUnavailableError, Stage
from acs_core.media.frames import (
    AUDIO_RATE,
    FRAME_SAMPLES,
    VIDEO_CLOCK_RATE,
    VIDEO_TIME_BASE,
    AudioFrame,
    Samples,
    av_audio_frame,
)
from acs_core.media.sources import MediaFrame, MediaKind, MediaSource, Pacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import InputContainer

__all__ = ["ContainerReader", "ContainerSource", "FileSource"]

_T = TypeVar("_T")

SOURCE_UNAVAILABLE: Final = 43000
"""ACS sub-code of a local stream whose source cannot be started (412/43000)."""


class ContainerReader:
    """Decodes one stream of an open container into the form all sources deliver. Blocks.

    Args:
        container: Opened by PyAV; closed by `close`.
        kind: Which stream to read: the first of that kind.
        is_looping: Start again at the end; times go on rising.

    Raises:
        LookupError: The container has no such stream.
    """

    def __init__(
        self, container: InputContainer, kind: MediaKind, *, is_looping: bool = False
    ) -> None:
        self._container = container
        self._is_looping = is_looping
        self._offset = 0.0
        self._end = 0.0
        streams = container.streams
        if kind == "video":
            picture = streams.video[0] if streams.video else None
            if picture is None:
                raise LookupError("no video stream")
            picture.thread_type = "AUTO"
            self._rate = float(picture.average_rate or 30)
            self._frames = self._video()
        else:
            sound = streams.audio[0] if streams.audio else None
            if sound is None:
                raise LookupError("no audio stream")
            self._layout = "mono" if sound.channels == 1 else "stereo"
            self._frames = self._audio()

    def read(self) -> MediaFrame | None:
        """Return the next frame, None at the end.

        Raises:
            MediaError: The media cannot be decoded.
        """
        try:
            return next(self._frames, None)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise MediaError(f"The media cannot be decoded: {error}.", stage=Stage.MEDIA) from error

    def close(self) -> None:
        """Close the container."""
        self._container.close()

    def _video(self) -> Iterator[MediaFrame]:
        first: float | None = None
        while True:
            count = 0
            for frame in self._container.decode(video=0):
                count += 1
                time = frame.time if frame.pts is not None else None
                if time is None:
                    relative = self._end - self._offset
                else:
                    first = time if first is None else first
                    relative = time - first
                yield self._normal(frame, self._offset + max(0.0, relative))
            if not self._rewind(count):
                return

    def _normal(self, frame: av.VideoFrame, time: float) -> av.VideoFrame:
        width, height = max(2, frame.width & ~1), max(2, frame.height & ~1)
        # Full-range pictures (webcams' MJPEG) are brought to studio range, which codecs expect.
        picture = frame.reformat(width=width, height=height, format="yuv420p")
        picture.pts = round(time * VIDEO_CLOCK_RATE)
        picture.time_base = VIDEO_TIME_BASE
        self._end = time + 1 / self._rate
        return picture

    def _audio(self) -> Iterator[MediaFrame]:
        position = 0
        while True:
            count = 0
            resampler = av.AudioResampler(
                format="s16", layout=self._layout, rate=AUDIO_RATE, frame_size=FRAME_SAMPLES
            )
            for frame in self._container.decode(audio=0):
                frame.pts = None
                for part in resampler.resample(frame):
                    count += 1
                    yield av_audio_frame(AudioFrame.from_av(part).samples, pts=position)
                    position += part.samples
            for part in resampler.resample(None):
                count += 1
                yield av_audio_frame(_padded(part), pts=position)
                position += FRAME_SAMPLES
            if not self._rewind(count):
                return

    def _rewind(self, count: int) -> bool:
        """Go back to the start if looping; a file without any frame does not loop."""
        if not self._is_looping or not count:
            return False
        self._offset = self._end
        self._container.seek(0)
        return True


class ContainerSource(MediaSource):
    """What media files and capture devices have in common.

    Args:
        kind: "audio" or "video".
        label: A name for people.
        is_paced: Whether to release frames at their time; a device does so by itself.
    """

    def __init__(self, kind: MediaKind, label: str, *, is_paced: bool) -> None:
        super().__init__(kind, label)
        self._is_paced = is_paced
        self._executor: ThreadPoolExecutor | None = None
        self._reader: ContainerReader | None = None

    def _open_blocking(self) -> ContainerReader:
        """Open the container, on the worker thread; raise `SourceUnavailableError`."""
        raise NotImplementedError

    async def _prepare(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"media {self.label}")
        try:
            await self._call(self._adopt)
        except BaseException:
            # Also when cancelled: the worker closes what it may still be opening.
            await self._let_go()
            raise

    async def _release(self) -> None:
        executor, self._executor = self._executor, None
        if executor is None:
            return
        # Queued behind the read or open that is still running, then the thread ends.
        done = executor.submit(self._drop)
        executor.shutdown(wait=False)
        await asyncio.wrap_future(done)

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        while True:
            frame = await self._call(self._read)
            if frame is None:
                return
            if self._is_paced:
                await pacer.wait(frame.time or 0.0)
            yield frame

    async def _call(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _adopt(self) -> None:
        self._reader = self._open_blocking()

    def _read(self) -> MediaFrame | None:
        return self._reader.read() if self._reader is not None else None

    def _drop(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


class FileSource(ContainerSource):
    """One stream of a media file: anything FFmpeg reads.

    Args:
        path: The file.
        kind: "audio" or "video"; use two sources for both.
        loop: Start again at the end, for ever.
        realtime: Release frames at the speed of the file; False releases them as fast as they
            are decoded, for batch work, where a slow reader loses frames.
        label: A name for people; by default the name of the file.
    """

    def __init__(
        self,
        path: str | Path,
        kind: MediaKind,
        *,
        loop: bool = False,
        realtime: bool = True,
        label: str = "",
    ) -> None:
        self.path = Path(path)
        super().__init__(kind, label or self.path.name, is_paced=realtime)
        self._is_looping = loop

    def _open_blocking(self) -> ContainerReader:
        try:
            container = av.open(str(self.path))
        except FileNotFoundError as error:
            raise _unavailable_file(self.path, "does not exist", "Check the path.") from error
        except (av.FFmpegError, OSError, ValueError) as error:
            advice = "Check that FFmpeg can play the file."
            raise _unavailable_file(self.path, f"cannot be opened: {error}", advice) from error
        try:
            return ContainerReader(container, self.kind, is_looping=self._is_looping)
        except LookupError as error:
            container.close()
            advice = f"Give a file that has {self.kind}."
            raise _unavailable_file(self.path, f"has no {self.kind}", advice) from error


def _unavailable_file(path: Path, problem: str, advice: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"The media file {path} {problem}.",
        sub_code=SOURCE_UNAVAILABLE,
        stage=Stage.DEVICE,
        next_step=advice,
    )


def _padded(frame: av.AudioFrame) -> Samples:
    """Fill the last piece of a file up to 20 ms with silence."""
    samples = AudioFrame.from_av(frame).samples
    missing = max(0, FRAME_SAMPLES - len(samples))
    return np.pad(samples, ((0, missing), (0, 0)))
