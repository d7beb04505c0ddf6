from __future__ import annotations

import asyncio
import gc
import threading

import numpy as np

from acs_core.client.frame_reader import FrameReader
from acs_core.media.frame_stream import FrameStream
from acs_core.media.frames import AUDIO_RATE, AudioFrame, Samples


async def test_a_reader_that_is_forgotten_is_closed() -> None:
    closed = asyncio.Event()
    stream = FrameStream(2, lambda _: closed.set())
    stream.push(AudioFrame.from_ndarray(silence(), sample_rate=AUDIO_RATE))
    async for _ in FrameReader(stream):
        break
    gc.collect()
    async with asyncio.timeout(2):
        assert await closed.wait()


async def test_it_is_closed_on_the_event_loop_wherever_it_is_collected() -> None:
    threads: list[int] = []
    closed = asyncio.Event()

    def close(_: FrameStream) -> None:
        threads.append(threading.get_ident())
        closed.set()

    readers = [FrameReader(FrameStream(2, close))]
    await asyncio.to_thread(readers.clear)
    async with asyncio.timeout(2):
        await closed.wait()
    assert threads == [threading.get_ident()]


async def test_a_closed_reader_ends_and_is_closed_once() -> None:
    closed: list[FrameStream] = []
    reader = FrameReader(FrameStream(2, closed.append))
    await reader.aclose()
    reader.close()
    assert [frame async for frame in reader] == []
    assert (len(closed), reader.dropped) == (1, 0)


def silence() -> Samples:
    return np.zeros((960, 1), dtype=np.int16)
