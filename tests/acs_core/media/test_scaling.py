import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError
from acs_core.media.scaling import Placement, ScalingMode, place, scale

SIDES = st.integers(1, 300)


def picture(rows: list[list[int]]) -> np.ndarray:
    """Make an RGB picture of gray values."""
    return np.repeat(np.array(rows, dtype=np.uint8)[:, :, np.newaxis], 3, axis=2)


def grays(view: np.ndarray) -> list[list[int]]:
    return view[:, :, 0].tolist()


WIDE = picture([[1, 2, 3, 4], [5, 6, 7, 8]])


@pytest.mark.feature("RENDER-021")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # 4x2 into 4x4: every row twice.
        ("Stretch", [[1, 2, 3, 4], [1, 2, 3, 4], [5, 6, 7, 8], [5, 6, 7, 8]]),
        # The middle 2x2 at twice its size.
        ("Crop", [[2, 2, 3, 3], [2, 2, 3, 3], [6, 6, 7, 7], [6, 6, 7, 7]]),
        # As it is, with a black bar above and below.
        ("Fit", [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 0]]),
    ],
)
def test_wide_picture_in_a_square_view(mode: str, expected: list[list[int]]) -> None:
    assert grays(scale(WIDE, 4, 4, ScalingMode(mode))) == expected


@pytest.mark.feature("RENDER-021")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # A center between two rows belongs to the lower one.
        ("Stretch", [[3, 3, 4, 4], [7, 7, 8, 8]]),
        # One row of the middle, since the view is twice as wide as high.
        ("Crop", [[3, 3, 4, 4], [3, 3, 4, 4]]),
        ("Fit", [[0, 4, 0, 0], [0, 8, 0, 0]]),
    ],
)
def test_tall_picture_in_a_wide_view(mode: str, expected: list[list[int]]) -> None:
    tall = picture([[1, 2], [3, 4], [5, 6], [7, 8]])
    assert grays(scale(tall, 4, 2, ScalingMode(mode))) == expected


@pytest.mark.feature("RENDER-019", "RENDER-026")
def test_mirrored_view_is_the_horizontal_flip() -> None:
    assert grays(scale(WIDE, 4, 2, is_mirrored=True)) == [[4, 3, 2, 1], [8, 7, 6, 5]]
    cropped = scale(WIDE, 2, 2, ScalingMode.CROP)
    assert np.array_equal(scale(WIDE, 2, 2, ScalingMode.CROP, is_mirrored=True), cropped[:, ::-1])


@given(SIDES, SIDES, SIDES, SIDES)
def test_placement_stays_inside_and_keeps_the_shape(w: int, h: int, vw: int, vh: int) -> None:
    crop = place((w, h), (vw, vh), ScalingMode.CROP)
    assert crop[4:] == (0, 0, vw, vh)
    assert crop.source_left + crop.source_width <= w
    assert crop.source_top + crop.source_height <= h
    assert crop.source_width == w or crop.source_height == h
    fit = place((w, h), (vw, vh), ScalingMode.FIT)
    assert fit[:4] == (0, 0, w, h)
    assert fit.left + fit.width <= vw
    assert fit.top + fit.height <= vh
    assert fit.width == vw or fit.height == vh
    # Off-center by one pixel at most.
    assert abs(vw - fit.width - 2 * fit.left) <= 1
    assert place((w, h), (vw, vh), ScalingMode.STRETCH) == Placement(0, 0, w, h, 0, 0, vw, vh)


@given(SIDES, SIDES, st.sampled_from(list(ScalingMode)), st.booleans())
def test_view_has_the_size_asked_for(
    width: int, height: int, mode: ScalingMode, is_mirrored: bool
) -> None:
    view = scale(WIDE, width, height, mode, is_mirrored=is_mirrored)
    assert view.shape == (height, width, 3)
    assert view.dtype == np.uint8


def test_view_without_a_pixel_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        scale(WIDE, 0, 4)
