"""How a picture is laid into a view of another shape: stretched, cropped or fitted.

Pure geometry and array indexing. A pixel of the view shows the source pixel under its center
(nearest neighbor; of two, the later), so pictures scaled by whole numbers are exact.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from acs_core.errors import InvalidArgumentError
from acs_core.media.frames import Picture

__all__ = ["Placement", "ScalingMode", "place", "scale"]


class ScalingMode(StrEnum):
    """The scaling modes of an ACS video view.

    Source: ACS Calling SDK, `CreateViewOptions.scalingMode`.
    """

    STRETCH = "Stretch"
    """Fill the view; the aspect ratio gives way."""
    CROP = "Crop"
    """Fill the view and keep the aspect ratio; the edges give way, equally on both sides."""
    FIT = "Fit"
    """Show all and keep the aspect ratio; black bars fill the rest, equally on both sides."""


class Placement(NamedTuple):
    """Which part of the source goes to which part of the view, in pixels."""

    source_left: int
    source_top: int
    source_width: int
    source_height: int
    left: int
    top: int
    width: int
    height: int


def place(source: tuple[int, int], view: tuple[int, int], mode: ScalingMode) -> Placement:
    """Lay a source of (width, height) into a view of (width, height).

    Raises:
        InvalidArgumentError: A side is not positive.
    """
    if min(*source, *view) <= 0:
        raise InvalidArgumentError(f"Cannot scale {source} to {view}: sides must be positive.")
    (source_width, source_height), (width, height) = source, view
    match mode:
        case ScalingMode.STRETCH:
            return Placement(0, 0, source_width, source_height, 0, 0, width, height)
        case ScalingMode.CROP:
            # The largest part of the source with the shape of the view.
            kept_width = min(source_width, max(1, round(source_height * width / height)))
            kept_height = min(source_height, max(1, round(source_width * height / width)))
            left = (source_width - kept_width) // 2
            top = (source_height - kept_height) // 2
            return Placement(left, top, kept_width, kept_height, 0, 0, width, height)
        case ScalingMode.FIT:
            # The largest part of the view with the shape of the source.
            used_width = min(width, max(1, round(height * source_width / source_height)))
            used_height = min(height, max(1, round(width * source_height / source_width)))
            left = (width - used_width) // 2
            top = (height - used_height) // 2
            return Placement(0, 0, source_width, source_height, left, top, used_width, used_height)


def scale(
    picture: Picture,
    width: int,
    height: int,
    mode: ScalingMode = ScalingMode.STRETCH,
    *,
    is_mirrored: bool = False,
) -> Picture:
    """Return an ``(h, w, 3)`` picture laid into a view of `width` x `height`, as a new array.

    Mirroring turns left and right around, as in a mirror; it does not turn upside down.

    Raises:
        InvalidArgumentError: A side is not positive.
    """
    spot = place((picture.shape[1], picture.shape[0]), (width, height), mode)
    columns = _centers(spot.source_left, spot.source_width, spot.width)
    rows = _centers(spot.source_top, spot.source_height, spot.height)
    if is_mirrored:
        columns = columns[::-1]
    view = np.zeros((height, width, 3), dtype=np.uint8)
    part = picture[rows[:, np.newaxis], columns]
    view[spot.top : spot.top + spot.height, spot.left : spot.left + spot.width] = part
    return view


def _centers(start: int, length: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the index under the center of each of `count` equal parts of a stretch."""
    return start + (2 * np.arange(count, dtype=np.intp) + 1) * length // (2 * count)
