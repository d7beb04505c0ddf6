"""Everybody joins, publishes, unpublishes and leaves at once, in any order.

Hypothesis writes schedules, real rooms on a real service play them side by side. Whatever happens,
a late joiner misses no track, nobody is told of a track that is not there, and what everybody sees
in the end is what the others publish.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from acs_core.media.sources import PatternSource, ToneSource
from tests.support.events import until
from twilio_compat import (
    LocalAudioTrack,
    LocalDataTrack,
    LocalVideoTrack,
    RemoteParticipant,
    Room,
    connect,
)
from twilio_compat.server import CompatServer, embedded

ACTORS = 3
KINDS = ("data", "audio", "video")
_rooms = count(1)
_names = count(1)


@dataclass(frozen=True)
class Step:
    """What an actor does, and the milliseconds before it."""

    wait: int
    act: str
    kind: str = "data"


Schedule = tuple[tuple[tuple[str, ...], tuple[Step, ...]], ...]
"""For each actor: what it joins with, and what it does then."""

_steps = st.builds(
    Step,
    wait=st.sampled_from((0, 0, 0, 1, 5, 20)),
    act=st.sampled_from(("publish", "publish", "publish", "unpublish", "toggle", "return")),
    kind=st.sampled_from(KINDS),
)
_actors = st.tuples(
    st.lists(st.sampled_from(KINDS), max_size=2).map(tuple), st.lists(_steps, max_size=5).map(tuple)
)
schedules = st.tuples(*[_actors] * ACTORS)


@dataclass
class Watcher:
    """What one room says of the others, checked as it is said."""

    room: Room
    subscribed: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        room = self.room
        room.on("trackSubscribed", self._subscribed)
        room.on("trackUnsubscribed", self._unsubscribed)
        for there in room.participants.values():
            for publication in there.tracks.values():
                if publication.is_subscribed:
                    self._subscribed(publication.track, publication, there)

    def _subscribed(self, track: Any, publication: Any, there: RemoteParticipant) -> None:
        sid = publication.track_sid
        if track is None or publication.track is not track:
            self.faults.append(f"{sid} is subscribed without its track")
        if there.tracks.get(sid) is not publication:
            self.faults.append(f"{sid} is subscribed, and {there.identity} does not have it")
        if sid in self.subscribed:
            self.faults.append(f"{sid} is subscribed twice")
        self.subscribed[sid] = track

    def _unsubscribed(self, track: Any, publication: Any) -> None:
        if self.subscribed.pop(publication.track_sid, None) is not track or track is None:
            self.faults.append(f"{publication.track_sid} is unsubscribed and was not subscribed")

    def sees(self) -> dict[str, frozenset[str]]:
        """Identities with what is received of them."""
        return {
            there.identity: frozenset(
                sid for sid, one in there.tracks.items() if one.track is not None
            )
            for there in self.room.participants.values()
        }


class Actor:
    """One identity, which is in the room most of the time."""

    def __init__(self, server: CompatServer, name: str, stack: AsyncExitStack) -> None:
        self.identity = f"actor-{next(_names)}"
        self.watchers: list[Watcher] = []
        self._server = server
        self._name = name
        self._stack = stack

    @property
    def room(self) -> Room:
        return self.watchers[-1].room

    async def play(self, start: tuple[str, ...], steps: tuple[Step, ...]) -> None:
        await self._enter([self._track(kind) for kind in start])
        for step in steps:
            await asyncio.sleep(step.wait / 1000)
            await self._do(step)

    async def _do(self, step: Step) -> None:
        local = self.room.local_participant
        publications = list(local.tracks.values())
        if step.act == "publish":
            await local.publish_track(self._track(step.kind))
        elif step.act == "return":
            self.room.disconnect()
            await self._enter([self._track(step.kind)])
        elif step.act == "unpublish" and publications:
            publications[0].unpublish()
        elif step.act == "toggle" and publications and step.kind != "data":
            track: Any = publications[-1].track
            if track.kind != "data":
                track.enable(not track.is_enabled)

    async def _enter(self, tracks: list[Any]) -> None:
        token = self._server.access_token(self.identity)
        room = await connect(token, name=self._name, tracks=tracks, service_url=self._server.url)
        self.watchers.append(Watcher(room))
        await self._stack.enter_async_context(room)

    def _track(self, kind: str) -> Any:
        name = f"{kind}-{next(_names)}"
        if kind == "data":
            return LocalDataTrack(name=name)
        source = ToneSource(440) if kind == "audio" else PatternSource(96, 48, 5)
        self._stack.push_async_callback(source.close)
        make = LocalAudioTrack if kind == "audio" else LocalVideoTrack
        return make(source, name=name)


async def play(server: CompatServer, schedule: Schedule) -> list[str]:
    """All actors at once; then everybody must see what the others publish, and nothing else.

    Returns:
        What was told wrongly on the way.
    """
    async with AsyncExitStack() as stack:
        name = f"race-{next(_rooms)}"
        actors = [Actor(server, name, stack) for _ in schedule]
        async with asyncio.TaskGroup() as group:
            for actor, (start, steps) in zip(actors, schedule, strict=True):
                group.create_task(actor.play(start, steps))
        published = {one.identity: frozenset(one.room.local_participant.tracks) for one in actors}

        def is_settled() -> bool:
            return all(
                one.watchers[-1].sees()
                == {who: tracks for who, tracks in published.items() if who != one.identity}
                for one in actors
            )

        try:
            await until(is_settled)
        except TimeoutError:
            seen = {one.identity: one.watchers[-1].sees() for one in actors}
            raise AssertionError(f"published {published}, seen {seen}") from None
    faults = [fault for one in actors for watcher in one.watchers for fault in watcher.faults]
    assert not any(watcher.subscribed for one in actors for watcher in one.watchers)
    await until(lambda: server.sessions == 0)
    return faults


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[asyncio.AbstractEventLoop, CompatServer]]:
    """One service for all schedules, on a loop of its own."""
    loop = asyncio.new_event_loop()
    stack = AsyncExitStack()
    try:
        server = loop.run_until_complete(stack.enter_async_context(embedded()))
        yield loop, server
        print(f"{next(_rooms) - 1} schedules were played")
    finally:
        loop.run_until_complete(stack.aclose())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def races(schedule: Schedule, stage: tuple[asyncio.AbstractEventLoop, CompatServer]) -> list[str]:
    loop, server = stage
    return loop.run_until_complete(play(server, schedule))


@pytest.mark.timeout(180)
@pytest.mark.feature("EVENT-001", "EVENT-002")
@settings(
    max_examples=10,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(schedule=schedules)
def test_whoever_joins_whenever_misses_no_track(
    schedule: Schedule, stage: tuple[asyncio.AbstractEventLoop, CompatServer]
) -> None:
    assert races(schedule, stage) == []


@pytest.mark.proof
@pytest.mark.timeout(3600)
@settings(
    max_examples=1000,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(schedule=schedules)
def test_nobody_misses_a_track_in_a_thousand_races(
    schedule: Schedule, stage: tuple[asyncio.AbstractEventLoop, CompatServer]
) -> None:
    assert races(schedule, stage) == []
