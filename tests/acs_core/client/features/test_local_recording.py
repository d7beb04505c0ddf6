from __future__ import annotations

import pytest

from acs_core import (
    CommunicationUserIdentifier,
    Features,
    InvalidStateError,
    JoinCallOptions,
    LocalRecordingInfo,
    LocalRecordingState,
    TransportError,
    wire,
)
from acs_core.core.facts import (
    AttributesChanged,
    EndpointAttributes,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
)
from tests.support.calls import Log, joined
from tests.support.fake_session import FakeSession

NOTHING = JoinCallOptions(streams=())
RECORDING = EndpointAttributes(is_recording=True)
BEN = EndpointInfo(id="b" * 32, identity="8:acs:r_ben", name="Ben")
STARTED = LocalRecordingInfo(
    LocalRecordingState.STARTED, "Ben", CommunicationUserIdentifier("8:acs:r_ben")
)
ENDED = LocalRecordingInfo(
    LocalRecordingState.ENDED, "Ben", CommunicationUserIdentifier("8:acs:r_ben")
)


async def test_a_recording_of_somebody_is_seen_from_start_to_end() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.LOCAL_RECORDING)
        log = Log().watch(feature)
        session.say(EndpointJoined(endpoint=BEN))
        assert log.names == []
        session.say(AttributesChanged(endpoint=BEN.id, attributes=RECORDING))
        assert feature.is_recording_active
        assert feature.recordings == (STARTED,)
        session.say(AttributesChanged(endpoint=BEN.id, attributes=EndpointAttributes()))
        assert not feature.is_recording_active
        assert feature.recordings == ()
        assert log.names == ["localRecordingsUpdated", "isLocalRecordingActiveChanged"] * 2
        assert log.entries[0][1][0].added == (STARTED,)
        assert log.entries[2][1][0].removed == (ENDED,)


async def test_a_recording_ends_with_who_leaves_and_goes_on_as_long_as_somebody_records() -> None:
    def prepare(session: FakeSession) -> None:
        session.others.append(
            EndpointInfo(id=BEN.id, identity=BEN.identity, name="Ben", attributes=RECORDING)
        )

    async with joined(NOTHING, prepare=prepare) as (call, session):
        feature = call.feature(Features.LOCAL_RECORDING)
        assert feature.recordings == (STARTED,)
        log = Log().watch(feature)
        session.say(AttributesChanged(endpoint=call.id, attributes=RECORDING))
        assert feature.is_announced
        session.say(EndpointLeft(endpoint=BEN.id))
        assert feature.is_recording_active
        assert log.names == ["localRecordingsUpdated"] * 2


async def test_it_is_announced_to_the_service() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.LOCAL_RECORDING)
        await feature.announce(is_recording=True)
        assert session.asked == [wire.AnnounceRecording(endpoint=call.id, is_recording=True)]
        session.answers[wire.AnnounceRecording] = TransportError("gone")
        with pytest.raises(TransportError):
            await feature.announce(is_recording=False)
    with pytest.raises(InvalidStateError, match="not connected"):
        await feature.announce(is_recording=True)
