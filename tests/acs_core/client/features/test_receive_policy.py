from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acs_core import Call, Features, JoinCallOptions
from acs_core.client.features.receive_policy import ReceivePolicyFeature
from acs_core.client.publications import RemotePublication
from acs_core.core.facts import EndpointLeft, Priority, PublicationRemoved
from acs_core.core.receiving import (
    BandwidthProfile,
    Dimensions,
    Forwarding,
    PauseReason,
    ReceiveHint,
    ReceivePriority,
)
from acs_core.errors import InvalidArgumentError, InvalidStateError, TransportError
from tests.support.calls import Log, endpoint, joined, publication
from tests.support.fake_session import FakeSession

ONE, TWO, THREE = publication(1), publication(2), publication(3)
PROFILE = BandwidthProfile(max_tracks=1)


@asynccontextmanager
async def watching(
    profile: BandwidthProfile | None = None,
) -> AsyncIterator[tuple[Call, FakeSession, ReceivePolicyFeature]]:
    def prepare(session: FakeSession) -> None:
        session.others += [endpoint("a", ONE, TWO), endpoint("b", THREE)]

    options = JoinCallOptions(streams=(), bandwidth_profile=profile)
    async with joined(options, prepare=prepare) as (call, session):
        yield call, session, call.feature(Features.RECEIVE_POLICY)


def publications(call: Call) -> list[RemotePublication]:
    found = call.feature(Features.STREAMS).publications
    return [found[item.id] for item in (ONE, TWO, THREE)]


async def test_a_call_is_joined_with_its_profile() -> None:
    async with watching(PROFILE) as (_, session, feature):
        assert feature.profile == session.policies[0].profile == PROFILE
        await feature.set_profile(None)
        await feature.set_profile(None)
        assert [policy.profile for policy in session.policies] == [PROFILE, None]


async def test_hints_add_up_per_publication() -> None:
    async with watching() as (call, session, feature):
        log = Log().watch(feature)
        one, two, _ = publications(call)
        size = Dimensions(width=320, height=180)
        await feature.hint(one, enabled=False)
        await feature.hint(two, size=size)
        await feature.hint(one, size=size)
        await feature.hint(one, enabled=False)
        assert session.policies[-1].hints == (
            ReceiveHint(publication=one.id, enabled=False, size=size),
            ReceiveHint(publication=two.id, size=size),
        )
        assert log.names == ["policyChanged"] * 3


async def test_priorities_are_set_and_taken_back() -> None:
    async with watching() as (call, session, feature):
        one, two, _ = publications(call)
        await feature.prioritize(one, "high")
        await feature.prioritize(two, Priority.LOW)
        await feature.prioritize(one, None)
        assert session.policies[-1].priorities == (
            ReceivePriority(publication=two.id, priority=Priority.LOW),
        )
        with pytest.raises(InvalidArgumentError):
            await feature.prioritize(one, "urgent")


async def test_many_changes_at_once_cost_two_messages() -> None:
    async with watching() as (call, session, feature):
        changes = [feature.hint(item, enabled=False) for item in publications(call)]
        await asyncio.gather(*changes)
        assert len(session.policies) <= 3
        assert len(session.policies[-1].hints) == 3


async def test_a_change_that_cannot_be_told_is_taken_back() -> None:
    async with watching(PROFILE) as (_, session, feature):
        session.update_error = TransportError("gone")
        results = await asyncio.gather(
            feature.set_profile(None), feature.set(automatic=False), return_exceptions=True
        )
        assert [type(result) for result in results] == [TransportError] * 2
        assert feature.policy == session.policies[0]
        session.update_error = None
        await feature.set_profile(None)
        assert session.policies[-1].profile is None
        assert session.policies[-1].automatic


async def test_nothing_is_said_of_what_is_gone() -> None:
    async with watching() as (call, session, feature):
        one, two, three = publications(call)
        for item in (one, two, three):
            await feature.hint(item, enabled=True)
            await feature.prioritize(item, "low")
            await feature.unsubscribe(item)
        session.observer.on_forwarding((Forwarding(publication=one.id),))
        told = len(session.policies)
        session.say(PublicationRemoved(publication=one.id))
        session.say(EndpointLeft(endpoint="b" * 32))
        assert feature.forwarding(one) is None
        assert len(session.policies) == told
        await feature.set_profile(PROFILE)
        last = session.policies[-1]
        assert [item.publication for item in last.hints] == [two.id]
        assert [item.publication for item in last.priorities] == [two.id]
        assert last.without == (two.id,)


async def test_what_is_forwarded_is_told_once() -> None:
    async with watching() as (call, session, feature):
        log = Log().watch(feature)
        one, two, _ = publications(call)
        assert feature.forwarding(one) is None
        off = Forwarding(publication=one.id, reason=PauseReason.MAX_TRACKS)
        other = Forwarding(publication=two.id, reason=PauseReason.HIDDEN)
        session.observer.on_forwarding((off, other))
        session.observer.on_forwarding((off,))
        back = Forwarding(publication=one.id)
        session.observer.on_forwarding((off, back))
        assert log.entries == [
            ("forwardingChanged", ((off, other),)),
            ("forwardingChanged", ((back,),)),
        ]
        assert feature.forwarding(one) == back
        assert feature.forwarding(two) == other


async def test_after_the_call_nothing_can_be_asked_for() -> None:
    async with watching() as (call, _, feature):
        one = publications(call)[0]
        await call.hang_up()
        with pytest.raises(InvalidStateError):
            await feature.hint(one, enabled=True)
