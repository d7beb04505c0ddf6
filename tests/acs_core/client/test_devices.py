from __future__ import annotations

import threading

import pytest

from acs_core import (
    DeviceManager,
    InvalidArgumentError,
    LocalAudioStream,
    LocalVideoStream,
    PermissionConstraints,
    PermissionPolicy,
    SourceUnavailableError,
)
from acs_core.media.devices import DeviceDescription, DeviceKind
from acs_core.media.sources import PatternSource, ToneSource
from tests.support.calls import Log

CAMERA = DeviceDescription("v4l2:/dev/video0", "Cam", DeviceKind.CAMERA, True, "v4l2")
FIRST = DeviceDescription("alsa:0", "Mic", DeviceKind.MICROPHONE, True, "alsa")
SECOND = DeviceDescription("alsa:1", "Headset", DeviceKind.MICROPHONE, False, "alsa")
SPEAKER = DeviceDescription("alsa:2", "Box", DeviceKind.SPEAKER, True, "alsa")


def manager(*devices: DeviceDescription, policy: PermissionPolicy | None = None) -> DeviceManager:
    found = list(devices)
    return DeviceManager(policy, enumerate_devices=lambda: found)


@pytest.mark.feature("DEVICE-004", "DEVICE-005", "DEVICE-006", "DEVICE-007", "DEVICE-008")
async def test_devices_are_listed_with_a_default() -> None:
    devices = manager(CAMERA, FIRST, SECOND, SPEAKER)
    assert [(item.name, item.device_type) for item in await devices.get_cameras()] == [
        ("Cam", "UsbCamera")
    ]
    assert [item.name for item in await devices.get_microphones()] == ["Mic", "Headset"]
    assert [item.name for item in await devices.get_speakers()] == ["Box"]
    assert devices.selected_microphone is not None
    assert devices.selected_microphone.name == "Mic"
    assert devices.is_speaker_selection_available


@pytest.mark.feature("DEVICE-009", "DEVICE-010", "MATRIX-035")
async def test_selecting_is_told_and_checked() -> None:
    devices = manager(FIRST, SECOND, SPEAKER)
    assert [item.name for item in await devices.get_speakers()] == ["Box"]
    log = Log().watch(devices)
    microphones, speakers = await devices.get_microphones(), await devices.get_speakers()
    await devices.select_microphone(microphones[1])
    await devices.select_microphone(microphones[1])
    assert devices.selected_microphone == microphones[1]
    await devices.select_speaker(speakers[0])
    assert devices.selected_speaker == speakers[0]
    assert log.names == ["selectedMicrophoneChanged"]
    codes = []
    for wrong, target in (
        (speakers[0], devices.select_microphone),
        (microphones[0], devices.select_speaker),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            await target(wrong)
        codes.append(caught.value.sub_code)
    with pytest.raises(InvalidArgumentError) as caught:
        await manager().select_speaker(speakers[0])
    assert [*codes, caught.value.sub_code] == [40615, 40615, 40611]


@pytest.mark.feature("DEVICE-001", "CALL-015")
async def test_devices_of_the_program_are_devices() -> None:
    devices = manager()
    assert await devices.get_cameras() == []
    log = Log().watch(devices)
    camera = devices.add_virtual_camera("Clip", lambda: PatternSource(96, 48))
    microphone = devices.add_virtual_microphone("Tone", lambda: ToneSource(440))
    assert await devices.get_cameras() == [camera]
    selected = devices.selected_microphone
    assert selected is not None
    assert (selected.id, selected.is_system_default) == (microphone.id, True)
    stream = LocalVideoStream(camera)
    assert stream.media_source.kind == "video"
    devices.remove_virtual_device(camera)
    devices.remove_virtual_device(microphone)
    assert log.names == ["videoDevicesUpdated", "audioDevicesUpdated"] * 2
    await stream.dispose()


@pytest.mark.feature("PERM-002")
async def test_the_policy_answers_for_the_user_and_is_obeyed() -> None:
    devices = manager(policy=PermissionPolicy(audio=True, video=False))
    access = await devices.ask_device_permission(PermissionConstraints(audio=True, video=True))
    assert (access.audio, access.video) == (True, False)
    with pytest.raises(InvalidArgumentError) as caught:
        await devices.ask_device_permission(PermissionConstraints())
    assert caught.value.sub_code == 40612
    camera = devices.add_virtual_camera("Clip", lambda: PatternSource(96, 48))
    with pytest.raises(SourceUnavailableError) as denied:
        await LocalVideoStream(camera).start()
    assert (denied.value.code, denied.value.sub_code) == (403, 43001)


@pytest.mark.feature("OBJECT-006", "OBJECT-009")
async def test_streams_refuse_what_is_no_device() -> None:
    (speaker,) = await manager(SPEAKER).get_speakers()
    for make, wrong, code in (
        (LocalVideoStream, ToneSource(440), 43003),
        (LocalAudioStream, PatternSource(96, 48), 43601),
        (LocalAudioStream, speaker, 43601),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            make(wrong)  # type: ignore[arg-type]
        assert caught.value.sub_code == code


async def test_there_may_be_no_screen() -> None:
    with pytest.raises(SourceUnavailableError):
        await manager().default_screen()


async def test_each_question_lists_the_devices_once_and_beside_the_event_loop() -> None:
    threads: list[int] = []

    def listing() -> list[DeviceDescription]:
        threads.append(threading.get_ident())
        return [CAMERA, FIRST, SPEAKER]

    devices = DeviceManager(enumerate_devices=listing)
    await devices.get_cameras()
    await devices.get_microphones()
    assert devices.selected_microphone is not None
    assert len(threads) == 2
    assert threading.get_ident() not in threads
