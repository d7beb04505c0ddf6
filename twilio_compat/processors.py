"""Blurred and virtual backgrounds: what `@twilio/video-processors` offers, for Python.

They are added to a local track, or to a remote one::

    blur = GaussianBlurBackgroundProcessor({"assetsPath": "/assets", "blurFilterRadius": 20})
    await blur.load_model()
    track.add_processor(blur, {"inputFrameBufferType": "videoframe"})

Twilio's processors download a model that tells people from backgrounds. These have a segmenter that
needs none and has its limits (`acs_core.media.effects.segmentation`: one person, still camera); one
that runs a trained model is given by the keyword `segmenter`. As in Twilio's, a number that is out
of range is replaced by its default, with a warning in the log.

"videoframe" is the input type that costs least; with the others, pictures are converted to RGB and
back. Options that choose a browser's machinery are accepted and mean nothing here.

Source: @twilio/video-processors 3.2.0, and the options of 2.x that it dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias, TypedDict, Unpack, final

import av
import numpy as np

from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.media.effects.backgrounds import BackgroundBlur, BackgroundReplacement, MaskedEffect
from acs_core.media.effects.images import decode_image
from acs_core.media.effects.segmentation import BasicSegmenter, Mask, Segmenter
from acs_core.media.frames import Picture, VideoFrame
from acs_core.media.pool import media_pool
from acs_core.media.scaling import ScalingMode
from acs_core.version import __version__ as version
from twilio_compat.option_bags import OptionBag, merge
from twilio_compat.video_processor import ProcessorOutput, VideoProcessor

__all__ = [
    "BackgroundProcessor",
    "BackgroundProcessorOptions",
    "GaussianBlurBackgroundProcessor",
    "GaussianBlurBackgroundProcessorOptions",
    "HysteresisConfig",
    "ImageFit",
    "MaskRefiner",
    "Pipeline",
    "VirtualBackgroundProcessor",
    "VirtualBackgroundProcessorOptions",
    "isSupported",
    "is_supported",
    "version",
]

_log = logging.getLogger(__name__)

isSupported = is_supported = True  # noqa: N816
"""Whether the processors can run here: wherever this package installs."""

BackgroundImage: TypeAlias = Picture | bytes | str | PathLike[str]

BLUR_FILTER_RADIUS: Final = 15.0
MASK_BLUR_RADIUS: Final = 8.0

_BROWSER_ONLY: Final = frozenset(
    {
        "assets_path", "debounce", "history_count", "inference_config", "inference_dimensions",
        "person_probability_threshold", "pipeline", "use_wasm", "use_web_worker",
    }
)  # fmt: skip


class ImageFit(StrEnum):
    """How a background image is laid into pictures of another shape."""

    CONTAIN = "Contain"
    """All of it, with black bars."""
    COVER = "Cover"
    """Its middle, without bars."""
    FILL = "Fill"
    """Stretched."""
    NONE = "None"
    """In its own size from the upper left corner."""

    # Twilio's spellings; tests/twilio_compat/test_processors.py checks them.
    Contain = CONTAIN
    Cover = COVER
    Fill = FILL


class Pipeline(StrEnum):
    """What a browser computes with, in 2.x; accepted, without meaning here."""

    CANVAS_2D = "Canvas2D"
    WEB_GL2 = "WebGL2"

    # Twilio's spellings; tests/twilio_compat/test_processors.py checks them.
    Canvas2D = CANVAS_2D
    WebGL2 = WEB_GL2


class HysteresisConfig(TypedDict):
    """Above `high` a pixel becomes part of the person, below `low` it ceases to be; 0 to 255."""

    high: float
    low: float


HYSTERESIS: Final[HysteresisConfig] = {"high": 180, "low": 80}


class BackgroundProcessorOptions(TypedDict, total=False):
    """Options of all background processors; see there."""

    assetsPath: str
    assets_path: str
    maskBlurRadius: float
    mask_blur_radius: float
    hysteresis: bool | HysteresisConfig
    deferInputFrameDownscale: bool
    defer_input_frame_downscale: bool
    useWebWorker: bool
    use_web_worker: bool
    segmenter: Segmenter


class GaussianBlurBackgroundProcessorOptions(BackgroundProcessorOptions, total=False):
    """Options of `GaussianBlurBackgroundProcessor`."""

    blurFilterRadius: float
    blur_filter_radius: float


class VirtualBackgroundProcessorOptions(BackgroundProcessorOptions, total=False):
    """Options of `VirtualBackgroundProcessor`."""

    backgroundImage: BackgroundImage
    background_image: BackgroundImage
    fitType: ImageFit | str
    fit_type: ImageFit | str


class MaskRefiner:
    """A segmenter whose mask flickers less and has soft edges. Blocks; for one thread at a time.

    Args:
        segmenter: Finds the person.

    Attributes:
        blur_radius: Pixels of the picture over which the edge of the mask is spread.
        hysteresis: None for none.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._before: np.ndarray[Any, np.dtype[np.bool_]] | None = None
        self.blur_radius = MASK_BLUR_RADIUS
        self.hysteresis: HysteresisConfig | None = HYSTERESIS

    @property
    def is_available(self) -> bool:
        """See `Segmenter`."""
        return self._segmenter.is_available

    def prepare(self) -> None:
        """See `Segmenter`."""
        self._segmenter.prepare()

    def segment(self, frame: VideoFrame) -> Mask:
        """See `Segmenter`."""
        mask = self._segmenter.segment(frame)
        limits = self.hysteresis
        if limits is not None:
            before = self._before
            if before is None or before.shape != mask.shape:
                before = mask >= 0.5
            is_person = np.where(before, mask * 255 >= limits["low"], mask * 255 >= limits["high"])
            self._before = is_person
            # What is certain stays; a pixel that changed sides does not come back half.
            mask = np.where(is_person, np.maximum(mask, 0.5), np.minimum(mask, 0.49))
            mask = mask.astype(np.float32)
        return _spread(mask, round(self.blur_radius * mask.shape[1] / frame.width))


class _Background(BackgroundReplacement):
    """Replacement that also lays an image in its own size."""

    is_natural = False

    def background(self, frame: VideoFrame) -> VideoFrame:
        """Return the image at the size of the frame."""
        if not self.is_natural:
            return super().background(frame)
        size = (frame.width, frame.height)
        if self._scaled is None or (self._scaled.width, self._scaled.height) != size:
            canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
            part = self._image.to_rgb()[: size[1], : size[0]]
            canvas[: part.shape[0], : part.shape[1]] = part
            self._scaled = VideoFrame(
                av.VideoFrame.from_ndarray(canvas, format="rgb24").reformat(format="yuv420p")
            )
        return self._scaled


class BackgroundProcessor(VideoProcessor):
    """What the background processors have in common."""

    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {"mask_blur_radius", "hysteresis", "defer_input_frame_downscale", "segmenter"}
    )

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Take the options that all have; subclasses set `_effect`."""
        self._refiner = MaskRefiner(values.get("segmenter") or BasicSegmenter())
        self._effect: MaskedEffect
        self._is_loaded = False
        self._was_told = False
        self.mask_blur_radius = values.get("mask_blur_radius", MASK_BLUR_RADIUS)
        self.hysteresis = values.get("hysteresis", True)
        self.defer_input_frame_downscale = values.get("defer_input_frame_downscale", False)

    @property
    def mask_blur_radius(self) -> float:
        """Pixels over which the edge of the person is softened; 0 or more."""
        return self._refiner.blur_radius

    @mask_blur_radius.setter
    def mask_blur_radius(self, radius: float) -> None:
        self._refiner.blur_radius = _number(
            "maskBlurRadius", radius, MASK_BLUR_RADIUS, lowest=0, highest=200
        )

    @property
    def hysteresis(self) -> bool | HysteresisConfig:
        """When a pixel changes between person and background; False for no such rule."""
        return self._refiner.hysteresis or False

    @hysteresis.setter
    def hysteresis(self, config: bool | HysteresisConfig) -> None:
        self._refiner.hysteresis = _hysteresis(config)

    @property
    def defer_input_frame_downscale(self) -> bool:
        """Accepted and kept; how a browser makes pictures small does not matter here."""
        return self._defers

    @defer_input_frame_downscale.setter
    def defer_input_frame_downscale(self, defers: bool) -> None:
        if not isinstance(defers, bool):
            raise TypeError("deferInputFrameDownscale must be a boolean")
        self._defers = defers

    async def load_model(self) -> None:
        """Load what tells people from backgrounds; frames before that are left out.

        Raises:
            MediaError: It cannot be loaded.
        """
        await self._effect.prepare()
        self._is_loaded = True

    async def process_frame(
        self, input_frame_buffer: Any, output_frame_buffer: ProcessorOutput
    ) -> None:
        """Draw a frame with another background; nothing before `load_model`.

        Args:
            input_frame_buffer: A `VideoFrame`, a PyAV frame, or ``(h, w, 3)`` uint8 RGB.
            output_frame_buffer: Where to draw.

        Raises:
            InvalidArgumentError: It is no picture.
        """
        if not self._is_loaded:
            if not self._was_told:
                _log.warning("%s leaves frames out until load_model().", type(self).__name__)
            self._was_told = True
            return
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(media_pool("video"), self._work, input_frame_buffer)
        output_frame_buffer.draw(made)

    def _work(self, given: Any) -> VideoFrame:
        return self._effect.apply(_even_frame(given))

    # Twilio's spellings; tests/twilio_compat/test_processors.py checks them.
    maskBlurRadius = mask_blur_radius
    deferInputFrameDownscale = defer_input_frame_downscale
    loadModel = load_model
    processFrame = process_frame


@final
class GaussianBlurBackgroundProcessor(BackgroundProcessor):
    """Blurs what is behind a person.

    Args:
        options: `{"assetsPath": ..., "blurFilterRadius": 15, "maskBlurRadius": 8, ...}`.
        **keywords: The same in snake_case, and `segmenter` (ours).

    Raises:
        TypeError: Unknown key, given twice, or of the wrong type.
    """

    OPTIONS: ClassVar[frozenset[str]] = BackgroundProcessor.OPTIONS | {"blur_filter_radius"}

    def __init__(
        self,
        options: OptionBag | None = None,
        **keywords: Unpack[GaussianBlurBackgroundProcessorOptions],
    ) -> None:
        values = _read(self.OPTIONS, options, keywords)
        super().__init__(values)
        self._blur = BackgroundBlur(segmenter=self._refiner)
        self._effect = self._blur
        self.blur_filter_radius = values.get("blur_filter_radius", BLUR_FILTER_RADIUS)

    @property
    def blur_filter_radius(self) -> float:
        """How much is blurred, in pixels of a picture 640 wide: above 0 to 200."""
        return self._blur.radius

    @blur_filter_radius.setter
    def blur_filter_radius(self, radius: float) -> None:
        self._blur.radius = _number(
            "blurFilterRadius", radius, BLUR_FILTER_RADIUS, lowest=0.01, highest=200
        )

    # Twilio's spelling; tests/twilio_compat/test_processors.py checks it.
    blurFilterRadius = blur_filter_radius


@final
class VirtualBackgroundProcessor(BackgroundProcessor):
    """Shows an image in the place of what is behind a person.

    Args:
        options: `{"assetsPath": ..., "backgroundImage": ..., "fitType": ImageFit.Cover, ...}`; the
            image is ``(h, w, 3)`` uint8 RGB, or a PNG, JPEG, TIFF or BMP file as bytes or path,
            which is read at once.
        **keywords: The same in snake_case, and `segmenter` (ours).

    Raises:
        TypeError: Unknown key, given twice, or of the wrong type.
        InvalidArgumentError: There is no image, or it is none.
    """

    OPTIONS: ClassVar[frozenset[str]] = BackgroundProcessor.OPTIONS | {
        "background_image",
        "fit_type",
    }

    def __init__(
        self,
        options: OptionBag | None = None,
        **keywords: Unpack[VirtualBackgroundProcessorOptions],
    ) -> None:
        values = _read(self.OPTIONS, options, keywords)
        super().__init__(values)
        self._background = _Background(segmenter=self._refiner)
        self._effect = self._background
        self._fit = _fit(values.get("fit_type", ImageFit.FILL))
        self.background_image = values.get("background_image", b"")

    @property
    def background_image(self) -> Picture:
        """The image, ``(h, w, 3)`` uint8 RGB; a path or a file's bytes may be set, too.

        Raises:
            InvalidArgumentError: What is set is no image; the one before stays.
        """
        return self._picture

    @background_image.setter
    def background_image(self, image: BackgroundImage) -> None:
        self._picture = _image(image)
        self._lay()

    @property
    def fit_type(self) -> ImageFit:
        """How the image is laid into pictures of another shape."""
        return self._fit

    @fit_type.setter
    def fit_type(self, fit: ImageFit | str) -> None:
        self._fit = _fit(fit)
        self._lay()

    def _lay(self) -> None:
        modes = {ImageFit.CONTAIN: ScalingMode.FIT, ImageFit.COVER: ScalingMode.CROP}
        self._background.is_natural = self._fit is ImageFit.NONE
        self._background.set_image(self._picture, modes.get(self._fit, ScalingMode.STRETCH))

    # Twilio's spellings; tests/twilio_compat/test_processors.py checks them.
    backgroundImage = background_image
    fitType = fit_type


def _read(
    known: frozenset[str], options: OptionBag | None, keywords: Mapping[str, Any]
) -> dict[str, Any]:
    return merge("options", options, keywords, known, _BROWSER_ONLY, frozenset())


def _number(name: str, value: object, default: float, *, lowest: float, highest: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and lowest <= float(value) <= highest:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    _log.warning("%s must be %s to %s; %s is used.", name, lowest, highest, default)
    return default


def _hysteresis(config: object) -> HysteresisConfig | None:
    if config is False:
        return None
    if config is True:
        return HYSTERESIS
    if isinstance(config, Mapping) and set(config) == {"high", "low"}:
        high, low = config["high"], config["low"]
        if isinstance(high, int | float) and isinstance(low, int | float) and 0 <= low <= high:
            return {"high": min(high, 255), "low": low}
    _log.warning("hysteresis must be a boolean or {high, low}; %s is used.", HYSTERESIS)
    return HYSTERESIS


def _fit(value: object) -> ImageFit:
    if isinstance(value, str) and value in set(ImageFit):
        return ImageFit(value)
    _log.warning("fitType must be one of %s; Fill is used.", ", ".join(ImageFit))
    return ImageFit.FILL


def _image(image: object) -> Picture:
    try:
        if isinstance(image, np.ndarray):
            return VideoFrame.from_ndarray(image, format="rgb24").to_rgb()
        if isinstance(image, str | PathLike):
            image = Path(image).read_bytes()
        if isinstance(image, bytes):
            return decode_image(image)
    except (OSError, MediaError, InvalidArgumentError) as error:
        raise InvalidArgumentError(
            "The background image cannot be read.",
            next_step="Give a PNG, JPEG, TIFF or BMP file, or (h, w, 3) uint8.",
        ) from error
    raise InvalidArgumentError(f"A {type(image).__name__} is no background image.")


def _even_frame(given: Any) -> VideoFrame:
    """A frame as effects take it: yuv420p with even sides."""
    match given:
        case VideoFrame():
            frame = given.av_frame
        case av.VideoFrame():
            frame = given
        case np.ndarray():
            frame = VideoFrame.from_ndarray(given).av_frame
        case _:
            raise InvalidArgumentError(f"Expected a picture, got {type(given).__name__}.")
    size = (max(2, frame.width & ~1), max(2, frame.height & ~1))
    if (frame.width, frame.height, frame.format.name) != (*size, "yuv420p"):
        frame = frame.reformat(width=size[0], height=size[1], format="yuv420p")
    return VideoFrame(frame)


def _spread(mask: Mask, radius: int) -> Mask:
    """The mean over ``2 * radius + 1`` pixels both ways, with the border repeated."""
    if radius < 1:
        return mask
    width = 2 * radius + 1
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(mask, pad, mode="edge"), axis=axis, dtype=np.float64)
        length = mask.shape[axis]
        upper = np.take(sums, np.arange(width, width + length), axis)
        lower = np.take(sums, np.arange(length), axis)
        mask = np.clip((upper - lower) / width, 0, 1).astype(np.float32)
    return mask
