"""Cameras, microphones and screens as sources, through FFmpeg's input devices.

Whether a backend exists depends on the FFmpeg that PyAV was built with: the wheels for Linux have
v4l2, alsa and x11grab and no pulse; PulseAudio and PipeWire are reached through their ALSA device.
"""

from __future__ import annotations

import errno
from typing import Final

import av

from acs_core.errors import InvalidArgumentError, SourceUnavailableError, Stage
from acs_core.media.devices import DeviceDescription, DeviceKind
from acs_core.media.files import SOURCE_UNAVAILABLE, ContainerReader, ContainerSource
from acs_core.media.sources import MediaKind

__all__ = ["CaptureSource"]

_OPEN_TIMEOUT: Final = 10.0
_READ_TIMEOUT: Final = 5.0

_ADVICE: Final = {
    errno.EACCES: "Give this user access to the device, for instance the group video or audio.",
    errno.EPERM: "Give this user access to the device, for instance the group video or audio.",
    errno.EBUSY: "Close the other program that uses the device.",
    errno.ENOENT: "Check that it is plugged in; list_devices() shows what is there.",
    errno.ENODEV: "Check that it is plugged in; list_devices() shows what is there.",
}
_GENERAL_ADVICE: Final = "Choose another device; list_devices() shows what is there."
_ALSA_ADVICE: Final = "If ALSA finds no configuration, set ALSA_CONFIG_PATH to its alsa.conf."


class CaptureSource(ContainerSource):
    """A camera, microphone or screen.

    Args:
        device: From `list_devices`, or made by hand for an address that is not listed.
        width: Wished width of the picture, with `height`; the device's default otherwise.
        height: Wished height of the picture.
        frame_rate: Wished frames per second.

    Raises:
        InvalidArgumentError: The device is a speaker.
    """

    def __init__(
        self,
        device: DeviceDescription,
        *,
        width: int | None = None,
        height: int | None = None,
        frame_rate: int = 30,
    ) -> None:
        if device.kind is DeviceKind.SPEAKER:
            raise InvalidArgumentError(f"{device.name!r} is a speaker; nothing comes out of it.")
        kind: MediaKind = "audio" if device.kind is DeviceKind.MICROPHONE else "video"
        super().__init__(kind, device.name, is_paced=False)
        self.device = device
        # A microphone is taken as it comes and resampled: wishes make some refuse.
        self._options = _picture_options(width, height, frame_rate) if kind == "video" else {}

    def _open_blocking(self) -> ContainerReader:
        device = self.device
        try:
            container = av.open(
                _file_name(device),
                format=device.backend,
                options=self._options,
                timeout=(_OPEN_TIMEOUT, _READ_TIMEOUT),
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise _unavailable(device, error) from error
        try:
            return ContainerReader(container, self.kind)
        except LookupError as error:
            container.close()
            raise _unavailable(device, error) from error


def _picture_options(width: int | None, height: int | None, frame_rate: int) -> dict[str, str]:
    options = {"framerate": str(frame_rate)}
    if width and height:
        options["video_size"] = f"{width}x{height}"
    return options


def _file_name(device: DeviceDescription) -> str:
    """Return the device as its backend writes it (FFmpeg documentation, "Input Devices")."""
    is_sound = device.kind is DeviceKind.MICROPHONE
    match device.backend:
        case "avfoundation":
            return f"none:{device.address}" if is_sound else f"{device.address}:none"
        case "dshow":
            return f"{'audio' if is_sound else 'video'}={device.address}"
        case _:
            return device.address


def _unavailable(device: DeviceDescription, error: Exception) -> SourceUnavailableError:
    number = error.errno if isinstance(error, OSError) else None
    advice = _ADVICE.get(number or 0, _GENERAL_ADVICE)
    if device.backend == "alsa":
        advice = f"{advice} {_ALSA_ADVICE}"
    return SourceUnavailableError(
        f"The {device.kind} {device.name!r} cannot be started: {error}.",
        sub_code=SOURCE_UNAVAILABLE,
        stage=Stage.DEVICE,
        next_step=advice,
    )
