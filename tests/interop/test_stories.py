"""The same stories, heard by the vendor's client and by the Python facade: line by line the same.

Whoever acts, a page or a Python program, everybody else is told the same events in the same order
with the same arguments; and whoever acts is told the same of itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acs_core.service.sessions import SessionTimes
from tests.interop.actors import AcsWitness, Actor, Line, PageActor, PythonActor, happenings
from tests.interop.stage import MakeStage, Stage
from tests.interop.values import MANUAL, data, microphone, video
from tests.support.events import until
from tests.support.media_checks import BLUE, RED
from tests.support.people import ROOM
from tests.support.proxies import tcp_proxy

KINDS = pytest.mark.parametrize("kind", [PageActor, PythonActor])
ALICE = "participant:alice"
MEDIA = (microphone(440), video(RED), data("chat"))


@asynccontextmanager
async def audience(stage: Stage, **options: object) -> AsyncIterator[tuple[PageActor, PythonActor]]:
    """One of each kind in the room; what both heard from then on must be the same."""
    python = await PythonActor.join(stage, "python", **options)
    page = await PageActor.join(stage, "page", **options)
    await python.heard("room", "participantConnected")
    await page.heard("local", "reconnected")  # The vendor's client says so at the beginning, too.
    before = len(await python.story())
    yield page, python
    as_page, as_python = await own_story(page), (await python.story())[before:]
    assert as_page == as_python, different(as_page, as_python)


def different(as_page: list[Line], as_python: list[Line]) -> str:
    longest = max(len(as_page), len(as_python))
    rows = zip(
        as_page + [()] * (longest - len(as_page)),  # type: ignore[list-item]
        as_python + [()] * (longest - len(as_python)),  # type: ignore[list-item]
        strict=True,
    )
    return "\n".join(f"{'  ' if one == other else '! '}{one} | {other}" for one, other in rows)


async def everybody(actors: tuple[Actor, ...], emitter: str, event: str, count: int = 1) -> None:
    """Wait until all have heard an event."""
    await asyncio.gather(*(actor.heard(emitter, event, count) for actor in actors))


@KINDS
async def test_what_somebody_does_is_told_alike(
    stage: Stage, kind: type[PageActor | PythonActor]
) -> None:
    anton = await stage.user("Anton")
    async with audience(stage) as others:
        witness = AcsWitness(await anton.join())
        await everybody(others, "room", "participantConnected")
        heard_before = len(witness.happenings)
        alice = await kind.join(stage, "alice", MEDIA)
        await everybody(others, ALICE, "trackSubscribed", 3)
        await alice.send("hello")
        await alice.send([0, 255])
        await everybody(others, "alice/track:data:chat", "message", 2)
        for name in ("camera", "microphone"):
            await alice.switch(name, is_on=False)
        await everybody(others, ALICE, "trackDisabled", 2)
        for name in ("microphone", "camera"):
            await alice.switch(name, is_on=True)
        await everybody(others, ALICE, "trackEnabled", 2)
        await alice.set_priority("high")
        await everybody(others, ALICE, "trackPublishPriorityChanged")
        await alice.unpublish("camera")
        await everybody(others, ALICE, "trackUnpublished")
        await alice.publish(video(BLUE, "screen"), priority="low")
        await everybody(others, ALICE, "trackSubscribed", 4)
        await alice.leave()
        await everybody(others, "room", "participantDisconnected")
        # An ACS program hears the same, in fewer words: the end is one event there.
        await until(lambda: ("alice", "is here", False) in witness.happenings)
        told = [one for one in happenings(await others[0].story()) if one[0] == "alice"]
        assert told[8:] == [("alice", "shows", False), ("alice", "is here", False)]
        assert witness.happenings[heard_before:][:8] == told[:8]
        assert witness.happenings[-1] == told[-1]


@KINDS
async def test_who_vanishes_and_comes_back_is_told_alike(
    stage: Stage, kind: type[PageActor | PythonActor]
) -> None:
    async with tcp_proxy(stage.server.port) as proxy, audience(stage) as others:
        alice = await kind.join(stage, "alice", (data("chat"),), url=proxy.url)
        await everybody(others, ALICE, "trackSubscribed")
        proxy.cut()
        await everybody(others, "room", "participantReconnecting")
        proxy.restore()
        await everybody(others, "room", "participantReconnected")
        await alice.heard("room", "reconnected")


@KINDS
async def test_who_vanishes_for_good_is_told_alike(
    make_stage: MakeStage, kind: type[PageActor | PythonActor]
) -> None:
    stage = await make_stage(times=SessionTimes(acs_window=2.0, twilio_window=2.0))
    async with tcp_proxy(stage.server.port) as proxy, audience(stage) as others:
        alice = await kind.join(stage, "alice", (data("chat"),), url=proxy.url)
        await everybody(others, ALICE, "trackSubscribed")
        proxy.cut()
        await everybody(others, "room", "participantDisconnected")
        await alice.heard("room", "disconnected")


@KINDS
async def test_who_speaks_and_leaves_is_told_alike(
    stage: Stage, kind: type[PageActor | PythonActor]
) -> None:
    async with audience(stage, dominantSpeaker=True) as others:
        alice = await kind.join(stage, "alice", (microphone(440),))
        await everybody(others, "room", "dominantSpeakerChanged")
        await alice.leave()
        await everybody(others, "room", "participantDisconnected")
        await everybody(others, "room", "dominantSpeakerChanged", 2)


async def test_a_track_switched_off_and_on_is_told_alike(stage: Stage) -> None:
    async with audience(stage, bandwidthProfile=MANUAL) as others:
        await PythonActor.join(stage, "alice", (video(RED),))
        await everybody(others, ALICE, "trackSubscribed")
        for is_on, event in ((False, "trackSwitchedOff"), (True, "trackSwitchedOn")):
            for actor in others:
                await actor.watch("alice", is_on=is_on)
            await everybody(others, "room", event)


async def do_own_deeds(alice: Actor) -> None:
    await alice.publish(microphone(440))
    await alice.publish(video(RED))
    await alice.heard("local", "trackPublished", 2)
    await alice.switch("camera", is_on=False)
    await alice.switch("camera", is_on=True)
    await alice.unpublish("camera")
    await alice.leave()
    await alice.heard("room", "disconnected")


async def test_own_deeds_are_told_alike(stage: Stage) -> None:
    stories = []
    for kind in (PageActor, PythonActor):
        alice = await kind.join(stage, "alice")
        await do_own_deeds(alice)
        stories.append(await own_story(alice))
    assert stories[0] == stories[1], different(*stories)
    assert len(stories[0]) == 8


async def test_an_own_lost_link_is_told_alike(stage: Stage) -> None:
    stories = []
    async with tcp_proxy(stage.server.port) as proxy:
        for kind in (PageActor, PythonActor):
            alice = await kind.join(stage, "alice", (data("chat"),), url=proxy.url)
            proxy.cut()
            await alice.heard("room", "reconnecting")
            proxy.restore()
            await alice.heard("room", "reconnected")
            await alice.leave()
            await alice.heard("room", "disconnected")
            stories.append(await own_story(alice))
    assert stories[0] == stories[1], different(*stories)
    assert [event for _, event, _ in stories[0]] == [
        *("reconnecting", "reconnecting"),
        *("connected", "reconnected", "reconnected"),
        *("disconnected", "disconnected"),
    ]


async def test_the_end_of_a_room_is_told_alike(stage: Stage) -> None:
    stories = []
    for kind in (PageActor, PythonActor):
        alice = await kind.join(stage, "alice")
        status, _ = await stage.rest("POST", f"/v1/Rooms/{ROOM}", Status="completed")
        assert status == 202
        await alice.heard("room", "disconnected")
        stories.append(await own_story(alice))
    assert stories[0] == stories[1], different(*stories)


async def own_story(actor: Actor) -> list[Line]:
    """What it heard; without what only the vendor's client says, at the beginning."""
    story = await actor.story()
    return story[1:] if isinstance(actor, PageActor) else story
