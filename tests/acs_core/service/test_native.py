"""The native adapter, through raw messages to a real service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from acs_core import wire
from acs_core.client.session import NewStream
from acs_core.core.facts import PublicationKind
from acs_core.media.publishing import PublishPeer
from acs_core.media.sources import PatternSource
from acs_core.service.app import CallingService, embedded
from acs_core.service.native import NativeEndpoint
from acs_core.service.rooms import RoomKind, RoomOptions
from tests.support.events import until
from tests.support.service_client import RawClient, group, participant, raw_client

CHAT = NewStream(PublicationKind.DATA, name="chat")


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded() as running:
        yield running


def new(key: str, kind: PublicationKind = PublicationKind.DATA) -> wire.NewPublication:
    return wire.NewPublication(key=key, kind=kind)


async def viewing(client: RawClient, place: wire.Locator) -> str:
    await client.hello()
    endpoint, joined = await client.join(place)
    assert isinstance(joined, wire.Joined), joined
    return endpoint


async def test_a_client_that_renegotiates_gets_an_offer_also_when_nobody_publishes(
    service: CallingService,
) -> None:
    place = group()
    async with raw_client(service) as viewer:
        endpoint = await viewing(viewer, place)
        async with participant(service, place, [CHAT]):
            offer = await viewer.news(wire.Offer)
        call = next(iter(service.calls.live.values()))
        await until(lambda: not call.publications)
        ask = wire.Renegotiate(endpoint=endpoint, connection=offer.connection)
        assert isinstance(await viewer.ask(ask), wire.Answered)
        again = await viewer.news(wire.Offer, lambda body: body.connection > offer.connection)
        assert "m=application" in again.sdp


async def test_keys_that_name_two_publications_are_refused(service: CallingService) -> None:
    async with raw_client(service) as client:
        await client.hello()
        refusal = (await client.join(group(), publications=(new("k"), new("k"))))[1]
        assert isinstance(refusal, wire.Failed)
        assert refusal.code == 400
        assert not service.calls.live
        peer = PublishPeer()
        peer.want_data()
        offer = await peer.create_offer()
        endpoint, joined = await client.join(group(), offer=offer, publications=(new("k"),))
        assert isinstance(joined, wire.Joined)
        again = wire.Publish(endpoint=endpoint, connection=1, offer="", publications=(new("k"),))
        refusal = await client.ask(again)
        assert isinstance(refusal, wire.Failed)
        assert refusal.code == 400
        assert "key" in refusal.message
        await peer.close()


async def test_a_stream_of_another_kind_is_not_taken_for_the_publication(
    service: CallingService,
) -> None:
    async with raw_client(service) as client:
        await client.hello()
        peer = PublishPeer()
        for key in ("honest", "liar"):
            peer.add_stream(key, PatternSource(160, 90, 15))
        wanted = (new("honest", PublicationKind.SCREEN), new("liar", PublicationKind.AUDIO))
        offer = await peer.create_offer()
        joined = (await client.join(group(), offer=offer, publications=wanted))[1]
        assert isinstance(joined, wire.Joined), joined
        (call,) = service.calls.live.values()
        honest, liar = call.publications
        assert honest.source is not None
        assert liar.source is None
        await peer.close()


async def test_a_stream_that_cannot_be_forwarded_costs_the_client_no_other(
    service: CallingService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # The viewer's connection carries one data channel, so that the second chat fails.
    monkeypatch.setattr("acs_core.rtc.data.MAX_CHANNELS", 1)
    place = group()
    camera = NewStream(PublicationKind.VIDEO, PatternSource(160, 90, 15), name="camera")
    async with (
        participant(service, place, [CHAT]),
        participant(service, place, [CHAT]),
        participant(service, place, [camera]) as films,
        raw_client(service) as viewer,
    ):
        await viewing(viewer, place)
        (picture,) = [stream.info for stream in films.session.streams.values()]
        assert picture is not None
        offer = await viewer.news(wire.Offer, lambda body: "m=video" in body.sdp)
        assert picture.id in offer.sdp
        assert "is not forwarded" in caplog.text


async def test_a_channel_that_belongs_to_no_publication_is_forgotten_when_it_closes(
    service: CallingService,
) -> None:
    async with raw_client(service) as client:
        await client.hello()
        peer = PublishPeer()
        peer.want_data()
        joined = (await client.join(group(), offer=await peer.create_offer()))[1]
        assert isinstance(joined, wire.Joined), joined
        assert joined.answer is not None
        await peer.accept_answer(joined.answer)
        await peer.connected(10.0)
        (call,) = service.calls.live.values()
        (endpoint,) = call.endpoints.values()
        assert isinstance(endpoint.observer, NativeEndpoint)
        side = endpoint.observer._publish
        assert side is not None
        stray = peer.open_channel("stray")
        await until(lambda: "stray" in side._unclaimed)
        stray.close()
        await until(lambda: not side._unclaimed)
        await peer.close()


@pytest.mark.parametrize("kind", [RoomKind.PEER_TO_PEER, RoomKind.GO])
async def test_rooms_whose_members_connect_to_each_other_are_refused(
    service: CallingService, kind: RoomKind
) -> None:
    room = service.calls.rooms.create(unique_name="pairs", options=RoomOptions(kind=kind))
    async with raw_client(service) as client:
        await client.hello()
        _, refusal = await client.join(wire.RoomLocator(room=room.id))
        assert isinstance(refusal, wire.Failed)
        assert (refusal.code, refusal.sub_code) == (403, 53104)
        assert "type group" in refusal.next_step
