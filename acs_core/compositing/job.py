"""What is to be rendered, as it goes to the process that does it, and what that says. Pure.

One job is one JSON line on the process's standard input; its standard output has one JSON line per
`Message`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from acs_core.compositing.layout import Region
from acs_core.errors import ProtocolError

__all__ = [
    "AudioPart",
    "Failed",
    "FileFormat",
    "Message",
    "Progress",
    "RenderJob",
    "Rendered",
    "SourceTrack",
    "VideoPart",
    "decode_job",
    "decode_message",
    "encode",
    "is_chosen",
    "part_name",
]

FRAME_RATE: Final = 25
"""Pictures per second."""
USUAL_RATE: Final = 48_000


class FileFormat(StrEnum):
    """Kinds of files; each value is the suffix, too."""

    MP4 = "mp4"
    """H264 and AAC."""
    WEBM = "webm"
    """VP8 and Opus."""
    WAV = "wav"
    """PCM, 16 bit; sound only."""
    MP3 = "mp3"
    """Sound only."""


class SourceTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded track.

    Attributes:
        path: The file; its time stamps count from `start`.
        is_video: Pictures, else sound.
        start: Seconds, on a clock that all tracks of a job share.
        duration: Seconds.
        labels: What sources may call it: its name, and ids.
        group: Whose it is; tracks of one group have one channel of unmixed sound.
    """

    path: str
    is_video: bool
    start: float
    duration: float
    labels: tuple[str, ...]
    group: str = ""

    @property
    def end(self) -> float:
        """Seconds on the same clock."""
        return self.start + self.duration


class VideoPart(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures of a file.

    Attributes:
        width: Pixels; an odd one loses one.
        height: Likewise.
        regions: Where which tracks are shown.
        frame_rate: Pictures per second.
    """

    width: int
    height: int
    regions: tuple[Region, ...]
    frame_rate: int = FRAME_RATE


class AudioPart(msgspec.Struct, frozen=True, kw_only=True):
    """The sound of a file.

    Attributes:
        sources: Labels of tracks, with ``*`` for any text.
        sources_excluded: Those that are not heard even so.
        channels: 1 or 2, of a mix.
        rate: Samples per second in the file.
        unmixed: Groups in the order of their channels; others follow. None: one mix of all.
    """

    sources: tuple[str, ...] = ("*",)
    sources_excluded: tuple[str, ...] = ()
    channels: int = 2
    rate: int = USUAL_RATE
    unmixed: tuple[str, ...] | None = None


class RenderJob(msgspec.Struct, frozen=True, kw_only=True):
    """One file to render.

    Attributes:
        output: Where it is to be; it is there only when it is complete.
        format: What it is.
        tracks: All that there is; the parts choose.
        video: None for sound only.
        audio: None for pictures only.
        periods: What to keep, each from and to seconds on the tracks' clock, in order. None:
            from the first chosen track to the end of the last.
        is_trimmed: Whether to leave out when no chosen track is there.
        floor: Bytes that are to stay free on the disk.
    """

    output: str
    format: FileFormat
    tracks: tuple[SourceTrack, ...]
    video: VideoPart | None = None
    audio: AudioPart | None = None
    periods: tuple[tuple[float, float], ...] | None = None
    is_trimmed: bool = True
    floor: int = 0


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How much is done, 0 to 1; comes at least every few seconds."""

    done: float


class Rendered(msgspec.Struct, frozen=True, tag="rendered"):
    """The file is there.

    Attributes:
        duration: Seconds.
        size: Bytes.
    """

    duration: float
    size: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """There will be no file; why, in a sentence."""

    reason: str


Message: TypeAlias = Progress | Rendered | Failed

_ENCODER: Final = msgspec.json.Encoder()
_JOB_DECODER: Final = msgspec.json.Decoder(RenderJob)
_MESSAGE_DECODER: Final = msgspec.json.Decoder(Message)


def encode(value: RenderJob | Message) -> bytes:
    """One line of JSON."""
    return _ENCODER.encode(value) + b"\n"


def decode_job(line: bytes) -> RenderJob:
    """Read what `encode` wrote.

    Raises:
        ProtocolError: It is no job.
    """
    try:
        return _JOB_DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"This is no render job: {error}.") from error


def decode_message(line: bytes) -> Message:
    """Read what `encode` wrote.

    Raises:
        ProtocolError: It is no message.
    """
    try:
        message: Message = _MESSAGE_DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"The renderer said something unknown: {error}.") from error
    return message


def part_name(name: str, process: int) -> str:
    """What the unfinished file of a process is called, beside its place.

    A process that was left over by a service that was killed does not share it with the next one.
    """
    return f"{name}.{process}.part"


def is_chosen(labels: Iterable[str], sources: Iterable[str], excluded: Iterable[str]) -> bool:
    """Whether a track with these labels is among the sources.

    Args:
        labels: Of the track.
        sources: Texts to look for; ``*`` stands for any text, the empty one included.
        excluded: Those that win over `sources`.

    Source: Twilio Video, Composition resource, `AudioSources` and `AudioSourcesExcluded`.
    """
    known = tuple(labels)
    return _matches(known, sources) and not _matches(known, excluded)


def _matches(labels: tuple[str, ...], patterns: Iterable[str]) -> bool:
    for pattern in patterns:
        expression = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
        if any(expression.fullmatch(label) for label in labels):
            return True
    return False
