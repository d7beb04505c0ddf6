"""What a client is told of tracks that it cannot be sent, over real sockets and without media."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from acs_core.rtc.sdp import MAX_SECTIONS
from acs_core.service.admission import CallLimits
from tests.support.wire_client import WireClient, wire_client
from twilio_compat.server import CompatServer, embedded

NO_COMMON_CODEC = 53404
NO_CAPACITY = 53305


@pytest.fixture
async def server() -> AsyncIterator[CompatServer]:
    limits = CallLimits(publications=MAX_SECTIONS + 1)
    async with embedded(options={"limits": limits}) as running:
        yield running


@pytest.fixture
async def enter(server: CompatServer) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:

        async def client(identity: str) -> WireClient:
            token = server.access_token(identity)
            return await stack.enter_async_context(wire_client(server.url, token))

        yield client


def subscribed(client: WireClient) -> list[dict[str, Any]]:
    return list(client.state["subscribed"]["tracks"])


def failed(client: WireClient) -> list[int]:
    return [item["error"]["code"] for item in subscribed(client) if "error" in item]


def ids_told(client: WireClient) -> set[str]:
    """Every id that a track was ever subscribed under."""
    lists = [body["subscribed"]["tracks"] for body in client.heard if "subscribed" in body]
    return {item["id"] for tracks in lists for item in tracks if "id" in item}


def offered(client: WireClient) -> list[str]:
    """Kinds of the sections that the service opened."""
    return sorted(item.kind for item in client.peer.sections if item.mid.startswith("s"))


async def with_video(client: WireClient, *codecs: str) -> WireClient:
    """In the room, with a video in these codecs."""
    client.peer.know_only(*codecs)
    client.publish("video", name="camera")
    await client.connect()
    return client


async def receiving(client: WireClient, *codecs: str) -> WireClient:
    """In the room, with sections that only receive, as a page without tracks has them."""
    client.peer.know_only(*codecs)
    await client.connect()
    return client


async def test_a_video_in_no_codec_of_the_first_offer_is_never_subscribed(enter: Any) -> None:
    alice = await receiving(await enter("alice"), "VP8")
    await with_video(await enter("bob"), "H264")
    await alice.until(lambda: subscribed(alice))
    assert failed(alice) == [NO_COMMON_CODEC]
    assert ids_told(alice) == set()
    # What can be received comes all the same, and the failure is told in the same words.
    carol = await enter("carol")
    carol.publish("audio", name="microphone")
    await with_video(carol, "VP8")
    await alice.until(lambda: offered(alice) == ["audio", "video"])
    assert failed(alice) == [NO_COMMON_CODEC]
    assert len(ids_told(alice)) == 2


async def test_a_video_is_subscribed_once_the_client_describes_its_codec(enter: Any) -> None:
    alice = await receiving(await enter("alice"), "VP8")
    await with_video(await enter("bob"), "H264")
    await alice.until(lambda: failed(alice))
    alice.peer.know_only("VP8", "H264")
    await alice.update(peer_connections=[alice.peer.offer()])
    await alice.until(lambda: ids_told(alice))
    assert failed(alice) == []


async def test_a_video_is_subscribed_once_its_publisher_has_another_codec(enter: Any) -> None:
    alice = await receiving(await enter("alice"), "VP8")
    bob = await with_video(await enter("bob"), "H264")
    await alice.until(lambda: failed(alice))
    bob.peer.know_only("H264", "VP8")
    await bob.update(peer_connections=[bob.peer.offer()])
    await alice.until(lambda: ids_told(alice))
    assert failed(alice) == []


async def test_what_an_answer_showed_is_known_for_later_tracks(enter: Any) -> None:
    alice = await enter("alice")
    alice.peer.know_only("VP8")
    alice.publish("audio", name="microphone")
    await alice.connect()
    # It has said nothing of video yet, so it is asked.
    await with_video(await enter("bob"), "H264")
    await alice.until(lambda: failed(alice))
    (asked,) = ids_told(alice)
    await with_video(await enter("carol"), "H264")
    await alice.until(lambda: failed(alice) == [NO_COMMON_CODEC] * 2)
    assert ids_told(alice) == {asked}
    # Later it can: both come, under ids that were never used.
    alice.peer.know_only("VP8", "H264")
    alice.peer.receive("video")
    await alice.update(peer_connections=[alice.peer.offer()])
    await alice.until(lambda: len(ids_told(alice)) == 3)
    assert failed(alice) == []
    assert asked not in {item["id"] for item in subscribed(alice)}


async def test_a_track_without_room_on_the_connection_fails_until_another_ends(enter: Any) -> None:
    alice, bob = await enter("alice"), await enter("bob")
    await alice.connect()
    tracks = [bob.publish("audio") for _ in range(MAX_SECTIONS)]
    await bob.connect()
    # Two sections are those of her first offer.
    await alice.until(lambda: failed(alice) == [NO_CAPACITY] * 2)
    assert len(subscribed(alice)) == MAX_SECTIONS
    bob.tracks = bob.tracks[2:]
    for track in tracks[:2]:
        bob.peer.stop(track)
    await bob.update(participant=bob.participant(), peer_connections=[bob.peer.offer()])
    await alice.until(lambda: len(subscribed(alice)) == MAX_SECTIONS - 2 and not failed(alice))
