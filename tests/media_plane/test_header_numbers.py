"""Payload types and header-extension ids are each connection's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)

from acs_core.media.publishing import PublishPeer
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.rtc.packet import Uri, audio_level, extensions
from acs_core.rtc.sdp import parse
from acs_core.service.sfu.engine import SfuEngine
from tests.support.engine_peers import (
    PatternTrack,
    Side,
    TappedSubscriber,
    ToneTrack,
    frames_of,
    offer_streams,
    take_offer,
)
from tests.support.media_checks import BLUE, RED, is_color, listen, watch

pytestmark = pytest.mark.interop

OTHER_IDS: dict[str, int] = {Uri.MID: 11, Uri.AUDIO_LEVEL: 7, Uri.ABS_SEND_TIME: 5}


def aiortc_peer() -> RTCPeerConnection:
    return RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )


def renumbered(sdp: str, ids: Mapping[str, int]) -> str:
    """The same description with other ids; aiortc takes those of the answer."""

    def line(match: re.Match[str]) -> str:
        return f"a=extmap:{ids[match[1]]} {match[1]}"

    return re.sub(r"a=extmap:\d+ (\S+)", line, sdp)


async def offer_renumbered(side: Side, peer: RTCPeerConnection) -> None:
    await peer.setLocalDescription(await peer.createOffer())
    answer = side.transport.accept_offer(renumbered(peer.localDescription.sdp, OTHER_IDS))
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))


async def test_ids_and_payload_types_of_a_publisher_become_those_of_a_subscriber(
    engine: SfuEngine,
) -> None:
    theirs, ours = aiortc_peer(), TappedSubscriber()
    try:
        theirs.addTrack(PatternTrack(RED))
        theirs.addTrack(ToneTrack(660.0, level_dbov=-26.0))
        incoming, outgoing = Side(engine), Side(engine)
        await offer_renumbered(incoming, theirs)
        producers = {producer.kind: producer for producer in incoming.producers}
        outgoing.forward(producers)
        await take_offer(outgoing, ours)
        receivers = ours.receivers_by_track
        color, _ = await watch(receivers["video"].frames())  # type: ignore[arg-type]
        assert is_color(color, RED)
        assert await listen(receivers["audio"].frames()) == pytest.approx(660, abs=5)  # type: ignore[arg-type]

        for kind, receiver in receivers.items():
            source, ids = producers[kind].stream, receiver.encoding.extensions
            assert source.extensions[Uri.MID] == OTHER_IDS[Uri.MID] != ids[Uri.MID]
            assert not set(source.codecs) & set(receiver.encoding.codecs)
            packets = [
                (header, data)
                for header, data in ours.packets
                if header.ssrc == receiver.encoding.ssrc
            ]
            assert packets
            for header, data in packets:
                assert header.payload_type in receiver.encoding.codecs
                seen = {
                    item.id: data[item.offset : item.offset + item.length]
                    for item in extensions(data, header)
                }
                # A publisher's mid means nothing here: not a byte of it is left.
                wanted = {Uri.ABS_SEND_TIME} if kind == "video" else {Uri.AUDIO_LEVEL}
                assert {ids[uri] for uri in wanted} <= set(seen)
                assert ids[Uri.MID] not in seen
                if kind == "audio":
                    assert audio_level(seen[ids[Uri.AUDIO_LEVEL]])[1] == pytest.approx(26, abs=1)
    finally:
        await ours.close()
        await theirs.close()


async def test_a_subscriber_that_offers_gets_its_own_numbers(engine: SfuEngine) -> None:
    ours, theirs = PublishPeer(), aiortc_peer()
    try:
        ours.add_stream("v", PatternSource(320, 180, 30, color=BLUE))
        ours.add_stream("a", ToneSource(880.0))
        tracks: dict[str, MediaStreamTrack] = {}
        theirs.on("track", lambda track: tracks.update({track.kind: track}))
        theirs.addTransceiver("video", direction="recvonly")
        theirs.addTransceiver("audio", direction="recvonly")
        incoming, outgoing = Side(engine), Side(engine)
        await offer_streams(incoming, ours)
        outgoing.forward(incoming.transport.producers)
        await offer_renumbered(outgoing, theirs)
        # The answer tells the numbers; what is to be sent follows in an offer with the same ones.
        await take_offer(outgoing, theirs)
        for section in parse(theirs.remoteDescription.sdp).sections:
            ids = {item.uri: item.id for item in section.extensions if item.uri in OTHER_IDS}
            assert ids[Uri.MID] == OTHER_IDS[Uri.MID]
            assert ids.items() <= OTHER_IDS.items()
        color, _ = await watch(frames_of(tracks["video"]))
        assert is_color(color, BLUE)
        assert await listen(frames_of(tracks["audio"])) == pytest.approx(880, abs=5)
    finally:
        await ours.close()
        await theirs.close()
