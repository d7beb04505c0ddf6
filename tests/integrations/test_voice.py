from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from acs_core.media.frames import AudioFrame
from acs_core.media.patterns import dominant_frequency, tone
from twilio_compat.integrations.voice import PcmConverter, Voice, pcm_samples

RATE = 24_000


@pytest.fixture
async def voice() -> AsyncIterator[Voice]:
    one = Voice(name="voice")
    yield one
    await one.aclose()


def speech(seconds: float, rate: int = RATE) -> np.ndarray:
    count = round(seconds * rate)
    return tone(0, count, frequency_hz=440, level_dbov=-12, rate=rate)[:, np.newaxis]


async def test_it_takes_as_long_as_the_sound_and_holds_little_back(voice: Voice) -> None:
    loop = asyncio.get_running_loop()
    reader = await voice.track.media_stream_track.open()
    started = loop.time()
    assert await voice.play(speech(0.5), sample_rate=RATE)
    assert 0.3 < loop.time() - started < 5
    await voice.drain()
    reader.close()


async def test_an_interruption_ends_what_is_played_and_what_waits(voice: Voice) -> None:
    reader = await voice.track.media_stream_track.open()
    playing = asyncio.create_task(voice.play(speech(10), sample_rate=RATE))
    await reader.read()
    voice.interrupt()
    assert await asyncio.wait_for(playing, 1) is False
    frames = [await reader.read() for _ in range(8)]
    assert not any(frame.to_ndarray().any() for frame in frames[-3:])
    reader.close()


async def test_what_must_not_be_interrupted_is_played_to_its_end(voice: Voice) -> None:
    reader = await voice.track.media_stream_track.open()
    playing = asyncio.create_task(voice.play(speech(0.2), sample_rate=RATE, is_interruptible=False))
    await reader.read()
    voice.interrupt()
    assert await asyncio.wait_for(playing, 1) is True
    reader.close()


async def test_without_a_reader_it_keeps_the_pace_and_says_so(voice: Voice) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await voice.play(speech(0.2), sample_rate=RATE) is False
    assert loop.time() - started > 0.15


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2), (8_000, 1)])
def test_what_was_heard_comes_in_the_wanted_form(rate: int, channels: int) -> None:
    converter = PcmConverter(rate, channels)
    sound = speech(1, 48_000)
    parts = [AudioFrame.from_ndarray(part) for part in np.split(sound, 50)]
    audio = b"".join(converter.convert(part) for part in parts)
    samples = pcm_samples(audio, channels)
    assert samples.shape[1] == channels
    assert abs(len(samples) / rate - 1) < 0.02
    assert abs(dominant_frequency(samples, rate) - 440) < 2


def test_a_stream_may_change_its_form() -> None:
    converter = PcmConverter(16_000, 1)
    stereo = np.repeat(speech(0.5, 48_000), 2, axis=1)
    audio = converter.convert(AudioFrame.from_ndarray(stereo))
    audio += converter.convert(AudioFrame.from_ndarray(speech(0.5, 8_000), sample_rate=8_000))
    assert abs(len(audio) / 2 / 16_000 - 1) < 0.02


def test_half_a_sample_is_dropped() -> None:
    assert pcm_samples(b"\x01\x00\x02", 1).tolist() == [[1]]
