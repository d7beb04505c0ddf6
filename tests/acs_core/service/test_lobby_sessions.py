"""The lobby as clients see it, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    EndReason,
    PendingGone,
)
from acs_core.service.app import CallingService, embedded
from tests.support.service_client import RawClient, group, raw_client

TIMEOUT = 60.0


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded() as running:
        yield running


class Party:
    """A meeting with its organizer inside, and guests who come with sockets of their own."""

    def __init__(self, service: CallingService, organizer: RawClient, raw_id: str) -> None:
        self.service = service
        self.organizer = organizer
        record = service.calls.meetings.create(raw_id)
        self.place = wire.MeetingLocator(meeting_id=record.id, passcode=record.passcode)
        self.endpoint = ""

    async def open(self) -> None:
        self.endpoint, joined = await self.organizer.join(self.place)
        assert isinstance(joined, wire.Joined), joined
        assert joined.thread_id.startswith("19:meeting_")

    async def decide(self, *, is_admitted: bool) -> None:
        request = wire.DecideLobby(endpoint=self.endpoint, identities=None, is_admitted=is_admitted)
        assert isinstance(await self.organizer.ask(request), wire.Answered)

    async def hears_gone(self) -> EndReason | None:
        facts = await self.organizer.news(
            wire.Facts, lambda news: isinstance(news.facts[0], PendingGone)
        )
        gone = facts.facts[0]
        assert isinstance(gone, PendingGone)
        return gone.reason


@pytest.fixture
async def party(service: CallingService) -> AsyncIterator[Party]:
    raw_id, issued = service.issue_user_token()
    async with raw_client(service, token=issued.token) as organizer:
        await organizer.hello()
        meeting = Party(service, organizer, raw_id)
        await meeting.open()
        yield meeting


async def waiting(guest: RawClient, party: Party) -> str:
    await guest.hello()
    endpoint, answer = await guest.join(party.place, name="Guest")
    assert answer == wire.InLobby()
    return endpoint


async def test_an_admitted_guest_joins_again_and_is_in(party: Party) -> None:
    async with raw_client(party.service) as guest:
        endpoint = await waiting(guest, party)
        assert await guest.join(party.place, endpoint=endpoint) == (endpoint, wire.InLobby())
        await party.decide(is_admitted=True)
        assert await guest.news(wire.Admitted) == wire.Admitted(endpoint=endpoint)
        _, joined = await guest.join(party.place, endpoint=endpoint, name="Guest")
        assert isinstance(joined, wire.Joined)
        assert not joined.pending
        assert await party.hears_gone() is None
        assert isinstance(await guest.ask(wire.Leave(endpoint=endpoint)), wire.Answered)


@pytest.mark.parametrize("is_admitted", [False, True])
async def test_a_second_session_with_the_same_endpoint_replaces_the_first(
    party: Party, is_admitted: bool
) -> None:
    token = party.service.issue_user_token()[1].token
    async with (
        raw_client(party.service, token=token) as first,
        raw_client(party.service, token=token) as second,
    ):
        endpoint = await waiting(first, party)
        if is_admitted:
            await party.decide(is_admitted=True)
            await first.news(wire.Admitted)
        await second.hello()
        _, answer = await second.join(party.place, endpoint=endpoint, name="Guest")
        ended = await first.news(wire.Ended)
        assert ended == wire.Ended(endpoint=endpoint, reason=endings.DUPLICATE_IDENTITY)
        if not is_admitted:
            assert answer == wire.InLobby()
            await party.decide(is_admitted=True)
            await second.news(wire.Admitted)
            _, answer = await second.join(party.place, endpoint=endpoint, name="Guest")
        assert isinstance(answer, wire.Joined)
        # What became of the first one is not about the second.
        await first.socket.close()
        (call,) = party.service.calls.live.values()
        assert endpoint in call.endpoints


async def test_a_rejected_guest_hears_the_end(party: Party) -> None:
    async with raw_client(party.service) as guest:
        endpoint = await waiting(guest, party)
        await party.decide(is_admitted=False)
        ended = await guest.news(wire.Ended)
        assert ended == wire.Ended(endpoint=endpoint, reason=endings.LOBBY_REJECTED)
        refused = await guest.ask(wire.Leave(endpoint=endpoint))
        assert isinstance(refused, wire.Failed)


async def test_a_guest_may_go(party: Party) -> None:
    async with raw_client(party.service) as guest:
        endpoint = await waiting(guest, party)
        assert isinstance(await guest.ask(wire.Leave(endpoint=endpoint)), wire.Answered)
        assert await party.hears_gone() == endings.HUNG_UP


async def test_a_guest_who_vanishes_is_gone(party: Party) -> None:
    async with raw_client(party.service) as guest:
        await waiting(guest, party)
        await guest.socket.close()
        assert await party.hears_gone() == endings.HUNG_UP


async def test_a_guest_who_loses_the_socket_hears_of_the_admission_afterwards(
    party: Party,
) -> None:
    async with raw_client(party.service) as guest:
        endpoint = await waiting(guest, party)
        point, token = guest.resume_point(), guest.token
        guest.cut()
        await party.decide(is_admitted=True)
        async with raw_client(party.service, token=token) as again:
            await again.hello(resume=point)
            assert await again.news(wire.Admitted) == wire.Admitted(endpoint=endpoint)


async def test_a_guest_with_a_malformed_endpoint_id_does_not_wait(party: Party) -> None:
    async with raw_client(party.service) as guest:
        await guest.hello()
        _, answer = await guest.join(party.place, endpoint="me")
        assert isinstance(answer, wire.Failed)
        assert answer.code == 400
        (call,) = party.service.calls.live.values()
        assert call.lobby is not None
        assert call.lobby.is_empty


async def test_an_endpoint_that_waits_goes_nowhere_else(party: Party) -> None:
    other = party.service.calls.meetings.create("8:acs:r_somebody")
    async with raw_client(party.service) as guest:
        endpoint = await waiting(guest, party)
        for place in (wire.MeetingLocator(link=other.link), group()):
            _, refused = await guest.join(place, endpoint=endpoint)
            assert isinstance(refused, wire.Failed), place
            assert refused.code == 409
        assert len(party.service.calls.live) == 1
        await guest.socket.close()
        assert await party.hears_gone() == endings.HUNG_UP


async def test_attendees_cannot_end_the_meeting_for_everyone(party: Party) -> None:
    async with raw_client(party.service) as guest:
        endpoint = await waiting(guest, party)
        await party.decide(is_admitted=True)
        await guest.news(wire.Admitted)
        await guest.join(party.place, endpoint=endpoint)
        refused = await guest.ask(wire.Leave(endpoint=endpoint, for_everyone=True))
        assert isinstance(refused, wire.Failed)
        assert refused.code == 403
