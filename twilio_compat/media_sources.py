"""Where a local track comes from: from the words of an option to a source of `acs_core`.

Twilio's browser SDK gets its media from `getUserMedia`; a Python program says what it means::

    create_local_video_track(source="camera")     # "screen", "pattern", "program", a file path
    create_local_audio_track(source="microphone") # "tone", "silence", "program", a file path

`"program"` is a track whose frames the program writes with `track.write(frame)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

from acs_core.client.devices import DeviceManager
from acs_core.errors import InvalidArgumentError, SourceUnavailableError, Stage
from acs_core.media.files import SOURCE_UNAVAILABLE, FileSource
from acs_core.media.program import ProgramAudioSource, ProgramVideoSource
from acs_core.media.sources import (
    MediaKind,
    MediaSource,
    PatternSource,
    SilenceSource,
    SourceReader,
    ToneSource,
)
from acs_core.models import AudioDeviceInfo, VideoDeviceInfo
from twilio_compat.options import TrackOptions

__all__ = ["CapturedDefault", "OpenedSource", "open_source"]

_DEVICES: Final = frozenset({"camera", "microphone", "screen"})
_DEFAULTS: Final[Mapping[MediaKind, str]] = {"video": "camera", "audio": "microphone"}
_WORDS: Final[Mapping[MediaKind, tuple[str, ...]]] = {
    "video": ("camera", "screen", "pattern", "program"),
    "audio": ("microphone", "tone", "silence", "program"),
}
_DEFAULT_IDS: Final = (None, "default")
_DEFAULT_SIZE: Final = (640, 360)
_REPEAT_AFTER: Final = 1.0
"""Seconds; whoever joins while a program writes nothing sees its last picture after that."""
_DEFAULT_FRAME_RATE: Final = 24.0
"""Source: twilio-video.js, `DEFAULT_FRAME_RATE`."""


@dataclass(frozen=True, slots=True)
class CapturedDefault:
    """The default microphone as it was when a source was made of it.

    Attributes:
        devices: Who knows which one is the default later on.
        microphone: Which one it was.
    """

    devices: DeviceManager
    microphone: AudioDeviceInfo


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source that works.

    Attributes:
        source: The source.
        reader: Its first reader, to be closed by whoever gets it; None for "program", which has
            nothing to open and must refuse what nobody else reads.
        default: Which default microphone it captures; None when it captures something else.
    """

    source: MediaSource
    reader: SourceReader | None
    default: CapturedDefault | None = None


async def open_source(kind: MediaKind, options: TrackOptions) -> OpenedSource:
    """Make a source and open it, so that a missing device or file fails here and not later.

    Raises:
        SourceUnavailableError: There is no such device or file, it cannot be opened (412), or
            capturing is not permitted (403).
        InvalidArgumentError: The source is of the other kind.
    """
    wanted = options.source if options.source is not None else _DEFAULTS[kind]
    default = None
    if wanted == "microphone" and kind == "audio":
        devices = options.devices or DeviceManager()
        microphone = await _microphone(devices, options.device_id)
        source = _sound_source(microphone)
        if options.device_id in _DEFAULT_IDS:
            default = CapturedDefault(devices, microphone)
    elif wanted in _DEVICES and wanted in _WORDS[kind]:
        source = await _picture_source(str(wanted), options)
    else:
        source = _other_source(wanted, options, kind)
    if isinstance(source, ProgramAudioSource | ProgramVideoSource):
        return OpenedSource(source, None)
    return OpenedSource(source, await source.open(), default)


def _other_source(
    source: str | PathLike[str] | MediaSource, options: TrackOptions, kind: MediaKind
) -> MediaSource:
    """What is no device of this kind: a source, a word, or a path."""
    if isinstance(source, MediaSource):
        if source.kind != kind:
            raise InvalidArgumentError(f"{source.label!r} is no {kind} source.")
        return source
    if source in _WORDS[kind]:
        return _synthetic(str(source), options, kind)
    other = next((word for words in _WORDS.values() for word in words if word == source), None)
    if other is not None:
        raise InvalidArgumentError(
            f"{other!r} is no {kind} source.",
            next_step=f"Use one of {', '.join(_WORDS[kind])}, or the path of a file.",
        )
    return FileSource(Path(source), kind, loop=options.loop)


def _synthetic(source: str, options: TrackOptions, kind: MediaKind) -> MediaSource:
    match source:
        case "pattern":
            width, height = options.width or _DEFAULT_SIZE[0], options.height or _DEFAULT_SIZE[1]
            fps = options.frame_rate or _DEFAULT_FRAME_RATE
            if options.color is None:
                return PatternSource(width, height, fps)
            return PatternSource(width, height, fps, color=options.color)
        case "tone":
            return ToneSource(options.frequency or 440.0, channels=options.channels)
        case "silence":
            return SilenceSource(options.channels)
        case _ if kind == "video":
            return ProgramVideoSource(
                max_frame_rate=options.frame_rate or 60.0, repeat_after=_REPEAT_AFTER
            )
        case _:
            return ProgramAudioSource(channels=options.channels)


async def _microphone(devices: DeviceManager, device_id: str | None) -> AudioDeviceInfo:
    microphones = await devices.get_microphones()
    if device_id in _DEFAULT_IDS:
        found = devices.selected_microphone
    else:
        found = next((one for one in microphones if one.id == device_id), None)
    if found is None:
        raise _missing("microphone", device_id)
    return found


def _sound_source(microphone: AudioDeviceInfo) -> MediaSource:
    if microphone.open_source is None:
        raise _missing("microphone", microphone.id)
    return microphone.open_source()


async def _picture_source(word: str, options: TrackOptions) -> MediaSource:
    devices = options.devices or DeviceManager()
    listed = await (devices.get_cameras() if word == "camera" else devices.get_screens())
    device: VideoDeviceInfo | None = next(
        (one for one in listed if options.device_id in (*_DEFAULT_IDS, one.id)), None
    )
    if device is None:
        raise _missing(word, options.device_id)
    return devices.picture_source(
        device,
        width=options.width,
        height=options.height,
        frame_rate=round(options.frame_rate or _DEFAULT_FRAME_RATE),
    )


def _missing(word: str, device_id: str | None) -> SourceUnavailableError:
    wanted = f"{word} {device_id!r}" if device_id else word
    return SourceUnavailableError(
        f"There is no {wanted} on this computer.",
        sub_code=SOURCE_UNAVAILABLE,
        stage=Stage.DEVICE,
        next_step='Choose another source, for instance "pattern" or "tone", or a media file.',
    )
