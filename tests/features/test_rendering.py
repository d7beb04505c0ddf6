"""Showing the video of others: remote streams, renderers, views and limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from acs_core import (
    ACS_LIMITS,
    MOBILE_WEB_LIMITS,
    Call,
    CallLimits,
    CreateViewOptions,
    InvalidArgumentError,
    InvalidStateError,
    LocalVideoStream,
    RemoteVideoStream,
    ScalingMode,
    VideoStreamRenderer,
    VideoStreamRendererView,
)
from acs_core.media.patterns import dominant_color
from tests.support.events import next_event, until
from tests.support.media_checks import GREEN, RED, is_color
from tests.support.people import camera, meeting, pattern, seen_by
from twilio_compat import LocalVideoTrack


@asynccontextmanager
async def a_shown_stream(
    **options: object,
) -> AsyncIterator[tuple[Call, LocalVideoStream, RemoteVideoStream]]:
    """A sender's call and stream, and what a viewer sees of it."""
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben", **options)
        stream = LocalVideoStream(camera(RED))
        sender, viewer = await anna.join(video=stream), await ben.join()
        (participant,) = await seen_by(viewer)
        await until(lambda: participant.video_streams)
        yield sender, stream, participant.video_streams[0]


async def filled(view: VideoStreamRendererView) -> np.ndarray:
    """The picture of a view, once there is one."""
    await until(lambda: not view.target.is_blank)
    picture: np.ndarray = view.target.image
    return picture


@pytest.mark.feature(
    "RENDER-007",
    "RENDER-008",
    "RENDER-009",
    "RENDER-012",
    "RENDER-014",
    "RENDER-016",
    "RENDER-017",
    "RENDER-018",
    "RENDER-020",
    "RENDER-022",
    "RENDER-023",
    "MATRIX-020",
    "OBJECT-008",
)
async def test_a_view_shows_the_pictures_of_a_remote_stream_until_it_is_disposed() -> None:
    async with a_shown_stream() as (_, _, remote):
        with pytest.raises(InvalidArgumentError) as wrong:
            VideoStreamRenderer("video")  # type: ignore[arg-type]
        assert (wrong.value.code, wrong.value.sub_code) == (400, 43218)
        renderer = VideoStreamRenderer(remote)
        first = await renderer.create_view()
        second = await renderer.create_view(CreateViewOptions(scaling_mode="Fit"))
        for view in (first, second):
            assert is_color(dominant_color(await filled(view)), RED)
        assert isinstance(remote.id, int)
        assert (remote.is_available, remote.media_stream_type) == (True, "Video")
        assert (remote.size.width, remote.size.height) == (160, 96)
        await until(lambda: remote.is_receiving)
        assert first.scaling_mode is ScalingMode.STRETCH
        await first.update_scaling_mode("Crop")
        assert str(first.scaling_mode) == "Crop"
        with pytest.raises(InvalidArgumentError) as mode:
            await first.update_scaling_mode("Zoom")
        assert (mode.value.code, mode.value.sub_code) == (400, 43216)
        first.dispose()
        with pytest.raises(InvalidStateError) as again:
            first.dispose()
        assert (again.value.code, again.value.sub_code) == (400, 43213)
        shown = first.target.image.tobytes()
        await _changes(second)
        assert first.target.image.tobytes() == shown
        renderer.dispose()
        with pytest.raises(InvalidStateError) as renderer_again:
            renderer.dispose()
        assert (renderer_again.value.code, renderer_again.value.sub_code) == (400, 43210)
        with pytest.raises(InvalidStateError):
            second.dispose()
        await renderer.aclose()


async def _changes(view: VideoStreamRendererView) -> None:
    """Wait until a view shows another picture."""
    before = view.target.image.tobytes()
    await until(lambda: view.target.image.tobytes() != before)


@pytest.mark.feature("RENDER-019", "RENDER-021", "RENDER-026")
async def test_a_mirrored_view_is_the_other_way_round() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        halves = np.zeros((96, 160, 3), np.uint8)
        halves[:, :80] = RED
        halves[:, 80:] = GREEN
        track = await place.guest("tina", video={"source": "program"}, audio=False)
        await anna.join()
        viewer = await ben.join()
        others = {item.display_name: item for item in await seen_by(viewer, 2)}
        await until(lambda: others["tina"].video_streams)
        renderer = VideoStreamRenderer(others["tina"].video_streams[0])
        plain = await renderer.create_view()
        turned = await renderer.create_view(CreateViewOptions("Crop", is_mirrored=True))
        (publication,) = track.local_participant.video_tracks.values()

        def both_shown() -> bool:
            publication.track.write(halves)
            return not plain.target.is_blank and not turned.target.is_blank

        await until(both_shown)
        assert turned.is_mirrored
        for view, left, right in ((plain, RED, GREEN), (turned, GREEN, RED)):
            picture = view.target.image
            width = picture.shape[1]
            assert is_color(dominant_color(picture[:, : width // 2 - 4]), left)
            assert is_color(dominant_color(picture[:, width // 2 + 4 :]), right)
        await renderer.aclose()


@pytest.mark.feature("RENDER-006", "RENDER-008", "RENDER-010", "RENDER-025", "PUBLICATION-003")
async def test_a_view_is_blank_while_the_sender_is_off_and_shows_again_afterwards() -> None:
    async with meeting() as place:
        tina, anna = await place.guest("tina"), await place.user("Anna")
        track = LocalVideoTrack(pattern(RED))
        track.disable()
        await tina.local_participant.publish_track(track)
        viewer = await anna.join()
        (participant,) = await seen_by(viewer)
        await until(lambda: participant.video_streams)
        (remote,) = participant.video_streams
        assert not remote.is_available
        renderer = VideoStreamRenderer(remote)
        with pytest.raises(InvalidStateError) as caught:
            await renderer.create_view()
        assert (caught.value.code, caught.value.sub_code) == (412, 43200)
        seen: list[bool] = []
        remote.on("isAvailableChanged", lambda: seen.append(remote.is_available))
        available = next_event(remote, "isAvailableChanged")
        track.enable()
        await available
        view = await renderer.create_view()
        await filled(view)
        track.disable()
        await until(lambda: view.target.is_blank)
        assert participant.video_streams == (remote,)
        track.enable()
        assert is_color(dominant_color(await filled(view)), RED)
        assert seen == [True, False, True]
        await renderer.aclose()
        track.stop()
        await track.closed()


@pytest.mark.feature("RENDER-011", "RENDER-013", "RENDER-018")
async def test_receiving_and_size_follow_what_arrives() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", video={"source": "program"}, audio=False)
        viewer = await (await place.user("Anna")).join()
        (participant,) = await seen_by(viewer)
        await until(lambda: participant.video_streams)
        (remote,) = participant.video_streams
        (publication,) = tina.local_participant.video_tracks.values()
        sizes: list[tuple[int, int]] = []
        receiving: list[bool] = []
        remote.on("sizeChanged", lambda: sizes.append((remote.size.width, remote.size.height)))
        remote.on("isReceivingChanged", lambda: receiving.append(remote.is_receiving))
        renderer = VideoStreamRenderer(remote)
        view = await renderer.create_view()
        for width in (160, 320):
            picture = np.full((96, width, 3), RED, np.uint8)

            def arrived(frame: np.ndarray = picture, wanted: int = width) -> bool:
                publication.track.write(frame)
                return remote.size.width == wanted and remote.is_receiving

            await until(arrived)
        # Nothing is written any more: pictures stop, the offer stays.
        await until(lambda: not remote.is_receiving)
        assert remote.is_available
        assert sizes == [(160, 96), (320, 96)]
        assert receiving[0] is True
        assert receiving[-1] is False
        assert not view.target.is_blank
        await renderer.aclose()


@pytest.mark.feature("LIMIT-002", "LIMIT-003", "LIMIT-004", "LIMIT-006")
async def test_as_many_streams_are_shown_as_the_limits_say_and_screens_do_not_count() -> None:
    assert (ACS_LIMITS.outgoing_video, ACS_LIMITS.outgoing_screen) == (1, 1)
    assert (ACS_LIMITS.rendered_video, ACS_LIMITS.rendered_screen) == (9, 1)
    assert CallLimits(1, 1, 4, 1) == MOBILE_WEB_LIMITS
    limits = CallLimits(rendered_video=1)
    async with meeting() as place:
        senders = [await place.user(name) for name in ("Anna", "Ben")]
        calls = [await user.join(video=LocalVideoStream(camera(RED))) for user in senders]
        await calls[0].start_screen_sharing(LocalVideoStream(pattern(GREEN)))
        viewer = await (await place.user("Cleo", limits=limits)).join()
        others = {item.display_name: item for item in await seen_by(viewer, 2)}
        await until(lambda: sum(len(item.video_streams) for item in others.values()) == 3)
        cameras = [
            next(one for one in item.video_streams if one.media_stream_type == "Video")
            for item in others.values()
        ]
        (screen,) = [
            one for one in others["Anna"].video_streams if one.media_stream_type != "Video"
        ]
        renderers = [VideoStreamRenderer(item) for item in (*cameras, screen)]
        first = await renderers[0].create_view()
        with pytest.raises(InvalidStateError) as caught:
            await renderers[1].create_view()
        assert (caught.value.code, caught.value.sub_code) == (400, 43220)
        await renderers[2].create_view()
        first.dispose()
        await renderers[1].create_view()
        for renderer in renderers:
            await renderer.aclose()
