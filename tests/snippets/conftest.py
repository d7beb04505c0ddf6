"""The service and the people that the programs of the guides need."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.events import next_event
from tests.support.people import Meeting, meeting
from tests.support.snippets import ACCEPT_QUIETLY, CALL_QUIETLY, Pair, user_id


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Meeting]:
    """A service that the programs find by themselves, with the room "meeting"."""
    async with meeting() as there:
        monkeypatch.setenv("CALLING_SERVICE_URL", there.url)
        yield there


@pytest.fixture
async def pair(place: Meeting) -> Pair:
    """Anna has called Ben, who has accepted; nobody sends anything yet."""
    anna, ben = await place.user("Anna"), await place.user("Ben")
    ringing = next_event(ben.agent, "incomingCall")
    ours = anna.agent.start_call([user_id(ben)], CALL_QUIETLY)
    (args,) = await ringing
    theirs = await args.incoming_call.accept(ACCEPT_QUIETLY)
    await ours.connected()
    await theirs.connected()
    return Pair(place, anna, ben, ours, theirs)
