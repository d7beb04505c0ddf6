"""Echo cancellation over echo paths that are made here; skipped where the library is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import av
import numpy as np
import numpy.typing as npt
import pytest

from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.media.effects.echo import EchoCancellation
from acs_core.media.frames import AudioFrame, VideoFrame, av_audio_frame

RATE, FRAME = 48_000, 960
HAS_LIBRARY = importlib.util.find_spec("livekit") is not None
cancels = pytest.mark.skipif(not HAS_LIBRARY, reason="livekit is missing: install the extra 'echo'")

Sound = npt.NDArray[np.float64]


def noise(seconds: float) -> Sound:
    """Noise that comes and goes three times a second, as syllables do."""
    times = np.arange(int(RATE * seconds)) / RATE
    grain = np.random.default_rng(1).normal(0, 3000, len(times))
    return grain * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * times))


def tone(frequency: float, seconds: float) -> Sound:
    return 6000 * np.sin(2 * np.pi * frequency * np.arange(int(RATE * seconds)) / RATE)


def delayed(sound: Sound, delay_ms: int, gain: float) -> Sound:
    silence = np.zeros(RATE * delay_ms // 1000)
    return gain * np.concatenate((silence, sound))[: len(sound)]


def heard_through(effect: EchoCancellation, far: Sound, near: Sound, *, channels: int = 1) -> Sound:
    """What leaves the effect, when `far` is played and the microphone hears `near`."""
    parts = []
    for start in range(0, len(near) - FRAME + 1, FRAME):
        here = slice(start, start + FRAME)
        effect.played(AudioFrame.from_ndarray(far[here].astype(np.int16)))
        samples = np.repeat(near[here, np.newaxis], channels, axis=1).astype(np.int16)
        (frame,) = effect.process(av_audio_frame(samples, pts=start))
        assert isinstance(frame, av.AudioFrame)
        assert (frame.pts, frame.samples, frame.layout.nb_channels) == (start, FRAME, channels)
        parts.append(AudioFrame.from_av(frame).samples[:, 0])
    return np.concatenate(parts).astype(np.float64)


def power_db(sound: Sound) -> float:
    return float(10 * np.log10(np.mean(sound * sound) + 1e-3))


def amplitude(sound: Sound, frequency: float) -> float:
    turn = np.exp(-2j * np.pi * frequency * np.arange(len(sound)) / RATE)
    return float(2 * abs(np.mean(sound * turn)))


@cancels
@pytest.mark.parametrize("delay_ms", [20, 120, 250])
@pytest.mark.parametrize("far", [noise, lambda seconds: tone(440, seconds)], ids=["noise", "tone"])
def test_the_echo_goes_and_who_speaks_meanwhile_stays(
    far: Callable[[float], Sound], delay_ms: int, capsys: pytest.CaptureFixture[str]
) -> None:
    played = far(7)
    echo = delayed(played, delay_ms, 0.5)
    speech = np.zeros(len(played))
    speech[RATE * 5 :] = tone(1000, 2)
    cleaned = heard_through(EchoCancellation(), played, echo + speech)
    quiet = slice(RATE * 4, RATE * 5)
    gain = power_db(echo[quiet]) - power_db(cleaned[quiet])
    kept = amplitude(cleaned[-RATE:], 1000) / 6000
    with capsys.disabled():
        print(f"\nechoes are {gain:.0f} dB weaker, a voice beside them is {kept:.2f} as loud")
    assert gain > 25
    assert 0.5 < kept < 1.2


@cancels
def test_a_room_with_reflections_and_two_channels_is_quiet_too() -> None:
    played = noise(6)
    echo = sum(
        (delayed(played, delay, gain) for delay, gain in ((30, 0.4), (47, 0.2), (71, 0.1))),
        np.zeros(len(played)),
    )
    cleaned = heard_through(EchoCancellation(), played, echo, channels=2)
    assert power_db(echo[-RATE:]) - power_db(cleaned[-RATE:]) > 20


@cancels
def test_without_an_echo_the_microphone_stays_as_it_is() -> None:
    spoken = tone(1000, 3)
    cleaned = heard_through(EchoCancellation(), np.zeros(len(spoken)), spoken)
    assert amplitude(cleaned[-RATE:], 1000) == pytest.approx(6000, rel=0.1)


@cancels
async def test_it_gets_ready_and_refuses_what_is_no_sound_of_whole_blocks() -> None:
    effect = EchoCancellation()
    assert effect.name == "EchoCancellation"
    assert await effect.is_supported()
    await effect.prepare()
    await effect.prepare()
    with pytest.raises(TypeError, match="works on sound"):
        effect.process(VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8)).av_frame)
    with pytest.raises(ValueError, match="whole blocks"):
        effect.process(av_audio_frame(np.zeros((100, 1), np.int16), pts=0))


def test_what_is_played_has_the_rate_of_calls() -> None:
    effect = EchoCancellation()
    with pytest.raises(InvalidArgumentError, match="48000 Hz"):
        effect.played(AudioFrame.from_ndarray(np.zeros(160, np.int16), sample_rate=8_000))


@pytest.mark.skipif(HAS_LIBRARY, reason="livekit is installed")
async def test_without_the_extra_it_is_unsupported_and_the_error_says_why() -> None:
    effect = EchoCancellation()
    assert not await effect.is_supported()
    with pytest.raises(MediaError, match="extra 'echo'"):
        await effect.prepare()
