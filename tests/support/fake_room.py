"""Rooms on scripted calls, and a way to write down what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from acs_core.client.call import Call
from acs_core.client.options import JoinCallOptions, StreamOptions
from acs_core.core.facts import (
    EndpointInfo,
    PublicationKind,
)
from tests.support.fake_call import (
    CALL_ID,
    ScriptedLink,
    ScriptedReceiver,
    ScriptedSession,
    endpoint,
    publication,
    scripted_call,
)
from twilio_compat import (
    LocalDataTrack,
    NetworkQualityConfiguration,
    RemoteParticipant,
    Room,
)
from twilio_compat.bandwidth import BandwidthOptions
from twilio_compat.emitter import EventEmitter
from twilio_compat.room import RoomSetup
from twilio_compat.sending import SendPreferences

ANN = endpoint("a", "ann", publication("1"), publication("2", PublicationKind.DATA))
BOB = endpoint("b", "bob")

Story = list[tuple[Any, ...]]


@asynccontextmanager
async def room_of(
    *others: EndpointInfo,
    tracks: Sequence[Any] = (),
    created: Sequence[Any] = (),
    dominant_speaker: bool = True,
    network_quality: NetworkQualityConfiguration | None = None,
    received: dict[str, ScriptedReceiver] | None = None,
    bandwidth_profile: BandwidthOptions | None = None,
) -> AsyncIterator[tuple[Room, ScriptedSession]]:
    link = ScriptedLink(others, received or {})
    streams = tuple(
        StreamOptions(name=track.name)
        if isinstance(track, LocalDataTrack)
        else StreamOptions(source=track.sent_source, name=track.name)
        for track in tracks
    )
    async with scripted_call(link, JoinCallOptions(streams=streams)) as (call, session):
        room = make_room(
            call,
            tracks=tracks,
            created=created,
            dominant_speaker=dominant_speaker,
            network_quality=network_quality,
            bandwidth_profile=bandwidth_profile,
        )
        yield room, session
        room.disconnect()
        await room.closed()


def make_room(call: Call, **changes: Any) -> Room:
    return Room(
        RoomSetup(
            sending=SendPreferences(),
            call=call,
            call_id=CALL_ID,
            name="lobby",
            identity="me",
            close=call.hang_up,
            **changes,
        )
    )


def listen(story: Story, label: str, emitter: EventEmitter) -> None:
    """Write down every event of an emitter with its arguments."""
    for event in sorted(emitter.known_events()):

        def note(*arguments: object, event: str = event) -> None:
            story.append((label, str(event), *arguments))

        emitter.on(event, note)


def names(story: Story) -> list[tuple[str, str]]:
    return [(entry[0], entry[1]) for entry in story]


async def turns(count: int = 10) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


def only(room: Room) -> RemoteParticipant:
    return next(iter(room.participants.values()))
