from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from dataclasses import replace

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
from acs_core.media.capture import CaptureSource
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
    assert [(item.name, item.device_type) for item in await devices.get_speakers()] == [
        ("Box", "Speaker")
    ]
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
    await devices.select_microphone(microphone)
    stream = LocalVideoStream(camera)
    assert stream.media_source.kind == "video"
    devices.remove_virtual_device(camera)
    devices.remove_virtual_device(microphone)
    assert log.names == [
        "videoDevicesUpdated",
        "audioDevicesUpdated",
        "selectedMicrophoneChanged",
        "videoDevicesUpdated",
        "audioDevicesUpdated",
        "selectedMicrophoneChanged",
    ]
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


async def test_the_default_microphone_changes_with_what_is_plugged_in() -> None:
    plugged = [FIRST]
    devices = DeviceManager(enumerate_devices=lambda: list(plugged))
    await devices.refresh()
    log = Log().watch(devices)
    plugged[:] = [replace(FIRST, is_system_default=False), replace(SECOND, is_system_default=True)]
    await devices.refresh()
    assert devices.selected_microphone is not None
    assert devices.selected_microphone.name == "Headset"
    assert log.names == ["audioDevicesUpdated", "selectedMicrophoneChanged"]


async def test_a_selected_microphone_stays_selected_whatever_the_default_is() -> None:
    plugged = [SECOND]
    devices = DeviceManager(enumerate_devices=lambda: list(plugged))
    (headset,) = await devices.get_microphones()
    await devices.select_microphone(headset)
    log = Log().watch(devices)
    plugged[:] = [FIRST, replace(SECOND, is_system_default=False)]
    await devices.refresh()
    assert devices.selected_microphone is not None
    assert devices.selected_microphone.id == headset.id
    assert "selectedMicrophoneChanged" not in log.names


async def test_who_follows_the_microphone_is_told_of_plugs_and_of_selections() -> None:
    plugged = [SECOND]
    devices = DeviceManager(enumerate_devices=lambda: list(plugged))
    (headset,) = await devices.get_microphones()
    async with (
        asyncio.timeout(5),
        aclosing(devices.microphone_changes(headset, interval=0.001)) as changes,
    ):
        plugged.insert(0, FIRST)
        plugged[1] = replace(SECOND, is_system_default=False)
        first = await anext(changes)
        assert first is not None
        assert first.name == "Mic"
        await devices.select_microphone((await devices.get_microphones())[1])
        second = await anext(changes)
        assert second is not None
        assert second.name == "Headset"
        plugged.clear()
        assert await anext(changes) is None
    assert devices.listener_count("selectedMicrophoneChanged") == 0


async def test_a_picture_comes_from_a_device_that_is_there_and_may_be_captured() -> None:
    devices = manager(CAMERA)
    (camera,) = await devices.get_cameras()
    source = devices.picture_source(camera, width=320, height=180, frame_rate=15)
    assert isinstance(source, CaptureSource)
    assert source.device == CAMERA
    clip = devices.add_virtual_camera("Clip", lambda: PatternSource(96, 48))
    assert devices.picture_source(clip).label == "Test pattern"
    devices.remove_virtual_device(clip)
    with pytest.raises(SourceUnavailableError) as gone:
        devices.picture_source(clip)
    assert (gone.value.code, gone.value.sub_code) == (412, 43000)
    denied = manager(CAMERA, policy=PermissionPolicy(video=False))
    with pytest.raises(SourceUnavailableError) as refused:
        denied.picture_source(camera)
    assert (refused.value.code, refused.value.sub_code) == (403, 43001)
