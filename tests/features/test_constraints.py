"""Constraints of a real call, as the other end sees them."""

from __future__ import annotations

import asyncio

import pytest

from acs_core import (
    CallConstraints,
    LocalVideoStream,
    MediaConstraintRange,
    VideoConstraints,
    VideoSendConstraints,
)
from tests.support.events import until
from tests.support.media_checks import RED
from tests.support.people import meeting, pattern, seen_by


def height(maximum: float) -> CallConstraints:
    send = VideoSendConstraints(frame_height=MediaConstraintRange(maximum))
    return CallConstraints(VideoConstraints(send))


@pytest.mark.feature("CONSTRAINT-001")
async def test_a_limited_height_is_what_the_others_receive_until_it_is_taken_back() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        source = pattern(RED, 640, 360)
        call = await anna.join(video=LocalVideoStream(source))
        there = await ben.join()
        (participant,) = await seen_by(there)
        await until(lambda: participant.video_streams)
        (stream,) = participant.video_streams
        await until(lambda: stream.publication.is_subscribed)
        frames = stream.frames()
        first = await anext(frames)
        assert (first.width, first.height) == (640, 360)
        await call.set_constraints(height(180))
        async with asyncio.timeout(5):
            async for frame in frames:
                if frame.height <= 180:
                    break
        assert (frame.width, frame.height) == (320, 180)
        await call.set_constraints(height(0))
        async with asyncio.timeout(5):
            async for frame in frames:
                if frame.height == 360:
                    break
        frames.close()
        await call.hang_up()
        await source.close()
