from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from acs_core.client.call import Call
from acs_core.client.features.keys import Features
from acs_core.client.options import JoinCallOptions, StreamOptions
from acs_core.client.ports import SessionState
from acs_core.core import endings
from acs_core.core.facts import (
    ConnectionState,
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationKind,
    PublicationRemoved,
    SpeakersChanged,
)
from acs_core.errors import ServiceError, Stage, TransportError
from acs_core.media.frames import VideoFrame
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sources import ToneSource
from acs_core.wire import QualityLevel
from tests.support.fake_call import (
    CALL_ID,
    LOCAL_ID,
    ScriptedLink,
    ScriptedReceiver,
    ScriptedSession,
    endpoint,
    publication,
    scripted_call,
)
from twilio_compat import (
    LocalAudioTrack,
    LocalDataTrack,
    LocalVideoTrack,
    NetworkQualityConfiguration,
    RemoteParticipant,
    RemoteVideoTrack,
    Room,
    RoomState,
    TwilioError,
)
from twilio_compat.emitter import EventEmitter
from twilio_compat.room import RoomSetup

ANN = endpoint("a", "ann", publication("1"), publication("2", PublicationKind.DATA))
BOB = endpoint("b", "bob")

Story = list[tuple[Any, ...]]


@asynccontextmanager
async def room_of(
    *others: EndpointInfo,
    tracks: Sequence[Any] = (),
    created: Sequence[Any] = (),
    dominant_speaker: bool = True,
    network_quality: NetworkQualityConfiguration | None = None,
    received: dict[str, ScriptedReceiver] | None = None,
) -> AsyncIterator[tuple[Room, ScriptedSession]]:
    link = ScriptedLink(others, received or {})
    streams = tuple(
        StreamOptions(name=track.name)
        if isinstance(track, LocalDataTrack)
        else StreamOptions(source=track.media_stream_track, name=track.name)
        for track in tracks
    )
    async with scripted_call(link, JoinCallOptions(streams=streams)) as (call, session):
        room = make_room(
            call,
            tracks=tracks,
            created=created,
            dominant_speaker=dominant_speaker,
            network_quality=network_quality,
        )
        yield room, session
        room.disconnect()
        await room.closed()


def make_room(call: Call, **changes: Any) -> Room:
    return Room(
        RoomSetup(
            call=call, call_id=CALL_ID, name="lobby", identity="me", close=call.hang_up, **changes
        )
    )


def listen(story: Story, label: str, emitter: EventEmitter) -> None:
    """Write down every event of an emitter with its arguments."""
    for event in sorted(emitter.known_events()):

        def note(*arguments: object, event: str = event) -> None:
            story.append((label, str(event), *arguments))

        emitter.on(event, note)


def names(story: Story) -> list[tuple[str, str]]:
    return [(entry[0], entry[1]) for entry in story]


def only(room: Room) -> RemoteParticipant:
    return next(iter(room.participants.values()))


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


@pytest.mark.feature("RENDER-002", "RENDER-003", "PUBLICATION-003", "PUBLICATION-004")
async def test_subscribed_is_told_from_the_inside_out() -> None:
    async with room_of(ANN) as (room, session):
        ann = only(room)
        video = ann.videoTracks["MT" + "1" * 32]
        assert video.track is None
        story: Story = []
        for label, emitter in (("room", room), ("participant", ann), ("publication", video)):
            listen(story, label, emitter)
        session.subscribe("1" * 32)
        track = video.track
        assert story == [
            ("publication", "subscribed", track),
            ("participant", "trackSubscribed", track, video),
            ("room", "trackSubscribed", track, video, ann),
        ]
        assert video.is_subscribed


@pytest.mark.feature("PUBLICATION-005", "VIDEO-007")
async def test_unpublishing_unsubscribes_first() -> None:
    async with room_of(ANN) as (room, session):
        ann = only(room)
        video = ann.videoTracks["MT" + "1" * 32]
        session.subscribe("1" * 32)
        track = video.track
        story: Story = []
        for label, emitter in (("room", room), ("participant", ann), ("publication", video)):
            listen(story, label, emitter)
        video.on("unsubscribed", lambda: story.append(("state", video.track)))
        session.say(PublicationRemoved(publication="1" * 32))
        assert story == [
            ("publication", "unsubscribed", track),
            ("state", None),
            ("participant", "trackUnsubscribed", track, video),
            ("room", "trackUnsubscribed", track, video, ann),
            ("participant", "trackUnpublished", video),
            ("room", "trackUnpublished", video, ann),
        ]
        assert ann.tracks.size == 1


@pytest.mark.feature("PUBLICATION-002")
async def test_a_later_publication_is_told() -> None:
    async with room_of(BOB) as (room, session):
        bob = only(room)
        story: Story = []
        listen(story, "room", room)
        listen(story, "participant", bob)
        added = publication("3", PublicationKind.SCREEN)
        session.say(PublicationAdded(endpoint=BOB.id, publication=added))
        screen = bob.video_tracks["MT" + "3" * 32]
        assert story == [
            ("participant", "trackPublished", screen),
            ("room", "trackPublished", screen, bob),
        ]
        assert screen.kind == "video"


@pytest.mark.feature("VIDEO-004", "VIDEO-005")
async def test_disabled_is_told_by_track_publication_participant_and_room() -> None:
    async with room_of(ANN) as (room, session):
        ann = only(room)
        video = ann.videoTracks["MT" + "1" * 32]
        session.subscribe("1" * 32)
        track = video.track
        assert track is not None
        story: Story = []
        emitters = {"room": room, "participant": ann, "publication": video, "track": track}
        for label, emitter in emitters.items():
            listen(story, label, emitter)
        change = PublicationChanged(publication="1" * 32, enabled=False, priority=Priority.STANDARD)
        session.say(change)
        assert story == [
            ("track", "disabled", track),
            ("publication", "trackDisabled"),
            ("participant", "trackDisabled", video),
            ("room", "trackDisabled", video, ann),
        ]
        assert not video.is_track_enabled
        assert not track.isEnabled


async def test_a_changed_priority_is_told() -> None:
    async with room_of(ANN) as (room, session):
        ann = only(room)
        video = ann.videoTracks["MT" + "1" * 32]
        story: Story = []
        for label, emitter in (("room", room), ("participant", ann), ("publication", video)):
            listen(story, label, emitter)
        session.say(PublicationChanged(publication="1" * 32, enabled=True, priority=Priority.HIGH))
        assert story == [
            ("publication", "publishPriorityChanged", "high"),
            ("participant", "trackPublishPriorityChanged", "high", video),
            ("room", "trackPublishPriorityChanged", "high", video, ann),
        ]
        assert video.publishPriority == "high"


async def test_messages_reach_track_participant_and_room() -> None:
    async with room_of(ANN) as (room, session):
        ann = only(room)
        session.subscribe("2" * 32)
        track = ann.data_tracks["MT" + "2" * 32].track
        assert track is not None
        story: Story = []
        for label, emitter in (("room", room), ("participant", ann), ("track", track)):
            listen(story, label, emitter)
        session.observer.on_data("2" * 32, "hello")
        assert story == [
            ("track", "message", "hello", track),
            ("participant", "trackMessage", "hello", track),
            ("room", "trackMessage", "hello", track, ann),
        ]


async def test_the_first_frame_starts_a_remote_track() -> None:
    async with room_of(ANN) as (room, session):
        ann = only(room)
        receiver = session.subscribe("1" * 32)
        track = ann.videoTracks["MT" + "1" * 32].track
        assert track is not None
        assert not receiver.opened
        story: Story = []
        for label, emitter in (("room", room), ("participant", ann), ("track", track)):
            listen(story, label, emitter)
        receiver.queue.put_nowait(VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8)))
        receiver.queue.put_nowait(None)
        frames = [frame async for frame in track.frames()]
        assert (len(frames), receiver.opened) == (1, [("latest", 1)])
        assert story == [
            ("track", "dimensionsChanged", track),
            ("participant", "trackDimensionsChanged", track),
            ("room", "trackDimensionsChanged", track, ann),
            ("track", "started", track),
            ("participant", "trackStarted", track),
            ("room", "trackStarted", track, ann),
        ]
        assert (track.dimensions.width, track.dimensions.height, track.is_started) == (64, 48, True)


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
            ("size", 0),  # type: ignore[list-item]
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


async def test_tracks_that_were_passed_in_go_on() -> None:
    mine = LocalAudioTrack(ToneSource())
    async with room_of(tracks=[mine]) as (room, _):
        room.disconnect()
        assert not mine.is_stopped
    mine.stop()
    await mine.closed()


@pytest.mark.parametrize(
    ("reason", "code"),
    [(endings.LINK_LOST, 53001), (endings.DUPLICATE_IDENTITY, 53205), (endings.MEDIA_LOST, 53405)],
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


async def test_a_participant_reconnects() -> None:
    async with room_of(BOB) as (room, session):
        bob = only(room)
        story: Story = []
        listen(story, "room", room)
        listen(story, "bob", bob)
        session.say(EndpointChanged(endpoint=BOB.id, state=ConnectionState.RECONNECTING))
        session.say(EndpointChanged(endpoint=BOB.id, state=ConnectionState.CONNECTED))
        assert story == [
            ("bob", "reconnecting", bob),
            ("room", "participantReconnecting", bob, bob),
            ("bob", "connected", bob),
            ("bob", "reconnected"),
            ("room", "participantReconnected", bob),
        ]


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


@pytest.mark.feature("NQ-001", "NQ-002")
async def test_network_quality_follows_the_verbosity() -> None:
    quality = NetworkQualityConfiguration(local=2, remote=1)
    async with room_of(ANN, network_quality=quality) as (room, session):
        ann = only(room)
        story: Story = []
        listen(story, "local", room.local_participant)
        listen(story, "ann", ann)
        mine = QualityLevel(endpoint=LOCAL_ID, level=4, audio_send=5, video_receive=3)
        session.observer.on_quality((mine, QualityLevel(endpoint=ANN.id, level=2)))
        session.observer.on_quality((QualityLevel(endpoint=ANN.id, level=2, audio_send=1),))
        stats = room.local_participant.network_quality_stats
        assert story == [
            ("local", "networkQualityLevelChanged", 4, stats),
            ("ann", "networkQualityLevelChanged", 2, None),
        ]
        assert stats is not None
        assert (stats.level, stats.audio.send, stats.video.recv) == (4, 5, 3)
        room.local_participant.setNetworkQualityConfiguration({"local": 1, "remote": 0})
        session.observer.on_quality((QualityLevel(endpoint=ANN.id, level=5),))
        assert ann.network_quality_level == 2


@pytest.mark.feature("VIDEO-004", "AUDIO-011")
async def test_local_disable_is_told_to_the_participant_before_the_publication() -> None:
    track = LocalAudioTrack(ToneSource(), name="mic")
    async with room_of(tracks=[track]) as (room, session):
        local = room.local_participant
        mic = next(iter(local.audio_tracks.values()))
        story: Story = []
        for label, emitter in (("local", local), ("publication", mic), ("track", track)):
            listen(story, label, emitter)
        local.audioTracks.forEach(lambda publication: publication.track.disable())
        assert story == [
            ("track", "disabled", track),
            ("local", "trackDisabled", track),
            ("publication", "trackDisabled"),
        ]
        assert not mic.is_track_enabled
        track.disable()
        assert len(story) == 3
        await asyncio.sleep(0.01)
        assert ("update", "mic", False, None) in session.log
    track.stop()
    await track.closed()


@pytest.mark.feature("AUDIO-002", "VIDEO-007")
async def test_publish_and_unpublish() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), name="cam")
    async with room_of() as (room, session):
        local = room.local_participant
        story: Story = []
        listen(story, "local", local)
        first = await local.publish_track(track, {"priority": "low"})
        assert (first.kind, first.track, first.priority) == ("video", track, "low")
        assert await local.publishTrack(track) is first
        await asyncio.sleep(0)
        assert story == [("local", "trackPublished", first)]
        first.setPriority("high")
        assert local.unpublish_track(track) is first
        assert (local.tracks.size, local.unpublish_track(track)) == (0, None)
        assert not track.is_stopped
        with pytest.raises(TypeError):
            local.unpublish_track("cam")  # type: ignore[arg-type]
        second = await local.publish_track(track)
        assert second.track_sid != first.track_sid
        assert [entry[0] for entry in session.log].count("unpublish") == 1
    track.stop()
    await track.closed()


async def test_a_refused_publication_is_raised_and_told() -> None:
    track = LocalVideoTrack(ProgramVideoSource(), name="cam")
    async with room_of() as (room, session):
        session.refusal = ServiceError("Too many.", sub_code=53203)
        story: Story = []
        listen(story, "local", room.local_participant)
        with pytest.raises(TwilioError) as caught:
            await room.local_participant.publish_track(track)
        assert caught.value.code == 53203
        await asyncio.sleep(0)
        assert story == [("local", "trackPublicationFailed", caught.value, track)]
        with pytest.raises(TypeError):
            await room.local_participant.publish_tracks("cam")
        session.refusal = None
    track.stop()
    await track.closed()


async def test_data_tracks_send_everywhere_and_forget(caplog: pytest.LogCaptureFixture) -> None:
    track = LocalDataTrack(name="chat")
    async with room_of(tracks=[track]) as (room, session):
        track.send("hello")
        track.send(bytearray(b"\x01"))
        track.send("fail")
        with pytest.raises(TypeError):
            track.send(3)  # type: ignore[arg-type]
        assert session.sent == [("chat", "hello"), ("chat", b"\x01")]
        assert "was not sent" in caplog.text
        room.local_participant.unpublish_tracks([track])
        track.send("nobody")
        assert len(session.sent) == 2


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
