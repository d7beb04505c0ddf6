import asyncio

import numpy as np

from acs_core.media.frame_stream import FrameStream
from acs_core.media.frames import AudioFrame


def frame(number: int) -> AudioFrame:
    return AudioFrame(np.zeros((1, 1), np.int16), time=float(number))


async def test_the_oldest_frame_makes_room_and_is_counted() -> None:
    stream = FrameStream(2, lambda closed: None)
    for number in range(5):
        stream.push(frame(number))
    stream.end()
    assert [item.time async for item in stream] == [3.0, 4.0]
    assert stream.dropped == 3


async def test_a_waiting_reader_wakes_with_a_frame_and_with_the_end() -> None:
    stream = FrameStream(2, lambda closed: None)
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    stream.push(frame(7))
    assert (await waiting).time == 7.0
    ending = asyncio.create_task(anext(stream, None))
    await asyncio.sleep(0)
    stream.end()
    assert await ending is None


async def test_closing_tells_the_owner_once_and_drops_what_waits() -> None:
    closed: list[FrameStream] = []
    stream = FrameStream(2, closed.append)
    stream.push(frame(1))
    stream.close()
    stream.close()
    assert closed == [stream]
    assert [item async for item in stream] == []
