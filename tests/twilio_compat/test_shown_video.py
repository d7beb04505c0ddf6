from __future__ import annotations

import asyncio

import numpy as np

from acs_core.media.frames import VideoFrame
from tests.support.fake_call import ScriptedReceiver
from tests.support.fake_room import ANN, only, room_of, turns
from twilio_compat import RemoteVideoTrack, Room
from twilio_compat.shown_video import ShownVideo

WHITE = np.full((48, 64, 3), 255, dtype=np.uint8)


def video_of(room: Room) -> RemoteVideoTrack:
    (publication,) = only(room).video_tracks.values()
    assert publication.track is not None
    return publication.track


async def test_pictures_have_the_time_of_our_clock_and_the_distances_of_theirs() -> None:
    receiver = ScriptedReceiver()
    async with room_of(ANN, received={"1" * 32: receiver}) as (room, _):
        shown = ShownVideo()
        shown.show(video_of(room))
        now = asyncio.get_running_loop().time()
        for time in (0.0, 0.5):
            receiver.queue.put_nowait(VideoFrame.from_ndarray(WHITE, time=time, capture_time=9.0))
        first, second = await anext(shown), await anext(shown)
        assert 0 <= first.time - now < 5
        assert second.time - first.time == 0.5
        assert first.capture_time is None
        shown.close()
        keeping = ShownVideo(keeps_capture_time=True)
        keeping.show(video_of(room))
        receiver.queue.put_nowait(VideoFrame.from_ndarray(WHITE, capture_time=9.0))
        assert (await anext(keeping)).capture_time == 9.0
        keeping.close()


async def test_black_comes_once_after_a_picture_that_is_taken_away() -> None:
    receiver = ScriptedReceiver()
    async with room_of(ANN, received={"1" * 32: receiver}) as (room, _):
        shown = ShownVideo()
        shown.show(video_of(room))
        receiver.queue.put_nowait(VideoFrame.from_ndarray(WHITE))
        await anext(shown)
        shown.blank()
        black = await anext(shown)
        assert (black.width, black.height, int(black.to_rgb().max())) == (64, 48, 0)
        waiting = asyncio.create_task(anext(shown))
        await turns()
        assert not waiting.done()
        shown.show(video_of(room))
        receiver.queue.put_nowait(VideoFrame.from_ndarray(WHITE))
        assert int((await waiting).to_rgb().min()) > 250
        shown.close()


async def test_a_track_that_is_not_received_is_waited_for() -> None:
    async with room_of(ANN, received={"1" * 32: ScriptedReceiver()}) as (room, session):
        track = video_of(room)
        session.receivers.clear()
        shown = ShownVideo()
        shown.show(track)
        waiting = asyncio.create_task(anext(shown))
        await turns()
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_a_track_that_ends_before_its_first_picture_does_not_hold_the_loop() -> None:
    receiver = ScriptedReceiver()
    async with room_of(ANN, received={"1" * 32: receiver}) as (room, _):
        track = video_of(room)
        shown = ShownVideo()
        shown.show(track)
        for _ in range(20):
            receiver.queue.put_nowait(None)
        waiting = asyncio.create_task(anext(shown))
        await turns(40)
        assert len(receiver.opened) == 1
        while not receiver.queue.empty():
            receiver.queue.get_nowait()
        shown.show(track)
        receiver.queue.put_nowait(VideoFrame.from_ndarray(WHITE))
        async with asyncio.timeout(5):
            assert int((await waiting).to_rgb().min()) > 250
        shown.close()
