from __future__ import annotations

import numpy as np
import pytest

from acs_core import ConnectionState, RemoteParticipantState
from acs_core.core.facts import (
    EndpointChanged,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    PendingChanged,
    PendingParticipant,
    PendingState,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationKind,
    PublicationRemoved,
    SpeakersChanged,
)
from acs_core.events import CollectionUpdate
from acs_core.identifiers import CommunicationUserIdentifier
from acs_core.media.frames import AudioFrame
from acs_core.media.stats import ReceiverStats
from tests.support.calls import Log, endpoint, joined, publication, settle
from tests.support.fake_session import FakeReceiver

AUDIO = PublicationKind.AUDIO


@pytest.mark.feature("PARTICIPANT-014", "PARTICIPANT-015", "PARTICIPANT-016", "IDENT-001")
async def test_who_was_there_first_is_state_not_event() -> None:
    async with joined(prepare=lambda s: s.others.append(endpoint("a"))) as (call, _):
        (participant,) = call.remote_participants
        assert participant.identifier == CommunicationUserIdentifier("8:acs:resource_a")
        assert participant.display_name == "A"
        assert participant.state is RemoteParticipantState.CONNECTED


async def test_all_users_in_the_call_are_counted_each_once() -> None:
    async with joined(prepare=lambda s: s.others.append(endpoint("a"))) as (call, session):
        assert call.total_participant_count == 2
        counts: list[int] = []
        call.on("totalParticipantCountChanged", lambda: counts.append(call.total_participant_count))
        called = PendingParticipant(identity="8:acs:resource_x", state=PendingState.RINGING)
        session.say(PendingChanged(participant=called))
        session.say(EndpointJoined(endpoint=endpoint("b")))
        session.say(EndpointJoined(endpoint=endpoint("c", user="b")))
        session.say(EndpointLeft(endpoint="b" * 32, reason=EndReason()))
        session.say(EndpointLeft(endpoint="c" * 32, reason=EndReason()))
        assert counts == [3, 2]
    assert call.total_participant_count == 2


@pytest.mark.feature("PARTICIPANT-006", "PARTICIPANT-008", "PARTICIPANT-010")
async def test_who_comes_and_goes_is_told_once() -> None:
    async with joined() as (call, session):
        log = Log().watch(call)
        session.say(EndpointJoined(endpoint=endpoint("a")), EndpointJoined(endpoint=endpoint("b")))
        first, second = call.remote_participants
        reason = EndReason(code=0, sub_code=5300, message="removed")
        Log().watch(first)
        states: list[str] = []
        first.on("stateChanged", lambda: states.append(first.state))
        session.say(EndpointLeft(endpoint="a" * 32, reason=reason))
        assert call.remote_participants == (second,)
        assert states == [RemoteParticipantState.DISCONNECTED]
        assert first.call_end_reason == reason
        assert log.entries == [
            ("remoteParticipantsUpdated", (CollectionUpdate((first, second)),)),
            ("totalParticipantCountChanged", ()),
            ("remoteParticipantsUpdated", (CollectionUpdate((), (first,)),)),
            ("totalParticipantCountChanged", ()),
        ]


@pytest.mark.feature("STATE-022")
async def test_a_participant_who_reconnects_stays_connected() -> None:
    async with joined(prepare=lambda s: s.others.append(endpoint("a"))) as (call, session):
        (participant,) = call.remote_participants
        log = Log().watch(participant)
        session.say(EndpointChanged(endpoint="a" * 32, state=ConnectionState.RECONNECTING))
        assert participant.state is RemoteParticipantState.CONNECTED
        assert log.names == []


async def test_endpoints_of_one_identity_are_one_participant() -> None:
    async with joined() as (call, session):
        session.say(EndpointJoined(endpoint=endpoint("a", user="ann")))
        (participant,) = call.remote_participants
        session.say(EndpointJoined(endpoint=endpoint("b", user="ann")))
        assert call.remote_participants == (participant,)
        assert [item.participant_id for item in participant.endpoint_details] == [
            "a" * 32,
            "b" * 32,
        ]
        session.say(EndpointLeft(endpoint="a" * 32))
        assert call.remote_participants == (participant,)


@pytest.mark.feature("PARTICIPANT-011", "PARTICIPANT-012")
async def test_muting_and_speaking_are_followed() -> None:
    sound = publication(7, AUDIO)
    async with joined(prepare=lambda s: s.others.append(endpoint("a", sound))) as (call, session):
        (participant,) = call.remote_participants
        assert not participant.is_muted
        log = Log().watch(participant)
        session.say(
            PublicationChanged(publication=sound.id, enabled=False, priority=Priority.STANDARD)
        )
        assert participant.is_muted
        session.say(SpeakersChanged(speaking=("a" * 32,)))
        assert participant.is_speaking
        session.say(SpeakersChanged())
        assert log.names == ["isMutedChanged", "isSpeakingChanged", "isSpeakingChanged"]


@pytest.mark.feature("RENDER-004", "RENDER-005", "RENDER-006", "RENDER-015", "RENDER-016")
async def test_video_streams_follow_the_publications() -> None:
    async with joined(prepare=lambda s: s.others.append(endpoint("a"))) as (call, session):
        (participant,) = call.remote_participants
        log = Log().watch(participant)
        video = publication(7)
        screen = publication(8, PublicationKind.SCREEN, enabled=False)
        session.say(
            PublicationAdded(endpoint="a" * 32, publication=video),
            PublicationAdded(endpoint="a" * 32, publication=screen),
        )
        first, second = participant.video_streams
        assert (first.id, first.media_stream_type, first.is_available) == (7, "Video", True)
        assert (second.id, second.media_stream_type) == (8, "ScreenSharing")
        assert not second.is_available
        seen: list[bool] = []
        first.on("isAvailableChanged", lambda: seen.append(first.is_available))
        session.say(
            PublicationChanged(publication=video.id, enabled=False, priority=Priority.STANDARD)
        )
        session.say(PublicationRemoved(publication=video.id))
        assert seen == [False]
        assert participant.video_streams == (second,)
        assert log.entries == [
            ("videoStreamsUpdated", (CollectionUpdate((first, second)),)),
            ("videoStreamsUpdated", (CollectionUpdate((), (first,)),)),
        ]


@pytest.mark.feature("RENDER-011", "RENDER-012", "RENDER-013", "RENDER-017")
async def test_receiving_and_size_come_from_the_statistics() -> None:
    video = publication(7)
    async with joined(prepare=lambda s: s.others.append(endpoint("a", video))) as (call, session):
        (stream,) = call.remote_participants[0].video_streams
        log = Log().watch(stream)
        session.subscribe(video.id, FakeReceiver("1"))
        stats = ReceiverStats("video", "1", packets_received=5, frame_width=64, frame_height=48)
        session.receiver_stats["1"] = stats
        stream.sample()
        assert stream.is_receiving
        assert (stream.size.width, stream.size.height) == (64, 48)
        stream.sample()
        assert not stream.is_receiving
        assert stream.is_available
        assert log.names == ["sizeChanged", "isReceivingChanged", "isReceivingChanged"]


async def test_the_sound_of_a_participant_is_mixed() -> None:
    first, second = publication(7, AUDIO), publication(8, AUDIO)

    async with joined(prepare=lambda s: s.others.append(endpoint("a", first, second))) as (
        call,
        session,
    ):
        one, two = FakeReceiver("1"), FakeReceiver("2")
        session.subscribe(first.id, one)
        session.subscribe(second.id, two)
        reader = call.remote_participants[0].audio_frames()
        silent = await anext(reader)
        assert not silent.samples.any()
        for receiver, level in ((one, 1000), (two, 30000)):
            samples = np.full((960, 2), level, dtype=np.int16)
            receiver.push(AudioFrame.from_ndarray(samples))
        await settle()
        mixed = await anext(reader)
        assert mixed.samples.shape == (960, 1)
        assert mixed.samples.max() == mixed.samples.min() == 31000
        await reader.aclose()
        assert not one.readers
        with pytest.raises(StopAsyncIteration):
            await anext(reader)


async def test_who_leaves_and_still_waits_in_the_lobby_is_somebody_new() -> None:
    async with joined(prepare=lambda s: s.others.append(endpoint("a"))) as (call, session):
        (before,) = call.remote_participants
        waiting = PendingParticipant(identity="8:acs:resource_a", state=PendingState.IN_LOBBY)
        session.say(PendingChanged(participant=waiting))
        assert call.remote_participants == (before,)
        log = Log().watch(call)
        reason = EndReason(code=408)
        session.say(EndpointLeft(endpoint="a" * 32, reason=reason))
        (after,) = call.remote_participants
        assert after is not before
        assert before.state is RemoteParticipantState.DISCONNECTED
        assert before.call_end_reason == reason
        assert after.state is RemoteParticipantState.IN_LOBBY
        assert log.entries == [
            ("remoteParticipantsUpdated", (CollectionUpdate((after,), (before,)),)),
            ("totalParticipantCountChanged", ()),
        ]
        assert call.lobby.participants == (after,)
