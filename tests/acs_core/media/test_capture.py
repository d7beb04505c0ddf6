"""Capture through FFmpeg's own synthetic input device, which paces itself like a camera."""

import os

import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, SourceUnavailableError, Stage
from acs_core.media.capture import CaptureSource
from acs_core.media.devices import DeviceDescription, DeviceKind
from acs_core.media.frames import AudioFrame
from acs_core.media.patterns import dominant_frequency


def device(kind: DeviceKind, backend: str, address: str) -> DeviceDescription:
    return DeviceDescription(f"{backend}:{address}", f"A {kind}", kind, True, backend)


async def test_camera_delivers_i420_pictures() -> None:
    graph = "testsrc=size=321x181:rate=50,realtime"
    source = CaptureSource(device(DeviceKind.CAMERA, "lavfi", graph), frame_rate=50)
    # lavfi knows no framerate option: FFmpeg ignores what a device does not have.
    reader = await source.open()
    frames = [await reader.read() for _ in range(5)]
    assert {(f.width, f.height, f.format.name) for f in frames} == {(320, 180, "yuv420p")}
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert source.kind == "video"
    assert source.label == "A camera"
    await source.close()


async def test_microphone_delivers_48_khz() -> None:
    graph = "sine=frequency=600:sample_rate=16000,arealtime"
    source = CaptureSource(device(DeviceKind.MICROPHONE, "lavfi", graph))
    reader = await source.open()
    sound = np.concatenate([AudioFrame.from_av(await reader.read()).samples for _ in range(8)])
    assert dominant_frequency(sound, 48_000) == pytest.approx(600, abs=5)
    assert source.kind == "audio"
    await source.close()


@pytest.mark.feature("VIDEO-013")
@pytest.mark.parametrize(
    ("kind", "backend", "address"),
    [
        (DeviceKind.CAMERA, "v4l2", "/dev/video-not-there"),
        (DeviceKind.SCREEN, "x11grab", ":4711"),
        (DeviceKind.CAMERA, "dshow", "No such"),
        (DeviceKind.MICROPHONE, "avfoundation", "No such"),
        (DeviceKind.CAMERA, "lavfi", "anullsrc"),
    ],
)
async def test_device_that_cannot_start_is_source_unavailable(
    kind: DeviceKind, backend: str, address: str
) -> None:
    source = CaptureSource(device(kind, backend, address), width=320, height=180)
    with pytest.raises(SourceUnavailableError) as failure:
        await source.open()
    error = failure.value
    assert (error.code, error.sub_code, error.stage) == (412, 43000, Stage.DEVICE)
    assert error.next_step
    await source.close()


def test_speaker_is_no_source() -> None:
    with pytest.raises(InvalidArgumentError):
        CaptureSource(device(DeviceKind.SPEAKER, "alsa", "plughw:0,0"))


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs an X display")
async def test_screen_is_captured() -> None:
    source = CaptureSource(device(DeviceKind.SCREEN, "x11grab", os.environ["DISPLAY"]))
    frame = await (await source.open()).read()
    assert frame.width >= 320
    await source.close()
