"""Data tracks: messages, binary and text, and the reliability that the sender chose."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interop.stage import Stage
from tests.interop.values import data


async def test_messages_arrive_as_they_were_sent(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(data(),))
    bob = await stage.joined("bob")
    await bob.event("trackSubscribed", "track:data:chat")
    # Who was told of a track may send at once: nothing is lost.
    await alice.send("hello")
    await alice.send([1, 2, 255])
    await alice.send("")
    await alice.send("bye")
    last = await bob.event("trackMessage", "bye")
    assert last.args == ("bye", "track:data:chat", "participant:alice")
    told = [args[0] for name, *args in await bob.story() if name == "trackMessage"]
    assert told == ["hello", {"bytes": [1, 2, 255]}, "", "bye"]


async def test_both_ends_send_and_nobody_hears_themselves(stage: Stage) -> None:
    pages = [await stage.joined(name, media=(data(),)) for name in ("alice", "bob", "carol")]
    for page in pages:
        for other in pages:
            if other is not page:
                await page.event("trackSubscribed", f"participant:{other.identity}")
    for page in pages:
        await page.send(page.identity)
    for page in pages:
        others = {other.identity for other in pages} - {page.identity}
        for identity in others:
            await page.event("trackMessage", identity)
        heard = [args[0] for name, *args in await page.story() if name == "trackMessage"]
        assert set(heard) == others
        assert len(heard) == 2


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({}, [None, None, True, True]),
        ({"ordered": False}, [None, None, False, True]),
        ({"maxRetransmits": 3}, [None, 3, True, False]),
        ({"maxPacketLifeTime": 500, "ordered": False}, [500, None, False, False]),
    ],
)
async def test_the_receiver_knows_the_reliability(
    stage: Stage, options: dict[str, Any], seen: list[Any]
) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    await alice.publish(data(**options))
    await bob.event("trackSubscribed", "track:data:chat")
    assert (
        await bob.run(
            """(_, harness) => {
                const {track} = harness.publication('alice', 'data', 'chat');
                return [track.maxPacketLifeTime, track.maxRetransmits, track.ordered,
                        track.reliable];
            }"""
        )
        == seen
    )
    await alice.send("hello")
    await bob.event("trackMessage", "hello")


async def test_an_unpublished_data_track_goes(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(data(),))
    bob = await stage.joined("bob")
    await bob.event("trackSubscribed", "track:data:chat")
    await alice.unpublish("chat")
    await bob.event("trackUnsubscribed", "track:data:chat")
    await bob.event("trackUnpublished", "publication:data:chat")
    since = await bob.mark()
    await alice.publish(data())
    await bob.event("trackSubscribed", "track:data:chat", since=since)
    await alice.send("again")
    await bob.event("trackMessage", "again")
    names = [name for name, *_ in await bob.story(since=since)]
    assert names.count("trackSubscribed") == 1
