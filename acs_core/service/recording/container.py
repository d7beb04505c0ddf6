"""One Matroska file with one track, written as it comes; and what a file holds. Blocks.

PyAV is used here and not in `acs_core.media`, which is the client's: nothing is decoded or encoded.

Clusters are closed about once a second, so that a file whose writer was killed plays up to there:
nothing that a player needs is written at the end, only the duration and an index for seeking.

Source: RFC 9559 (Matroska) sections 5.1.3 and 25.3.4; RFC 7845 section 5.1 for the Opus header.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.error import FFmpegError

from acs_core.errors import MediaError, Stage

__all__ = [
    "CODECS",
    "FileCodec",
    "MatroskaFile",
    "Measured",
    "last_length",
    "measure_file",
    "read_note",
]

TICKS: Final = Fraction(1, 1000)
"""Of Matroska's own clock, as everybody writes it."""
NOTE: Final = "RECORDING"
"""Name of the tag with the note; RFC 9559 section 22 keeps no list of them."""
USUAL_PICTURE: Final = 0.04
LONGEST_PICTURE: Final = 0.5
"""Seconds; a picture that was followed later than that was followed by a gap."""
OPTIONS: Final = {"cluster_time_limit": "1000", "flush_packets": "1"}


@dataclass(frozen=True, slots=True)
class FileCodec:
    """How a codec is kept.

    Attributes:
        name: Twilio's spelling, and ours in capitals.
        container: Suffix of the file: mkv for pictures, mka for sound.
        muxed_as: FFmpeg's name.
        layout: Channels of sound.
    """

    name: str
    container: str
    muxed_as: str
    layout: str = ""

    @property
    def is_video(self) -> bool:
        """Whether it is pictures."""
        return self.container == "mkv"


CODECS: Final[Mapping[str, FileCodec]] = {
    codec.name: codec
    for codec in (
        FileCodec("VP8", "mkv", "vp8"),
        FileCodec("VP9", "mkv", "vp9"),
        FileCodec("H264", "mkv", "h264"),
        FileCodec("AV1", "mkv", "av1"),
        # RFC 7587 section 7: always described with two channels, whatever is in the packets.
        FileCodec("OPUS", "mka", "libopus", "stereo"),
        FileCodec("PCMU", "mka", "pcm_s16le", "mono"),
        FileCodec("PCMA", "mka", "pcm_s16le", "mono"),
    )
}
"""What can be recorded, by the encoding name in capitals."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file holds.

    Attributes:
        duration: Seconds from its beginning to the end of its last sample.
        size: Bytes.
        samples: Pictures or packets of sound.
    """

    duration: float
    size: int
    samples: int


class MatroskaFile:
    """Writes one file, for one thread; `close` it.

    Args:
        path: A new file, which only its owner may read.
        codec: Of its track.
        size: Width and height in pixels, of pictures.
        clock_rate: Of sound, per second.
        note: A line that is kept in the file from the beginning; see `read_note`.

    Raises:
        MediaError: It cannot be made.
    """

    def __init__(
        self,
        path: Path,
        codec: FileCodec,
        *,
        size: tuple[int, int] = (0, 0),
        clock_rate: int = 48000,
        note: str = "",
    ) -> None:
        self.path = path
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._container: Any = av.open(str(path), "w", format="matroska", options=OPTIONS)
            self._container.metadata[NOTE] = note
            self._stream = self._add(codec, size, clock_rate)
        except (FFmpegError, OSError, ValueError) as error:
            raise _failed(path, error) from error

    def _add(self, codec: FileCodec, size: tuple[int, int], clock_rate: int) -> Any:
        if codec.is_video:
            width, height = size
            return self._container.add_mux_stream(
                codec.muxed_as, width=width, height=height, time_base=TICKS
            )
        # With an encoder, which is not used: it writes the header that browsers need.
        return self._container.add_stream(codec.muxed_as, rate=clock_rate, layout=codec.layout)

    def write(self, data: bytes, at_ms: int, *, is_keyframe: bool, duration_ms: int = 0) -> None:
        """Write a sample.

        Args:
            data: The coded picture or packet.
            at_ms: When it is shown or heard, from the beginning; more than the one before.
            is_keyframe: A player can begin here.
            duration_ms: How long it is; 0 until the next.

        Raises:
            MediaError: The disk is full, or something else is wrong with it.
        """
        packet = av.Packet(data)
        packet.stream = self._stream
        packet.time_base = TICKS
        packet.pts = packet.dts = at_ms
        packet.is_keyframe = is_keyframe
        if duration_ms:
            packet.duration = duration_ms
        try:
            self._container.mux_one(packet)
        except (FFmpegError, OSError, ValueError) as error:
            raise _failed(self.path, error) from error

    def close(self) -> None:
        """Complete the file. Closing again does nothing.

        Raises:
            MediaError: It could not be completed; it plays up to what was written.
        """
        try:
            self._container.close()
        except (FFmpegError, OSError, ValueError) as error:
            raise _failed(self.path, error) from error

    def abandon(self) -> None:
        """Close the file after a failure, as complete as it can be."""
        with contextlib.suppress(MediaError):
            self.close()


def read_note(path: Path) -> str:
    """The note of a file; empty where there is none, or no such file."""
    try:
        with av.open(str(path), "r", format="matroska") as container:
            return str(container.metadata.get(NOTE, ""))
    except (FFmpegError, OSError, ValueError):
        return ""


def measure_file(path: Path) -> Measured:
    """Read all samples of a file, without decoding them.

    Raises:
        MediaError: It is not there, cannot be read, or holds nothing.
    """
    last = length = 0.0
    samples = 0
    try:
        with av.open(str(path), "r", format="matroska") as container:
            for packet in container.demux():
                if packet.pts is None or packet.time_base is None:
                    continue
                at = float(packet.pts * packet.time_base)
                length = float((packet.duration or 0) * packet.time_base) or last_length(
                    at - last, length
                )
                last, samples = at, samples + 1
        size = path.stat().st_size
    except (FFmpegError, OSError, ValueError) as error:
        raise _failed(path, error) from error
    if not samples:
        raise MediaError(f"The recording {path.name} holds nothing.", stage=Stage.MEDIA)
    return Measured(last + length, size, samples)


def last_length(since_last: float, before: float) -> float:
    """How long the last sample lasts, if nothing says so: as long as the one before it, in seconds.

    Args:
        since_last: Between the two.
        before: What it was taken for until now; 0 if there was none before.
    """
    if 0 < since_last <= LONGEST_PICTURE:
        return since_last
    return before or USUAL_PICTURE


def _failed(path: Path, error: Exception) -> MediaError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return MediaError(f"The recording {path.name} failed: {reason}.", stage=Stage.MEDIA)
