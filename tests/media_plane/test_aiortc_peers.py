"""Plain aiortc connections against our SFU, with our own client at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
)

from acs_core.core.facts import DataReliability
from acs_core.media.publishing import PublishPeer
from acs_core.media.sender import SendOptions
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.subscribing import SubscribePeer
from acs_core.service.sfu.engine import SfuEngine
from tests.support.engine_peers import (
    PatternTrack,
    Side,
    ToneTrack,
    frames_of,
    offer_streams,
    take_offer,
)
from tests.support.media_checks import BLUE, RED, is_color, listen, watch

pytestmark = pytest.mark.interop

DEADLINE = 10.0


@asynccontextmanager
async def aiortc_peer() -> AsyncIterator[RTCPeerConnection]:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    try:
        yield peer
    finally:
        await asyncio.wait_for(peer.close(), DEADLINE)


@asynccontextmanager
async def subscriber() -> AsyncIterator[SubscribePeer]:
    peer = SubscribePeer()
    try:
        yield peer
    finally:
        await peer.close()


@asynccontextmanager
async def publisher() -> AsyncIterator[PublishPeer]:
    peer = PublishPeer()
    try:
        yield peer
    finally:
        await peer.close()


def prefer(peer: RTCPeerConnection, codec: str) -> None:
    """Offer this video codec and its retransmission only."""
    capabilities = RTCRtpSender.getCapabilities("video").codecs
    wanted = [item for item in capabilities if item.mimeType in (f"video/{codec}", "video/rtx")]
    for transceiver in peer.getTransceivers():
        if transceiver.kind == "video":
            transceiver.setCodecPreferences(wanted)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_our_client_sees_and_hears_an_aiortc_publisher(engine: SfuEngine, codec: str) -> None:
    async with aiortc_peer() as theirs, subscriber() as ours:
        theirs.addTrack(PatternTrack(RED))
        theirs.addTrack(ToneTrack(660.0))
        prefer(theirs, codec)
        incoming, outgoing = Side(engine), Side(engine)
        await offer_streams(incoming, theirs)
        outgoing.forward({producer.kind: producer for producer in incoming.producers})
        await take_offer(outgoing, ours)
        receivers = ours.receivers_by_track
        color, counters = await watch(receivers["video"].frames("queue"), count=10)  # type: ignore[arg-type]
        assert is_color(color, RED)
        assert counters == sorted(set(counters))
        assert await listen(receivers["audio"].frames()) == pytest.approx(660, abs=25)  # type: ignore[arg-type]
        stats = receivers["video"].stats(asyncio.get_running_loop().time())
        assert stats.codec_name == codec
        assert stats.packets_lost == 0


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_an_aiortc_subscriber_sees_and_hears_our_client(
    engine: SfuEngine, codec: str
) -> None:
    async with publisher() as ours, aiortc_peer() as theirs:
        options = SendOptions(codecs=(codec,))
        ours.add_stream("v", PatternSource(320, 180, 30, color=BLUE), options=options)
        ours.add_stream("a", ToneSource(880.0))
        incoming, outgoing = Side(engine), Side(engine)
        tracks: dict[str, MediaStreamTrack] = {}
        theirs.on("track", lambda track: tracks.update({track.kind: track}))
        await offer_streams(incoming, ours)
        outgoing.forward(incoming.transport.producers)
        await take_offer(outgoing, theirs)
        (color, counters), pitch = await asyncio.gather(
            watch(frames_of(tracks["video"]), count=10), listen(frames_of(tracks["audio"]))
        )
        assert is_color(color, BLUE)
        assert counters == sorted(set(counters))
        assert pitch == pytest.approx(880, abs=25)
        assert ours.sender("v").stats(0.0).codec_name == codec


async def test_a_second_video_of_an_aiortc_publisher_reaches_an_aiortc_subscriber(
    engine: SfuEngine,
) -> None:
    async with aiortc_peer() as one, aiortc_peer() as two:
        incoming, outgoing = Side(engine), Side(engine)
        tracks: list[MediaStreamTrack] = []
        two.on("track", tracks.append)
        one.addTrack(PatternTrack(RED))
        await offer_streams(incoming, one)
        (first,) = incoming.producers
        outgoing.forward({"one": first})
        await take_offer(outgoing, two)
        color, _ = await watch(frames_of(tracks[0]))
        assert is_color(color, RED)

        one.addTrack(PatternTrack(BLUE))
        await offer_streams(incoming, one)
        (second,) = [item for item in incoming.producers if item is not first]
        outgoing.forward({"two": second})
        await take_offer(outgoing, two)
        (red, _), (blue, _) = await asyncio.gather(*(watch(frames_of(track)) for track in tracks))
        assert is_color(red, RED)
        assert is_color(blue, BLUE)


async def test_data_goes_both_ways_with_an_aiortc_peer(engine: SfuEngine) -> None:
    async with aiortc_peer() as theirs:
        side = Side(engine)
        heard: asyncio.Queue[str | bytes] = asyncio.Queue()
        opened = asyncio.Event()
        channel = theirs.createDataChannel("theirs")
        channel.on("open", opened.set)
        theirs.on("datachannel", lambda other: other.on("message", heard.put_nowait))
        await offer_streams(side, theirs)
        answering = side.transport.open_channel("ours", DataReliability())
        async with asyncio.timeout(DEADLINE):
            await opened.wait()
            channel.send("hello")
            channel.send(b"\x00\x01")
            assert await side.messages.get() == "hello"
            assert await side.messages.get() == b"\x00\x01"
            answering.send("and back")
            assert await heard.get() == "and back"


async def test_data_is_offered_to_an_aiortc_peer(engine: SfuEngine) -> None:
    async with aiortc_peer() as theirs:
        side = Side(engine)
        heard: asyncio.Queue[str | bytes] = asyncio.Queue()
        theirs.on("datachannel", lambda other: other.on("message", heard.put_nowait))
        channel = side.transport.open_channel("ours", DataReliability(ordered=False))
        channel.send("early")
        await take_offer(side, theirs)
        async with asyncio.timeout(DEADLINE):
            assert await heard.get() == "early"
