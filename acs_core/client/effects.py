"""The effects that ACS names: backgrounds for cameras, noise suppression for microphones.

Each is the effect of `acs_core.media.effects` under ACS's name and with ACS's options. What ACS
gives by a model that its script downloads, we give by what is installed: see each class.

Source: @azure/communication-calling-effects 1.3.2 and the VIDEO_EFFECTS and AUDIO_EFFECTS errors
of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname

import aiohttp
import numpy as np

from acs_core.errors import CallingError, InvalidArgumentError, MediaError, Stage
from acs_core.media.effects.backgrounds import (
    DEFAULT_RADIUS,
    BackgroundBlur,
    BackgroundReplacement,
)
from acs_core.media.effects.echo import EchoCancellation
from acs_core.media.effects.images import decode_image
from acs_core.media.effects.segmentation import Segmenter
from acs_core.media.effects.sound import NoiseSuppression
from acs_core.media.frames import Picture
from acs_core.media.pool import media_pool

__all__ = [
    "BackgroundBlurConfig",
    "BackgroundBlurEffect",
    "BackgroundReplacementConfig",
    "BackgroundReplacementEffect",
    "BrowserNoiseSuppression",
    "DeepNoiseSuppressionEffect",
    "EchoCancellationEffect",
    "EchoCancellationEffectName",
    "NoiseSuppressionEffectName",
    "VideoEffectConfig",
    "VideoEffectError",
    "VideoEffectErrorPayload",
    "VideoEffectName",
]

INVALID_EFFECT: Final = 46159
START_FAILED: Final = 46164
FETCH_DEADLINE: Final = 10.0
"""Seconds for a background image to arrive."""

MAX_IMAGE_BYTES: Final = 32 * 1024 * 1024
"""Larger files are refused before they are read to the end."""

ASPECT: Final = 16 / 9
ASPECT_TOLERANCE: Final = 0.01
"""Relative; 1366 x 768 is as good as 16:9."""


_Config = TypeVar("_Config")


class VideoEffectName(StrEnum):
    """Effects on cameras that ACS knows."""

    BACKGROUND_BLUR = "BackgroundBlur"
    BACKGROUND_REPLACEMENT = "BackgroundReplacement"


class NoiseSuppressionEffectName(StrEnum):
    """Kinds of noise suppression that ACS knows."""

    BROWSER_NOISE_SUPPRESSION = "BrowserNoiseSuppression"
    DEEP_NOISE_SUPPRESSION = "DeepNoiseSuppression"


class EchoCancellationEffectName(StrEnum):
    """Kinds of echo cancellation that ACS knows; there is no browser's here."""

    BROWSER_ECHO_CANCELLATION = "BrowserEchoCancellation"
    ECHO_CANCELLATION = "EchoCancellation"


class VideoEffectError(StrEnum):
    """What went wrong with an effect on a camera."""

    FAILED_TO_PROCESS = "FailedToProcess"
    FAILED_TO_FETCH_IMAGE = "FailedToFetchImage"


@dataclass(frozen=True, slots=True)
class VideoEffectErrorPayload:
    """What `effectsError` of `Features.VIDEO_EFFECTS` brings.

    Attributes:
        code: As of the errors of ACS, for instance 500.
        message: Begins with the `error`.
        sub_code: ACS's finer code, 46164 for instance.
        error: The kind (the type of that name in the effects package).
    """

    code: int
    message: str
    sub_code: int
    error: VideoEffectError


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEffectConfig:
    """Options of all effects on cameras.

    Attributes:
        effect_init_time_threshold_in_ms: `timeForEffectsWarningReached` is raised when starting
            takes longer; None never.
        fps_warning_threshold: `fpsWarningThresholdReached` is raised when fewer frames per second
            leave the effect; None never.
    """

    effect_init_time_threshold_in_ms: float | None = None
    fps_warning_threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundBlurConfig(VideoEffectConfig):
    """Options of `BackgroundBlurEffect`.

    Attributes:
        radius: How much is blurred, in pixels of a picture 640 wide (ours).
    """

    radius: float = DEFAULT_RADIUS


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundReplacementConfig(VideoEffectConfig):
    """Options of `BackgroundReplacementEffect`; one of both images.

    Attributes:
        background_image_url: Where a PNG, JPEG, TIFF or BMP picture of 16:9 is: an http, https,
            file or data URL, or a path.
        background_image: The picture itself (ours): such a file's bytes, or ``(h, w, 3)`` uint8.
    """

    background_image_url: str | Path = ""
    background_image: bytes | Picture | None = None


class BackgroundBlurEffect(BackgroundBlur):
    """Blurs what is behind the person."""

    def __init__(
        self, config: BackgroundBlurConfig | None = None, *, segmenter: Segmenter | None = None
    ) -> None:
        """Make an effect for one stream.

        Args:
            config: Options.
            segmenter: Tells the person from the background (ours); by default a `BasicSegmenter`,
                which needs no model and has its limits: see there.

        Raises:
            InvalidArgumentError: 400/46159: the config is of another kind, or out of range.
        """
        chosen = _checked(config or BackgroundBlurConfig(), BackgroundBlurConfig)
        super().__init__(radius=_radius(chosen), segmenter=segmenter)
        self._config = chosen

    @property
    def name(self) -> VideoEffectName:
        """`BackgroundBlur`."""
        return VideoEffectName.BACKGROUND_BLUR

    @property
    def config(self) -> BackgroundBlurConfig:
        """The options in force (ours)."""
        return self._config

    async def configure(self, config: BackgroundBlurConfig) -> None:
        """Take other options from the next picture on.

        Raises:
            InvalidArgumentError: 400/46159: as for the constructor; nothing is changed.
        """
        chosen = _checked(config, BackgroundBlurConfig)
        self.radius = _radius(chosen)
        self._config = chosen


class BackgroundReplacementEffect(BackgroundReplacement):
    """Shows an image in the place of what is behind the person."""

    def __init__(
        self, config: BackgroundReplacementConfig, *, segmenter: Segmenter | None = None
    ) -> None:
        """Make an effect for one stream; the image is fetched when it is started.

        Args:
            config: Options; an image must be named.
            segmenter: See `BackgroundBlurEffect`.

        Raises:
            InvalidArgumentError: 400/46159: no image, two images, or a config of another kind.
        """
        super().__init__(segmenter=segmenter)
        self._config = _with_image(config)
        self._is_loaded = False

    @property
    def name(self) -> VideoEffectName:
        """`BackgroundReplacement`."""
        return VideoEffectName.BACKGROUND_REPLACEMENT

    @property
    def config(self) -> BackgroundReplacementConfig:
        """The options in force (ours)."""
        return self._config

    async def prepare(self) -> None:
        """Fetch the image and load the segmenter; `start_effects` does this.

        Raises:
            MediaError: FailedToFetchImage: it is not there or no such picture.
            InvalidArgumentError: 400/46159: it is not 16:9.
        """
        if not self._is_loaded:
            self.set_image(await _image(self._config))
            self._is_loaded = True
        await super().prepare()

    async def configure(self, config: BackgroundReplacementConfig) -> None:
        """Show another image from the next picture on; the effect goes on meanwhile.

        Raises:
            MediaError: FailedToFetchImage; the old image stays.
            InvalidArgumentError: 400/46159: as for the constructor and `prepare`.
        """
        chosen = _with_image(config)
        self.set_image(await _image(chosen))
        self._config, self._is_loaded = chosen, True


class BrowserNoiseSuppression(NoiseSuppression):
    """`BrowserNoiseSuppression`: steady noise is reduced by a spectral filter; always there."""

    @property
    def name(self) -> NoiseSuppressionEffectName:
        """`BrowserNoiseSuppression`."""
        return NoiseSuppressionEffectName.BROWSER_NOISE_SUPPRESSION


class DeepNoiseSuppressionEffect:
    """Named for completeness: not supported; use `BrowserNoiseSuppression`.

    ACS's script downloads a neural network. Of what this package stands on, only FFmpeg's `arnndn`
    runs one, and not reliably (`media/effects/sound.py`).
    """

    @property
    def name(self) -> NoiseSuppressionEffectName:
        """`DeepNoiseSuppression`."""
        return NoiseSuppressionEffectName.DEEP_NOISE_SUPPRESSION

    async def is_supported(self) -> bool:
        """Never."""
        return False


class EchoCancellationEffect(EchoCancellation):
    """`EchoCancellation`; needs the extra `echo`, and must be told what is played.

    In a browser the page knows what its loudspeaker plays. Here received sound goes to the program,
    which alone knows what it plays, and when: it says so by `played` (ours). A program that plays
    nothing in the room of its microphone needs no effect.
    """

    @property
    def name(self) -> EchoCancellationEffectName:
        """`EchoCancellation`."""
        return EchoCancellationEffectName.ECHO_CANCELLATION


def _checked(config: _Config, kind: type[_Config]) -> _Config:
    if not isinstance(config, kind):
        raise _invalid(f"Expected a {kind.__name__}.")
    return config


def _radius(config: BackgroundBlurConfig) -> float:
    if not 0 < config.radius <= 200:
        raise _invalid(f"No blur of {config.radius} pixels; use above 0 to 200.")
    return config.radius


def _with_image(config: BackgroundReplacementConfig) -> BackgroundReplacementConfig:
    _checked(config, BackgroundReplacementConfig)
    if bool(config.background_image_url) is (config.background_image is not None):
        raise _invalid("Name one background image: background_image_url or background_image.")
    return config


async def _image(config: BackgroundReplacementConfig) -> Picture:
    """Fetch and decode the image, and check its shape."""
    given = config.background_image
    if isinstance(given, np.ndarray):
        picture = given
    else:
        data = given if given is not None else await _fetch(str(config.background_image_url))
        loop = asyncio.get_running_loop()
        try:
            picture = await loop.run_in_executor(media_pool("video"), decode_image, data)
        except MediaError as error:
            raise _unfetched(error.message) from error
    is_picture = picture.ndim == 3 and picture.shape[2] == 3 and picture.size > 0
    if not is_picture or picture.dtype != np.uint8:
        raise _invalid(f"A background is (h, w, 3) uint8, not {picture.shape} {picture.dtype}.")
    ratio = picture.shape[1] / picture.shape[0]
    if abs(ratio / ASPECT - 1) > ASPECT_TOLERANCE:
        raise _invalid(f"A background is 16:9, not {picture.shape[1]}x{picture.shape[0]}.")
    return picture


async def _fetch(url: str) -> bytes:
    try:
        async with asyncio.timeout(FETCH_DEADLINE):
            parts = urlsplit(url)
            if parts.scheme in ("http", "https"):
                return await _download(url)
            if parts.scheme == "data":
                return _inline(parts.path)
            path = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(url)
            return await asyncio.get_running_loop().run_in_executor(
                media_pool("video"), _read, path
            )
    except (OSError, ValueError, aiohttp.ClientError) as error:
        # The address may hold a secret; the cause says what happened.
        raise _unfetched("The background image cannot be fetched.") from error


async def _download(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        response.raise_for_status()
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            _check_length(len(data))
        return bytes(data)


def _read(path: Path) -> bytes:
    _check_length(path.stat().st_size)
    return path.read_bytes()


def _inline(text: str) -> bytes:
    """Return what a data URL holds.

    Source: RFC 2397.
    """
    head, comma, body = text.partition(",")
    if not comma:
        raise ValueError("A data URL has a comma.")
    data = unquote_to_bytes(body)
    _check_length(len(data))
    return base64.b64decode(data, validate=True) if head.endswith(";base64") else data


def _check_length(length: int) -> None:
    if length > MAX_IMAGE_BYTES:
        raise ValueError(f"A background image has at most {MAX_IMAGE_BYTES} bytes.")


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, sub_code=INVALID_EFFECT, stage=Stage.ARGUMENT)


def _unfetched(message: str) -> CallingError:
    return MediaError(
        f"{VideoEffectError.FAILED_TO_FETCH_IMAGE}: {message}",
        sub_code=START_FAILED,
        stage=Stage.MEDIA,
        next_step="Check the address, and use a PNG, JPEG, TIFF or BMP picture.",
    )
