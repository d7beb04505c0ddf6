import asyncio

import pytest

from acs_core.errors import InvalidStateError, ProtocolError
from acs_core.media.patterns import read_counter
from acs_core.media.peer import PeerState
from acs_core.media.publishing import PublishPeer
from acs_core.media.sender import SendOptions
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.subscribing import SubscribePeer
from tests.support.reflector import Reflector


@pytest.fixture
async def reflector():
    reflector = await Reflector.open()
    yield reflector
    await reflector.close()


@pytest.fixture
async def publisher():
    peer = PublishPeer()
    yield peer
    await peer.close()


@pytest.fixture
async def sources():
    opened = [PatternSource(320, 180, 30), ToneSource(), PatternSource(320, 180, 30)]
    yield opened
    for source in opened:
        await source.close()


async def exchange(peer: PublishPeer, reflector: Reflector) -> tuple[str, ...]:
    return await peer.accept_answer(reflector.offer(await peer.create_offer()))


async def reported(reflector: Reflector, peer: PublishPeer, bitrate_bps: int) -> None:
    """Let a report arrive after media has flowed."""
    async with asyncio.timeout(5):
        while peer.stats().available_bitrate_bps != bitrate_bps:
            await asyncio.sleep(0.05)
            reflector.report(bitrate_bps)


async def test_the_estimate_is_shared_among_videos_by_their_limits(
    reflector, publisher, sources
) -> None:
    small, sound, large = sources
    publisher.add_stream("small", small, options=SendOptions(max_bitrate_bps=300_000))
    publisher.add_stream("large", large, options=SendOptions(max_bitrate_bps=900_000))
    publisher.add_stream("sound", sound)
    assert publisher.needs_offer
    assert await exchange(publisher, reflector) == ()
    assert not publisher.needs_offer
    await publisher.connected(5)
    await reported(reflector, publisher, 460_000)
    stats = publisher.stats()
    assert stats.senders["small"].target_bitrate_bps == 100_000
    assert stats.senders["large"].target_bitrate_bps == 300_000
    publisher.sender("small").enabled = False
    await reported(reflector, publisher, 560_000)
    assert publisher.stats().senders["large"].target_bitrate_bps == 500_000


async def test_streams_come_and_go_with_renegotiation(reflector, publisher, sources) -> None:
    publisher.add_stream("one", sources[0])
    await exchange(publisher, reflector)
    publisher.add_stream("two", sources[2])
    await exchange(publisher, reflector)
    assert len(reflector.received) == 2
    await publisher.remove_stream("one")
    assert publisher.needs_offer
    await exchange(publisher, reflector)
    assert len(reflector.received) == 1
    assert list(publisher.stats().senders) == ["two"]
    assert not sources[0].is_capturing
    with pytest.raises(InvalidStateError):
        publisher.sender("one")
    with pytest.raises(InvalidStateError):
        await publisher.remove_stream("one")


async def test_keys_are_unique_and_answers_must_fit(reflector, publisher, sources) -> None:
    publisher.add_stream("one", sources[0])
    with pytest.raises(InvalidStateError):
        publisher.add_stream("one", sources[1])
    with pytest.raises(InvalidStateError):
        await publisher.accept_answer("v=0")
    await publisher.create_offer()
    with pytest.raises(InvalidStateError):
        await publisher.create_offer()
    with pytest.raises(ProtocolError):
        await publisher.accept_answer("nonsense")
    assert publisher.state is PeerState.NEW


async def test_a_codec_nobody_takes_is_refused_by_key(reflector, publisher, sources) -> None:
    publisher.add_stream("one", sources[0], options=SendOptions(codecs=("H264",)))
    publisher.add_stream("two", sources[1])
    offer = await publisher.create_offer()
    answer = reflector.offer(offer)
    # A service that takes no video.
    lines = [
        line.replace("m=video 7", "m=video 0") if line.startswith("m=video") else line
        for line in answer.split("\r\n")
    ]
    index = next(i for i, line in enumerate(lines) if line.startswith("m=video"))
    lines[index] = "m=video 0 " + lines[index].split(" ", 2)[2]
    refused = await publisher.accept_answer("\r\n".join(lines))
    assert refused == ("one",)
    assert list(publisher.stats().senders) == ["two"]


async def test_round_trip_with_pictures_sound_and_data(reflector, publisher, sources) -> None:
    picture, sound, _ = sources
    changes: list[int] = []
    subscriber = SubscribePeer(on_receivers_changed=lambda: changes.append(1))
    try:
        publisher.add_stream("camera", picture)
        publisher.add_stream("voice", sound)
        publisher.want_data()
        channel = publisher.open_channel("chat")
        await exchange(publisher, reflector)
        reflector.answer(await subscriber.accept_offer(reflector.create_offer()))
        await publisher.connected(5)
        await subscriber.connected(5)
        assert changes == [1]
        kinds = {receiver.kind: receiver for receiver in subscriber.receivers.values()}
        counters = []
        async with asyncio.timeout(5):
            async for frame in kinds["video"].frames("queue"):
                counters.append(read_counter(frame.to_rgb()))
                if len(counters) == 10:
                    break
            async for frame in kinds["audio"].frames():
                if frame.level_dbov > -25:
                    break
            while channel.state != "open" or not reflector.publish.channels:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert counters == sorted(set(counters))
        got: list[str | bytes] = []
        reflector.publish.channels[0].on_message = got.append
        channel.send("hello")
        async with asyncio.timeout(5):
            while not got:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert got == ["hello"]
        assert subscriber.stats().receivers[kinds["video"].mid].packets_received > 0
        assert publisher.stats().silent_for < 2
    finally:
        await subscriber.close()
