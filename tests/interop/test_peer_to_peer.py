"""Rooms in which the pages connect to each other and the service only relays what they say."""

from __future__ import annotations

import itertools

import pytest

from acs_core.errors import CallingError
from tests.interop.stage import Stage
from tests.interop.values import data, microphone, video
from tests.support.media_checks import BLUE, GREEN, RED
from twilio_compat import TwilioError


@pytest.mark.parametrize("kind", ["peer-to-peer", "go"])
async def test_two_pages_meet_without_the_services_media(stage: Stage, kind: str) -> None:
    await stage.create_room(Type=kind)
    alice = await stage.page("alice")
    joined = await alice.connect(media=(video(RED), microphone(440)))
    assert joined["region"] is None
    bob = await stage.joined("bob", media=(video(BLUE), microphone(660)))
    await alice.sees("bob", BLUE)
    await bob.sees("alice", RED)
    await alice.hears("bob", 660)
    await bob.hears("alice", 440)
    assert not stage.server.engine.transports
    await bob.disconnect()
    await alice.event("participantDisconnected", "participant:bob")


async def test_three_pages_all_see_each_other(stage: Stage) -> None:
    await stage.create_room(Type="peer-to-peer")
    colors = {"alice": RED, "bob": BLUE, "carol": GREEN}
    pages = [await stage.joined(name, media=(video(color),)) for name, color in colors.items()]
    for one, other in itertools.permutations(pages, 2):
        await one.sees(other.identity, colors[other.identity])
    await pages[1].disconnect()
    await pages[0].event("participantDisconnected", "participant:bob")
    await pages[0].sees("carol", GREEN)
    again = await stage.joined("bob", media=(video(RED),))
    await pages[0].sees("bob", RED)
    await again.sees("carol", GREEN)
    assert await pages[0].run("room => room.participants.size") == 2


async def test_offers_that_cross_are_put_in_order(stage: Stage) -> None:
    await stage.create_room(Type="peer-to-peer")
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    for page, color in ((alice, RED), (bob, BLUE)):
        await page.run(
            """(room, harness, color) => {
                setTimeout(() => room.localParticipant.publishTrack(
                    harness.makeTrack({kind: 'video', name: 'camera', color})), 100);
            }""",
            list(color),
        )
    await alice.sees("bob", BLUE)
    await bob.sees("alice", RED)
    await alice.publish(data())
    await bob.event("trackSubscribed", "track:data:chat")
    await alice.send("hello")
    await bob.event("trackMessage", "hello")
    names = [name for name, *_ in await bob.story()]
    assert names.count("trackSubscribed") == 2


async def test_python_participants_are_refused(stage: Stage) -> None:
    await stage.create_room(Type="peer-to-peer")
    with pytest.raises((TwilioError, CallingError)):
        await stage.guest("pablo")
