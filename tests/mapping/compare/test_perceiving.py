from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from acs_core.errors import MediaError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import PatternPainter, tone
from mapping.compare.perceiving import Judge, perceptions
from mapping.compare.scenario import Expectation
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


async def test_what_is_no_end_of_a_track_is_raised() -> None:
    async def failing() -> AsyncIterator[object]:
        raise RuntimeError("The decoder is gone.")
        yield

    with pytest.raises(RuntimeError, match="decoder"):
        async for _ in perceptions(failing()):
            pass


def seen(color: str, counter: int) -> Seen:
    return Seen(COLORS[color], counter)


def test_a_picture_is_what_is_expected_once_it_moves() -> None:
    judge = Judge(Expectation("ann", "sees", "red", "ben"))
    assert [judge.take(one) for one in (None, seen("red", 1), seen("red", 2))] == [0, 0, 1]
    assert judge.told == {"color": "red", "moving": True}


def test_that_another_picture_moved_before_is_no_movement() -> None:
    judge = Judge(Expectation("ann", "sees", "red", "ben"))
    for one in (seen("blue", 1), seen("blue", 2), seen("red", 3), seen("red", 3)):
        assert not judge.take(one)
    assert judge.told == {"color": "red", "moving": False}


def test_silence_lasts_and_a_tone_is_near_the_one_that_is_expected() -> None:
    silence = Judge(Expectation("ann", "hears", 0.0, "ben"))
    heard = [Heard(0.0), Heard(440.0), Heard(0.0), Heard(0.0)]
    assert [silence.take(one) for one in heard] == [False, False, False, True]
    sound = Judge(Expectation("ann", "hears", 440.0, "ben"))
    assert [sound.take(Heard(tone)) for tone in (0.0, 880.0, 450.0)] == [False, False, True]
