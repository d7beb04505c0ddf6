from __future__ import annotations

import msgspec
import pytest

from acs_core import Features, JoinCallOptions
from acs_core.client.features.dominant_speakers import DominantSpeakersCallFeature
from acs_core.client.features.keys import ALL_FEATURES, CLIENT_FEATURES
from acs_core.client.features.network_quality import NetworkQualityFeature
from acs_core.client.features.receive_policy import ReceivePolicyFeature
from acs_core.client.features.reconnection import ReconnectionFeature
from acs_core.core.facts import SpeakersChanged
from acs_core.errors import Stage, TransportError
from acs_core.wire import QualityDetails, QualityLevel
from tests.support.calls import Log, endpoint, joined, publication

NOTHING = JoinCallOptions(streams=())


@pytest.mark.feature("DOMSPK-003", "DOMSPK-004", "DOMSPK-005", "DOMSPK-006")
async def test_speakers_are_ranked_by_identity() -> None:
    def prepare(session: object) -> None:
        session.others.extend([endpoint("a"), endpoint("b")])  # type: ignore[attr-defined]

    async with joined(NOTHING, prepare=prepare) as (call, session):
        feature: DominantSpeakersCallFeature = call.feature(Features.DOMINANT_SPEAKERS)
        log = Log().watch(feature)
        before = feature.dominant_speakers
        session.say(SpeakersChanged(ranking=("a" * 32,), dominant="a" * 32))
        session.say(SpeakersChanged(ranking=("a" * 32,), dominant="a" * 32, speaking=("b" * 32,)))
        session.say(SpeakersChanged(ranking=("b" * 32, "a" * 32), dominant="b" * 32))
        assert log.names == ["dominantSpeakersChanged"] * 2
        after = feature.dominant_speakers
        assert [item.raw_id for item in after.speakers_list] == [
            "8:acs:resource_b",
            "8:acs:resource_a",
        ]
        assert after.timestamp >= before.timestamp
        assert feature.ranking == ("b" * 32, "a" * 32)
        assert feature.dominant_endpoint == "b" * 32


async def test_network_quality_is_kept_per_endpoint() -> None:
    async with joined(JoinCallOptions(streams=(), report_network_quality=True)) as (call, session):
        assert session.policies[0].quality
        feature: NetworkQualityFeature = call.feature(Features.NETWORK_QUALITY)
        log = Log().watch(feature)
        mine = QualityLevel(endpoint=call.id, level=5)
        theirs = QualityLevel(endpoint="a" * 32, level=3)
        session.observer.on_quality((mine, theirs))
        session.observer.on_quality((mine,))
        detailed = msgspec.structs.replace(mine, details=QualityDetails())
        session.observer.on_quality((detailed,))
        assert feature.local == detailed
        assert feature.level("a" * 32) == theirs
        assert log.entries == [("levelChanged", (None, mine)), ("levelChanged", ("a" * 32, theirs))]


async def test_losing_and_restoring_the_network_are_events() -> None:
    async with joined(NOTHING) as (call, session):
        feature: ReconnectionFeature = call.feature(Features.RECONNECTION)
        log = Log().watch(feature)
        error = TransportError("lost", stage=Stage.ICE)
        session.lose(error)
        assert feature.is_reconnecting
        session.restore()
        assert log.entries == [("reconnecting", (error,)), ("reconnected", ())]


async def test_the_receive_policy_is_told_to_the_service() -> None:
    video = publication(1)

    def prepare(session: object) -> None:
        session.others.append(endpoint("a", video))  # type: ignore[attr-defined]

    async with joined(NOTHING, prepare=prepare) as (call, session):
        feature: ReceivePolicyFeature = call.feature(Features.RECEIVE_POLICY)
        log = Log().watch(feature)
        item = call.feature(Features.STREAMS).publications[video.id]
        await feature.subscribe(item)
        await feature.unsubscribe(item)
        await feature.unsubscribe(item)
        await feature.subscribe(item)
        await feature.set(automatic=False)
        await feature.set(automatic=False)
        await feature.subscribe(item)
        await feature.unsubscribe(item)
        told = [(p.automatic, p.only, p.without) for p in session.policies[1:]]
        assert told == [
            (True, (), (video.id,)),
            (True, (), ()),
            (False, (), ()),
            (False, (video.id,), ()),
            (False, (), ()),
        ]
        assert len(log.entries) == 5
        session.update_error = TransportError("gone")
        with pytest.raises(TransportError):
            await feature.set(automatic=True)
        assert not feature.automatic


async def test_each_feature_has_a_name_of_its_own() -> None:
    async with joined() as (call, _):
        names = [call.feature(key).name for key in ALL_FEATURES]
    assert names == [key.name for key in ALL_FEATURES]
    every = [*names, *(key.name for key in CLIENT_FEATURES)]
    assert len(set(every)) == len(every)
    assert (Features.RAISE_HAND.name, Features.DEBUG_INFO.name) == ("RaiseHand", "DebugInfo")
