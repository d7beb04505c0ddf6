from __future__ import annotations

import numpy as np
import pytest

from acs_core import (
    CallClientOptions,
    CallLimits,
    CreateViewOptions,
    InvalidArgumentError,
    InvalidStateError,
    LocalVideoStream,
    Priority,
    VideoStreamRenderer,
)
from acs_core.core.facts import PublicationChanged
from acs_core.media.frames import VideoFrame
from acs_core.media.sources import PatternSource
from tests.support.calls import endpoint, joined, publication, settle
from tests.support.events import until
from tests.support.fake_session import FakeReceiver

FIRST, SECOND = publication(1), publication(2)


def frame(width: int = 64) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((48, width, 3), 200, dtype=np.uint8))


@pytest.mark.feature(
    "RENDER-007", "RENDER-008", "RENDER-009", "RENDER-010", "RENDER-014", "RENDER-020", "RENDER-023"
)
async def test_a_view_shows_what_arrives_until_it_is_disposed() -> None:
    with pytest.raises(InvalidArgumentError) as wrong:
        VideoStreamRenderer(object())  # type: ignore[arg-type]
    assert wrong.value.sub_code == 43218
    async with joined(prepare=lambda s: s.others.append(endpoint("a", FIRST))) as (call, session):
        (stream,) = call.remote_participants[0].video_streams
        renderer = VideoStreamRenderer(stream)
        view = await renderer.create_view(CreateViewOptions("Crop", is_mirrored=True))
        assert (view.scaling_mode, view.is_mirrored, view.target.is_blank) == ("Crop", True, True)
        receiver = FakeReceiver("0")
        session.subscribe(FIRST.id, receiver)
        await settle()
        receiver.push(frame())
        await settle()
        assert (view.size.width, stream.size.width) == (64, 64)
        assert renderer.size == stream.size
        session.say(
            PublicationChanged(publication=FIRST.id, enabled=False, priority=Priority.STANDARD)
        )
        assert view.target.is_blank
        with pytest.raises(InvalidStateError) as unavailable:
            await renderer.create_view()
        await view.update_scaling_mode("Fit")
        with pytest.raises(InvalidArgumentError) as mode:
            await view.update_scaling_mode("Zoom")
        view.dispose()
        with pytest.raises(InvalidStateError) as twice:
            view.dispose()
        renderer.dispose()
        with pytest.raises(InvalidStateError) as again:
            renderer.dispose()
        await renderer.aclose()
        assert not receiver.readers
        assert [error.value.sub_code for error in (unavailable, mode, twice, again)] == [
            43200,
            43216,
            43213,
            43210,
        ]


@pytest.mark.feature("LIMIT-002", "LIMIT-004")
async def test_views_are_limited_and_free_their_place() -> None:
    options = CallClientOptions(sample_interval=3600.0, limits=CallLimits(rendered_video=1))
    async with joined(
        prepare=lambda s: s.others.append(endpoint("a", FIRST, SECOND)), client=options
    ) as (call, _):
        first, second = call.remote_participants[0].video_streams
        view = await VideoStreamRenderer(first).create_view()
        with pytest.raises(InvalidStateError) as caught:
            await VideoStreamRenderer(second).create_view()
        assert (caught.value.code, caught.value.sub_code) == (400, 43220)
        view.dispose()
        await VideoStreamRenderer(second).create_view()


@pytest.mark.feature("RENDER-024")
async def test_a_preview_shows_the_local_source() -> None:
    source = PatternSource(96, 48, 30)
    stream = LocalVideoStream(source)
    renderer = VideoStreamRenderer(stream)
    view = await renderer.create_view()
    reader = await source.open()
    while view.target.is_blank:
        await reader.read()
    reader.close()
    assert (view.size.width, view.is_mirrored) == (96, False)
    await renderer.aclose()
    await source.close()
    await stream.dispose()


async def test_a_renderer_knows_the_size_of_our_own_picture() -> None:
    stream = LocalVideoStream(PatternSource(160, 96, 15))
    renderer = VideoStreamRenderer(stream)
    assert (renderer.size.width, renderer.size.height) == (0, 0)
    await renderer.create_view()
    await until(lambda: renderer.size.width > 0)
    assert (renderer.size.width, renderer.size.height) == (160, 96)
    await renderer.aclose()
    await stream.dispose()
