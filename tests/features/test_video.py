"""Cameras and screens of ours, as the others see them."""

from __future__ import annotations

import pytest

from acs_core import (
    AudioDeviceType,
    Call,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    LocalVideoStream,
    MediaStreamType,
    PermissionPolicy,
    RemoteVideoStream,
    SourceUnavailableError,
    Stage,
    VideoDeviceInfo,
    VideoDeviceType,
)
from acs_core.media.patterns import dominant_color
from acs_core.media.sources import MediaSource, ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED, Color, is_color, watch
from tests.support.people import camera, meeting, pattern, quiet, seen_by, shown
from twilio_compat import LocalVideoTrack, RemoteVideoTrack


def busy_camera() -> VideoDeviceInfo:
    def fail() -> MediaSource:
        raise SourceUnavailableError("The camera is busy.", sub_code=43000, stage=Stage.DEVICE)

    return VideoDeviceInfo("Busy", "busy", VideoDeviceType.USB_CAMERA, fail)


async def streams_of(call: Call, count: int) -> tuple[RemoteVideoStream, ...]:
    (participant,) = await seen_by(call)
    await until(lambda: len(participant.video_streams) == count)
    return participant.video_streams


async def color_of(stream: RemoteVideoStream, wanted: Color) -> None:
    """Read until a picture of this color comes."""
    await until(lambda: stream.publication.is_subscribed)
    frames = stream.frames()
    try:
        while True:
            color, _ = await watch(frames, count=1)  # type: ignore[arg-type]
            if is_color(color, wanted):
                return
    finally:
        frames.close()


@pytest.mark.feature(
    "VIDEO-009",
    "VIDEO-010",
    "VIDEO-011",
    "VIDEO-015",
    "VIDEO-016",
    "VIDEO-017",
    "VIDEO-018",
    "VIDEO-020",
    "LIMIT-001",
    "RENDER-004",
    "RENDER-015",
    "MATRIX-017",
    "MATRIX-018",
)
async def test_a_camera_that_starts_and_stops_comes_and_goes_for_the_others() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        sender, viewer = await anna.join(), await ben.join()
        (participant,) = await seen_by(viewer)
        updates: list[tuple[int, int]] = []
        participant.on(
            "videoStreamsUpdated", lambda u: updates.append((len(u.added), len(u.removed)))
        )
        started: list[bool] = []

        def changed() -> None:
            started.append(sender.is_local_video_started)

        sender.on("isLocalVideoStartedChanged", changed)
        stream, other = LocalVideoStream(camera(RED)), LocalVideoStream(camera(BLUE))
        for turn in (1, 2):
            await sender.start_video(stream)
            assert (sender.is_local_video_started, sender.local_video_streams) == (True, (stream,))
            (remote,) = await streams_of(viewer, 1)
            await color_of(remote, RED)
            for wrong, code in ((stream, 41027), (other, 41044)):
                with pytest.raises(InvalidArgumentError) as caught:
                    await sender.start_video(wrong)
                assert (caught.value.code, caught.value.sub_code) == (400, code)
            with pytest.raises(InvalidArgumentError) as caught:
                await sender.stop_video(other)
            assert caught.value.sub_code == 41032
            await sender.stop_video(stream)
            assert (sender.is_local_video_started, sender.local_video_streams) == (False, ())
            await streams_of(viewer, 0)
            assert not remote.is_available
            assert updates == [(1, 0), (0, 1)] * turn
        with pytest.raises(InvalidArgumentError) as caught:
            await sender.stop_video(stream)
        assert caught.value.sub_code == 41030
        assert started == [True, False, True, False]
        sender.off("isLocalVideoStartedChanged", changed)
        await sender.start_video(stream)
        assert len(started) == 4


@pytest.mark.feature("VIDEO-012", "VIDEO-014", "VIDEO-019", "VIDEO-021")
async def test_switching_the_camera_changes_the_picture_and_keeps_the_stream() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        devices = await anna.devices()
        for name, color in (("front", RED), ("back", GREEN)):
            devices.add_virtual_camera(name, lambda one=color: pattern(one))  # type: ignore[misc]
        cameras = await devices.get_cameras()
        stream = LocalVideoStream(cameras[0])
        sender, viewer = await anna.join(video=stream), await ben.join()
        (remote,) = await streams_of(viewer, 1)
        await color_of(remote, RED)
        number = remote.id
        for color in (GREEN, RED):
            ids = [item.id for item in cameras]
            following = cameras[(ids.index(stream.source.id) + 1) % len(cameras)]
            await stream.switch_source(following)
            assert stream.source.id == following.id
            await color_of(remote, color)
        with pytest.raises(InvalidArgumentError) as caught:
            await stream.switch_source(cameras[0])
        assert (caught.value.code, caught.value.sub_code) == (400, 43005)
        with pytest.raises(SourceUnavailableError) as unavailable:
            await stream.switch_source(busy_camera())
        assert unavailable.value.sub_code == 43000
        media = sender.feature(Features.USER_FACING_DIAGNOSTICS).media
        assert media.get_latest()["cameraStartFailed"].value is True
        await color_of(remote, RED)
        (participant,) = viewer.remote_participants
        assert [item.id for item in participant.video_streams] == [number]


@pytest.mark.feature("VIDEO-013", "DIAG-002", "DIAG-006")
async def test_a_busy_camera_leaves_the_call_without_video_and_says_so() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        call = await anna.join(video=LocalVideoStream(busy_camera()))
        media = call.feature(Features.USER_FACING_DIAGNOSTICS).media
        assert (call.state, call.is_local_video_started) == ("Connected", False)
        latest = media.get_latest()["cameraStartFailed"]
        assert (latest.value, latest.value_type) == (True, "DiagnosticFlag")
        with pytest.raises(SourceUnavailableError) as caught:
            await call.start_video(LocalVideoStream(busy_camera()))
        assert (caught.value.code, caught.value.sub_code) == (412, 43000)
        told = next_event(
            media, "diagnosticChanged", lambda item: item.diagnostic == "cameraStartFailed"
        )
        await call.start_video(LocalVideoStream(camera(RED)))
        (change,) = await told
        assert (change.diagnostic, change.value) == ("cameraStartFailed", False)


@pytest.mark.feature(
    "SCREEN-003",
    "SCREEN-004",
    "SCREEN-005",
    "SCREEN-006",
    "SCREEN-007",
    "SCREEN-008",
    "LIMIT-001",
    "RENDER-005",
    "MATRIX-028",
)
async def test_a_screen_is_shared_beside_the_camera_as_a_stream_of_its_own_type() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        early = anna.start(video=LocalVideoStream(camera(RED)))
        screen = LocalVideoStream(pattern(GREEN))
        with pytest.raises(InvalidStateError) as not_yet:
            await early.start_screen_sharing(screen)
        assert (not_yet.value.code, not_yet.value.sub_code) == (412, 41071)
        sender, viewer = await early.connected(), await ben.join()
        on: list[bool] = []

        def changed() -> None:
            on.append(sender.is_screen_sharing_on)

        sender.on("isScreenSharingOnChanged", changed)
        await sender.start_screen_sharing(screen)
        types = [item.media_stream_type for item in sender.local_video_streams]
        assert types == [MediaStreamType.VIDEO, MediaStreamType.SCREEN_SHARING]
        remote = await streams_of(viewer, 2)
        assert {item.media_stream_type for item in remote} == {"Video", "ScreenSharing"}
        (shared,) = [item for item in remote if item.media_stream_type == "ScreenSharing"]
        await color_of(shared, GREEN)
        with pytest.raises(InvalidArgumentError) as caught:
            await sender.start_screen_sharing(LocalVideoStream(pattern(BLUE)))
        assert (caught.value.code, caught.value.sub_code) == (400, 41035)
        await sender.stop_screen_sharing()
        (left,) = await streams_of(viewer, 1)
        assert left.media_stream_type == "Video"
        with pytest.raises(InvalidArgumentError) as caught:
            await sender.stop_screen_sharing()
        assert (caught.value.code, caught.value.sub_code) == (400, 41041)
        assert on == [True, False]
        sender.off("isScreenSharingOnChanged", changed)
        await sender.start_screen_sharing(screen)
        assert (on, sender.is_screen_sharing_on) == ([True, False], True)


@pytest.mark.feature(
    "DEVICE-001", "DEVICE-003", "DEVICE-004", "DEVICE-005", "DEVICE-006", "MATRIX-034"
)
async def test_a_listed_device_is_sent_and_decoded_at_the_other_end() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        devices = await anna.devices()
        assert await anna.client.get_device_manager() is devices
        added = devices.add_virtual_camera("Pattern", lambda: pattern(BLUE))
        assert added in await devices.get_cameras()
        for device in await devices.get_microphones():
            assert device.device_type is not AudioDeviceType.SPEAKER
        for device in await devices.get_speakers():
            assert device.device_type is AudioDeviceType.SPEAKER
        (found,) = [item for item in await devices.get_cameras() if item.name == "Pattern"]
        await anna.join(video=LocalVideoStream(found))
        (remote,) = await streams_of(await ben.join(), 1)
        await color_of(remote, BLUE)


@pytest.mark.feature("RENDER-024", "MATRIX-025")
async def test_a_preview_shows_the_camera_to_nobody_else() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        await anna.join()
        viewer = await ben.join()
        stream = LocalVideoStream(camera(GREEN))
        async with shown(stream) as surface:
            assert is_color(dominant_color(surface.image), GREEN)
            (participant,) = await seen_by(viewer)
            assert participant.video_streams == ()
        await stream.dispose()


@pytest.mark.feature("CALL-015")
async def test_without_a_camera_a_call_starts_with_sound_alone() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        there = await ben.join()
        devices = await anna.devices()
        device = devices.add_virtual_camera("Pattern", lambda: pattern(BLUE))
        for has_camera in (True, False):
            cameras = [item for item in await devices.get_cameras() if item.name == "Pattern"]
            video = LocalVideoStream(cameras[0]) if cameras else None
            call = await anna.join(video=video, audio=LocalAudioStream(ToneSource()))
            assert (call.is_local_video_started, call.is_local_audio_started) == (has_camera, True)
            (participant,) = await seen_by(there)
            await until(lambda who=participant: not who.is_muted)  # type: ignore[misc]
            assert len(participant.video_streams) == has_camera
            await call.hang_up()
            await seen_by(there, 0)
            if has_camera:
                devices.remove_virtual_device(device)


@pytest.mark.feature("CALL-015", "PERM-002")
async def test_a_camera_that_must_not_be_used_is_left_out_of_the_call() -> None:
    async with meeting() as place:
        anna = await place.user("Anna", permissions=PermissionPolicy(video=False))
        devices = await anna.devices()
        device = devices.add_virtual_camera("Pattern", lambda: pattern(BLUE))
        call = await anna.join(video=LocalVideoStream(device))
        assert not call.is_local_video_started
        with pytest.raises(SourceUnavailableError) as caught:
            await call.start_video(LocalVideoStream(device))
        assert (caught.value.code, caught.value.sub_code) == (403, 43001)
        assert quiet().streams == ()


# ------------------------------------------------------------------ tracks, Twilio's way


@pytest.mark.feature(
    "VIDEO-001", "VIDEO-002", "VIDEO-003", "VIDEO-004", "VIDEO-005", "VIDEO-022", "TRACK-001"
)
async def test_a_video_track_is_published_disabled_and_enabled_for_the_others() -> None:
    async with meeting() as place:
        tina, tom = await place.guest("tina"), await place.guest("tom")
        track = LocalVideoTrack(pattern(RED), name="cam")
        assert (track.kind, track.name, track.is_enabled) == ("video", "cam", True)
        arrived = next_event(tom, "trackSubscribed")
        publication = await tina.local_participant.publish_track(track)
        remote, there, who = await arrived
        assert (there.track_sid, there.track_name) == (publication.track_sid, "cam")
        assert there.is_track_enabled
        assert isinstance(remote, RemoteVideoTrack)
        assert (remote.kind, there.track, who.identity) == ("video", remote, "tina")
        local: list[str] = []
        for event in ("disabled", "enabled"):
            track.on(event, lambda _, name=event: local.append(name))
        off = next_event(tom, "trackDisabled")
        for one in tina.localParticipant.videoTracks.values():
            one.track.disable()
        assert track.enable(False) is track
        await off
        assert (there.is_track_enabled, remote.is_enabled) == (False, False)
        assert set(who.tracks) == {publication.track_sid}
        on = next_event(tom, "trackEnabled")
        track.enable().enable()
        await on
        assert (there.is_track_enabled, local) == (True, ["disabled", "enabled"])
        assert is_color((await watch(remote.frames(), count=3))[0], RED)
        track.stop()
        await track.closed()


@pytest.mark.feature("VIDEO-007", "VIDEO-008", "PUBLICATION-005")
async def test_another_camera_is_another_publication_with_the_other_pictures() -> None:
    async with meeting() as place:
        tina, tom = await place.guest("tina"), await place.guest("tom")
        front = LocalVideoTrack(pattern(RED))
        back = LocalVideoTrack(pattern(BLUE))
        subscribed = next_event(tom, "trackSubscribed")
        first = await tina.local_participant.publish_track(front)
        await subscribed
        gone, subscribed = next_event(tom, "trackUnpublished"), next_event(tom, "trackSubscribed")
        assert tina.local_participant.unpublish_track(front) is first
        assert tina.local_participant.unpublish_track(front) is None
        second = await tina.local_participant.publish_track(back)
        publication, _ = await gone
        assert publication.track_sid == first.track_sid != second.track_sid
        assert publication.track is None
        assert not front.is_stopped
        remote, _, _ = await subscribed
        assert is_color((await watch(remote.frames(), count=3))[0], BLUE)
        for track in (front, back):
            track.stop()
            await track.closed()


@pytest.mark.feature("SCREEN-001")
async def test_a_screen_is_a_second_video_track_and_a_screen_share_for_acs() -> None:
    async with meeting() as place:
        tina, tom = await place.guest("tina", color=RED), await place.guest("tom")
        viewer = await (await place.user("Anna")).join()
        display = LocalVideoTrack(pattern(GREEN), name="screen")
        await tina.local_participant.publish_track(display)
        assert len(tina.local_participant.video_tracks) == 2
        (there,) = [item for item in tom.participants.values() if item.identity == "tina"]
        await until(lambda: len(there.video_tracks) == 2)
        await until(lambda: all(item.track for item in there.video_tracks.values()))
        colors = [
            (await watch(item.track.frames(), count=2))[0]
            for item in there.video_tracks.values()
            if item.track is not None
        ]
        assert is_color(colors[0], RED)
        assert is_color(colors[1], GREEN)
        others = {item.display_name: item for item in await seen_by(viewer, 2)}
        await until(lambda: len(others["tina"].video_streams) == 2)
        display.stop()
        await display.closed()
