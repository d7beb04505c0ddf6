"""The sound of several remote publications as one stream of frames.

ACS plays remote sound by itself; here a program reads it. `RemoteAudio` opens readers on the audio
publications that are subscribed, follows those that come and go, and mixes them in frames of 20 ms.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import numpy as np

from acs_core.client.emitter import TaskOwner
from acs_core.client.frame_reader import FrameReader, close_when_forgotten
from acs_core.client.publications import RemotePublication
from acs_core.client.volume import Volume
from acs_core.errors import CallingError
from acs_core.media.frames import AUDIO_RATE, FRAME_SAMPLES, AudioFrame, Samples

__all__ = ["RemoteAudio", "RemoteAudioStream", "mix"]

_TICK: Final = FRAME_SAMPLES / AUDIO_RATE
_INPUT_LIMIT: Final = 10


def mix(frames: Sequence[Samples], channels: int = 1) -> Samples:
    """Sum blocks of sound with clipping; pure.

    Args:
        frames: Arrays of int16, (n, 1 or 2); shorter ones count as silent at the end.
        channels: Of the result.

    Returns:
        int16, (960, channels).
    """
    total = np.zeros((FRAME_SAMPLES, channels), dtype=np.int32)
    for frame in frames:
        block = frame[:FRAME_SAMPLES]
        if block.shape[1] > channels:
            block = block.mean(axis=1, keepdims=True).astype(np.int16)
        total[: block.shape[0]] += block
    return np.clip(total, -32768, 32767).astype(np.int16)


class _Input:
    """One publication that is being read."""

    def __init__(self, stream: FrameReader) -> None:
        self.stream = stream
        self.frames: deque[Samples] = deque(maxlen=_INPUT_LIMIT)
        self.task = asyncio.get_running_loop().create_task(self._run(), name="remote audio input")

    async def _run(self) -> None:
        try:
            async for frame in self.stream:
                if isinstance(frame, AudioFrame):
                    self.frames.append(frame.samples)
        except CallingError:
            return


class RemoteAudio:
    """A reader of mixed sound; iterate it, then `aclose` it.

    Frames come every 20 ms, silent when nobody sends. A reader that stops taking them misses them:
    the frames of the meantime are dropped beyond a queue of `maximum`.
    """

    def __init__(
        self,
        publications: Callable[[], Sequence[RemotePublication]],
        *,
        maximum: int = 10,
        is_muted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._publications = publications
        self._maximum = maximum
        self._is_muted = is_muted
        self._inputs: dict[str, _Input] = {}
        self._next: float | None = None
        self._time = 0.0
        self._is_closed = False
        self.dropped = 0
        inputs = self._inputs
        self._finalizer = close_when_forgotten(self, lambda: _end_all(inputs))

    def __aiter__(self) -> AsyncIterator[AudioFrame]:
        return self

    async def __anext__(self) -> AudioFrame:
        if self._is_closed:
            raise StopAsyncIteration
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._next is None:
            self._next = now
        late = int((now - self._next) / _TICK) - self._maximum
        if late > 0:
            self._next += late * _TICK
            self.dropped += late
        self._next += _TICK
        self._follow()
        # A clock, not a signal: sound goes on at its pace when nobody sends.
        await asyncio.sleep(max(0.0, self._next - now))
        blocks = [item.frames.popleft() for item in self._inputs.values() if item.frames]
        if self._is_muted():
            # What was heard meanwhile is over, as with a loudspeaker turned down.
            blocks = []
        frame = AudioFrame.from_ndarray(mix(blocks), sample_rate=AUDIO_RATE, time=self._time)
        self._time += _TICK
        return frame

    async def aclose(self) -> None:
        """Stop reading; decoding ends with the last reader."""
        self._is_closed = True
        self._finalizer.detach()
        tasks = [item.task for item in self._inputs.values()]
        _end_all(self._inputs)
        if tasks:
            await asyncio.wait(tasks)

    def _follow(self) -> None:
        wanted = {item.id: item for item in self._publications() if item.is_subscribed}
        for key in [*self._inputs]:
            if key not in wanted or self._inputs[key].task.done():
                _end(self._inputs.pop(key))
        for key, publication in wanted.items():
            if key not in self._inputs:
                self._inputs[key] = _Input(publication.frames(mode="queue"))


def _end_all(inputs: dict[str, _Input]) -> None:
    for item in inputs.values():
        _end(item)
    inputs.clear()


def _end(item: _Input) -> None:
    item.stream.close()
    item.task.cancel()


class RemoteAudioStream:
    """The sound of all other participants together, as ACS offers it."""

    def __init__(
        self,
        publications: Callable[[], Sequence[RemotePublication]],
        is_muted: Callable[[], bool] = lambda: False,
        owner: TaskOwner | None = None,
    ) -> None:
        self._publications = publications
        self._is_muted = is_muted
        self._owner = owner or TaskOwner()
        self._volume: Volume | None = None

    def frames(self, *, maximum: int = 10) -> RemoteAudio:
        """Read the mixed sound: a new reader, to be closed by whoever asked for it.

        It is silent while `Call.is_incoming_audio_muted`.
        """
        return RemoteAudio(self._publications, maximum=maximum, is_muted=self._is_muted)

    async def get_media_stream(self) -> RemoteAudio:
        """Read the mixed sound as raw frames; as `frames`."""
        return self.frames()

    async def get_volume(self) -> Volume:
        """How loud the others are; always the same object, measured until the call ends."""
        if self._volume is None:
            self._volume = Volume(self._owner)
            self._owner.start(self._measure(self._volume), "measure remote sound")
        return self._volume

    async def _measure(self, volume: Volume) -> None:
        audio = self.frames()
        try:
            async for frame in audio:
                volume.take(frame.samples)
        finally:
            await audio.aclose()
            volume.silence()
