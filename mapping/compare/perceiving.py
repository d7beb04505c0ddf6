"""What frames show and sound like, one perception after the other, and whether that is expected."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any, Final

import numpy as np

from acs_core.errors import CallingError
from acs_core.media.frames import AudioFrame, VideoFrame
from mapping.compare.scenario import Expectation
from twilio_compat.testing.senses import (
    Heard,
    Seen,
    color_of,
    judge_picture,
    judge_sound,
    name_of,
)

__all__ = ["Judge", "perceptions"]

_BLOCK: Final = 0.25
"""Seconds of sound that are judged at once."""

_SILENT: Final = 2
"""Perceptions of silence in a row, half a second, that are silence."""

_NEAR: Final = 20.0
"""Hz that a tone may be off; packets that come late bend a tone a little."""


class Judge:
    """Whether what is perceived is what is expected.

    Attributes:
        is_satisfied: Whether it is, by now.
        told: The last perception, as the trace has it.
    """

    def __init__(self, expectation: Expectation) -> None:
        self._wanted = expectation.value
        self._is_picture = expectation.what == "sees"
        self._numbers: set[int] = set()
        self._silent = 0
        self.is_satisfied = False
        self.told: dict[str, Any] = (
            {"color": None, "moving": False} if self._is_picture else {"tone": None}
        )

    def take(self, one: Heard | Seen | None) -> bool:
        """Take a perception; whether that is enough."""
        if isinstance(one, Seen) and self._is_picture:
            self.is_satisfied = self._see(one)
        elif isinstance(one, Heard) and not self._is_picture:
            self.is_satisfied = self._hear(one)
        return self.is_satisfied

    def _see(self, seen: Seen) -> bool:
        color = name_of(seen.color)
        if color != self.told["color"]:
            # That another picture moved before says nothing about this one.
            self._numbers.clear()
        if seen.counter is not None:
            self._numbers.add(seen.counter)
        is_moving = len(self._numbers) > 1
        self.told = {"color": color, "moving": is_moving}
        return seen.is_color(color_of(self._wanted)) and is_moving

    def _hear(self, heard: Heard) -> bool:
        self.told = {"tone": round(heard.tone)}
        self._silent = self._silent + 1 if not heard.tone else 0
        if not self._wanted:
            return self._silent >= _SILENT
        return abs(heard.tone - float(self._wanted)) <= _NEAR


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
                await reader  # Raises what is no end of a track.
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
    try:
        # A track that ends has nothing more to tell.
        with contextlib.suppress(CallingError):
            async for frame in frames:
                arrived.put_nowait(frame)
    finally:
        arrived.put_nowait(None)
