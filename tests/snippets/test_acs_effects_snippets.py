"""The ACS programs of the migration guide that change what is behind a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from acs_core import (
    BackgroundBlurEffect,
    BackgroundReplacementConfig,
    BackgroundReplacementEffect,
    CallingError,
    Features,
    LocalVideoStream,
    VideoEffectErrorPayload,
)
from acs_core.media.frames import save_rgb
from acs_core.media.sinks import FrameSurface
from tests.support.events import until
from tests.support.media_checks import GREEN, RED, Color, is_color
from tests.support.people import shown
from tests.support.person import WALL, PersonScene, PersonSource


@pytest.fixture
async def stream() -> AsyncIterator[LocalVideoStream]:
    """A camera with a person in front of a wall."""
    source = PersonSource(PersonScene(160, 90))
    made = LocalVideoStream(source)
    yield made
    await made.dispose()
    await source.close()


def image(folder: Path, color: Color) -> str:
    """The URL of an image of one color."""
    path = folder / f"{color[0]}.png"
    save_rgb(np.full((90, 160, 3), color, dtype=np.uint8), path)
    return path.as_uri()


async def has_behind(surface: FrameSurface, color: Color) -> None:
    """Wait until the place where nobody ever stands has that color."""

    def is_behind() -> bool:
        spot = surface.image[11:30, 8:32].reshape(-1, 3).mean(axis=0)
        return is_color(tuple(int(value) for value in spot), color)  # type: ignore[arg-type]

    await until(is_behind)


@pytest.mark.feature("BG-004", "BG-005", "BG-006", "BG-007", "BG-013", "BG-014")
async def test_bg_004_to_007_blur_the_background(stream: LocalVideoStream) -> None:
    """The guide writes the names of the events in typographic quotes."""
    video_effects_feature_api = stream.feature(Features.VIDEO_EFFECTS)
    assert stream.feature(Features.VIDEO_EFFECTS) is video_effects_feature_api
    told: list[tuple[str, object]] = []
    for event in ("effectsStarted", "effectsStopped"):
        video_effects_feature_api.on(event, lambda names, name=event: told.append((name, names)))
    assert list(video_effects_feature_api.active_effects) == []

    background_blur_effect = BackgroundBlurEffect()
    background_blur_supported = await background_blur_effect.is_supported()
    assert background_blur_supported is True
    await video_effects_feature_api.start_effects(background_blur_effect)

    current_active_effects = video_effects_feature_api.active_effects
    assert list(current_active_effects) == ["BackgroundBlur"]
    async with shown(stream) as surface:
        await until(lambda: video_effects_feature_api.stats.frames >= 3)
        await has_behind(surface, WALL)
    await video_effects_feature_api.stop_effects()
    assert list(video_effects_feature_api.active_effects) == []
    names = ("BackgroundBlur",)
    assert told == [("effectsStarted", names), ("effectsStopped", names)]


@pytest.mark.feature("BG-005", "BG-007", "BG-008", "BG-011", "BG-012", "BG-013", "BG-014")
async def test_bg_008_to_014_show_an_image_behind(stream: LocalVideoStream, tmp_path: Path) -> None:
    video_effects_feature_api = stream.feature(Features.VIDEO_EFFECTS)
    errors: list[VideoEffectErrorPayload] = []
    video_effects_feature_api.on("effectsError", errors.append)
    background_blur_effect = BackgroundBlurEffect()
    background_replacement_effect = BackgroundReplacementEffect(
        BackgroundReplacementConfig(background_image_url=image(tmp_path, RED))
    )
    assert await background_replacement_effect.is_supported()
    async with shown(stream) as surface:
        await has_behind(surface, WALL)
        await video_effects_feature_api.start_effects(background_replacement_effect)
        await has_behind(surface, RED)
        # Another image, without a new start.
        await background_replacement_effect.configure(
            BackgroundReplacementConfig(background_image_url=image(tmp_path, GREEN))
        )
        await has_behind(surface, GREEN)
        # One effect and the other.
        await video_effects_feature_api.start_effects(background_blur_effect)
        await has_behind(surface, WALL)
        assert list(video_effects_feature_api.active_effects) == ["BackgroundBlur"]
        await video_effects_feature_api.start_effects(background_replacement_effect)
        await has_behind(surface, GREEN)
        assert list(video_effects_feature_api.active_effects) == ["BackgroundReplacement"]
        await video_effects_feature_api.stop_effects()
        await has_behind(surface, WALL)
    assert errors == []
    missing = BackgroundReplacementConfig(background_image_url=tmp_path / "missing.png")
    with pytest.raises(CallingError, match="FailedToFetchImage"):
        await video_effects_feature_api.start_effects(BackgroundReplacementEffect(missing))
    assert [(item.code, item.error) for item in errors] == [(500, "FailedToFetchImage")]
