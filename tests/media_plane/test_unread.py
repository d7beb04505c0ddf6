"""Streams that nobody reads cost neither decoders nor threads nor memory."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

import psutil  # type: ignore[import-untyped]
import pytest

from acs_core.media.receiver import StreamReceiver
from acs_core.media.sources import ToneSource
from acs_core.service.sfu.engine import SfuEngine
from tests.support.engine_peers import (
    Side,
    TappedPublisher,
    TappedSubscriber,
    offer_streams,
    take_offer,
)
from tests.support.events import until
from tests.support.media_checks import watch
from tests.support.sources import SnowSource

STREAMS = 16
FPS = 30


def packets(receivers: list[StreamReceiver]) -> int:
    now = asyncio.get_running_loop().time()
    return min(receiver.stats(now).packets_received for receiver in receivers)


async def check_unread(engine: SfuEngine, *, warm_up: int, more: int, growth: int) -> None:
    """Receive `more` packets of each video after the first `warm_up`, reading none."""
    process = psutil.Process(os.getpid())
    publisher, subscriber = TappedPublisher(), TappedSubscriber(is_tapped=False)
    try:
        publisher.add_stream("v", SnowSource(fps=FPS))
        publisher.add_stream("a", ToneSource(440.0))
        incoming, outgoing = Side(engine), Side(engine)
        await offer_streams(incoming, publisher)
        producers = incoming.transport.producers
        outgoing.forward({f"v{number}": producers["v"] for number in range(STREAMS)})
        outgoing.forward({"a": producers["a"]})
        await take_offer(outgoing, subscriber)
        receivers = list(subscriber.receivers.values())
        assert len(receivers) == STREAMS + 1
        videos = [receiver for receiver in receivers if receiver.kind == "video"]

        await until(lambda: packets(videos) >= warm_up, deadline=20.0)
        gc.collect()
        threads, memory = threading.active_count(), process.memory_info().rss
        await until(lambda: packets(videos) >= warm_up + more, deadline=40.0)
        gc.collect()
        assert threading.active_count() <= threads
        assert process.memory_info().rss - memory < growth
        assert not any(receiver.has_decoder or receiver.is_read for receiver in receivers)

        # They are alive: whoever begins to read sees pictures, and only that stream is decoded.
        reader = videos[0].frames()
        await watch(reader, count=1)  # type: ignore[arg-type]
        assert sum(receiver.has_decoder for receiver in receivers) == 1
        reader.close()
        assert not videos[0].has_decoder
    finally:
        await subscriber.close()
        await publisher.close()


async def test_sixteen_unread_videos_have_no_decoder(engine: SfuEngine) -> None:
    await check_unread(engine, warm_up=60, more=90, growth=16 << 20)


@pytest.mark.proof
async def test_ten_seconds_of_sixteen_unread_videos_take_no_memory(engine: SfuEngine) -> None:
    await check_unread(engine, warm_up=300, more=1000, growth=8 << 20)
