"""Effects on a local audio stream."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from typing import Any

import av
import numpy as np
import pytest

from acs_core import (
    ActiveAudioEffects,
    AudioEffectsFeature,
    AudioEffectsStartConfig,
    AudioEffectsStopConfig,
    DeepNoiseSuppressionEffect,
    EchoCancellationEffect,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
)
from acs_core.media.frames import AudioFrame
from tests.support.calls import Log
from tests.support.sources import HissSource

HAS_ECHO_LIBRARY = importlib.util.find_spec("livekit") is not None
START = AudioEffectsStartConfig(noise_suppression="BrowserNoiseSuppression")
STOP = AudioEffectsStopConfig(noise_suppression=True)


@pytest.fixture
async def source() -> AsyncIterator[HissSource]:
    made = HissSource()
    yield made
    await made.close()


@pytest.fixture
async def stream(source: HissSource) -> AsyncIterator[LocalAudioStream]:
    made = LocalAudioStream(source)
    yield made
    await made.dispose()


@pytest.fixture
def feature(stream: LocalAudioStream) -> AudioEffectsFeature:
    return stream.feature(Features.AUDIO_EFFECTS)


async def quietest(stream: LocalAudioStream) -> float:
    """The lowest level of 20 ms that comes out of the stream within half a second."""
    reader = await stream.media_source.open()
    levels = []
    async with asyncio.timeout(10):
        for _ in range(25):
            frame = await reader.read()
            assert isinstance(frame, av.AudioFrame)
            levels.append(AudioFrame.from_av(frame).level_dbov)
    reader.close()
    return min(level for level in levels if level > -127)


async def test_noise_suppression_starts_and_stops_and_says_so(
    stream: LocalAudioStream, feature: AudioEffectsFeature
) -> None:
    assert stream.feature(Features.AUDIO_EFFECTS) is feature
    assert feature.name == "AudioEffects"
    log = Log().watch(feature)
    assert feature.active_effects == ActiveAudioEffects()
    assert await quietest(stream) == pytest.approx(-50.3, abs=1)
    await feature.start_effects(START)
    active = ActiveAudioEffects(noise_suppression=("BrowserNoiseSuppression",))  # type: ignore[arg-type]
    assert feature.active_effects == active
    assert await quietest(stream) < -62
    assert feature.stats.frames > 0
    assert feature.stats.failed == 0
    await feature.stop_effects(STOP)
    assert feature.active_effects == ActiveAudioEffects()
    assert await quietest(stream) == pytest.approx(-50.3, abs=1)
    assert log.entries == [("effectsStarted", (active,)), ("effectsStopped", (active,))]


async def test_support_is_told_honestly(feature: AudioEffectsFeature) -> None:
    assert await feature.is_supported("BrowserNoiseSuppression")
    assert not await feature.is_supported(DeepNoiseSuppressionEffect())
    assert not await feature.is_supported("BrowserEchoCancellation")
    assert await feature.is_supported(EchoCancellationEffect()) is HAS_ECHO_LIBRARY
    with pytest.raises(InvalidArgumentError) as caught:
        await feature.is_supported("Magic")  # type: ignore[arg-type]
    assert caught.value.sub_code == 45013


@pytest.mark.parametrize(
    ("config", "code", "sub_code"),
    [
        (None, 400, 45013),
        (AudioEffectsStartConfig(), 400, 45013),
        (AudioEffectsStartConfig(noise_suppression="Magic"), 400, 45015),  # type: ignore[arg-type]
        (AudioEffectsStartConfig(echo_cancellation="Magic"), 400, 45014),  # type: ignore[arg-type]
        (AudioEffectsStartConfig(echo_cancellation="BrowserEchoCancellation"), 415, 45016),
        (AudioEffectsStartConfig(noise_suppression=DeepNoiseSuppressionEffect()), 415, 45016),
    ],
)
async def test_what_cannot_start_is_refused_with_its_code(
    feature: AudioEffectsFeature, config: Any, code: int, sub_code: int
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await feature.start_effects(config)
    assert (caught.value.code, caught.value.sub_code) == (code, sub_code)
    assert feature.active_effects == ActiveAudioEffects()


@pytest.mark.skipif(HAS_ECHO_LIBRARY, reason="livekit is installed")
async def test_echo_cancellation_is_refused_without_the_extra(feature: AudioEffectsFeature) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await feature.start_effects(
            AudioEffectsStartConfig(echo_cancellation=EchoCancellationEffect())
        )
    assert (caught.value.code, caught.value.sub_code) == (415, 45016)


@pytest.mark.skipif(not HAS_ECHO_LIBRARY, reason="livekit is missing: install the extra 'echo'")
async def test_echo_and_noise_are_switched_each_by_itself(
    stream: LocalAudioStream, feature: AudioEffectsFeature
) -> None:
    log = Log().watch(feature)
    await feature.start_effects(START)
    effect = EchoCancellationEffect()
    await feature.start_effects(AudioEffectsStartConfig(echo_cancellation=effect))
    both = feature.active_effects
    assert both.echo_cancellation == ("EchoCancellation",)
    assert both.noise_suppression == ("BrowserNoiseSuppression",)
    assert [item.name for item in stream.effects.effects] == [
        "EchoCancellation",
        "BrowserNoiseSuppression",
    ]
    effect.played(AudioFrame.from_ndarray(np.zeros(960, np.int16)))
    assert await quietest(stream) < -62
    assert feature.stats.failed == 0
    await feature.stop_effects(STOP)
    assert stream.effects.effects == (effect,)
    await feature.stop_effects(AudioEffectsStopConfig(echo_cancellation=True))
    assert feature.active_effects == ActiveAudioEffects()
    assert log.names == ["effectsStarted"] * 2 + ["effectsStopped"] * 2


async def test_stopping_what_is_not_on_is_no_mistake(feature: AudioEffectsFeature) -> None:
    log = Log().watch(feature)
    await feature.stop_effects(STOP)
    assert log.names == []
    with pytest.raises(InvalidArgumentError):
        await feature.stop_effects(AudioEffectsStopConfig())


async def test_a_disposed_stream_has_no_effects(stream: LocalAudioStream) -> None:
    feature = stream.feature(Features.AUDIO_EFFECTS)
    await feature.start_effects(START)
    await stream.dispose()
    assert feature.active_effects == ActiveAudioEffects()
    with pytest.raises(InvalidStateError) as started:
        await feature.start_effects(START)
    assert (started.value.code, started.value.sub_code) == (400, 45005)
    with pytest.raises(InvalidStateError) as stopped:
        await feature.stop_effects(STOP)
    assert (stopped.value.code, stopped.value.sub_code) == (400, 45008)
