"""Devices as a Twilio program meets them: the default ones, chosen ones, and those denied."""

from __future__ import annotations

from collections.abc import AsyncIterable

import pytest

from acs_core import DeviceManager, PermissionPolicy, SourceUnavailableError
from acs_core.media.frames import AudioFrame
from acs_core.media.sources import MediaSource, ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED, is_color, listen, watch
from tests.support.people import meeting, pattern
from twilio_compat import (
    LocalAudioTrack,
    LocalVideoTrack,
    RemoteAudioTrack,
    connect,
    create_local_audio_track,
    create_local_tracks,
    createLocalVideoTrack,
)


def no_hardware(policy: PermissionPolicy | None = None) -> DeviceManager:
    """A manager whose devices are all the program's own, whatever this computer has."""
    return DeviceManager(policy, enumerate_devices=list)


@pytest.mark.feature("DEVICE-002")
async def test_a_video_track_is_of_the_default_camera_or_of_the_one_that_was_named() -> None:
    devices = no_hardware()
    devices.add_virtual_camera("red", lambda: pattern(RED))
    green = devices.add_virtual_camera("green", lambda: pattern(GREEN))
    usual = await createLocalVideoTrack({"devices": devices})
    named = await createLocalVideoTrack({"devices": devices, "deviceId": {"exact": green.id}})
    wrapped = LocalVideoTrack(pattern(BLUE))
    for track, wanted in ((usual, RED), (named, GREEN), (wrapped, BLUE)):
        frames = track.frames()
        color, _ = await watch(frames, count=1)
        assert is_color(color, wanted)
        frames.close()
        track.stop()
        await track.closed()


@pytest.mark.feature("VIDEO-006")
async def test_a_published_track_goes_over_to_the_new_default_microphone() -> None:
    devices = no_hardware()
    first = devices.add_virtual_microphone("desk", lambda: ToneSource(440))
    devices.add_virtual_microphone("headset", lambda: ToneSource(880))
    async with meeting() as place:
        anna = await place.guest("Anna", audio={"devices": devices})
        (publication,) = anna.localParticipant.audioTracks.values()
        sid, track = publication.trackSid, publication.track
        assert isinstance(track, LocalAudioTrack)
        ben = await place.guest("Ben")
        await until(lambda: any(one.audio_tracks for one in ben.participants.values()))
        (seen,) = ben.participants.values()
        (heard,) = seen.audio_tracks.values()
        await until(lambda: heard.track is not None)
        assert isinstance(heard.track, RemoteAudioTrack)
        sound = heard.track.frames()
        assert await listen(sound) == pytest.approx(440, abs=40)
        devices.remove_virtual_device(first)
        await until_tone(sound, 880)
        assert (publication.trackSid, heard.trackSid) == (sid, sid)
        await sound.aclose()


async def until_tone(sound: AsyncIterable[AudioFrame], wanted: float) -> None:
    """Listen until that tone is heard; some of the one before is still on its way."""
    for _ in range(10):
        if await listen(sound, seconds=0.3) == pytest.approx(wanted, abs=40):
            return
    raise AssertionError(f"{wanted:g} Hz was not heard")


@pytest.mark.feature("VIDEO-006")
@pytest.mark.parametrize(
    "options", [{"defaultDeviceCaptureMode": "manual"}, {"deviceId": "first"}], ids=str
)
async def test_a_track_that_does_not_follow_stays_with_its_microphone(
    options: dict[str, str],
) -> None:
    devices = no_hardware()
    first = devices.add_virtual_microphone("desk", lambda: ToneSource(440))
    devices.add_virtual_microphone("headset", lambda: ToneSource(880))
    if "deviceId" in options:
        options = {"deviceId": first.id}
    follower = await create_local_audio_track(devices=devices)
    track = await create_local_audio_track(options, devices=devices)
    source = track.media_stream_track
    before = follower.media_stream_track
    restarted = next_event(follower, "started", lambda _: follower.media_stream_track is not before)
    devices.remove_virtual_device(first)
    await restarted  # Who follows has been told by now.
    assert track.media_stream_track is source
    assert not track.is_stopped
    for one in (track, follower):
        one.stop()
        await one.closed()


@pytest.mark.feature("PERM-001")
async def test_what_is_not_permitted_gives_a_permission_error_and_no_track() -> None:
    opened: list[str] = []
    devices = no_hardware(PermissionPolicy(audio=True, video=False))
    devices.add_virtual_microphone("desk", lambda: ToneSource(440))

    def open_camera() -> MediaSource:
        opened.append("camera")
        return pattern(RED)

    devices.add_virtual_camera("red", open_camera)
    with pytest.raises(SourceUnavailableError) as denied:
        await createLocalVideoTrack({"devices": devices})
    assert (denied.value.code, denied.value.sub_code) == (403, 43001)
    assert "PermissionPolicy" in denied.value.next_step
    with pytest.raises(SourceUnavailableError):
        await create_local_tracks(audio={"devices": devices}, video={"devices": devices})
    assert not opened


@pytest.mark.feature("PERM-001")
async def test_nobody_joins_with_a_microphone_that_is_not_permitted() -> None:
    devices = no_hardware(PermissionPolicy(audio=False))
    devices.add_virtual_microphone("desk", lambda: ToneSource(440))
    async with meeting() as place:
        with pytest.raises(SourceUnavailableError) as denied:
            await connect(
                place.server.access_token("Anna"),
                name="meeting",
                service_url=place.url,
                audio={"devices": devices},
                video=False,
            )
        assert (denied.value.code, denied.value.sub_code) == (403, 43610)
