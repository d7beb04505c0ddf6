"""How well the basic segmenter does, on drawn people; the figures are bounds, not boasts."""

from __future__ import annotations

import numpy as np
import pytest

from acs_core.media.effects.segmentation import BasicSegmenter
from acs_core.media.frames import VideoFrame
from tests.support.person import PersonScene, overlap


def quality(scene: PersonScene, count: int = 45) -> list[float]:
    segmenter = BasicSegmenter()
    segmenter.prepare()
    return [overlap(segmenter.segment(scene.frame(n)), scene.truth(n)) for n in range(count)]


@pytest.mark.parametrize(
    ("sway", "noise", "wanted"),
    [(0.0, 4.0, 0.9), (0.08, 4.0, 0.85), (0.08, 8.0, 0.85), (0.15, 4.0, 0.75)],
)
def test_the_mask_covers_the_person_and_little_else(
    sway: float, noise: float, wanted: float
) -> None:
    scores = quality(PersonScene(160, 90, sway=sway, noise=noise))
    assert np.mean(scores[15:]) > wanted
    assert min(scores) > 0.5


def test_a_still_person_is_not_taken_for_background_in_time() -> None:
    scores = quality(PersonScene(160, 90, sway=0.0), 90)
    assert scores[-1] >= scores[0] - 0.02


def test_where_the_person_was_seen_to_leave_is_background_again() -> None:
    scene = PersonScene(160, 90, sway=0.15)
    segmenter = BasicSegmenter()
    seen = np.zeros((90, 160), dtype=np.bool_)
    for number in range(60):
        segmenter.segment(scene.frame(number))
        seen |= ~scene.truth(number)
    for number in range(10):
        mask = segmenter.segment(VideoFrame.from_ndarray(scene.empty(number)))
    assert mask[seen].mean() < 0.1


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (240, 320), (34, 20)])
def test_masks_are_float32_from_0_to_1_whatever_the_size(size: tuple[int, int]) -> None:
    segmenter = BasicSegmenter()
    scene = PersonScene(*size)
    for number in range(3):
        mask = segmenter.segment(scene.frame(number))
        assert mask.dtype == np.float32
        assert mask.shape[1] == 160
        assert 0 <= mask.min() <= mask.max() <= 1


def test_another_picture_size_starts_anew() -> None:
    segmenter = BasicSegmenter()
    segmenter.segment(PersonScene(320, 180).frame(0))
    assert segmenter.segment(PersonScene(320, 240).frame(0)).shape == (120, 160)


def test_a_camera_that_was_moved_is_learned_anew() -> None:
    segmenter = BasicSegmenter()
    scene = PersonScene(160, 90)
    for number in range(30):
        segmenter.segment(scene.frame(number))
    shifted = scene.picture(31)[::-1, ::-1] ^ 0x55
    for _ in range(30):
        mask = segmenter.segment(VideoFrame.from_ndarray(np.ascontiguousarray(shifted)))
    assert mask.mean() < 0.85
