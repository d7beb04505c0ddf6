"""The ACS programs of the migration guide: cameras, pictures of others, sound and screens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from acs_core import (
    Features,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    LocalVideoStream,
    MediaStreamType,
    RemoteVideoStream,
    SourceUnavailableError,
    Stage,
    VideoStreamRenderer,
)
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sinks import FrameSurface
from acs_core.media.sources import MediaSource, ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED, until_loudness
from tests.support.people import Meeting, camera, pattern, seen_by
from tests.support.snippets import Pair, hears, shows


def busy() -> MediaSource:
    """What a camera does that another program has opened."""
    raise SourceUnavailableError("The camera is busy.", sub_code=43000, stage=Stage.DEVICE)


@pytest.mark.feature("VIDEO-009", "VIDEO-010", "VIDEO-011", "VIDEO-015", "VIDEO-016")
async def test_video_009_to_011_start_and_stop_video(pair: Pair) -> None:
    """The listeners that the guide takes off are new functions, which were never put on."""
    call, call_client = pair.ours, pair.anna.client
    device_manager = await call_client.get_device_manager()
    device_manager.add_virtual_camera("front", lambda: pattern(RED))
    told: list[bool] = []

    def callback() -> None:
        told.append(call.is_local_video_started)

    call.on("isLocalVideoStartedChanged", callback)
    cameras = await device_manager.get_cameras()
    front = next(item for item in cameras if item.name == "front")
    local_video_stream = LocalVideoStream(front)
    await call.start_video(local_video_stream)

    (found,) = [
        stream
        for stream in call.local_video_streams
        if stream.media_stream_type is MediaStreamType.VIDEO
    ]
    assert found is local_video_stream
    assert call.is_local_video_started
    await until(lambda: pair.seen_anna.video_streams)
    await call.stop_video(local_video_stream)
    assert call.local_video_streams == ()
    assert not call.is_local_video_started
    await until(lambda: not pair.seen_anna.video_streams)

    call.off("isLocalVideoStartedChanged", callback)
    await call.start_video(local_video_stream)
    assert told == [True, False]


@pytest.mark.feature("VIDEO-012")
async def test_video_012_switch_the_camera(pair: Pair) -> None:
    """The guide asks a promise for its cameras."""
    call = pair.ours
    device_manager = await pair.anna.client.get_device_manager()
    for name, color in (("front", RED), ("back", GREEN)):
        device_manager.add_virtual_camera(name, lambda one=color: pattern(one))  # type: ignore[misc]
    cameras = (await device_manager.get_cameras())[-2:]
    local_video_stream = LocalVideoStream(cameras[0])
    await call.start_video(local_video_stream)
    await until(lambda: pair.seen_anna.video_streams)
    (seen,) = pair.seen_anna.video_streams
    view = await VideoStreamRenderer(seen).create_view()
    await shows(view.target, RED)

    await local_video_stream.switch_source(cameras[1])

    await shows(view.target, GREEN)
    assert pair.seen_anna.video_streams == (seen,)
    with pytest.raises(InvalidArgumentError) as same:
        await local_video_stream.switch_source(cameras[1])
    assert (same.value.code, same.value.sub_code) == (400, 43005)


@pytest.mark.feature("VIDEO-013", "VIDEO-014", "DIAG-006")
async def test_video_013_video_014_a_camera_that_is_busy(pair: Pair) -> None:
    """The class that the guide names is not exported in the original; here it is, with the code
    of the original."""
    call = pair.ours
    media = call.feature(Features.USER_FACING_DIAGNOSTICS).media
    device_manager = await pair.anna.client.get_device_manager()
    taken = device_manager.add_virtual_camera("taken", busy)

    def has_failed() -> bool:
        latest = media.get_latest().camera_start_failed
        return latest is not None and latest.value is True

    with pytest.raises(SourceUnavailableError) as caught:
        await call.start_video(LocalVideoStream(taken))
    assert (caught.value.code, caught.value.sub_code) == (412, 43000)
    assert has_failed()

    free = LocalVideoStream(camera(BLUE))
    await call.start_video(free)
    assert not has_failed()
    with pytest.raises(SourceUnavailableError):
        await free.switch_source(taken)
    assert has_failed()
    await until(lambda: pair.seen_anna.video_streams)
    view = await VideoStreamRenderer(pair.seen_anna.video_streams[0]).create_view()
    await shows(view.target, BLUE)


@dataclass
class Gallery:
    """The element of a page that shows everybody's video, and what the program has logged."""

    containers: list[list[object]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    spinner: object = field(default_factory=object)

    async def subscribe_to_remote_video_stream(self, stream: RemoteVideoStream) -> None:
        renderer = VideoStreamRenderer(stream)
        container: list[object] = []
        views: list[Any] = []

        def is_receiving_changed() -> None:
            if not stream.is_available:
                return
            is_spinning = self.spinner in container
            if not stream.is_receiving and not is_spinning:
                container.append(self.spinner)
            elif stream.is_receiving and is_spinning:
                container.remove(self.spinner)

        async def create_view() -> None:
            views.append(await renderer.create_view())
            container.append(views[-1].target)
            self.containers.append(container)

        async def is_available_changed() -> None:
            if stream.is_available:
                await create_view()
            else:
                views.pop().dispose()
                self.containers.remove(container)
                container.clear()

        stream.on("isReceivingChanged", is_receiving_changed)
        # The other side has switched its video on or off.
        stream.on("isAvailableChanged", is_available_changed)
        if stream.is_available:
            await create_view()
        self.sizes.append((stream.size.height, stream.size.width))
        stream.on("sizeChanged", lambda: self.sizes.append((stream.size.height, stream.size.width)))

    @property
    def surface(self) -> FrameSurface:
        """The only picture that is shown."""
        ((surface,),) = self.containers
        assert isinstance(surface, FrameSurface)
        return surface


@pytest.mark.feature(
    "RENDER-004",
    "RENDER-005",
    "RENDER-006",
    "RENDER-007",
    "RENDER-008",
    "RENDER-009",
    "RENDER-011",
    "RENDER-012",
    "RENDER-013",
    "RENDER-014",
    "RENDER-015",
)
async def test_render_004_to_015_a_gallery_of_everybodys_video(place: Meeting) -> None:
    tina = await place.guest("tina")
    call = await (await place.user("Anna")).join()
    (remote_participant,) = await seen_by(call)
    gallery = Gallery()
    came: list[RemoteVideoStream] = []
    gone: list[RemoteVideoStream] = []

    async def video_streams_updated(event: Any) -> None:
        came.extend(event.added)
        gone.extend(event.removed)
        for stream in event.added:
            await gallery.subscribe_to_remote_video_stream(stream)

    remote_participant.on("videoStreamsUpdated", video_streams_updated)
    source = ProgramVideoSource()
    publication = await tina.localParticipant.publishTrack(source)
    await until(lambda: gallery.containers)

    (remote_video_stream,) = call.remote_participants[0].video_streams
    assert came == [remote_video_stream]
    stream_type: MediaStreamType = remote_video_stream.media_stream_type
    assert stream_type == "Video"
    for width in (160, 320):

        def has_size(wanted: int = width) -> bool:
            publication.track.write(picture(wanted))
            stream = remote_video_stream
            return stream.size.width == wanted and stream.is_receiving

        await until(has_size)
    await until(lambda: not remote_video_stream.is_receiving)
    assert gallery.spinner in gallery.containers[0]
    assert remote_video_stream.is_available

    def goes_on() -> bool:
        publication.track.write(picture(320))
        return remote_video_stream.is_receiving

    await until(goes_on)
    await shows(gallery.surface, RED)
    assert gallery.sizes[-2:] == [(96, 160), (96, 320)]

    publication.track.disable()
    await until(lambda: not gallery.containers)
    publication.track.enable()
    await until(lambda: gallery.containers)
    tina.localParticipant.unpublishTrack(publication.track)
    await until(lambda: gone == [remote_video_stream])
    assert remote_participant.video_streams == ()
    publication.track.stop()
    await publication.track.closed()


def picture(width: int) -> Any:
    """A red picture, 96 high."""
    frame = np.zeros((96, width, 3), np.uint8)
    frame[:] = RED
    return frame


@pytest.mark.feature("AUDIO-006", "OBJECT-009")
async def test_audio_006_start_audio(pair: Pair) -> None:
    """The guide names no stream, which the method needs."""
    call = pair.ours
    local_audio_stream = LocalAudioStream(ToneSource(660.0))
    await call.start_audio(local_audio_stream)
    assert call.local_audio_streams == (local_audio_stream,)
    await hears(pair.theirs, 660.0)


@pytest.mark.feature("AUDIO-007", "PARTICIPANT-011")
async def test_audio_007_mute_and_unmute(pair: Pair) -> None:
    call = pair.ours
    await call.start_audio(LocalAudioStream(ToneSource(660.0)))
    await until(lambda: not pair.seen_anna.is_muted)
    told: list[bool] = []
    call.on("isMutedChanged", lambda: told.append(call.is_muted))
    # Our microphone: what is sent.
    await call.mute()
    assert call.is_muted
    await until(lambda: pair.seen_anna.is_muted)
    await call.unmute()
    assert not call.is_muted
    await until(lambda: not pair.seen_anna.is_muted)
    assert told == [True, False]


@pytest.mark.feature("AUDIO-008")
async def test_audio_008_mute_incoming_audio(pair: Pair) -> None:
    await pair.ours.start_audio(LocalAudioStream(ToneSource(660.0)))
    call = pair.theirs
    await until(lambda: call.remote_audio_streams)
    sound = call.remote_audio_streams[0].frames()
    await until_loudness(sound, loud=True)
    # Our loudspeaker: what is received.
    await call.mute_incoming_audio()
    assert call.is_incoming_audio_muted
    await until_loudness(sound, loud=False)
    (publication,) = call.feature(Features.STREAMS).endpoints[0].publications
    before = publication.stats
    assert before is not None
    await until_loudness(sound, loud=False, blocks=25)
    after = publication.stats
    assert after is not None
    assert after.packets_received > before.packets_received
    assert not pair.seen_anna.is_muted

    await call.unmute_incoming_audio()
    await until_loudness(sound, loud=True)
    assert not call.is_incoming_audio_muted
    await sound.aclose()


@pytest.mark.feature("SCREEN-003", "SCREEN-004", "SCREEN-005", "SCREEN-006", "SCREEN-007")
async def test_screen_003_to_007_share_the_screen(pair: Pair) -> None:
    """A browser's dialog chooses a screen; a program may name what it shares."""
    call = pair.ours
    told: list[bool] = []

    def callback() -> None:
        told.append(call.is_screen_sharing_on)

    call.on("isScreenSharingOnChanged", callback)
    await call.start_screen_sharing(LocalVideoStream(pattern(GREEN)))
    assert call.is_screen_sharing_on
    (local_video_stream,) = [
        stream for stream in call.local_video_streams if stream.media_stream_type == "ScreenSharing"
    ]
    await until(lambda: pair.seen_anna.video_streams)
    (seen,) = pair.seen_anna.video_streams
    assert seen.media_stream_type == local_video_stream.media_stream_type
    view = await VideoStreamRenderer(seen).create_view()
    await shows(view.target, GREEN)

    await call.stop_screen_sharing()
    assert not call.is_screen_sharing_on
    with pytest.raises(InvalidArgumentError) as off:
        await call.stop_screen_sharing()
    assert (off.value.code, off.value.sub_code) == (400, 41041)
    assert told == [True, False]
    call.off("isScreenSharingOnChanged", callback)
    await call.start_screen_sharing(LocalVideoStream(pattern(GREEN)))
    assert told == [True, False]


@pytest.mark.feature("RENDER-008", "RENDER-010", "RENDER-014", "RENDER-020")
async def test_render_010_a_view_that_is_kept_is_blank(place: Meeting) -> None:
    tina = await place.guest("tina", color=RED)
    call = await (await place.user("Anna")).join()
    (participant,) = await seen_by(call)
    (stream,) = participant.video_streams
    renderer = VideoStreamRenderer(stream)
    kept, disposed = await renderer.create_view(), await renderer.create_view()
    await shows(kept.target, RED)
    disposed.dispose()

    off = next_event(stream, "isAvailableChanged")
    (publication,) = tina.localParticipant.videoTracks.values()
    publication.track.disable()
    await off
    await until(lambda: kept.target.is_blank)
    with pytest.raises(InvalidStateError) as unavailable:
        await renderer.create_view()
    assert (unavailable.value.code, unavailable.value.sub_code) == (412, 43200)
    renderer.dispose()
    with pytest.raises(InvalidStateError) as twice:
        kept.dispose()
    assert (twice.value.code, twice.value.sub_code) == (400, 43213)
