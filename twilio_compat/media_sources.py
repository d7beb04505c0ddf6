"""Where a local track comes from: from the words of an option to a source of `acs_core`.

Twilio's browser SDK gets its media from `getUserMedia`; a Python program says what it means::

    create_local_video_track(source="camera")     # "screen", "pattern", "program", a file path
    create_local_audio_track(source="microphone") # "tone", "silence", "program", a file path

`"program"` is a track whose frames the program writes with `track.write(frame)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from acs_core.errors import InvalidArgumentError, SourceUnavailableError, Stage
from acs_core.media.capture import CaptureSource
from acs_core.media.devices import DeviceDescription, DeviceKind, list_devices
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
from twilio_compat.options import TrackOptions

__all__ = ["make_source", "open_source"]

_DEVICE_KINDS: Final = frozenset({"camera", "microphone", "screen"})
_DEFAULTS: Final[Mapping[MediaKind, str]] = {"video": "camera", "audio": "microphone"}
_WORDS: Final[Mapping[MediaKind, tuple[str, ...]]] = {
    "video": ("camera", "screen", "pattern", "program"),
    "audio": ("microphone", "tone", "silence", "program"),
}
_DEFAULT_SIZE: Final = (640, 360)
_DEFAULT_FRAME_RATE: Final = 24.0
"""Source: twilio-video.js, `DEFAULT_FRAME_RATE`."""


async def open_source(
    kind: MediaKind, options: TrackOptions
) -> tuple[MediaSource, SourceReader | None]:
    """Make a source and open it, so that a missing device or file fails here and not later.

    Returns:
        The source and its first reader; None for "program", which has nothing to open and must
        refuse what nobody else reads.

    Raises:
        SourceUnavailableError: There is no such device or file, or it cannot be opened.
        InvalidArgumentError: The source is of the other kind.
    """
    source = await make_source(kind, options)
    if isinstance(source, ProgramAudioSource | ProgramVideoSource):
        return source, None
    return source, await source.open()


async def make_source(kind: MediaKind, options: TrackOptions) -> MediaSource:
    """Make the source that the options of a local track ask for; it is not opened yet.

    Raises:
        SourceUnavailableError: There is no such device.
        InvalidArgumentError: The source is of the other kind.
    """
    source = options.source if options.source is not None else _DEFAULTS[kind]
    if isinstance(source, MediaSource):
        if source.kind != kind:
            raise InvalidArgumentError(f"{source.label!r} is no {kind} source.")
        return source
    if source in _DEVICE_KINDS and source in _WORDS[kind]:
        return CaptureSource(
            await _device(DeviceKind(str(source)), options.device_id),
            width=options.width,
            height=options.height,
            frame_rate=round(options.frame_rate or _DEFAULT_FRAME_RATE),
        )
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
            return ProgramVideoSource(max_frame_rate=options.frame_rate or 60.0)
        case _:
            return ProgramAudioSource(channels=options.channels)


async def _device(kind: DeviceKind, device_id: str | None) -> DeviceDescription:
    """Find a device; looking may run a system tool, so it is done on a thread."""
    devices = await asyncio.to_thread(list_devices, kind)
    for device in devices:
        if device_id in (None, "default", device.id):
            return device
    wanted = f"{kind} {device_id!r}" if device_id else str(kind)
    raise SourceUnavailableError(
        f"There is no {wanted} on this computer.",
        sub_code=SOURCE_UNAVAILABLE,
        stage=Stage.DEVICE,
        next_step='Choose another source, for instance "pattern" or "tone", or a media file.',
    )
