"""What the service forwards of clients that go on sending though they may not: nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from acs_core.core.facts import ParticipantRole, Priority
from acs_core.errors import ServiceError
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.service import moderation
from acs_core.service.app import CallingService, embedded
from acs_core.service.endpoints import Endpoint
from acs_core.service.sfu.producer import Producer
from tests.support.events import until
from tests.support.service_client import Participant, group, participant
from tests.support.session_clients import stream

PACKETS = 10


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded() as made:
        yield made


def endpoint(service: CallingService, someone: Participant) -> Endpoint:
    (call,) = service.calls.live.values()
    return call.endpoints[someone.session.id]


def sent(service: CallingService, owner: Endpoint, name: str) -> tuple[int, int]:
    """Packets of a publication that came in, and that went out to all receivers."""
    publication = next(item for item in owner.publications.values() if item.info.name == name)
    source = publication.source
    if not isinstance(source, Producer):
        return 0, 0
    stats = service.engine.stats(max_age=0)
    counts = source.summed_stats(stats.producers)
    out = [stats.consumers[key].packets for key in source.consumers if key in stats.consumers]
    return 0 if counts is None else counts.packets, sum(out)


async def until_forwarded(service: CallingService, owner: Endpoint, name: str) -> None:
    before = sent(service, owner, name)[1]
    await until(lambda: sent(service, owner, name)[1] >= before + PACKETS)


async def nothing_is_forwarded(service: CallingService, owner: Endpoint, name: str) -> None:
    """The client goes on sending, which no receiver is sent."""
    came, went = sent(service, owner, name)
    await until(lambda: sent(service, owner, name)[0] >= came + PACKETS)
    assert sent(service, owner, name)[1] <= went


async def test_who_is_muted_is_not_heard_before_they_unmute(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [stream(ToneSource(440))]) as stubborn,
        participant(service, place),
        participant(service, place),
    ):
        owner = endpoint(service, stubborn)
        await until_forwarded(service, owner, "audio")
        presenter = next(item for item in owner.call.endpoints.values() if item is not owner)
        moderation.mute(presenter, None)
        await nothing_is_forwarded(service, owner, "audio")
        # Another one who comes does not hear it, either.
        async with participant(service, place):
            await nothing_is_forwarded(service, owner, "audio")
        (sound,) = stubborn.session.streams.values()
        await stubborn.session.update(sound, enabled=True)
        await until_forwarded(service, owner, "audio")


async def test_who_may_not_speak_is_not_heard_and_cannot_unmute(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [stream(ToneSource(440))]) as stubborn,
        participant(service, place) as other,
    ):
        owner, presenter = endpoint(service, stubborn), endpoint(service, other)
        await until_forwarded(service, owner, "audio")
        owner.call.set_attributes(owner, role=ParticipantRole.ATTENDEE)
        identities = (owner.principal.raw_id,)
        moderation.permit(presenter, identities, "audio", is_permitted=False)
        await nothing_is_forwarded(service, owner, "audio")
        (sound,) = stubborn.session.streams.values()
        with pytest.raises(ServiceError) as caught:
            await stubborn.session.update(sound, enabled=True)
        assert (caught.value.code, caught.value.sub_code) == (403, 41106)
        await nothing_is_forwarded(service, owner, "audio")
        moderation.permit(presenter, identities, "audio", is_permitted=True)
        await stubborn.session.update(sound, enabled=True)
        await until_forwarded(service, owner, "audio")


async def test_media_that_flows_already_waits_for_consent_once_it_is_recorded(
    service: CallingService,
) -> None:
    place = group()
    streams = [stream(ToneSource(440)), stream(PatternSource(160, 90, 15))]
    async with (
        participant(service, place, streams) as stubborn,
        participant(service, place),
    ):
        owner = endpoint(service, stubborn)
        owner.call.activity.require_consent()
        for name in ("audio", "video"):
            await until_forwarded(service, owner, name)
        owner.call.activity.start_recording()
        assert not any(map(owner.call.is_recorded, owner.publications.values()))
        for name in ("audio", "video"):
            await nothing_is_forwarded(service, owner, name)
        for item, sub_code in zip(list(owner.publications), (41108, 41109), strict=True):
            with pytest.raises(ServiceError) as caught:
                owner.update(item, enabled=True, priority=Priority.STANDARD)
            assert (caught.value.code, caught.value.sub_code) == (400, sub_code)
        owner.call.activity.agree(owner)
        assert all(map(owner.call.is_recorded, owner.publications.values()))
        for local in list(stubborn.session.streams.values()):
            await stubborn.session.update(local, enabled=True)
            await until_forwarded(service, owner, local.name)
