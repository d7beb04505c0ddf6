from __future__ import annotations

import asyncio

import pytest

from acs_core.client.features.keys import Features
from acs_core.client.ports import SessionState
from acs_core.core import endings
from acs_core.core.facts import (
    ConnectionState,
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    SpeakersChanged,
)
from acs_core.errors import Stage, TransportError
from acs_core.media.program import ProgramVideoSource
from acs_core.wire import QualityDetails, QualityLevel, StreamQuality
from tests.support.fake_call import (
    CALL_ID,
    LOCAL_ID,
    ScriptedLink,
    ScriptedReceiver,
    scripted_call,
)
from tests.support.fake_room import ANN, BOB, Story, listen, make_room, names, only, room_of
from twilio_compat import (
    LocalVideoTrack,
    NetworkQualityConfiguration,
    RemoteVideoTrack,
    Room,
    RoomState,
    TwilioError,
)


@pytest.mark.feature("CALL-001")
async def test_ids_names_and_first_contents() -> None:
    async with room_of(ANN, BOB) as (room, _):
        assert (room.sid, room.name, room.state) == (f"RM{CALL_ID}", "lobby", RoomState.CONNECTED)
        assert room.local_participant.sid == f"PA{LOCAL_ID}"
        assert room.localParticipant.identity == "me"
        assert [one.identity for one in room.participants.values()] == ["ann", "bob"]
        ann = room.participants["PA" + "a" * 32]
        assert [one.track_name for one in ann.tracks.values()] == ["video", "data"]
        assert (ann.video_tracks.size, ann.audio_tracks.size, ann.data_tracks.size) == (1, 0, 1)
        assert str(room).startswith("[Room #")
        assert room.to_json()["sid"] == room.sid


async def test_what_was_subscribed_before_is_state_and_no_event() -> None:
    async with room_of(ANN, received={"1" * 32: ScriptedReceiver()}) as (room, _):
        video = next(iter(only(room).video_tracks.values()))
        assert video.is_subscribed
        assert isinstance(video.track, RemoteVideoTrack)
        assert video.track.sid == video.track_sid


@pytest.mark.feature("EVENT-001")
async def test_a_participant_joins_with_its_tracks_and_no_track_published() -> None:
    async with room_of() as (room, session):
        story: Story = []
        listen(story, "room", room)
        session.say(EndpointJoined(endpoint=ANN))
        ann = only(room)
        assert story == [("room", "participantConnected", ann)]
        assert ann.tracks.size == 2


async def test_a_participant_that_is_still_connecting_is_not_shown_before() -> None:
    early = EndpointInfo(id="d" * 32, identity="x", name="d", state=ConnectionState.CONNECTING)
    async with room_of() as (room, session):
        story: Story = []
        listen(story, "room", room)
        session.say(EndpointJoined(endpoint=early))
        assert not room.participants
        session.say(EndpointChanged(endpoint=early.id, state=ConnectionState.CONNECTED))
        assert names(story) == [("room", "participantConnected")]


@pytest.mark.feature("EVENT-002")
async def test_a_leaving_participant_loses_its_tracks_first_and_the_dominance_last() -> None:
    async with room_of(ANN) as (room, session):
        ann = only(room)
        video = ann.videoTracks["MT" + "1" * 32]
        session.subscribe("1" * 32)
        session.say(SpeakersChanged(ranking=(ANN.id,), dominant=ANN.id))
        story: Story = []
        for label, emitter in (("room", room), ("participant", ann), ("publication", video)):
            listen(story, label, emitter)
        room.on("participantDisconnected", lambda: story.append(("size", room.participants.size)))
        session.say(EndpointLeft(endpoint=ANN.id))
        assert names(story[:6]) == [
            ("publication", "unsubscribed"),
            ("participant", "trackUnsubscribed"),
            ("room", "trackUnsubscribed"),
            ("participant", "disconnected"),
            ("room", "participantDisconnected"),
            ("size", 0),
        ]
        assert story[6:] == [("room", "dominantSpeakerChanged", None)]
        assert ann.state == "disconnected"


@pytest.mark.feature("LEAVE-001", "LEAVE-006", "EVENT-010")
async def test_disconnect_tells_everything_before_it_returns() -> None:
    created = LocalVideoTrack(ProgramVideoSource(), name="made")
    async with room_of(ANN, tracks=[created], created=[created]) as (room, session):
        session.subscribe("1" * 32)
        ann = only(room)
        local = room.local_participant
        story: Story = []
        emitters = {"room": room, "local": local, "ann": ann, "track": created}
        for label, emitter in emitters.items():
            listen(story, label, emitter)
        room.on("disconnected", lambda: story.append(("tracks", local.tracks.size)))
        assert room.disconnect() is room
        assert names(story) == [
            ("local", "disconnected"),
            ("track", "stopped"),
            ("local", "trackStopped"),
            ("ann", "trackUnsubscribed"),
            ("room", "trackUnsubscribed"),
            ("room", "disconnected"),
            ("tracks", 1),
        ]
        assert story[5][2:] == (room, None)
        assert (room.participants.size, local.tracks.size, room.state) == (1, 0, "disconnected")
        room.disconnect()
        assert len(story) == 7
        await room.closed()
        assert ("leave", False) in session.log
        assert await room.get_stats() == []


@pytest.mark.parametrize("sub_code", [endings.REMOVED.sub_code, 5000])
async def test_who_is_removed_hears_no_error(sub_code: int) -> None:
    async with room_of(ANN) as (room, session):
        story: Story = []
        listen(story, "room", room)
        session.end(EndReason(code=0, sub_code=sub_code, message="removed"))
        assert [entry[1:] for entry in story] == [("disconnected", room, None)]
        await room.closed()


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (endings.LINK_LOST, 53001),
        (endings.DUPLICATE_IDENTITY, 53205),
        (endings.MEDIA_LOST, 53405),
        (endings.ENDED_FOR_EVERYONE, 53118),
        (endings.STAYED_TOO_LONG, 53216),
    ],
)
@pytest.mark.feature("TOKEN-007")
async def test_an_end_from_outside_has_an_error(reason: EndReason, code: int) -> None:
    async with room_of(ANN) as (room, session):
        story: Story = []
        listen(story, "room", room)
        session.end(reason)
        (entry,) = story
        assert entry[1:3] == ("disconnected", room)
        assert isinstance(entry[3], TwilioError)
        assert entry[3].code == code
        await room.closed()


async def test_reconnecting_is_told_later_and_once_by_participant_and_room() -> None:
    async with room_of() as (room, session):
        story: Story = []
        listen(story, "room", room)
        listen(story, "local", room.local_participant)
        lost = TransportError("gone", stage=Stage.SIGNALING)
        session.observer.on_state(SessionState.RECONNECTING, lost)
        assert (room.state, story) == ("reconnecting", [])
        await asyncio.sleep(0)
        assert names(story) == [("local", "reconnecting"), ("room", "reconnecting")]
        assert story[1][2].code == 53001
        story.clear()
        session.observer.on_state(SessionState.JOINED, None)
        await asyncio.sleep(0)
        assert names(story) == [
            ("local", "connected"),
            ("local", "reconnected"),
            ("room", "reconnected"),
        ]
        assert story[2][2:] == ()


@pytest.mark.parametrize("ups_and_downs", [1, 2])
async def test_a_loss_that_is_over_at_once_is_not_told_and_one_that_is_not_once(
    ups_and_downs: int,
) -> None:
    async with room_of() as (room, session):
        story: Story = []
        listen(story, "room", room)
        lost = TransportError("gone", stage=Stage.SIGNALING)
        for _ in range(ups_and_downs):
            session.observer.on_state(SessionState.RECONNECTING, lost)
            session.observer.on_state(SessionState.JOINED, None)
        await asyncio.sleep(0)
        assert story == []
        session.observer.on_state(SessionState.RECONNECTING, lost)
        session.observer.on_state(SessionState.JOINED, None)
        session.observer.on_state(SessionState.RECONNECTING, lost)
        await asyncio.sleep(0)
        assert names(story) == [("room", "reconnecting")]


async def test_a_listener_that_leaves_hears_nothing_of_the_room_afterwards() -> None:
    async with room_of(ANN) as (room, session):
        session.subscribe(ANN.publications[0].id)
        story: Story = []
        listen(story, "room", room)
        only(room).on("trackUnsubscribed", lambda _: room.disconnect())
        session.say(EndpointLeft(endpoint=ANN.id, reason=endings.HUNG_UP))
        assert names(story)[-1] == ("room", "disconnected")
        await room.closed()


@pytest.mark.feature("DOMSPK-001", "DOMSPK-002")
async def test_the_dominant_speaker_is_remote_or_none() -> None:
    async with room_of(ANN, BOB) as (room, session):
        story: Story = []
        listen(story, "room", room)
        session.say(SpeakersChanged(ranking=(LOCAL_ID, BOB.id), dominant=LOCAL_ID))
        session.say(SpeakersChanged(ranking=(BOB.id, LOCAL_ID), dominant=BOB.id))
        session.say(SpeakersChanged(ranking=(BOB.id, LOCAL_ID), dominant=None))
        bob = room.participants[f"PA{BOB.id}"]
        assert story == [
            ("room", "dominantSpeakerChanged", bob),
            ("room", "dominantSpeakerChanged", None),
        ]


@pytest.mark.feature("DOMSPK-001")
async def test_without_the_option_there_is_no_dominant_speaker() -> None:
    async with room_of(ANN, dominant_speaker=False) as (room, session):
        session.say(SpeakersChanged(ranking=(ANN.id,), dominant=ANN.id))
        assert room.dominantSpeaker is None


async def test_a_room_is_left_at_the_end_of_its_block() -> None:
    async with scripted_call(ScriptedLink()) as (call, session):
        assert call.feature(Features.STREAMS).endpoints == ()
        async with make_room(
            call, tracks=[], created=[], dominant_speaker=False, network_quality=None
        ) as room:
            assert room.refreshInactiveMedia() is room
            assert await room.get_stats() != []
        assert room.state == "disconnected"
        assert session.log == [("leave", False)]


async def test_a_coroutine_listener_may_wait_for_the_end() -> None:
    heard: list[str] = []
    async with room_of() as (room, _):

        async def wait(gone: Room) -> None:
            await gone.closed()
            heard.append("closed")

        room.on("disconnected", wait)
        room.disconnect()
        await room.closed()
    await asyncio.sleep(0)
    assert heard == ["closed"]


async def test_what_happened_before_the_room_was_made_is_not_lost() -> None:
    away = EndpointInfo(
        id="a" * 32, identity="8:acs:res_ann", name="ann", state=ConnectionState.RECONNECTING
    )
    cause = TransportError("The socket broke.", stage=Stage.SIGNALING)
    async with scripted_call(ScriptedLink([away])) as (call, session):
        session.observer.on_quality((QualityLevel(endpoint=LOCAL_ID, level=3),))
        session.observer.on_quality((QualityLevel(endpoint="a" * 32, level=2),))
        session.observer.on_state(SessionState.RECONNECTING, cause)
        room = make_room(
            call,
            tracks=[],
            created=[],
            dominant_speaker=False,
            network_quality=NetworkQualityConfiguration(local=1, remote=1),
        )
        story: Story = []
        listen(story, "room", room)
        assert only(room).state == "reconnecting"
        assert room.local_participant.network_quality_level == 3
        assert only(room).network_quality_level == 2
        assert room.state == "reconnecting"
        await asyncio.sleep(0)
        assert [entry[1] for entry in story] == ["reconnecting"]
        assert story[0][2].__cause__ is cause
        room.disconnect()
        await room.closed()


@pytest.mark.parametrize("verbosity", [1, 2, 3])
async def test_network_quality_is_as_detailed_as_was_asked_for(verbosity: int) -> None:
    quality = NetworkQualityConfiguration(local=verbosity, remote=0)
    async with room_of(network_quality=quality) as (room, session):
        stream = StreamQuality(bandwidth=5, latency=4, loss=3, actual_bps=1.0, fraction_lost=0.1)
        level = QualityLevel(
            endpoint=LOCAL_ID, level=3, video_send=3, details=QualityDetails(video_send=stream)
        )
        session.observer.on_quality((level,))
        stats = room.local_participant.network_quality_stats
        if verbosity == 1:
            assert stats is None
            return
        assert stats is not None
        assert (stats.level, stats.video.send, stats.video.recv, stats.audio.send) == (
            3,
            3,
            None,
            None,
        )
        assert stats.video.recvStats is None
        sent = stats.video.sendStats
        if verbosity == 2:
            assert sent is None
            return
        assert sent is not None
        assert (sent.bandwidth.actual, sent.bandwidth.available, sent.bandwidth.level) == (
            1.0,
            None,
            5,
        )
        assert (sent.latency.jitter, sent.latency.rtt, sent.latency.level) == (None, None, 4)
        assert (sent.fractionLost.fractionLost, sent.fractionLost.level) == (0.1, 3)


async def test_the_end_of_a_lost_room_says_why_and_what_to_do() -> None:
    async with room_of() as (room, session):
        heard: list[TwilioError] = []
        room.on("disconnected", lambda _room, error: heard.append(error))
        cause = TransportError("The socket broke.", stage=Stage.SIGNALING)
        session.observer.on_state(SessionState.RECONNECTING, cause)
        session.end(endings.LINK_LOST)
        (error,) = heard
        assert error.code == 53001
        assert "network" in error.next_step
        assert error.__cause__ is not None
        assert error.__cause__.__cause__ is cause
