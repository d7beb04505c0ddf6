"""Writes the file: encoders and containers. Blocks.

Files are written beside their place and moved there when they are complete, durable and were read
to their end once: a file under its own name is one that plays.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import av
import numpy as np

from acs_core.compositing.job import FileFormat
from acs_core.errors import MediaError, Stage
from acs_core.media.frames import AUDIO_RATE, Picture, Samples, av_audio_frame

__all__ = ["Output", "complete", "open_output"]

AUDIO_BITRATE: Final = 128_000
BITS_PER_PIXEL: Final = 0.1
"""Of VP8: 0.8 Mb/s for 640x480 at 25 pictures per second."""
KEYFRAME_INTERVAL: Final = 5
"""Seconds that a player needs to seek at most."""
LARGEST_WAVE: Final = 2**32 - 4096
"""Bytes of samples: sizes in its header have 32 bits."""
SLACK: Final = 0.25
"""Seconds by which a file may be shorter than what was written: encoders pad and cut."""


class _Codec(NamedTuple):
    """Attributes are FFmpeg's names."""

    video: str
    video_options: dict[str, str]
    audio: str
    container: str
    container_options: dict[str, str]


# A negative cpu-used is a fixed speed; libvpx's "good" takes five times as long.
# Tables of mp4 go to its beginning, so that players start before they have it all.
_CODECS: Final = {
    FileFormat.MP4: _Codec(
        "libx264",
        {"preset": "veryfast", "crf": "23"},
        "aac",
        "mp4",
        {"movflags": "faststart"},
    ),
    FileFormat.WEBM: _Codec(
        "libvpx", {"deadline": "realtime", "cpu-used": "-6"}, "libopus", "webm", {}
    ),
    FileFormat.MP3: _Codec("", {}, "libmp3lame", "mp3", {}),
}


class Output(Protocol):
    """A file that is being written."""

    def write_picture(self, picture: Picture) -> None:
        """The next picture, ``(height * 3 / 2, width)`` in yuv420p."""

    def write_sound(self, samples: Samples) -> None:
        """The next samples, ``(n, channels)`` int16 at 48 kHz."""

    def finish(self) -> None:
        """Write what encoders keep back and the end of the file."""

    def close(self) -> None:
        """Close it, finished or not; safe to repeat."""


class AvOutput:
    """A file of FFmpeg's.

    Args:
        path: Where.
        format: What.
        video: Width, height and pictures per second; None for no pictures.
        audio: Channels, 1 or 2, and samples per second in the file; None for no sound.

    Raises:
        MediaError: It cannot be written.
    """

    def __init__(
        self,
        path: Path,
        format: FileFormat,
        *,
        video: tuple[int, int, int] | None,
        audio: tuple[int, int] | None,
    ) -> None:
        codec = _CODECS[format]
        self._video: av.VideoStream | None = None
        self._audio: av.AudioStream | None = None
        self._pictures = self._samples = 0
        self._container = av.open(
            str(path), "w", format=codec.container, options=codec.container_options
        )
        try:
            if video is not None:
                self._video = self._add_video(codec, *video)
            if audio is not None:
                self._audio = self._add_audio(codec, *audio)
            self._container.start_encoding()
        except BaseException:
            self._container.close()
            raise

    def write_picture(self, picture: Picture) -> None:
        """See `Output`."""
        assert self._video is not None
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = self._pictures
        frame.time_base = self._video.codec_context.time_base
        self._pictures += 1
        self._container.mux(self._video.encode(frame))

    def write_sound(self, samples: Samples) -> None:
        """See `Output`."""
        assert self._audio is not None
        frame = av_audio_frame(samples, pts=self._samples)
        self._samples += len(samples)
        # The encoder resamples and cuts into its own frames.
        self._container.mux(self._audio.encode(frame))

    def finish(self) -> None:
        """See `Output`."""
        for stream in (self._video, self._audio):
            if stream is not None:
                self._container.mux(stream.encode(None))
        self._container.close()

    def close(self) -> None:
        """See `Output`."""
        self._container.close()

    def _add_video(self, codec: _Codec, width: int, height: int, rate: int) -> av.VideoStream:
        stream = self._container.add_stream(codec.video, rate=rate, options=codec.video_options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        if codec.video == "libvpx":
            stream.bit_rate = int(width * height * rate * BITS_PER_PIXEL)
        stream.codec_context.time_base = Fraction(1, rate)
        stream.codec_context.gop_size = rate * KEYFRAME_INTERVAL
        return stream

    def _add_audio(self, codec: _Codec, channels: int, rate: int) -> av.AudioStream:
        stream = self._container.add_stream(codec.audio, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono" if channels == 1 else "stereo"
        stream.bit_rate = AUDIO_BITRATE * channels // 2
        return stream


class WaveOutput:
    """A file of PCM with any number of channels.

    Args:
        path: Where.
        channels: Of each sample.
        rate: Samples per second in the file.
        largest: Bytes of samples, at most.

    Source: RIFF WAVE, which ends at 4 GiB: 37 hours of one channel at 16 kHz.
    """

    def __init__(
        self, path: Path, *, channels: int, rate: int, largest: int = LARGEST_WAVE
    ) -> None:
        # One per channel: FFmpeg has no names for layouts of any number.
        self._resamplers = [
            av.AudioResampler(format="s16", layout="mono", rate=rate)
            for _ in range(channels if rate != AUDIO_RATE else 0)
        ]
        self._samples = 0
        self._left = largest
        self._file = wave.open(str(path), "wb")  # noqa: SIM115 - closed by `close`
        self._file.setnchannels(channels)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def write_picture(self, picture: Picture) -> None:
        """There are no pictures in such files."""
        raise MediaError("A wav file has no pictures.", stage=Stage.MEDIA)

    def write_sound(self, samples: Samples) -> None:
        """See `Output`."""
        if self._resamplers:
            samples = self._at_rate(
                [
                    resampler.resample(av_audio_frame(samples[:, [number]], pts=self._samples))
                    for number, resampler in enumerate(self._resamplers)
                ]
            )
        self._samples += len(samples)
        self._write(samples)

    def finish(self) -> None:
        """See `Output`."""
        if self._resamplers:
            rest = self._at_rate([resampler.resample(None) for resampler in self._resamplers])
            self._write(rest)
        self._file.close()

    def close(self) -> None:
        """See `Output`."""
        self._file.close()

    def _write(self, samples: Samples) -> None:
        data = np.ascontiguousarray(samples, dtype="<i2").tobytes()
        self._left -= len(data)
        if self._left < 0:
            raise MediaError(
                "A wav file cannot be longer than 4 GiB.",
                stage=Stage.MEDIA,
                next_step="Mix the channels, or choose another format.",
            )
        self._file.writeframesraw(data)

    def _at_rate(self, parts: list[list[av.AudioFrame]]) -> Samples:
        columns = [
            np.concatenate(
                [np.zeros(0, np.int16), *(part.to_ndarray().reshape(-1) for part in channel)]
            )
            for channel in parts
        ]
        return np.stack(columns, axis=1)


def open_output(
    path: Path,
    format: FileFormat,
    *,
    video: tuple[int, int, int] | None,
    audio: tuple[int, int] | None,
) -> Output:
    """Begin a file; arguments as of `AvOutput`, of which wav takes any number of channels.

    Raises:
        MediaError: It cannot be written, or its kind has no pictures.
    """
    try:
        if format is FileFormat.WAV and video is None and audio is not None:
            return WaveOutput(path, channels=audio[0], rate=audio[1])
        if video is not None and format in (FileFormat.WAV, FileFormat.MP3):
            raise MediaError(f"A {format} file has no pictures.", stage=Stage.MEDIA)
        return AvOutput(path, format, video=video, audio=audio)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be written: {error}.", stage=Stage.MEDIA) from error


def complete(part: Path, path: Path, duration: float, goes_on: Callable[[], None]) -> int:
    """Move a finished file to its place if it is whole; returns its size in bytes.

    Args:
        part: Where it was written.
        path: Its place.
        duration: Seconds that were written.
        goes_on: Called again and again while the file is read.

    Raises:
        MediaError: It ends early.
    """
    found = _duration(part, goes_on)
    if found < duration - SLACK:
        raise MediaError(f"The file ends after {found:.2f} s of {duration:.2f}.", stage=Stage.MEDIA)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path.stat().st_size


def _duration(path: Path, goes_on: Callable[[], None]) -> float:
    """Seconds up to the end of the last packet; reads all of them."""
    end = 0.0
    with av.open(str(path)) as container:
        for packet in container.demux():
            goes_on()
            if packet.pts is not None and packet.time_base is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return end
