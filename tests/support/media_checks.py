"""Identity of received media: whose picture, whose tone; used by tests that join real calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

import numpy as np

from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import dominant_color, dominant_frequency, read_counter

Color = tuple[int, int, int]
RED: Color = (200, 30, 30)
GREEN: Color = (30, 180, 30)
BLUE: Color = (30, 30, 200)

DEADLINE = 10.0
SILENCE = 50.0
"""Root mean square of int16 samples; a test tone has more than 2000."""


def is_color(seen: Color, wanted: Color, *, tolerance: int = 45) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(seen, wanted, strict=True))


async def watch(frames: AsyncIterable[VideoFrame], *, count: int = 5) -> tuple[Color, list[int]]:
    """The identity color of a pattern, and its frame counters in order of arrival."""
    color: Color = (0, 0, 0)
    counters: list[int] = []
    async with asyncio.timeout(DEADLINE):
        async for frame in frames:
            picture = frame.to_rgb()
            color = dominant_color(picture)
            counter = read_counter(picture)
            if counter is not None:
                counters.append(counter)
            if len(counters) >= count:
                break
    return color, counters


async def listen(frames: AsyncIterable[AudioFrame], *, seconds: float = 0.5) -> float:
    """The frequency, in Hz, of the loudest tone."""
    heard: list[np.ndarray] = []
    length = 0.0
    async with asyncio.timeout(DEADLINE):
        async for frame in frames:
            samples = frame.samples[:, 0]
            if not heard and not samples.any():
                continue  # the jitter buffer begins with silence
            heard.append(samples)
            length += len(samples) / frame.sample_rate
            if length >= seconds:
                break
    return dominant_frequency(np.concatenate(heard), 48_000)


async def until_loudness(
    frames: AsyncIterable[AudioFrame], *, loud: bool, blocks: int = 10
) -> None:
    """Read until so many blocks in a row are loud, or silent."""
    in_a_row = 0
    async with asyncio.timeout(DEADLINE):
        async for frame in frames:
            level = float(np.sqrt(np.mean(np.square(frame.samples.astype(np.float64)))))
            in_a_row = in_a_row + 1 if (level > SILENCE) is loud else 0
            if in_a_row >= blocks:
                return
