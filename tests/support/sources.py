"""Sources that a proof needs and an application does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import numpy as np

from acs_core.media.frames import AUDIO_RATE, av_audio_frame
from acs_core.media.patterns import PatternPainter, tone
from acs_core.media.sources import MediaFrame, MediaKind, MediaSource, Pacer, av_picture

__all__ = [
    "SIGNAL_SECONDS",
    "BeepSource",
    "FlashSource",
    "HeldSource",
    "HissSource",
    "IdleSource",
    "SnowSource",
    "SwitchedToneSource",
]

FRAME_SAMPLES = 960
SIGNAL_SECONDS = 0.2


class SnowSource(MediaSource):
    """A numbered picture in front of noise: several packets of each, whatever the encoder does."""

    def __init__(self, *, fps: float = 30.0, seed: int = 1) -> None:
        super().__init__("video", "snow")
        self._fps = fps
        self._painter = PatternPainter(320, 180, (120, 120, 120))
        self._noise = np.random.default_rng(seed).integers(0, 60, (8, 140, 320), dtype=np.uint8)
        self._number = 0

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        first = self._number
        while True:
            time = (self._number - first) / self._fps
            await pacer.wait(time)
            picture = self._painter.draw(self._number).copy()
            picture[:140] += self._noise[self._number % len(self._noise)]
            yield av_picture(picture, time=time)
            self._number += 1


class IdleSource(MediaSource):
    """A device that is open and gives nothing: a publication without packets."""

    def __init__(self, kind: MediaKind) -> None:
        super().__init__(kind, f"idle {kind}")

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        never: asyncio.Future[MediaFrame] = asyncio.get_running_loop().create_future()
        yield await never


class FlashSource(MediaSource):
    """White for the first fifth of each second of the loop's clock, else black."""

    def __init__(self, *, fps: float = 50.0) -> None:
        super().__init__("video", "flash")
        self._fps = fps

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer, began = Pacer(), asyncio.get_running_loop().time()
        number = 0
        while True:
            await pacer.wait(number / self._fps)
            picture = np.full((90 * 3 // 2, 160), 128, dtype=np.uint8)
            # By when it is due: a busy machine makes it late, and its time tells nothing of that.
            is_on = _is_on(began + number / self._fps + pacer.skipped)
            picture[:90] = 235 if is_on else 16
            yield av_picture(picture, time=number / self._fps)
            number += 1


class HissSource(MediaSource):
    """White noise of -50.3 dBov."""

    def __init__(self) -> None:
        super().__init__("audio", "Hiss")
        self._grain = np.random.default_rng(1).normal(0, 100, (50, 960, 1)).astype(np.int16)

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        number = 0
        while True:
            await pacer.wait(number / 50)
            yield av_audio_frame(self._grain[number % 50], pts=number * 960)
            number += 1


class BeepSource(MediaSource):
    """A tone at the same times."""

    def __init__(self, frequency: float = 1000.0) -> None:
        super().__init__("audio", "beep")
        self._frequency = frequency

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer, began = Pacer(), asyncio.get_running_loop().time()
        start = 0
        while True:
            await pacer.wait(start / AUDIO_RATE)
            is_on = _is_on(began + start / AUDIO_RATE + pacer.skipped)
            yield _sound(start, self._frequency, is_on=is_on)
            start += FRAME_SAMPLES


class HeldSource(MediaSource):
    """Sound that comes one frame at a time, when the test lets it."""

    def __init__(self) -> None:
        super().__init__("audio", "held")
        self.stall_after = 0.05
        self.frames: asyncio.Queue[MediaFrame] = asyncio.Queue()

    def give(self) -> None:
        self.frames.put_nowait(av_audio_frame(np.zeros((FRAME_SAMPLES, 1), np.int16), pts=0))

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        while True:
            yield await self.frames.get()


class SwitchedToneSource(MediaSource):
    """A tone while `is_on`, else silence."""

    def __init__(self, frequency: float) -> None:
        super().__init__("audio", f"{frequency:g} Hz")
        self._frequency = frequency
        self.is_on = False

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        start = 0
        while True:
            await pacer.wait(start / AUDIO_RATE)
            yield _sound(start, self._frequency, is_on=self.is_on)
            start += FRAME_SAMPLES


def _sound(start: int, frequency: float, *, is_on: bool) -> MediaFrame:
    wave = tone(start, FRAME_SAMPLES, frequency_hz=frequency, level_dbov=-20.0, rate=AUDIO_RATE)
    samples = wave if is_on else np.zeros_like(wave)
    return av_audio_frame(samples.reshape(-1, 1), pts=start)


def _is_on(at: float) -> bool:
    return at % 1.0 < SIGNAL_SECONDS
