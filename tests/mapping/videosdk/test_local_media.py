from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acs_core import Call, DeviceManager, InvalidStateError, SourceUnavailableError
from acs_core.media.files import FileSource
from acs_core.media.sources import MediaSource, PatternSource, ToneSource
from mapping.videosdk.local_media import LocalMedia
from tests.support.media_checks import GREEN
from tests.support.people import Meeting as Place
from tests.support.people import meeting, pattern


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with meeting() as made:
        yield made


def no_devices() -> DeviceManager:
    return DeviceManager(enumerate_devices=list)


async def joined(place: Place) -> Call:
    return await (await place.user("Ann")).join()


async def test_the_default_microphone_and_the_first_camera_are_used(place: Place) -> None:
    devices, call = no_devices(), await joined(place)
    microphone = devices.add_virtual_microphone("microphone", ToneSource)
    camera = devices.add_virtual_camera("camera", lambda: pattern(GREEN))
    devices.add_virtual_camera("another", PatternSource)
    media = LocalMedia(devices, None, None)
    await media.unmute(call, None)
    await media.start_camera(call, None)
    (sound,), (picture,) = call.local_audio_streams, call.local_video_streams
    assert (sound.source.id, picture.source.id) == (microphone.id, camera.id)
    await media.aclose()
    assert (sound.is_disposed, picture.is_disposed) == (True, True)
    await devices.aclose()


async def test_what_is_given_stays_the_programs_and_is_used_again(place: Place) -> None:
    call = await joined(place)
    tone, other = ToneSource(), ToneSource(600.0)
    media = LocalMedia(no_devices(), None, None)
    await media.unmute(call, tone)
    (stream,) = call.local_audio_streams
    await media.mute(call)
    assert call.is_muted
    await media.unmute(call, None)
    await media.unmute(call, tone)
    assert (media.microphone, call.is_muted) == (tone, False)
    await media.unmute(call, other)
    assert call.local_audio_streams == (stream,)
    assert media.microphone is other
    await media.aclose()
    for source in (tone, other):
        reader = await source.open()
        reader.close()
        await source.close()


async def test_a_camera_that_was_stopped_is_let_go_of(place: Place) -> None:
    call = await joined(place)
    media = LocalMedia(no_devices(), None, pattern(GREEN))
    await media.start_camera(call, None)
    (first,) = call.local_video_streams
    await media.stop_camera(call)
    await media.stop_camera(call)
    assert (call.local_video_streams, first.is_disposed) == ((), True)
    await media.start_screen(call, pattern(GREEN))
    await media.start_screen(call, pattern(GREEN))
    (screen,) = call.local_video_streams
    await media.stop_screen(call)
    await media.stop_screen(call)
    assert (call.is_screen_sharing_on, screen.is_disposed) == (False, True)
    await media.aclose()


@pytest.mark.parametrize("kind", ["microphone", "camera"])
async def test_devices_that_are_not_there_are_named(place: Place, kind: str) -> None:
    media = LocalMedia(no_devices(), None, None)
    with pytest.raises(SourceUnavailableError, match=f"no {kind}.*PatternSource"):
        await (media.open_microphone() if kind == "microphone" else media.open_camera())
    await media.aclose()


async def test_what_cannot_be_opened_is_let_go_of_and_not_remembered(
    place: Place, tmp_path: Path
) -> None:
    call = await joined(place)
    media = LocalMedia(no_devices(), None, None)
    missing: MediaSource = FileSource(tmp_path / "none.mp4", "video")
    with pytest.raises(SourceUnavailableError):
        await media.start_camera(call, missing)
    assert (media.camera, call.local_video_streams) == (None, ())
    await media.start_camera(call, pattern(GREEN))
    with pytest.raises(SourceUnavailableError):
        await media.start_camera(call, missing)
    assert media.camera is not missing
    assert len(call.local_video_streams) == 1
    await media.aclose()


async def test_a_stream_that_the_call_does_not_take_is_let_go_of(place: Place) -> None:
    call = await joined(place)
    media = LocalMedia(no_devices(), None, None)
    await call.hang_up()
    with pytest.raises(InvalidStateError):
        await media.start_camera(call, pattern(GREEN))
    assert media._made == set()
    await media.aclose()
