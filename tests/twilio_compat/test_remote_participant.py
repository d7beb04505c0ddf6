from __future__ import annotations

import numpy as np
import pytest

from acs_core.core.facts import (
    ConnectionState,
    EndpointChanged,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.errors import InvalidStateError
from acs_core.media.frames import VideoFrame
from tests.support.fake_call import (
    publication,
)
from tests.support.fake_room import ANN, BOB, Story, listen, only, room_of


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
async def test_disabled_is_told_by_track_participant_room_and_publication() -> None:
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
            ("participant", "trackDisabled", video),
            ("room", "trackDisabled", video, ann),
            ("publication", "trackDisabled"),
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
            ("participant", "trackPublishPriorityChanged", "high", video),
            ("room", "trackPublishPriorityChanged", "high", video, ann),
            ("publication", "publishPriorityChanged", "high"),
        ]
        assert video.publishPriority == "high"


async def test_messages_reach_participant_room_and_track() -> None:
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
            ("participant", "trackMessage", "hello", track),
            ("room", "trackMessage", "hello", track, ann),
            ("track", "message", "hello", track),
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
            ("participant", "trackDimensionsChanged", track),
            ("room", "trackDimensionsChanged", track, ann),
            ("track", "dimensionsChanged", track),
            ("participant", "trackStarted", track),
            ("room", "trackStarted", track, ann),
            ("track", "started", track),
        ]
        assert (track.dimensions.width, track.dimensions.height, track.is_started) == (64, 48, True)


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


async def test_an_unsubscribed_track_is_read_no_longer() -> None:
    async with room_of(ANN) as (room, session):
        receiver = session.subscribe("1" * 32)
        track = only(room).videoTracks["MT" + "1" * 32].track
        assert track is not None
        track.attach()
        assert len(receiver.opened) == 1
        session.unsubscribe("1" * 32)
        assert receiver.closed >= 1
        with pytest.raises(InvalidStateError):
            track.frames()


async def test_remote_tracks_refuse_what_is_not_offered() -> None:
    async with room_of(ANN) as (room, session):
        session.subscribe("1" * 32)
        track = only(room).videoTracks["MT" + "1" * 32].track
        assert track is not None
        assert track.setPriority("high").priority == "high"
        assert track.set_priority(None).priority is None
        assert not track.is_switched_off
        for refused in (track.switchOn, track.switchOff):
            with pytest.raises(TypeError, match="clientTrackSwitchOffControl"):
                refused()
        with pytest.raises(TypeError, match="contentPreferencesMode"):
            track.set_content_preferences({})
