"""The effects under ACS's names: their options, and where background images come from."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from acs_core import (
    BackgroundBlurConfig,
    BackgroundBlurEffect,
    BackgroundReplacementConfig,
    BackgroundReplacementEffect,
    CallingError,
    DeepNoiseSuppressionEffect,
    EchoCancellationEffect,
    InvalidArgumentError,
    VideoEffectName,
)
from acs_core.client import effects as module
from acs_core.media.frames import Picture, VideoFrame, save_rgb

RED = np.full((90, 160, 3), (200, 30, 30), dtype=np.uint8)


def gray(width: int = 320, height: int = 180) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((height, width, 3), 128, dtype=np.uint8))


def shows_red(effect: BackgroundReplacementEffect) -> bool:
    return bool(abs(effect.background(gray()).to_rgb().astype(int) - RED[0, 0]).max() < 12)


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "a background.png"
    save_rgb(RED, path)
    return path


@pytest.fixture
def data(png: Path) -> bytes:
    return png.read_bytes()


@pytest.fixture
async def server(png: Path) -> AsyncIterator[TestServer]:
    async def picture(request: web.Request) -> web.FileResponse:
        return web.FileResponse(png)

    async def endless(request: web.Request) -> web.Response:
        return web.Response(body=bytes(module.MAX_IMAGE_BYTES + 1))

    app = web.Application()
    app.router.add_get("/red.png", picture)
    app.router.add_get("/endless.png", endless)
    async with TestServer(app) as running:
        yield running


@pytest.mark.feature("BG-006")
async def test_effects_have_their_names_and_say_whether_they_are_supported() -> None:
    assert BackgroundBlurEffect().name == VideoEffectName.BACKGROUND_BLUR == "BackgroundBlur"
    assert await BackgroundBlurEffect().is_supported() is True
    replacement = BackgroundReplacementEffect(BackgroundReplacementConfig(background_image=RED))
    assert replacement.name == "BackgroundReplacement"
    assert await replacement.is_supported() is True
    assert await DeepNoiseSuppressionEffect().is_supported() is False
    # With the extra `echo`, tests/acs_core/media/effects/test_echo.py says what it does.
    has_library = importlib.util.find_spec("livekit") is not None
    assert await EchoCancellationEffect().is_supported() is has_library


@pytest.mark.feature("BG-008")
async def test_an_image_comes_from_a_path_or_any_url(
    png: Path, data: bytes, server: TestServer
) -> None:
    text = base64.b64encode(data).decode()
    places = [png, str(png), png.as_uri(), f"data:image/png;base64,{text}"]
    for place in [*places, str(server.make_url("/red.png"))]:
        effect = BackgroundReplacementEffect(
            BackgroundReplacementConfig(background_image_url=place)
        )
        await effect.prepare()
        assert shows_red(effect)


async def test_an_image_may_be_given_as_bytes_or_an_array(data: bytes) -> None:
    for image in (data, RED):
        effect = BackgroundReplacementEffect(BackgroundReplacementConfig(background_image=image))
        await effect.prepare()
        assert shows_red(effect)


@pytest.mark.feature("BG-008")
async def test_an_image_that_cannot_be_fetched_says_so(tmp_path: Path, server: TestServer) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    for place in (
        tmp_path / "none.png",
        damaged,
        "data:image/png;base64,@@@",
        "data:nothing",
        "http://127.0.0.1:9/none.png",
        "http://[",
        str(server.make_url("/missing.png")),
        str(server.make_url("/endless.png")),
    ):
        effect = BackgroundReplacementEffect(
            BackgroundReplacementConfig(background_image_url=place)
        )
        with pytest.raises(CallingError, match=r"^FailedToFetchImage") as caught:
            await effect.prepare()
        assert (caught.value.code, caught.value.sub_code) == (500, 46164)


@pytest.mark.feature("BG-008")
def test_one_image_must_be_named() -> None:
    for config in (
        BackgroundReplacementConfig(),
        BackgroundReplacementConfig(background_image_url="a.png", background_image=RED),
        BackgroundBlurConfig(),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            BackgroundReplacementEffect(config)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.sub_code) == (400, 46159)


@pytest.mark.feature("BG-010")
@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (160, 90)])
async def test_images_of_16_to_9_are_taken(size: tuple[int, int]) -> None:
    image: Picture = np.full((size[1], size[0], 3), RED[0, 0], dtype=np.uint8)
    effect = BackgroundReplacementEffect(BackgroundReplacementConfig(background_image=image))
    await effect.prepare()
    assert shows_red(effect)


@pytest.mark.feature("BG-010")
@pytest.mark.parametrize(
    "shape", [(1000, 1000, 3), (480, 640, 3), (90, 160), (90, 160, 4), (0, 0, 3)]
)
async def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    effect = BackgroundReplacementEffect(
        BackgroundReplacementConfig(background_image=np.zeros(shape, dtype=np.uint8))
    )
    with pytest.raises(InvalidArgumentError) as caught:
        await effect.prepare()
    assert (caught.value.code, caught.value.sub_code) == (400, 46159)


async def test_configure_that_fails_changes_nothing(tmp_path: Path) -> None:
    effect = BackgroundReplacementEffect(BackgroundReplacementConfig(background_image=RED))
    await effect.prepare()
    before = effect.config
    with pytest.raises(CallingError):
        await effect.configure(
            BackgroundReplacementConfig(background_image_url=tmp_path / "none.png")
        )
    assert effect.config is before
    assert shows_red(effect)


async def test_a_blur_is_configured_within_its_range() -> None:
    effect = BackgroundBlurEffect(BackgroundBlurConfig(radius=5))
    await effect.configure(BackgroundBlurConfig(radius=30))
    assert effect.radius == effect.config.radius == 30
    with pytest.raises(InvalidArgumentError) as caught:
        await effect.configure(BackgroundBlurConfig(radius=0))
    assert (caught.value.sub_code, effect.radius) == (46159, 30)
