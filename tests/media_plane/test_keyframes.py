"""Many who begin to watch at the same time cost the publisher one key frame."""

from __future__ import annotations

import asyncio

from acs_core.media.receiver import StreamReceiver
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.subscribing import SubscribePeer
from acs_core.rtc.feedback import FullIntraRequest, PictureLossIndication
from acs_core.service.sfu.engine import SfuEngine
from tests.support.engine_peers import Side, TappedPublisher, offer_streams, take_offer
from tests.support.events import until
from tests.support.media_checks import RED, is_color, watch

VIEWERS = 20


async def see(receiver: StreamReceiver) -> bool:
    frames = receiver.frames()
    color, _ = await watch(frames, count=1)  # type: ignore[arg-type]
    frames.close()
    return is_color(color, RED)


async def test_twenty_viewers_at_once_cause_at_most_two_keyframe_requests(
    engine: SfuEngine,
) -> None:
    publisher = TappedPublisher()
    viewers = [(Side(engine), SubscribePeer()) for _ in range(VIEWERS)]
    try:
        publisher.add_stream("v", PatternSource(160, 90, 15, color=RED))
        publisher.add_stream("a", ToneSource(440.0))
        incoming = Side(engine)
        await offer_streams(incoming, publisher)
        producers = incoming.transport.producers
        for side, _viewer in viewers:
            side.forward({"a": producers["a"]})
        await asyncio.gather(*(take_offer(side, viewer) for side, viewer in viewers))
        # The first key frame has been sent long ago, and nobody has it.
        await until(lambda: publisher.sender("v").stats(0.0).frames_encoded > 15)
        publisher.feedback.clear()

        for side, _ in viewers:
            side.forward({"v": producers["v"]})
        await asyncio.gather(*(take_offer(side, viewer) for side, viewer in viewers))
        seen = await asyncio.gather(*(see(viewer.receivers_by_track["v"]) for _, viewer in viewers))
        assert all(seen)
        requests = [
            packet
            for packet in publisher.feedback
            if isinstance(packet, PictureLossIndication | FullIntraRequest)
        ]
        assert 1 <= len(requests) <= 2
    finally:
        await asyncio.gather(*(viewer.close() for _, viewer in viewers))
        await publisher.close()
