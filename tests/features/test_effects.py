"""Effects in real calls: what the others see and hear."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from acs_core import (
    AudioEffectsStartConfig,
    AudioEffectsStopConfig,
    BackgroundBlurEffect,
    BackgroundReplacementConfig,
    BackgroundReplacementEffect,
    Features,
    LocalAudioStream,
    LocalVideoStream,
    StreamSize,
)
from tests.support.events import until
from tests.support.people import meeting, seen_by, shown
from tests.support.person import SHIRT, WALL, PersonScene, PersonSource
from tests.support.sources import HissSource

RED = (200, 30, 30)
IMAGE = np.full((90, 160, 3), RED, dtype=np.uint8)
TOLERANCE = 40
Colors = npt.NDArray[np.float64]


def wall(picture: npt.NDArray[np.uint8]) -> Colors:
    """The mean color left of the person's head, where nobody ever is."""
    height, width = picture.shape[:2]
    spot = picture[height // 8 : height // 3, width // 20 : width // 5]
    return np.asarray(spot.reshape(-1, 3).mean(axis=0))


def shirt(picture: npt.NDArray[np.uint8]) -> Colors:
    """The mean color where the person always is."""
    height, width = picture.shape[:2]
    spot = picture[height * 8 // 10 :, width * 9 // 20 : width * 11 // 20]
    return np.asarray(spot.reshape(-1, 3).mean(axis=0))


def near(seen: Colors, wanted: tuple[int, ...]) -> bool:
    return bool(abs(seen - wanted).max() < TOLERANCE)


@pytest.mark.feature("BG-007", "BG-012", "BG-014", "MATRIX-019")
async def test_the_others_see_each_effect_as_it_is_switched_and_the_stream_stays() -> None:
    async with meeting() as place:
        source = PersonSource(PersonScene(160, 90, sway=0.04))
        video = LocalVideoStream(source)
        sender = await (await place.user("Sender")).join(video=video)
        viewer = await (await place.user("Viewer")).join()
        (other,) = await seen_by(viewer)
        await until(lambda: other.video_streams)
        (stream,) = other.video_streams
        effects = video.feature(Features.VIDEO_EFFECTS)
        async with shown(stream) as surface:

            async def seen(back: tuple[int, int, int], front: tuple[int, int, int]) -> None:
                await until(
                    lambda: near(wall(surface.image), back) and near(shirt(surface.image), front)
                )

            await seen(WALL, SHIRT)
            config = BackgroundReplacementConfig(background_image=IMAGE)
            replacement = BackgroundReplacementEffect(config)
            await effects.start_effects(replacement)
            await seen(RED, SHIRT)
            green = np.full((90, 160, 3), (30, 180, 30), dtype=np.uint8)
            await replacement.configure(BackgroundReplacementConfig(background_image=green))
            await seen((30, 180, 30), SHIRT)
            await effects.start_effects(BackgroundBlurEffect())
            await seen(WALL, SHIRT)
            assert effects.active_effects == ("BackgroundBlur",)
            await effects.start_effects(replacement)
            await seen((30, 180, 30), SHIRT)
            await effects.stop_effects()
            await seen(WALL, SHIRT)
        assert other.video_streams == (stream,)
        assert stream.size == StreamSize(160, 90)
        assert effects.stats.failed == 0
        await sender.hang_up()
        await viewer.hang_up()
        await video.dispose()
        await source.close()


@pytest.mark.feature("BG-012", "BG-014")
async def test_a_preview_shows_what_is_sent() -> None:
    source = PersonSource(PersonScene(160, 90))
    video = LocalVideoStream(source)
    effects = video.feature(Features.VIDEO_EFFECTS)
    config = BackgroundReplacementConfig(background_image=IMAGE)
    async with shown(video) as surface:
        await until(lambda: near(wall(surface.image), WALL))
        await effects.start_effects(BackgroundReplacementEffect(config))
        await until(lambda: near(wall(surface.image), RED))
        await effects.stop_effects()
        await until(lambda: near(wall(surface.image), WALL))
    await video.dispose()
    await source.close()


async def test_the_others_hear_less_noise_while_it_is_suppressed() -> None:
    async with meeting() as place:
        source = HissSource()
        audio = LocalAudioStream(source)
        sender = await (await place.user("Sender")).join(audio=audio)
        listener = await (await place.user("Listener")).join()
        (other,) = await seen_by(listener)
        sound = other.audio_frames()
        effects = audio.feature(Features.AUDIO_EFFECTS)

        async def until_level(accepts: Callable[[float], bool]) -> None:
            levels: deque[float] = deque(maxlen=10)
            async with asyncio.timeout(10):
                async for frame in sound:
                    levels.append(frame.level_dbov)
                    if len(levels) == 10 and all(accepts(level) for level in levels):
                        return

        # The hiss has -50 dBov; ten frames in a row, so that no gap of the network counts.
        await until_level(lambda level: -53 < level < -47)
        await effects.start_effects(
            AudioEffectsStartConfig(noise_suppression="BrowserNoiseSuppression")
        )
        await until_level(lambda level: -90 < level < -62)
        await effects.stop_effects(AudioEffectsStopConfig(noise_suppression=True))
        await until_level(lambda level: -53 < level < -47)
        await sender.hang_up()
        await listener.hang_up()
        await audio.dispose()
        await source.close()
