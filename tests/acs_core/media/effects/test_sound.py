"""Noise suppression, measured: noise down by so many decibels, tones and speech as they were."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.media.effects.sound import (
    FilterEffect,
    NoiseFloor,
    NoiseSuppression,
)
from acs_core.media.frames import AudioFrame, av_audio_frame

RATE = 48_000
Sound = npt.NDArray[np.int16]


def bursts(noise: float, seconds: int = 4) -> Sound:
    """Half a second of tone, half a second of pause, and noise all the time."""
    moment = np.arange(RATE * seconds) / RATE
    tone = 3000 * np.sin(2 * np.pi * 440 * moment) * (moment % 1 < 0.5)
    grain = np.random.default_rng(1).normal(0, noise, moment.size)
    return (tone + grain).astype(np.int16)


def through(effect: FilterEffect, sound: Sound, channels: int = 1) -> Sound:
    ready = []
    for start in range(0, sound.size, 960):
        samples = sound[start : start + 960].reshape(-1, 1).repeat(channels, axis=1)
        frames = effect.process(av_audio_frame(samples, pts=start))
        assert all(frame.samples == 960 for frame in frames)  # type: ignore[union-attr]
        ready += [AudioFrame.from_av(frame).samples for frame in frames]  # type: ignore[arg-type]
    return np.concatenate(ready)[:, 0]


def level(sound: Sound, start: float, end: float) -> float:
    part = sound[int(start * RATE) : int(end * RATE)].astype(float)
    return float(20 * np.log10(np.sqrt(np.mean(part * part)) + 1e-9))


@pytest.mark.parametrize("noise", [10.0, 30.0, 100.0, 300.0])
async def test_noise_goes_down_by_15_db_and_a_tone_stays(noise: float) -> None:
    sound = bursts(noise)
    effect = NoiseSuppression()
    assert await effect.is_supported()
    await effect.prepare()
    clean = through(effect, sound)
    assert level(sound, 2.6, 2.95) - level(clean, 2.6, 2.95) > 15
    assert level(sound, 3.1, 3.4) == pytest.approx(level(clean, 3.1, 3.4), abs=0.5)


async def test_the_reduction_is_what_was_asked_for() -> None:
    sound = bursts(100.0)
    clean = through(NoiseSuppression(6.0), sound)
    assert level(sound, 2.6, 2.95) - level(clean, 2.6, 2.95) == pytest.approx(6, abs=1)


def test_little_sound_is_held_back() -> None:
    sound = bursts(30.0, 1)
    assert sound.size - through(NoiseSuppression(), sound).size <= 960 * 2


def test_stereo_and_a_change_of_channels_are_taken() -> None:
    effect = NoiseSuppression()
    for channels in (2, 1):
        sound = bursts(30.0, 1)
        clean = through(effect, sound, channels)
        assert level(clean, 0.1, 0.4) == pytest.approx(level(sound, 0.1, 0.4), abs=1)


def test_silence_stays_silent() -> None:
    assert not through(NoiseSuppression(), np.zeros(RATE, dtype=np.int16)).any()


def test_the_floor_follows_the_pauses_and_forgets() -> None:
    floor = NoiseFloor()
    assert floor.hear(-50) == -80
    for _ in range(100):
        found = floor.hear(-50)
        floor.hear(-20)
    assert found == pytest.approx(-50)
    for _ in range(100):
        found = floor.hear(-35)
    assert found == pytest.approx(-35)
    assert floor.hear(-127) == pytest.approx(-35), "a muted microphone says nothing"


@pytest.mark.parametrize("reduction", [0, 41, float("nan")])
def test_senseless_reductions_are_refused(reduction: float) -> None:
    with pytest.raises(InvalidArgumentError):
        NoiseSuppression(reduction)


def test_pictures_are_no_sound() -> None:
    with pytest.raises(TypeError):
        NoiseSuppression().process(object())  # type: ignore[arg-type]
