from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from acs_core.errors import MediaError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import PatternPainter, tone
from mapping.compare.perceiving import perceptions
from twilio_compat.testing.senses import COLORS, Heard, Seen


async def test_pictures_are_judged_by_color_and_number() -> None:
    async def frames() -> AsyncIterator[VideoFrame]:
        painter = PatternPainter(160, 96, COLORS["green"])
        for number in (3, 4):
            yield VideoFrame.from_ndarray(painter.draw(number), format="yuv420p")

    seen = [one async for one in perceptions(frames())]
    assert all(isinstance(one, Seen) and one.is_color(COLORS["green"]) for one in seen)
    assert [one.counter for one in seen if isinstance(one, Seen)] == [3, 4]


async def test_sound_is_judged_by_its_pitch_and_its_absence_is_silence() -> None:
    async def frames() -> AsyncIterator[AudioFrame]:
        samples = tone(0, 26 * 960, frequency_hz=440.0, level_dbov=-20.0, rate=48_000)
        for start in range(0, 26 * 960, 960):
            yield AudioFrame(samples[start : start + 960].reshape(-1, 1))
        await asyncio.Event().wait()

    async with aclosing(perceptions(frames())) as coming:
        heard = [await anext(coming) for _ in range(3)]
    assert all(isinstance(one, Heard) for one in heard)
    tones = [one.tone for one in heard if isinstance(one, Heard)]
    assert [round(one, -1) for one in tones] == [440, 440, 0]


async def test_it_ends_with_the_frames_even_if_they_fail() -> None:
    async def failing() -> AsyncIterator[object]:
        raise MediaError("The track ended.")
        yield

    assert [one async for one in perceptions(failing())] == []
