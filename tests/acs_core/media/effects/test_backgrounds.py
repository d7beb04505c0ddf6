from __future__ import annotations

import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.media.effects.backgrounds import BackgroundBlur, BackgroundReplacement, blend
from acs_core.media.effects.segmentation import Mask
from acs_core.media.frames import Picture, VideoFrame
from acs_core.media.scaling import ScalingMode


class Halves:
    """Says that the person is in the left half."""

    is_available = True

    def prepare(self) -> None:
        pass

    def segment(self, frame: VideoFrame) -> Mask:
        mask = np.zeros((frame.height, frame.width), dtype=np.float32)
        mask[:, : frame.width // 2] = 1
        return mask


def stripes(width: int = 640, height: int = 360) -> VideoFrame:
    """Fine lines, which a blur turns into gray."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    picture[::2] = 255
    rgb = VideoFrame.from_ndarray(picture)
    return VideoFrame.from_ndarray(rgb.to_ndarray("yuv420p"))


def solid(color: tuple[int, int, int], width: int, height: int) -> Picture:
    return np.full((height, width, 3), color, dtype=np.uint8)


@pytest.mark.feature("MATRIX-019")
def test_blur_takes_detail_from_the_background_and_nothing_from_the_person() -> None:
    frame = stripes()
    changed = BackgroundBlur(segmenter=Halves()).apply(frame)
    before, after = frame.planes[0], changed.planes[0]
    assert np.array_equal(after[:, :316], before[:, :316])
    assert before[:, 340:].std() > 100
    assert after[20:-20, 340:].std() < 2


def test_a_larger_radius_blurs_more_and_may_be_set_at_any_time() -> None:
    picture = solid((0, 0, 0), 640, 360)
    picture[:, 480:] = 255
    frame = VideoFrame.from_ndarray(picture)
    effect = BackgroundBlur(radius=5, segmenter=Halves())
    narrow = effect.apply(frame).planes[0][180]
    effect.radius = 40
    wide = effect.apply(frame).planes[0][180]

    def transition(line: Picture) -> int:
        return int(np.count_nonzero((line[330:] > 40) & (line[330:] < 210)))

    assert transition(wide) > 2 * transition(narrow) > 0


@pytest.mark.parametrize("radius", [0, -1, 201, float("nan")])
def test_senseless_radii_are_refused(radius: float) -> None:
    with pytest.raises(InvalidArgumentError):
        BackgroundBlur(radius=radius)


@pytest.mark.feature("MATRIX-019")
def test_the_background_is_replaced_by_the_image() -> None:
    frame = VideoFrame.from_ndarray(solid((30, 180, 30), 320, 180))
    effect = BackgroundReplacement(solid((200, 30, 30), 160, 90), segmenter=Halves())
    changed = effect.apply(frame).to_rgb().astype(int)
    assert abs(changed[:, :156] - (30, 180, 30)).max() <= 6
    assert abs(changed[:, 164:] - (200, 30, 30)).max() <= 6


@pytest.mark.parametrize(
    ("fit", "edge"),
    [
        (ScalingMode.CROP, (200, 30, 30)),
        (ScalingMode.FIT, (0, 0, 0)),
        (ScalingMode.STRETCH, (200, 30, 30)),
    ],
)
def test_an_image_of_another_shape_is_laid_in_as_asked(
    fit: ScalingMode, edge: tuple[int, int, int]
) -> None:
    frame = VideoFrame.from_ndarray(solid((0, 0, 255), 320, 180))
    effect = BackgroundReplacement(solid((200, 30, 30), 90, 90), fit=fit, segmenter=Halves())
    changed = effect.apply(frame).to_rgb().astype(int)
    assert abs(changed[90, 310] - edge).max() <= 6


def test_the_size_may_change_from_picture_to_picture() -> None:
    effect = BackgroundReplacement(solid((200, 30, 30), 160, 90), segmenter=Halves())
    for size in ((320, 180), (160, 120), (320, 180)):
        changed = effect.apply(VideoFrame.from_ndarray(solid((0, 0, 0), *size)))
        assert (changed.width, changed.height) == size


def test_something_that_is_no_picture_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        BackgroundReplacement(np.zeros((4, 4), dtype=np.uint8))


def test_blending_mixes_in_proportion() -> None:
    white = VideoFrame.from_ndarray(np.full((96, 64), 200, dtype=np.uint8), format="yuv420p")
    black = VideoFrame.from_ndarray(np.full((96, 64), 100, dtype=np.uint8), format="yuv420p")
    for share in (0.0, 0.25, 0.5, 1.0):
        mixed = blend(white, black, np.full((8, 8), share, dtype=np.float32))
        assert abs(mixed.to_ndarray("yuv420p").astype(float) - (100 + 100 * share)).max() <= 1


async def test_an_effect_is_supported_when_its_segmenter_is() -> None:
    class Missing(Halves):
        is_available = False

    assert await BackgroundBlur(segmenter=Halves()).is_supported()
    assert not await BackgroundBlur(segmenter=Missing()).is_supported()
