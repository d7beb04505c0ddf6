"""Blurred and replaced backgrounds: a mask, two pictures, and what lies between them.

Pictures stay yuv420p all the way. FFmpeg scales and blurs; numpy blends: where the mask is 1 the
picture is untouched to the bit, where it is 0 nothing of it remains.
"""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from typing import Final

import av
import av.filter
import numpy as np

from acs_core.errors import InvalidArgumentError
from acs_core.media.effects.chain import VideoEffect
from acs_core.media.effects.segmentation import BasicSegmenter, Mask, Segmenter
from acs_core.media.frames import VIDEO_TIME_BASE, Picture, VideoFrame
from acs_core.media.pool import media_pool
from acs_core.media.scaling import ScalingMode, place

__all__ = ["BackgroundBlur", "BackgroundReplacement", "MaskedEffect", "blend"]

DEFAULT_RADIUS: Final = 15.0
"""Standard deviation of the blur in pixels of a picture 640 wide; wider ones blur more."""

_REDUCTION: Final = 4
"""The blur works at a quarter of the size: what it takes away is what it would blur anyway."""


class MaskedEffect(VideoEffect):
    """Keeps the person and exchanges the rest; subclasses give `background`."""

    def __init__(self, segmenter: Segmenter | None = None) -> None:
        """Make an effect for one stream.

        Args:
            segmenter: Finds the person; by default a `BasicSegmenter`, whose limits stand there.
        """
        self._segmenter: Segmenter = segmenter or BasicSegmenter()
        # An effect may be reconfigured while a thread works on a picture.
        self._lock = threading.Lock()

    async def is_supported(self) -> bool:
        """Whether the segmenter has what it needs."""
        return self._segmenter.is_available

    async def prepare(self) -> None:
        """Load the segmenter in a thread."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(media_pool("video"), self._segmenter.prepare)

    @abstractmethod
    def background(self, frame: VideoFrame) -> VideoFrame:
        """Return what is shown where the person is not; same size. Blocks."""

    def apply(self, frame: VideoFrame) -> VideoFrame:
        """See `VideoEffect`."""
        with self._lock:
            mask = self._segmenter.segment(frame)
            return blend(frame, self.background(frame), mask)


class BackgroundBlur(MaskedEffect):
    """Blurs the background."""

    def __init__(
        self, *, radius: float = DEFAULT_RADIUS, segmenter: Segmenter | None = None
    ) -> None:
        """Make the effect.

        Args:
            radius: Standard deviation in pixels for a picture 640 wide, above 0 to 200.
            segmenter: See `MaskedEffect`.

        Raises:
            InvalidArgumentError: The radius is out of range.
        """
        super().__init__(segmenter)
        self.radius = radius
        self._graph: av.filter.Graph | None = None
        self._graph_key: tuple[int, int, float] = (0, 0, 0.0)

    @property
    def name(self) -> str:
        """`BackgroundBlur`."""
        return "BackgroundBlur"

    @property
    def radius(self) -> float:
        """See the constructor; may be set at any time."""
        return self._radius

    @radius.setter
    def radius(self, radius: float) -> None:
        if not 0 < radius <= 200:
            raise InvalidArgumentError(f"No blur of {radius} pixels; use above 0 to 200.")
        self._radius = radius

    def background(self, frame: VideoFrame) -> VideoFrame:
        """Return the blurred picture."""
        key = (frame.width, frame.height, self._radius)
        if self._graph is None or key != self._graph_key:
            self._graph, self._graph_key = _blur_graph(*key), key
        self._graph.push(frame.av_frame)
        blurred = self._graph.pull()
        assert isinstance(blurred, av.VideoFrame)
        return VideoFrame(blurred)


class BackgroundReplacement(MaskedEffect):
    """Puts a picture in the place of the background."""

    def __init__(
        self,
        image: Picture | None = None,
        *,
        fit: ScalingMode = ScalingMode.CROP,
        segmenter: Segmenter | None = None,
    ) -> None:
        """Make the effect.

        Args:
            image: ``(h, w, 3)`` uint8 RGB; None is black until `set_image`.
            fit: How the image is laid into pictures of another shape.
            segmenter: See `MaskedEffect`.

        Raises:
            InvalidArgumentError: That is no picture.
        """
        super().__init__(segmenter)
        self._scaled: VideoFrame | None = None
        self.set_image(np.zeros((2, 2, 3), dtype=np.uint8) if image is None else image, fit)

    @property
    def name(self) -> str:
        """`BackgroundReplacement`."""
        return "BackgroundReplacement"

    def set_image(self, image: Picture, fit: ScalingMode = ScalingMode.CROP) -> None:
        """Show another picture from the next frame on; see the constructor.

        Raises:
            InvalidArgumentError: That is no picture.
        """
        picture = VideoFrame.from_ndarray(image, format="rgb24")
        with self._lock:
            self._image, self._fit, self._scaled = picture, fit, None

    def background(self, frame: VideoFrame) -> VideoFrame:
        """Return the image at the size of the frame."""
        size = (frame.width, frame.height)
        if self._scaled is None or (self._scaled.width, self._scaled.height) != size:
            self._scaled = _laid_into(self._image, size, self._fit)
        return self._scaled


def blend(person: VideoFrame, background: VideoFrame, mask: Mask) -> VideoFrame:
    """Return a picture that is `person` where the mask is 1 and `background` where it is 0.

    Args:
        person: A picture with even sides.
        background: Of the same size.
        mask: Of any size.
    """
    width, height = person.width, person.height
    front = person.to_ndarray("yuv420p")
    back = background.to_ndarray("yuv420p")
    gray = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(np.rint(np.clip(mask, 0, 1) * 255), dtype=np.uint8), format="gray"
    )
    luma = _stretched(gray, width, height)
    chroma = _stretched(gray, width // 2, height // 2).ravel()
    # The planes follow each other in memory; one array of weights serves all three.
    weights = np.concatenate((luma.ravel(), chroma, chroma)).reshape(front.shape)
    mixed = np.multiply(front, weights, dtype=np.uint16)
    mixed += np.multiply(back, 255 - weights, dtype=np.uint16)
    # For rounding; 255 * 255 + 127 still fits into 16 bits.
    mixed += 127
    mixed //= 255
    return VideoFrame.from_ndarray(mixed.astype(np.uint8), format="yuv420p")


def _stretched(gray: av.VideoFrame, width: int, height: int) -> Picture:
    scaled = gray.reformat(width=width, height=height, interpolation="BILINEAR")
    return np.asarray(scaled.to_ndarray(), dtype=np.uint8)


def _laid_into(image: VideoFrame, size: tuple[int, int], fit: ScalingMode) -> VideoFrame:
    spot = place((image.width, image.height), size, fit)
    picture = image.to_rgb()
    cut = np.ascontiguousarray(
        picture[
            spot.source_top : spot.source_top + spot.source_height,
            spot.source_left : spot.source_left + spot.source_width,
        ]
    )
    scaled = av.VideoFrame.from_ndarray(cut, format="rgb24").reformat(
        width=spot.width, height=spot.height, interpolation="AREA"
    )
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    canvas[spot.top : spot.top + spot.height, spot.left : spot.left + spot.width] = (
        scaled.to_ndarray(format="rgb24")
    )
    full = av.VideoFrame.from_ndarray(canvas, format="rgb24")
    return VideoFrame(full.reformat(format="yuv420p"))


def _blur_graph(width: int, height: int, radius: float) -> av.filter.Graph:
    graph = av.filter.Graph()
    small = (max(2, width // _REDUCTION), max(2, height // _REDUCTION))
    sigma = radius * width / 640 / _REDUCTION
    steps = [
        graph.add_buffer(
            width=width,
            height=height,
            format=av.VideoFormat("yuv420p"),
            time_base=VIDEO_TIME_BASE,
        ),
        graph.add("scale", f"{small[0]}:{small[1]}:flags=area"),
        graph.add("gblur", f"sigma={sigma:.3f}:steps=2"),
        graph.add("scale", f"{width}:{height}:flags=bicubic"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*steps).configure()
    return graph
