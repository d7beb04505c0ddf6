"""Sound at the pace of a room: what a bot says, and what it hears in the form it wants.

`Voice` plays PCM that comes in bursts, as speech synthesizers deliver it, and takes back what was
not played yet when somebody interrupts. `PcmConverter` brings what was heard to the rate and the
channels that a recognizer wants.
"""

from __future__ import annotations

import asyncio
from typing import Final

import av
import numpy as np

from acs_core.media.frames import AudioFrame, Samples, av_audio_frame
from acs_core.media.program import ProgramAudioSource
from twilio_compat.local_track import LocalAudioTrack

__all__ = ["PcmConverter", "Voice", "pcm_samples"]

_AHEAD: Final = 0.1
"""Seconds that may be waiting to be sent: what an interruption must take back at once, and how
late the program may be before its voice stutters."""

_PIECE: Final = 0.02
"""Seconds written at once: a frame of the room."""


class Voice:
    """A local audio track that plays what it is given.

    Args:
        channels: 1 or 2, what is sent.
        name: Of the track.
    """

    def __init__(self, *, channels: int = 1, name: str | None = None) -> None:
        self._source = ProgramAudioSource(channels=channels, label=name or "Voice")
        self.track = LocalAudioTrack(self._source, name=name)
        self._interruptions = 0
        self._protected_until = 0.0

    async def play(
        self, samples: Samples, *, sample_rate: int, is_interruptible: bool = True
    ) -> bool:
        """Play samples after those before them; return when at most 100 ms are left to be sent.

        Takes as long as the sound does, also while nobody takes it, so that a program which
        produces faster than it plays is held back.

        Args:
            samples: int16, ``(n, 1 or 2)``.
            sample_rate: Of the samples.
            is_interruptible: Whether `interrupt` takes it back.

        Returns:
            Whether all of it was taken: False after an interruption, and when nobody reads the
            track, as before it is published.
        """
        started = self._interruptions
        piece = max(1, round(sample_rate * _PIECE))
        is_taken = True
        for start in range(0, len(samples), piece):
            part = samples[start : start + piece]
            length = len(part) / sample_rate
            # A clock, not a signal: the track plays one second in a second.
            await asyncio.sleep(max(0.0, self._source.buffered + length - _AHEAD))
            if is_interruptible and started != self._interruptions:
                return False
            if not self.track.write(part, sample_rate=sample_rate):
                is_taken = False
                await asyncio.sleep(length)
            elif not is_interruptible:
                loop = asyncio.get_running_loop()
                self._protected_until = loop.time() + self._source.buffered
        return is_taken

    def interrupt(self) -> None:
        """Fall silent: forget what is waiting and what is being played."""
        self._interruptions += 1
        if asyncio.get_running_loop().time() >= self._protected_until:
            self._source.clear()

    async def drain(self) -> None:
        """Wait until what was played is on its way; at most 200 ms."""
        await asyncio.sleep(self._source.buffered)

    async def aclose(self) -> None:
        """End the track."""
        self.track.stop()
        await self.track.closed()


class PcmConverter:
    """Brings frames of any rate and channels to one form; keep one for each stream.

    Args:
        sample_rate: Wanted.
        channels: Wanted, 1 or 2.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        layout = "mono" if channels == 1 else "stereo"
        self._resampler = av.AudioResampler(format="s16", layout=layout, rate=sample_rate)
        self._form: tuple[int, int] | None = None
        self._args = (layout, sample_rate)

    def convert(self, frame: AudioFrame) -> bytes:
        """Return packed int16; a few samples stay behind until the next frame."""
        form = (frame.sample_rate, frame.channels)
        if self._form not in (None, form):
            layout, rate = self._args
            self._resampler = av.AudioResampler(format="s16", layout=layout, rate=rate)
        self._form = form
        packed = av_audio_frame(frame.samples, pts=0, sample_rate=frame.sample_rate)
        packed.pts = None
        parts = self._resampler.resample(packed)
        return b"".join(AudioFrame.from_av(part).samples.tobytes() for part in parts)


def pcm_samples(audio: bytes, channels: int) -> Samples:
    """Read packed int16 as ``(n, channels)``; what is left of a half sample is dropped."""
    whole = len(audio) - len(audio) % (2 * channels)
    return np.frombuffer(audio[:whole], dtype=np.int16).reshape(-1, channels)
