"""Echo cancellation: what a loudspeaker of the program plays is taken out of its microphone.

Needs the extra `echo`: the wheel of LiveKit's Python SDK (Apache-2.0), of which the audio
processing module of WebRTC is used alone, without a server or a network. The canceller is WebRTC's
AEC3; it finds the delay of the echo by itself.

Source: the docstrings of `livekit.rtc.AudioProcessingModule` (blocks of 10 ms, worked on in place).
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import av
import numpy as np

from acs_core.errors import InvalidArgumentError, MediaError, Stage
from acs_core.media.effects.chain import AudioEffect
from acs_core.media.frames import AUDIO_RATE, AudioFrame, Samples, av_audio_frame
from acs_core.media.pool import media_pool
from acs_core.media.sources import MediaFrame

__all__ = ["EchoCancellation"]

BLOCK: Final = AUDIO_RATE // 100
"""Samples per channel of 10 ms, the only length that the module takes."""

WAITING: Final = 50
"""Frames of 20 ms kept of what was played while the microphone is not read: 1 s."""


class _Canceller:
    """WebRTC's audio processing, for blocks of 10 ms; `rtc` is the module `livekit.rtc`."""

    def __init__(self, rtc: Any) -> None:
        self._rtc = rtc
        self._module = rtc.AudioProcessingModule(echo_cancellation=True)

    def hear_played(self, samples: Samples) -> None:
        """Take a block that the loudspeaker plays."""
        self._module.process_reverse_stream(self._block(samples))

    def clean(self, samples: Samples) -> Samples:
        """Return a block of the microphone without the echo."""
        # "This must be called if and only if echo processing is enabled"; AEC3 finds the rest.
        self._module.set_stream_delay_ms(0)
        block = self._block(samples)
        self._module.process_stream(block)
        cleaned: Samples = np.frombuffer(block.data, dtype=np.int16).reshape(samples.shape)
        return cleaned

    def _block(self, samples: Samples) -> Any:
        # The module writes into what it is given.
        data = bytearray(np.ascontiguousarray(samples).tobytes())
        return self._rtc.AudioFrame(data, AUDIO_RATE, samples.shape[1], len(samples))


class EchoCancellation(AudioEffect):
    """Takes out of a microphone what the program plays; it must be told by `played`.

    After one or two seconds of sound the echo of one loudspeaker is gone; who speaks at the same
    time stays. Serves one stream.
    """

    def __init__(self) -> None:
        self._played: deque[Samples] = deque(maxlen=WAITING)
        self._rest: Samples = np.zeros((0, 1), dtype=np.int16)
        self._canceller: _Canceller | None = None

    @property
    def name(self) -> str:
        """`EchoCancellation`."""
        return "EchoCancellation"

    def played(self, frame: AudioFrame) -> None:
        """Take what the loudspeaker is about to play, all of it, mixed, in the order of playing.

        Say it when the sound is handed to the loudspeaker. What is played while the effect is off
        need not be said.

        Args:
            frame: At 48 kHz, of any length; several channels count as their mean.

        Raises:
            InvalidArgumentError: The sound has another rate.
        """
        if frame.sample_rate != AUDIO_RATE:
            raise InvalidArgumentError(
                f"Echoes are looked for at {AUDIO_RATE} Hz, not at {frame.sample_rate} Hz.",
                stage=Stage.MEDIA,
                next_step="Resample what is played first.",
            )
        self._played.append(frame.samples.mean(axis=1, keepdims=True).astype(np.int16))

    async def is_supported(self) -> bool:
        """Whether the extra `echo` is installed."""
        # Other packages share the first name.
        return all(importlib.util.find_spec(name) for name in ("livekit", "livekit.rtc"))

    async def prepare(self) -> None:
        """Load the library.

        Raises:
            MediaError: 415: it is missing, or cannot be loaded here.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(media_pool("audio"), self._load)

    def process(self, frame: MediaFrame) -> Sequence[MediaFrame]:
        """See `MediaEffect`; nothing is held back."""
        if not isinstance(frame, av.AudioFrame):
            raise TypeError(f"{self.name} works on sound.")
        canceller = self._load()
        self._hear_played(canceller)
        near = AudioFrame.from_av(frame).samples
        if len(near) % BLOCK:
            raise ValueError(f"{self.name} works on whole blocks of 10 ms.")
        blocks = np.split(near, range(BLOCK, len(near), BLOCK))
        clean = np.concatenate([canceller.clean(block) for block in blocks])
        changed = av_audio_frame(clean, pts=0)
        changed.pts, changed.time_base = frame.pts, frame.time_base
        return (changed,)

    def _hear_played(self, canceller: _Canceller) -> None:
        # One thread does everything: `played` only leaves the sound here.
        while self._played:
            self._rest = np.concatenate((self._rest, self._played.popleft()))
        whole = len(self._rest) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            canceller.hear_played(self._rest[start : start + BLOCK])
        self._rest = self._rest[whole:]

    def _load(self) -> _Canceller:
        if self._canceller is not None:
            return self._canceller
        try:
            from livekit import rtc

            self._canceller = _Canceller(rtc)
        except (ImportError, OSError) as error:
            raise MediaError(
                "The library that cancels echoes is missing.",
                code=415,
                stage=Stage.MEDIA,
                next_step="Install the extra 'echo'.",
            ) from error
        return self._canceller
