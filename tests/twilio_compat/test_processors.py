from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twilio_compat.processors as processors
from acs_core.errors import InvalidArgumentError
from acs_core.media.effects.segmentation import Mask
from acs_core.media.frames import VideoFrame, save_rgb
from twilio_compat.processors import (
    BackgroundProcessor,
    GaussianBlurBackgroundProcessor,
    ImageFit,
    MaskRefiner,
    Pipeline,
    VirtualBackgroundProcessor,
)
from twilio_compat.video_processor import ProcessorOutput

WIDTH, HEIGHT = 128, 64
RED = np.full((32, 32, 3), (200, 30, 30), dtype=np.uint8)


class LeftHalf:
    """The person is the left half of every picture."""

    is_available = True

    def prepare(self) -> None:
        """Nothing to load."""

    def segment(self, frame: VideoFrame) -> Mask:
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
        mask[:, : WIDTH // 2] = 1
        return mask


class Scripted(LeftHalf):
    """One number over the whole picture, frame after frame."""

    def __init__(self, *values: float) -> None:
        self._values = list(values)

    def segment(self, frame: VideoFrame) -> Mask:
        return np.full((4, 8), self._values.pop(0), dtype=np.float32)


def stripes() -> VideoFrame:
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture[:, ::8] = picture[:, 1::8] = picture[:, 2::8] = picture[:, 3::8] = 220
    return VideoFrame(VideoFrame.from_ndarray(picture).av_frame.reformat(format="yuv420p"))


async def drawn(processor: BackgroundProcessor, given: Any) -> VideoFrame | None:
    output = ProcessorOutput(WIDTH, HEIGHT)
    await processor.process_frame(given, output)
    return output.result(stripes())


@pytest.mark.feature("BG-001")
async def test_a_blur_leaves_the_person_as_it_is_and_blurs_the_rest() -> None:
    blur = GaussianBlurBackgroundProcessor(
        {"assetsPath": "/a", "blurFilterRadius": 60}, segmenter=LeftHalf()
    )
    await blur.load_model()
    given = stripes()
    made = await drawn(blur, given)
    assert made is not None
    before, after = given.to_ndarray("yuv420p"), made.to_ndarray("yuv420p")
    # Eight pixels of the edge are soft; what is certainly the person keeps every bit.
    assert np.array_equal(after[:HEIGHT, :48], before[:HEIGHT, :48])
    assert np.ptp(after[:HEIGHT, 90:].astype(int)) < np.ptp(before[:HEIGHT, 90:].astype(int)) / 3
    other = await drawn(blur, given.to_rgb())
    assert other is not None
    assert np.abs(other.to_rgb().astype(int) - made.to_rgb()).mean() < 4


@pytest.mark.feature("BG-002")
async def test_frames_before_the_model_is_loaded_are_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    blur = GaussianBlurBackgroundProcessor(segmenter=LeftHalf())
    assert await drawn(blur, stripes()) is None
    assert await drawn(blur, stripes()) is None
    assert caplog.text.count("until load_model()") == 1
    loading = blur.loadModel()
    assert asyncio.iscoroutine(loading)
    await loading
    assert await drawn(blur, stripes()) is not None


def test_numbers_out_of_range_become_the_default(caplog: pytest.LogCaptureFixture) -> None:
    blur = GaussianBlurBackgroundProcessor({"blurFilterRadius": -1, "maskBlurRadius": "8"})
    assert (blur.blurFilterRadius, blur.maskBlurRadius) == (15, 8)
    assert "blurFilterRadius must be" in caplog.text
    blur.blur_filter_radius = 30
    blur.maskBlurRadius = 0
    assert (blur.blurFilterRadius, blur.mask_blur_radius) == (30, 0)


def test_options_are_those_of_twilio() -> None:
    blur = GaussianBlurBackgroundProcessor(
        {"assetsPath": "/", "pipeline": Pipeline.WebGL2, "useWebWorker": True, "debounce": True}
    )
    assert (blur.hysteresis, blur.deferInputFrameDownscale) == ({"high": 180, "low": 80}, False)
    blur.hysteresis = False
    assert blur.hysteresis is False
    blur.hysteresis = {"high": 200, "low": 100}
    assert blur.hysteresis == {"high": 200, "low": 100}
    blur.hysteresis = {"high": 1, "low": 100}
    assert blur.hysteresis == {"high": 180, "low": 80}
    blur.deferInputFrameDownscale = True
    assert blur.defer_input_frame_downscale
    with pytest.raises(TypeError, match="boolean"):
        blur.defer_input_frame_downscale = 1  # type: ignore[assignment]
    with pytest.raises(TypeError, match="no key"):
        GaussianBlurBackgroundProcessor({"blurRadius": 3})


@pytest.mark.parametrize(
    ("fit", "corner", "middle"),
    [
        (ImageFit.Fill, True, True),
        (ImageFit.Cover, True, True),
        (ImageFit.Contain, False, True),
        ("None", False, False),
    ],
)
async def test_an_image_is_laid_as_asked_for(fit: str, corner: bool, middle: bool) -> None:
    nobody = Scripted(0.0)
    virtual = VirtualBackgroundProcessor(
        {"backgroundImage": RED, "fitType": fit, "maskBlurRadius": 0}, segmenter=nobody
    )
    await virtual.loadModel()
    made = await drawn(virtual, stripes())
    assert made is not None
    picture = made.to_rgb().astype(int)

    def is_red(y: int, x: int) -> bool:
        return bool(np.abs(picture[y, x] - RED[0, 0]).max() < 12)

    # The image is square: fitted it has bars on both sides, in its own size it is a corner.
    assert (is_red(60, 124), is_red(40, 64)) == (corner, middle)
    assert is_red(4, 4) is (fit in ("Fill", "Cover", "None"))


async def test_images_are_arrays_files_or_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    save_rgb(RED, path)
    virtual = VirtualBackgroundProcessor(background_image=path)
    assert np.array_equal(virtual.backgroundImage, RED)
    virtual.backgroundImage = path.read_bytes()
    virtual.background_image = RED[:16]
    assert virtual.background_image.shape == (16, 32, 3)
    assert virtual.fitType is ImageFit.FILL
    virtual.fitType = "Stretch"
    assert virtual.fit_type is ImageFit.FILL
    for no_image in (b"GIF89a", tmp_path / "none.png", np.zeros((3, 3)), None, 7):
        with pytest.raises(InvalidArgumentError):
            virtual.background_image = no_image  # type: ignore[assignment]
    assert virtual.background_image.shape == (16, 32, 3)
    with pytest.raises(InvalidArgumentError):
        VirtualBackgroundProcessor({"assetsPath": "/"})


def test_a_mask_changes_side_only_beyond_its_limits() -> None:
    refiner = MaskRefiner(Scripted(0.6, 0.4, 0.25, 0.6, 0.75, 0.4))
    refiner.blur_radius = 0
    sides = [bool(refiner.segment(stripes())[0, 0] >= 0.5) for _ in range(6)]
    # 80/255 is 0.31 and 180/255 is 0.71.
    assert sides == [True, True, False, False, True, True]


def test_the_edge_of_a_mask_is_spread_and_its_inside_kept() -> None:
    refiner = MaskRefiner(LeftHalf())
    assert (refiner.is_available, refiner.prepare()) == (True, None)
    mask = refiner.segment(stripes())
    assert mask[0, 50] == pytest.approx(1)
    assert mask[0, 78] == pytest.approx(0, abs=1e-6)
    assert 0.4 < mask[0, 64] < 0.6


async def test_other_things_are_no_pictures() -> None:
    blur = GaussianBlurBackgroundProcessor(segmenter=LeftHalf())
    await blur.load_model()
    with pytest.raises(InvalidArgumentError, match="Expected a picture"):
        await drawn(blur, "picture")


def test_names() -> None:
    assert processors.isSupported is processors.is_supported is True
    for name in ("loadModel", "maskBlurRadius", "processFrame", "deferInputFrameDownscale"):
        assert name in vars(BackgroundProcessor)
    assert [*ImageFit] == ["Contain", "Cover", "Fill", "None"]
    assert [*Pipeline] == ["Canvas2D", "WebGL2"]
