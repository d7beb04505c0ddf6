"""What frames show and sound like, one perception after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any, Final

import numpy as np

from acs_core.errors import CallingError
from acs_core.media.frames import AudioFrame, VideoFrame
from twilio_compat.testing.senses import Heard, Seen, judge_picture, judge_sound

__all__ = ["perceptions"]

_BLOCK: Final = 0.25
"""Seconds of sound that are judged at once."""


async def perceptions(frames: AsyncIterable[Any]) -> AsyncGenerator[Heard | Seen, None]:
    """Judge frames as they arrive; ends with them.

    A muted audio track sends nothing at all, so a quarter of a second without frames is silence.

    Args:
        frames: `VideoFrame`s or `AudioFrame`s.
    """
    arrived: asyncio.Queue[VideoFrame | AudioFrame | None] = asyncio.Queue()
    reader = asyncio.create_task(_read(frames, arrived), name="read frames")
    block: list[Any] = []
    length = 0.0
    try:
        while True:
            try:
                async with asyncio.timeout(_BLOCK):
                    frame = await arrived.get()
            except TimeoutError:
                block, length = [], 0.0
                yield Heard(0.0)
                continue
            if frame is None:
                return
            if isinstance(frame, VideoFrame):
                yield judge_picture(frame.to_rgb())
                continue
            block.append(frame.samples[:, 0])
            length += frame.duration
            if length >= _BLOCK:
                yield judge_sound(np.concatenate(block), frame.sample_rate)
                block, length = [], 0.0
    finally:
        reader.cancel()
        await asyncio.wait([reader])


async def _read(
    frames: AsyncIterable[Any], arrived: asyncio.Queue[VideoFrame | AudioFrame | None]
) -> None:
    # A track that ends has nothing more to tell.
    with contextlib.suppress(CallingError):
        async for frame in frames:
            arrived.put_nowait(frame)
    arrived.put_nowait(None)
