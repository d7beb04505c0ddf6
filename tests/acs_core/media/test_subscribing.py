import asyncio

import pytest

from acs_core.errors import InvalidStateError, ProtocolError
from acs_core.media.publishing import PublishPeer
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.subscribing import SubscribePeer
from tests.support.reflector import Reflector


class Pair:
    """A client's two connections at a reflector."""

    def __init__(self, reflector: Reflector) -> None:
        self.reflector = reflector
        self.channels: list = []
        self.changes = 0
        self.publisher = PublishPeer()
        self.subscriber = SubscribePeer(
            on_receivers_changed=self.changed, on_channel=self.channels.append
        )

    def changed(self) -> None:
        self.changes += 1

    async def publish(self) -> None:
        offer = await self.publisher.create_offer()
        await self.publisher.accept_answer(self.reflector.offer(offer))

    async def subscribe(self) -> None:
        self.reflector.answer(await self.subscriber.accept_offer(self.reflector.create_offer()))

    async def close(self) -> None:
        await self.publisher.close()
        await self.subscriber.close()
        await self.reflector.close()


@pytest.fixture
async def pair():
    pair = Pair(await Reflector.open())
    yield pair
    await pair.close()


async def first(stream):
    async with asyncio.timeout(5):
        return await anext(stream)


async def test_an_ended_section_ends_its_readers(pair: Pair) -> None:
    one, two = PatternSource(320, 180, 30), PatternSource(320, 180, 30)
    pair.publisher.add_stream("one", one)
    await pair.publish()
    await pair.subscribe()
    ((mid, receiver),) = pair.subscriber.receivers.items()
    stream = receiver.frames()
    assert await first(stream) is not None
    await pair.publisher.remove_stream("one")
    await pair.publish()
    await pair.subscribe()
    assert pair.subscriber.receivers == {}
    with pytest.raises(InvalidStateError):
        pair.subscriber.receiver(mid)
    async with asyncio.timeout(1):
        assert len([frame async for frame in stream]) <= 1
    # The section is used again, for another stream.
    pair.publisher.add_stream("two", two)
    await pair.publish()
    await pair.subscribe()
    (again,) = pair.subscriber.receivers.values()
    assert again is not receiver
    assert await first(again.frames()) is not None
    assert pair.changes == 3
    await one.close()
    await two.close()


async def test_an_unchanged_stream_keeps_its_receiver(pair: Pair) -> None:
    one, two = PatternSource(320, 180, 30), ToneSource()
    pair.publisher.add_stream("one", one)
    await pair.publish()
    await pair.subscribe()
    ((mid, receiver),) = pair.subscriber.receivers.items()
    pair.publisher.add_stream("two", two)
    await pair.publish()
    await pair.subscribe()
    assert pair.subscriber.receiver(mid) is receiver
    assert len(pair.subscriber.receivers) == 2
    await one.close()
    await two.close()


async def test_receiver_reports_are_sent(pair: Pair) -> None:
    source = ToneSource()
    pair.publisher.add_stream("one", source)
    await pair.publish()
    await pair.subscribe()
    async with asyncio.timeout(5):
        while not any(report.reports for report in pair.reflector.reports):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    block = next(r for r in pair.reflector.reports if r.reports).reports[0]
    assert block.ssrc == next(iter(pair.reflector.accepted.values())).ssrc
    await source.close()


async def test_channels_of_the_service_are_handed_out(pair: Pair) -> None:
    pair.reflector.subscribe.negotiation.want_data()
    channel = pair.reflector.subscribe.endpoint.data.open("roster")
    await pair.subscribe()
    async with asyncio.timeout(5):
        while not pair.channels or channel.state != "open":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert pair.channels[0].label == "roster"


async def test_nonsense_is_refused_and_changes_nothing(pair: Pair) -> None:
    with pytest.raises(ProtocolError):
        await pair.subscriber.accept_offer("nonsense")
    assert pair.subscriber.receivers == {}
    assert pair.subscriber.state == "new"
