from pathlib import Path

import pytest

from acs_core.media.devices import DeviceKind, list_devices


def put(root: Path, path: str, text: str = "") -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def computer(tmp_path: Path) -> Path:
    """A notebook with two cameras, one of them with a metadata node, and a sound card."""
    for number, name, index in [(0, "Front", 0), (1, "Front", 1), (2, "Rear", 0), (10, "HDMI", 0)]:
        put(tmp_path, f"sys/class/video4linux/video{number}/name", f"{name} camera\n")
        put(tmp_path, f"sys/class/video4linux/video{number}/index", f"{index}\n")
        put(tmp_path, f"dev/video{number}")
    put(tmp_path, "sys/class/video4linux/video3/name", "unplugged")
    put(
        tmp_path,
        "proc/asound/pcm",
        "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n"
        "00-03: HDMI 0 : HDMI 0 : playback 1\n"
        "not a device\n"
        "01-00: USB Audio : USB Audio : capture 1\n",
    )
    put(tmp_path, "tmp/.X11-unix/X0")
    put(tmp_path, "tmp/.X11-unix/X7")
    put(tmp_path, "tmp/.X11-unix/Xother")
    return tmp_path


@pytest.mark.feature("DEVICE-004", "DEVICE-008")
def test_cameras_are_listed_with_their_names_in_order(computer: Path) -> None:
    cameras = list_devices(DeviceKind.CAMERA, root=computer, environ={}, platform="linux")
    assert [(camera.id, camera.name, camera.is_system_default) for camera in cameras] == [
        ("v4l2:/dev/video0", "Front camera", True),
        ("v4l2:/dev/video2", "Rear camera", False),
        ("v4l2:/dev/video10", "HDMI camera", False),
    ]
    assert cameras[0].address == "/dev/video0"


@pytest.mark.feature("DEVICE-005", "DEVICE-006")
def test_microphones_and_speakers_are_told_apart(computer: Path) -> None:
    devices = list_devices(root=computer, environ={}, platform="linux")
    assert [d.id for d in devices if d.kind is DeviceKind.MICROPHONE] == [
        "alsa:plughw:0,0",
        "alsa:plughw:1,0",
    ]
    assert [(d.name, d.is_system_default) for d in devices if d.kind is DeviceKind.SPEAKER] == [
        ("ALC257 Analog", True),
        ("HDMI 0", False),
    ]


@pytest.mark.parametrize(
    ("display", "expected"),
    [("", [":0", ":7"]), (":7.0", [":7.0", ":0"]), ("far:0", ["far:0", ":0", ":7"])],
)
def test_own_display_is_the_default_screen(
    computer: Path, display: str, expected: list[str]
) -> None:
    environ = {"DISPLAY": display}
    screens = list_devices(DeviceKind.SCREEN, root=computer, environ=environ, platform="linux")
    assert [screen.address for screen in screens] == expected
    assert [screen.is_system_default for screen in screens] == [True] + [False] * (
        len(expected) - 1
    )


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "sunos5"])
def test_computer_without_devices_has_an_empty_list(tmp_path: Path, platform: str) -> None:
    assert list_devices(root=tmp_path, environ={}, platform=platform) == []
