"""Which cameras, microphones, speakers and screens this computer has.

Linux is read from where the kernel lists them: ``/sys/class/video4linux`` (Linux media
documentation, "V4L2 device node naming"), ``/proc/asound/pcm`` (ALSA project, procfs) and the X
sockets in ``/tmp/.X11-unix`` (X.Org, X(7)). Wayland screens need the desktop portal and are not
listed. On macOS and Windows FFmpeg's avfoundation and dshow are asked, as far as they answer.
Looking never opens a device and never fails: what cannot be read is not there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Final

import av

__all__ = ["DeviceDescription", "DeviceKind", "list_devices"]


class DeviceKind(StrEnum):
    """What a device is for."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SPEAKER = "speaker"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """One device.

    Attributes:
        id: ``backend:address``, unique, and the same as long as the device stays plugged in.
        name: A name for people.
        kind: What it is for.
        is_system_default: Whether it is the first choice among its kind.
        backend: The FFmpeg input format that opens it: v4l2, alsa, x11grab, avfoundation, dshow.
    """

    id: str
    name: str
    kind: DeviceKind
    is_system_default: bool
    backend: str

    @property
    def address(self) -> str:
        """What the backend is told to open."""
        return self.id.removeprefix(f"{self.backend}:")


_FOREIGN_BACKENDS: Final = {"darwin": "avfoundation", "win32": "dshow"}
_MEDIA_KINDS: Final = {"video": DeviceKind.CAMERA, "audio": DeviceKind.MICROPHONE}


def list_devices(
    kind: DeviceKind | None = None,
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> list[DeviceDescription]:
    """Return the devices of this computer, in the system's order; an empty list if none.

    Args:
        kind: Only these; all by default.
        root: Where the system's files are.
        environ: Where DISPLAY is.
        platform: As `sys.platform`.
    """
    if platform.startswith("linux"):
        found = chain(_cameras(root), _sound(root), _screens(root, environ.get("DISPLAY", "")))
    else:
        found = chain(_foreign(_FOREIGN_BACKENDS.get(platform, "")))
    return _with_defaults(device for device in found if kind in (None, device[0]))


_Found = tuple[DeviceKind, str, str, str]  # kind, backend, address, name


def _with_defaults(found: Iterator[_Found]) -> list[DeviceDescription]:
    """Describe devices; the first of each kind is the default, as no system-wide one is known."""
    seen: set[DeviceKind] = set()
    devices = []
    for kind, backend, address, name in found:
        is_default = kind not in seen
        seen.add(kind)
        devices.append(DeviceDescription(f"{backend}:{address}", name, kind, is_default, backend))
    return devices


def _cameras(root: Path) -> Iterator[_Found]:
    folders = (root / "sys/class/video4linux").glob("video*")
    for folder in sorted(folders, key=lambda path: int("0" + re.sub(r"\D", "", path.name))):
        # A camera's further nodes carry metadata, not pictures.
        if _text(folder / "index") not in ("", "0") or not (root / "dev" / folder.name).exists():
            continue
        name = _text(folder / "name") or folder.name
        yield DeviceKind.CAMERA, "v4l2", f"/dev/{folder.name}", name


def _sound(root: Path) -> Iterator[_Found]:
    # 00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
    for line in _text(root / "proc/asound/pcm").splitlines():
        match = re.match(r"(\d+)-(\d+): ([^:]*)", line)
        if match is None:
            continue
        address = f"plughw:{int(match[1])},{int(match[2])}"
        name = match[3].strip() or address
        if ": capture" in line:
            yield DeviceKind.MICROPHONE, "alsa", address, name
        if ": playback" in line:
            yield DeviceKind.SPEAKER, "alsa", address, name


def _screens(root: Path, display: str) -> Iterator[_Found]:
    sockets = sorted((root / "tmp/.X11-unix").glob("X*"))
    names = [f":{path.name[1:]}" for path in sockets if path.name[1:].isdigit()]
    # DISPLAY may name a remote one, which has no socket here.
    ordered = [display] if display else []
    # ":0.0" and ":0" are the same display.
    ordered += [name for name in names if name != display.partition(".")[0]]
    for name in ordered:
        yield DeviceKind.SCREEN, "x11grab", name, f"Screen {name}"


def _foreign(backend: str) -> Iterator[_Found]:
    if not backend:
        return
    try:
        devices = av.enumerate_input_devices(backend)
    except (av.FFmpegError, ValueError, OSError):
        # Not in this build of FFmpeg, or it cannot enumerate.
        return
    for device in devices:
        for media in device.media_types:
            if media in _MEDIA_KINDS:
                yield _MEDIA_KINDS[media], backend, device.name, device.description


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
