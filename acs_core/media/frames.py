"""Decoded media as a program sees it: pictures and PCM, with their times.

Theory of operation: decoders and devices speak PyAV; programs speak numpy. `VideoFrame` and
`AudioFrame` stand between them. A video frame keeps the decoder's picture and converts it only
when asked, since the conversion to RGB costs as much as decoding. Every array handed out is a
contiguous copy that the caller owns, as is every array taken in.

Units, stated once: time is seconds on the stream's own clock, video ticks are 1/90000 s
(RFC 3551 section 5), audio is 48 kHz signed 16 bit in frames of 20 ms (RFC 7587 section 4.2).
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast, final

import av
import numpy as np
import numpy.typing as npt

from acs_core.errors import InvalidArgumentError, MediaError, Stage

__all__ = [
    "AUDIO_RATE",
    "AUDIO_TIME_BASE",
    "FRAME_SAMPLES",
    "VIDEO_CLOCK_RATE",
    "VIDEO_TIME_BASE",
    "AudioFrame",
    "Picture",
    "PictureFormat",
    "Samples",
    "VideoFrame",
    "av_audio_frame",
    "picture_format",
    "save_rgb",
]

Picture: TypeAlias = npt.NDArray[np.uint8]
Samples: TypeAlias = npt.NDArray[np.int16]
PictureFormat: TypeAlias = Literal["rgb24", "bgr24", "gray", "yuv420p"]

VIDEO_CLOCK_RATE: Final = 90_000
VIDEO_TIME_BASE: Final = Fraction(1, VIDEO_CLOCK_RATE)
AUDIO_RATE: Final = 48_000
AUDIO_TIME_BASE: Final = Fraction(1, AUDIO_RATE)
FRAME_SAMPLES: Final = AUDIO_RATE // 50

SILENCE_DBOV: Final = -127.0
"""The lowest level that RFC 6464 section 3 can express; digital silence."""

_PICTURE_ENCODERS: Final = {
    ".png": ("png", "rgb24", {}),
    ".jpg": ("mjpeg", "yuvj420p", {"qscale": "3"}),
    ".jpeg": ("mjpeg", "yuvj420p", {"qscale": "3"}),
}


@final
class VideoFrame:
    """One decoded picture.

    Attributes:
        time: Seconds since the first frame of the stream; taken from the PyAV frame unless given.
        capture_time: When the sender captured it, in seconds of Unix time on the sender's clock
            (from its RTCP sender reports, RFC 3550 section 6.4.1); None until that is known.
    """

    __slots__ = ("_frame", "capture_time", "time")

    def __init__(
        self, frame: av.VideoFrame, *, time: float | None = None, capture_time: float | None = None
    ) -> None:
        self._frame = frame
        self.time = _own_time(frame) if time is None else time
        self.capture_time = capture_time

    @classmethod
    def from_ndarray(
        cls,
        array: Picture,
        *,
        format: PictureFormat | None = None,
        time: float = 0.0,
        capture_time: float | None = None,
    ) -> VideoFrame:
        """Copy a picture into a frame.

        Args:
            array: uint8; ``(h, w, 3)`` for rgb24 and bgr24, ``(h, w)`` for gray,
                ``(h * 3 / 2, w)`` with even w and h for yuv420p.
            format: What the array holds; by default told from its shape, where a picture with
                three axes is rgb24 and one with two is yuv420p.
            time: See the class.
            capture_time: See the class.

        Raises:
            InvalidArgumentError: The array is no such picture.
        """
        chosen = picture_format(array, format)
        copy = np.array(array, dtype=np.uint8, order="C")
        frame = av.VideoFrame.from_ndarray(copy, format=chosen)
        return cls(frame, time=time, capture_time=capture_time)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self._frame.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self._frame.height

    @property
    def av_frame(self) -> av.VideoFrame:
        """The picture as PyAV holds it; shared with other readers, so do not write into it."""
        return self._frame

    @property
    def planes(self) -> tuple[Picture, ...]:
        """The Y, U and V planes, each ``(height, width)`` uint8 without line padding.

        Chroma planes have half the size of the picture, rounded up.
        """
        frame = self._frame
        if frame.format.name not in ("yuv420p", "yuvj420p"):
            frame = frame.reformat(format="yuv420p")
        return tuple(_plane(plane) for plane in frame.planes)

    def to_ndarray(self, format: PictureFormat = "rgb24") -> Picture:
        """Return the picture as an array that the caller owns; shapes as in `from_ndarray`.

        Raises:
            InvalidArgumentError: yuv420p was asked of a picture with an odd side; use `planes`.
        """
        if format == "yuv420p" and (self.width % 2 or self.height % 2):
            raise InvalidArgumentError(
                f"A {self.width}x{self.height} picture has no single yuv420p array.",
                next_step="Read `planes` instead.",
            )
        return np.array(self._frame.to_ndarray(format=format), dtype=np.uint8, order="C")

    def to_rgb(self) -> Picture:
        """Return the picture as ``(height, width, 3)`` uint8 in the order red, green, blue."""
        return self.to_ndarray("rgb24")

    def save(self, path: str | Path) -> None:
        """Write the picture as a png or jpg file; blocks for some milliseconds.

        Raises:
            InvalidArgumentError: The suffix is neither png nor jpg.
            MediaError: The file cannot be written.
        """
        _save(self._frame, Path(path))

    def __repr__(self) -> str:
        return f"<VideoFrame {self.width}x{self.height} at {self.time:.3f} s>"


@final
class AudioFrame:
    """A stretch of PCM.

    Attributes:
        samples: int16, ``(n, channels)``, full scale +-32767; owned by whoever holds the frame.
        sample_rate: Samples per second and channel.
        time: Seconds since the first sample of the stream.
        capture_time: See `VideoFrame`.
    """

    __slots__ = ("capture_time", "sample_rate", "samples", "time")

    def __init__(
        self,
        samples: Samples,
        *,
        sample_rate: int = AUDIO_RATE,
        time: float = 0.0,
        capture_time: float | None = None,
    ) -> None:
        self.samples = samples
        self.sample_rate = sample_rate
        self.time = time
        self.capture_time = capture_time

    @classmethod
    def from_ndarray(
        cls,
        array: Samples,
        *,
        sample_rate: int = AUDIO_RATE,
        time: float = 0.0,
        capture_time: float | None = None,
    ) -> AudioFrame:
        """Copy samples, ``(n,)`` or ``(n, channels)`` int16, into a frame.

        Raises:
            InvalidArgumentError: The array is not that, or the rate is not positive.
        """
        is_pcm = array.dtype == np.int16 and array.ndim in (1, 2) and array.shape[1:] != (0,)
        if not is_pcm or sample_rate <= 0:
            raise InvalidArgumentError(
                f"Expected int16 samples (n,) or (n, channels), got {array.dtype} {array.shape} "
                f"at {sample_rate} Hz."
            )
        columns = array[:, np.newaxis] if array.ndim == 1 else array
        copy = np.array(columns, order="C")
        return cls(copy, sample_rate=sample_rate, time=time, capture_time=capture_time)

    @classmethod
    def from_av(
        cls, frame: av.AudioFrame, *, time: float | None = None, capture_time: float | None = None
    ) -> AudioFrame:
        """Copy a PyAV frame of any sample format; rate and channels stay as they are."""
        start = _own_time(frame) if time is None else time
        if frame.format.name != "s16":
            resampler = av.AudioResampler(
                format="s16", layout=frame.layout.name, rate=frame.sample_rate
            )
            parts = [cls.from_av(part) for part in resampler.resample(frame)]
            samples = np.concatenate([part.samples for part in parts])
        else:
            flat = np.frombuffer(memoryview(frame.planes[0]), dtype=np.int16)
            channels = frame.layout.nb_channels
            samples = flat[: frame.samples * channels].reshape(-1, channels).copy()
        return cls(samples, sample_rate=frame.sample_rate, time=start, capture_time=capture_time)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[0] / self.sample_rate)

    @property
    def level_dbov(self) -> float:
        """Power relative to the loudest possible square wave, -127 (silence) to 0.

        Source: RFC 6464 section 3 and RFC 6465 appendix A, which take the RMS over all samples.
        """
        if not self.samples.size:
            return SILENCE_DBOV
        wide = self.samples.astype(np.float64)
        power = float(np.mean(wide * wide)) / 32768.0**2
        if power == 0:
            return SILENCE_DBOV
        return max(SILENCE_DBOV, 10 * math.log10(power))

    def __repr__(self) -> str:
        shape = f"{self.samples.shape[0]}x{self.channels}"
        return f"<AudioFrame {shape} at {self.sample_rate} Hz, {self.time:.3f} s>"


def picture_format(array: Picture, format: PictureFormat | None = None) -> PictureFormat:
    """Tell what a uint8 array holds, and refuse what is no picture; see `VideoFrame.from_ndarray`.

    Raises:
        InvalidArgumentError: It is not a picture of that format.
    """
    chosen: PictureFormat = format or ("rgb24" if array.ndim == 3 else "yuv420p")
    good = array.dtype == np.uint8 and array.size > 0
    if chosen in ("rgb24", "bgr24"):
        good = good and array.ndim == 3 and array.shape[2] == 3
    else:
        good = good and array.ndim == 2
    if good and chosen == "yuv420p":
        # Three quarters of the lines must be pairs: h * 3 / 2 with even h.
        good = array.shape[0] % 3 == 0 and array.shape[1] % 2 == 0
    if not good:
        raise InvalidArgumentError(
            f"Not a {chosen} picture: {array.dtype} array of shape {array.shape}.",
            next_step="Give uint8: (h, w, 3) for rgb24, (h * 3 / 2, w) for yuv420p, even sides.",
        )
    return chosen


def av_audio_frame(samples: Samples, *, pts: int, sample_rate: int = AUDIO_RATE) -> av.AudioFrame:
    """Copy ``(n, channels)`` int16 samples, one or two channels, into a PyAV frame.

    `pts` counts samples; the frame's time base is one sample.
    """
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    packed = np.ascontiguousarray(samples, dtype=np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
    frame.sample_rate = sample_rate
    frame.time_base = Fraction(1, sample_rate)
    frame.pts = pts
    return frame


def save_rgb(picture: Picture, path: str | Path) -> None:
    """Write an ``(h, w, 3)`` uint8 array as a png or jpg file; blocks.

    Raises:
        InvalidArgumentError: No such picture, or the suffix is neither png nor jpg.
        MediaError: The file cannot be written.
    """
    VideoFrame.from_ndarray(picture, format="rgb24").save(path)


def _own_time(frame: av.VideoFrame | av.AudioFrame) -> float:
    # A frame without a time base has no time; PyAV would raise.
    return (frame.time or 0.0) if frame.pts is not None and frame.time_base else 0.0


def _plane(plane: av.video.plane.VideoPlane) -> Picture:
    padded = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return padded[: plane.height, : plane.width].copy()


def _save(frame: av.VideoFrame, path: Path) -> None:
    try:
        codec_name, pixel_format, options = _PICTURE_ENCODERS[path.suffix.lower()]
    except KeyError:
        raise InvalidArgumentError(
            f"Cannot save a picture as {path.name!r}.", next_step="Use .png or .jpg."
        ) from None
    encoder = cast("av.VideoCodecContext", av.CodecContext.create(codec_name, "w"))
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt = pixel_format
    encoder.time_base = Fraction(1, 25)
    encoder.options = dict(options)
    # MJPEG is full range (JFIF); without saying so blacks would come out gray.
    full_range = "JPEG" if codec_name == "mjpeg" else None
    picture = frame.reformat(format=pixel_format, dst_color_range=full_range)
    picture.pts = 0
    picture.time_base = encoder.time_base
    packets = [*encoder.encode(picture), *encoder.encode(None)]
    try:
        path.write_bytes(b"".join(bytes(packet) for packet in packets))
    except OSError as error:
        raise MediaError(
            f"Cannot write the picture {path}: {error.strerror}.", stage=Stage.MEDIA
        ) from error
