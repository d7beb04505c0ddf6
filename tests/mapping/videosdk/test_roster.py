from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from acs_core import ConnectionState, PublicationKind
from acs_core.client.emitter import TaskOwner
from acs_core.core.facts import (
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationRemoved,
    SpeakersChanged,
)
from mapping.videosdk import Errors, Participant, ParticipantEvent, Reason, Stream
from mapping.videosdk.roster import Roster
from tests.support.fake_call import (
    LOCAL_ID,
    ScriptedLink,
    ScriptedSession,
    endpoint,
    publication,
    scripted_call,
)

VIDEO = publication("1")
ANN = endpoint("a", "ann", VIDEO, publication("2", PublicationKind.DATA))
BOB = endpoint("b", "bob")
EARLY = msgspec.structs.replace(endpoint("d", "dan"), state=ConnectionState.CONNECTING)


class Stage:
    """A roster on a scripted call, and what it tells."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.tasks = TaskOwner()
        self.me = Participant("me", self.tasks)
        self.roster = Roster(self.me, self.tell, self.perform, self.tasks)

    def tell(self, event: str, *arguments: object) -> bool:
        names = [getattr(item, "displayName", item) for item in arguments]
        self.told.append((str(event), *(name for name in names if not isinstance(name, Reason))))
        for item in arguments:
            if isinstance(item, Participant) and event == "participant-joined":
                self.watch(item)
        return True

    def watch(self, participant: Participant) -> None:
        for event in ParticipantEvent:

            def note(stream: Stream, event: str = event) -> None:
                self.told.append((participant.displayName, str(event), stream.kind))

            participant.on(event, note)

    def perform(
        self, work: Callable[[], Awaitable[None]], code: Errors
    ) -> asyncio.Task[None]:  # pragma: no cover - no stream is paused here
        raise AssertionError(code)


@asynccontextmanager
async def following(*others: EndpointInfo) -> AsyncIterator[tuple[Stage, ScriptedSession]]:
    async with scripted_call(ScriptedLink(others, {})) as (call, session):
        stage = Stage()
        stage.roster.follow(call)
        assert stage.told == []
        stage.roster.announce()
        yield stage, session
        await stage.tasks.aclose()


async def test_who_is_there_is_told_in_order_of_arrival() -> None:
    async with following(ANN, BOB) as (stage, _):
        assert stage.told == [("participant-joined", "ann"), ("participant-joined", "bob")]
        assert list(stage.roster.participants) == [ANN.id, BOB.id]
        assert stage.me.id == LOCAL_ID
        ann = stage.roster.participants[ANN.id]
        assert (ann.webcamOn, ann.micOn, ann.local) == (True, False, False)
        assert ann.streams.size == 0, "nothing is received yet"


async def test_who_still_connects_is_told_when_connected() -> None:
    async with following(EARLY) as (stage, session):
        late = msgspec.structs.replace(EARLY, id="e" * 32, name="eve")
        session.say(EndpointJoined(endpoint=late))
        assert stage.told == []
        assert stage.roster.participants.size == 0
        added = PublicationAdded(endpoint=late.id, publication=publication("3"))
        session.say(added)
        session.subscribe("3" * 32)
        assert stage.told == []
        session.say(EndpointChanged(endpoint=late.id, state=ConnectionState.CONNECTED))
        assert stage.told == [("participant-joined", "eve"), ("eve", "stream-enabled", "video")]


async def test_who_is_lost_for_a_while_is_told_once() -> None:
    async with following(ANN) as (stage, session):
        stage.told.clear()
        for state in (ConnectionState.RECONNECTING, ConnectionState.CONNECTED):
            session.say(EndpointChanged(endpoint=ANN.id, state=state))
        assert stage.told == []


async def test_a_stream_is_there_while_it_is_received_and_enabled() -> None:
    async with following(ANN) as (stage, session):
        stage.told.clear()

        def enable(enabled: bool) -> None:
            session.say(
                PublicationChanged(
                    publication=VIDEO.id, enabled=enabled, priority=Priority.STANDARD
                )
            )

        streams = stage.roster.participants[ANN.id].streams
        session.subscribe(VIDEO.id)
        first = streams[VIDEO.id]
        enable(False)
        assert VIDEO.id not in streams
        enable(True)
        assert streams[VIDEO.id] is first
        session.unsubscribe(VIDEO.id)
        session.say(PublicationRemoved(publication=VIDEO.id))
        events = [event for _, event, _ in stage.told]
        assert events == ["stream-enabled", "stream-disabled"] * 2


async def test_who_leaves_loses_streams_first_and_the_word_last() -> None:
    async with following(ANN) as (stage, session):
        session.subscribe(VIDEO.id)
        session.say(SpeakersChanged(ranking=(ANN.id,), dominant=ANN.id))
        assert stage.roster.active_speaker == ANN.id
        stage.told.clear()
        session.say(EndpointLeft(endpoint=ANN.id))
        session.say(EndpointJoined(endpoint=EARLY))
        session.say(EndpointLeft(endpoint=EARLY.id))
        assert stage.told == [
            ("ann", "stream-disabled", "video"),
            ("participant-left", "ann"),
            ("speaker-changed", None),
        ]


async def test_this_program_may_be_the_speaker() -> None:
    async with following(ANN) as (stage, session):
        stage.told.clear()
        session.say(SpeakersChanged(ranking=(LOCAL_ID,), dominant=LOCAL_ID))
        session.say(SpeakersChanged(ranking=(LOCAL_ID, ANN.id), dominant=LOCAL_ID))
        session.say(SpeakersChanged(ranking=(LOCAL_ID,), dominant="9" * 32))
        assert stage.told == [("speaker-changed", LOCAL_ID), ("speaker-changed", None)]


async def test_of_two_shared_screens_the_first_participants_counts() -> None:
    screens = [publication(digit, PublicationKind.SCREEN) for digit in "56"]
    people = [endpoint("a", "ann", screens[0]), endpoint("b", "bob", screens[1])]
    async with following(*people) as (stage, session):
        for screen in reversed(screens):
            session.subscribe(screen.id)
        changes = [what for event, *what in stage.told if event == "presenter-changed"]
        assert changes == [["b" * 32], ["a" * 32]]
        session.say(EndpointLeft(endpoint="a" * 32))
        assert stage.roster.active_presenter == "b" * 32


async def test_after_the_end_nothing_is_told() -> None:
    async with following(ANN) as (stage, session):
        session.subscribe(VIDEO.id)
        stage.roster.end()
        stage.told.clear()
        session.say(EndpointJoined(endpoint=BOB))
        assert stage.told == []
        assert stage.roster.participants[ANN.id].streams.size == 0
