"""Telling a person from the background.

A `Segmenter` gives a mask for each picture. `BasicSegmenter` needs no model and no download, and
is what its name says: it learns the colors of what moves in the middle of the picture and of what
stays at the edges. Even light, a fixed camera and clothes that differ from the wall suit it. It
fails where colors coincide, with moving backgrounds, and with several people; nobody should rely
on it to hide something confidential. `acs_core.media.effects.model` runs a trained model instead.

No trained model comes with this package, and no extra installs one: which model is good enough, and
whether its license fits, is the application's decision, so it brings the file. MediaPipe is left
aside: its Python tasks want a model file as well (`model_asset_path`), and its releases 0.10.15 to
0.10.21 refuse numpy 2.

Source: the idea is that of GrabCut (Rother, Kolmogorov, Blake 2004), color models that are refined
by their own result, joined with a background picture as in Stauffer and Grimson 1999, with one
Gaussian; numbers are ours. MediaPipe: its guide to the Image Segmenter task, and its project's
answers on numpy.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from acs_core.media.frames import VideoFrame

__all__ = ["BasicSegmenter", "Mask", "Segmenter"]

Mask: TypeAlias = npt.NDArray[np.float32]
"""``(h, w)``, 0 (background) to 1 (person); of any size, it is stretched over the picture."""

_Volume: TypeAlias = npt.NDArray[np.float32]

WIDTH: Final = 160
BINS: Final = (16, 32, 32)
"""Of luma and both chroma axes; chroma of real pictures uses a small part of its range."""

LEARNING_RATE: Final = 0.15
CERTAIN: Final = 0.2
"""Below this a pixel counts as background from which the background picture may learn."""

NOISE: Final = np.array([7.0, 4.0, 4.0], dtype=np.float32)
"""Standard deviation of a still pixel's Y, U and V, with the noise of a web camera."""

COLOR_LIMIT: Final = 4.0
EVEN: Final = 8.0
"""Half the squared distance from the background, in deviations, at which it tells nothing."""

MOTION_LIMITS: Final = (-8.0, 8.0)
"""Bounds of a clue's weight, in log odds; a background that was seen outvotes colors."""

LOST: Final = 0.85
"""A person covering more than this is a camera that was moved: learn anew."""


class Segmenter(Protocol):
    """Finds the person in a picture; keeps state from picture to picture of one stream.

    `BasicSegmenter` needs nothing, `OnnxSegmenter` a model file of the application; another library
    is used by writing a class with these members.
    """

    @property
    def is_available(self) -> bool:
        """Whether what it needs (a library, a model file) is there."""
        ...

    def prepare(self) -> None:
        """Load the model. Blocks; called in a thread before the first picture.

        Raises:
            MediaError: It cannot be loaded.
        """
        ...

    def segment(self, frame: VideoFrame) -> Mask:
        """Return where the person is. Blocks; called in one thread at a time."""
        ...


class BasicSegmenter:
    """Colors, motion, and where people sit in front of a camera; see the module for its limits."""

    def __init__(self) -> None:
        self._mask: Mask | None = None
        self._reset((0, 0))

    @property
    def is_available(self) -> bool:
        """Always."""
        return True

    def prepare(self) -> None:
        """Nothing to load."""

    def segment(self, frame: VideoFrame) -> Mask:
        """See `Segmenter`; the mask is 160 pixels wide."""
        pixels = _small(frame)
        if pixels.shape[1:] != self._shape:
            self._reset((pixels.shape[1], pixels.shape[2]))
        bins = _bins(pixels)
        odds = self._prior + self._color_odds(bins) + self._motion_odds(pixels)
        person = _sigmoid(_smooth(odds))
        self._learn(pixels, bins, person)
        # Half of the last mask: edges flicker less, and trail one picture behind.
        mask = person
        if self._mask is not None:
            mask = ((self._mask + person) / 2).astype(np.float32)
        if float(mask.mean()) > LOST:
            self._reset(self._shape)
            return _sigmoid(self._prior)
        self._mask = mask
        sharpened: Mask = np.clip((mask - 0.5) * 2.5 + 0.5, 0, 1)
        return sharpened

    def _reset(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._prior = _prior_odds(shape)
        self._mask = None
        self._background: _Volume | None = None
        self._known = np.zeros(shape, dtype=np.float32)
        self._person_colors: _Volume | None = None
        self._other_colors: _Volume | None = None

    def _color_odds(self, bins: npt.NDArray[np.intp]) -> _Volume:
        if self._person_colors is None or self._other_colors is None:
            # First picture: the places where people are, and are not, stand for them.
            prior = _sigmoid(self._prior)
            self._person_colors = _histogram(bins, prior * prior)
            self._other_colors = _histogram(bins, (1 - prior) * (1 - prior))
        floor = 1e-5
        person, other = self._person_colors[bins] + floor, self._other_colors[bins] + floor
        odds: _Volume = np.clip(np.log(person / other), -COLOR_LIMIT, COLOR_LIMIT)
        return odds

    def _motion_odds(self, pixels: _Volume) -> _Volume:
        if self._background is None:
            self._background = pixels.copy()
        distance = (pixels - self._background) / NOISE[:, None, None]
        # Half the squared distance is the log likelihood lost by a Gaussian.
        clue = np.clip(0.5 * np.sum(distance * distance, axis=0) - EVEN, *MOTION_LIMITS)
        odds: _Volume = self._known * clue
        return odds

    def _learn(self, pixels: _Volume, bins: npt.NDArray[np.intp], person: Mask) -> None:
        assert self._background is not None
        assert self._person_colors is not None
        assert self._other_colors is not None
        is_background = person < CERTAIN
        rate = np.where(is_background, LEARNING_RATE, 0.0).astype(np.float32)
        # A pixel that was hidden so far takes what it shows now, at once.
        pace = np.where(is_background & (self._known < 0.1), 1.0, rate)
        self._background += pace * (pixels - self._background)
        self._known += rate * (1 - self._known)
        self._person_colors += LEARNING_RATE * (_histogram(bins, person) - self._person_colors)
        self._other_colors += LEARNING_RATE * (_histogram(bins, 1 - person) - self._other_colors)


def _small(frame: VideoFrame) -> _Volume:
    """Return Y, U and V as ``(3, h, 160)`` float32 at the working size."""
    height = max(2, round(frame.height * WIDTH / frame.width / 2) * 2)
    small = frame.av_frame.reformat(
        width=WIDTH, height=height, format="yuv444p", interpolation="AREA"
    )
    return np.asarray(small.to_ndarray(), dtype=np.float32).reshape(3, height, WIDTH)


def _bins(pixels: _Volume) -> npt.NDArray[np.intp]:
    steps = [(pixels[axis] * (count / 256)).astype(np.intp) for axis, count in enumerate(BINS)]
    bins: npt.NDArray[np.intp] = (steps[0] * BINS[1] + steps[1]) * BINS[2] + steps[2]
    return bins


def _histogram(bins: npt.NDArray[np.intp], weights: Mask) -> _Volume:
    """Return the share of each color, smoothed over neighboring colors."""
    count = int(np.prod(BINS))
    flat = np.bincount(bins.ravel(), weights=weights.ravel(), minlength=count)
    cube = flat.reshape(BINS)
    for axis in range(3):
        cube = 0.5 * cube + 0.25 * (np.roll(cube, 1, axis) + np.roll(cube, -1, axis))
    smooth = cube.ravel()
    return (smooth / max(float(smooth.sum()), 1e-6)).astype(np.float32)


def _smooth(values: _Volume) -> _Volume:
    """Return the mean over 5 x 5 pixels, with the border repeated."""
    for axis in (0, 1):
        length = values.shape[axis]
        pad = [(0, 0), (0, 0)]
        pad[axis] = (3, 2)
        sums = np.cumsum(np.pad(values, pad, mode="edge"), axis=axis, dtype=np.float32)
        ends = np.take(sums, np.arange(5, length + 5), axis)
        values = ((ends - np.take(sums, np.arange(length), axis)) / 5).astype(np.float32)
    return values


def _sigmoid(odds: _Volume) -> Mask:
    chances: Mask = (1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30)))).astype(np.float32)
    return chances


def _prior_odds(shape: tuple[int, int]) -> _Volume:
    """Return log odds by place: a head and shoulders in the middle, nobody in upper corners."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (y + 0.5) / max(height, 1), (x + 0.5) / max(width, 1)
    head = ((x - 0.5) / 0.16) ** 2 + ((y - 0.38) / 0.28) ** 2
    body = ((x - 0.5) / 0.36) ** 2 + ((y - 1.05) / 0.5) ** 2
    nearness = np.minimum(head, body)
    odds: _Volume = np.clip(1.5 * (1.0 - nearness), -2.0, 1.0).astype(np.float32)
    return odds
