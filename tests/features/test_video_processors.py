"""Video processors of the Twilio facade in real calls: what the others see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from acs_core.media.frames import VideoFrame
from acs_core.media.sinks import FrameSurface
from tests.features.test_effects import IMAGE, RED, near, shirt, wall
from tests.support.events import next_event, until
from tests.support.people import meeting
from tests.support.person import SHIRT, WALL, PersonScene, PersonSource
from twilio_compat import LocalVideoTrack, RemoteVideoTrack
from twilio_compat.processors import GaussianBlurBackgroundProcessor, VirtualBackgroundProcessor
from twilio_compat.video_processor import ProcessorOutput

SHELF = (0.7, 0.95, 0.12, 0.45)
"""Where the room has edges and nobody is: left, right, top, bottom of the picture."""


def detail(picture: npt.NDArray[np.uint8]) -> float:
    """How much neighboring pixels of the shelf differ: what a blur takes away."""
    height, width = picture.shape[:2]
    left, right, top, bottom = SHELF
    part = picture[
        int(height * top) : int(height * bottom), int(width * left) : int(width * right)
    ].astype(np.float64)
    return float(np.abs(np.diff(part, axis=0)).mean())


class Negative:
    """A processor as one is written for twilio-video.js."""

    def processFrame(  # noqa: N802
        self, input_frame: npt.NDArray[np.uint8], output: ProcessorOutput
    ) -> None:
        output.draw(255 - input_frame)


@pytest.mark.feature("BG-001", "BG-002", "BG-003")
async def test_the_others_see_what_each_processor_makes_and_the_publication_stays() -> None:
    async with meeting() as place:
        track = LocalVideoTrack(PersonSource(PersonScene(320, 180, sway=0.04)), name="cam")
        viewer = await place.guest("viewer")
        subscribed = next_event(viewer, "trackSubscribed")
        await place.guest("sender", tracks=[track])
        seen = (await subscribed)[0]
        assert isinstance(seen, RemoteVideoTrack)
        surface = seen.attach()
        assert isinstance(surface, FrameSurface)
        await until(lambda: not surface.is_blank and near(wall(surface.image), WALL))
        sharp = detail(surface.image)

        blur = GaussianBlurBackgroundProcessor({"assetsPath": "/", "blurFilterRadius": 15})
        track.addProcessor(
            blur, {"inputFrameBufferType": "videoframe", "outputFrameBufferContextType": "2d"}
        )
        assert track.processor is blur
        assert track.processedTrack is not None
        await blur.loadModel()
        await until(lambda: detail(surface.image) < sharp / 2)
        assert near(shirt(surface.image), SHIRT)
        track.removeProcessor(blur)
        assert (track.processor, track.processedTrack) == (None, None)
        await until(lambda: detail(surface.image) > sharp * 0.8)

        virtual = VirtualBackgroundProcessor(
            {"assetsPath": "/", "backgroundImage": IMAGE, "fitType": "Cover"}
        )
        await virtual.loadModel()
        track.add_processor(virtual)
        await until(lambda: near(wall(surface.image), RED) and near(shirt(surface.image), SHIRT))
        track.remove_processor(virtual)
        await until(lambda: near(wall(surface.image), WALL))
        assert (len(viewer.participants), surface.size) == (1, (320, 180))
        seen.detach()
        track.stop()
        await track.closed()


async def test_a_processor_of_a_remote_track_changes_what_is_read_here_only() -> None:
    async with meeting() as place:
        track = LocalVideoTrack(PersonSource(PersonScene(160, 90)), name="cam")
        viewer = await place.guest("viewer")
        subscribed = next_event(viewer, "trackSubscribed")
        await place.guest("sender", tracks=[track])
        seen = (await subscribed)[0]
        frames = seen.frames()
        surface = seen.attach()
        await until(lambda: not surface.is_blank)
        negative = Negative()
        seen.addProcessor(negative)
        assert (seen.processor, seen.processedTrack is None) == (negative, False)
        other_wall = tuple(255 - value for value in WALL)
        await until(lambda: near(wall(surface.image), other_wall))

        async def until_wall(color: tuple[int, ...]) -> VideoFrame:
            async for frame in frames:
                if near(wall(frame.to_rgb()), color):
                    return frame
            raise AssertionError("the frames ended")

        # A reader that was there before goes over, and back; times go on.
        changed = await until_wall(other_wall)
        seen.removeProcessor(negative)
        plain = await until_wall(WALL)
        assert plain.time > changed.time > 0
        frames.close()
        seen.detach()
        track.stop()
        await track.closed()
