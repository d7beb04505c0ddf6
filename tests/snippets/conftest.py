"""The service and the people that the programs of the guides need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.support.events import next_event
from tests.support.people import AcsUser, Meeting, meeting
from tests.support.snippets import ACCEPT_QUIETLY, CALL_QUIETLY, Pair, Town, beta_user, user_id
from tests.support.telephones import Loopback
from twilio_compat.server import embedded


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Meeting]:
    """A service that the programs find by themselves, with the room "meeting"."""
    async with meeting() as there:
        monkeypatch.setenv("CALLING_SERVICE_URL", there.url)
        yield there


@pytest.fixture
async def pair(place: Meeting) -> Pair:
    """Anna has called Ben, who has accepted; nobody sends anything yet."""
    return await call_between(place, await place.user("Anna"), await place.user("Ben"))


@pytest.fixture
async def beta_pair(place: Meeting) -> Pair:
    """As `pair`, with the clients of 2020."""
    return await call_between(place, await beta_user(place, "Anna"), await beta_user(place, "Ben"))


@pytest.fixture
async def town(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    """A service with a telephone network, where telephones do what the test says."""
    telephones = Loopback()
    async with embedded(telephones=telephones) as server, AsyncExitStack() as stack:
        monkeypatch.setenv("CALLING_SERVICE_URL", server.url)
        yield Town(Meeting(server, stack, server.url), telephones)


async def call_between(place: Meeting, anna: AcsUser, ben: AcsUser) -> Pair:
    ringing = next_event(ben.agent, "incomingCall")
    ours = anna.agent.start_call([user_id(ben)], CALL_QUIETLY)
    (args,) = await ringing
    theirs = await args.incoming_call.accept(ACCEPT_QUIETLY)
    await ours.connected()
    await theirs.connected()
    return Pair(place, anna, ben, ours, theirs)
