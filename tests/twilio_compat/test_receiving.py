"""What a room's tracks are switched off and on by, and what is told of it."""

from __future__ import annotations

import asyncio

import pytest

from acs_core.core.facts import RecordingChanged
from acs_core.core.receiving import (
    BandwidthProfile,
    Dimensions,
    Forwarding,
    PauseReason,
    ReceiveHint,
    ReceivePolicy,
    ReceivePriority,
)
from acs_core.errors import TransportError
from tests.support.events import until
from tests.support.fake_call import ScriptedReceiver, ScriptedSession
from tests.support.fake_room import ANN, Story, listen, only, room_of, turns
from twilio_compat import RemoteVideoTrack, Room
from twilio_compat.bandwidth import BandwidthOptions, ControlMode
from twilio_compat.receiving import Viewers

VIDEO, DATA = "1" * 32, "2" * 32
OFF = Forwarding(publication=VIDEO, reason=PauseReason.MAX_TRACKS)
ON = Forwarding(publication=VIDEO)
BY_PROFILE = BandwidthOptions(switch_off=None, content=None)
MANUAL = BandwidthOptions(switch_off=ControlMode.MANUAL, content=ControlMode.MANUAL)


def video_of(room: Room) -> RemoteVideoTrack:
    (publication,) = only(room).video_tracks.values()
    assert publication.track is not None
    return publication.track


def policies(session: ScriptedSession) -> list[ReceivePolicy]:
    return [entry[1] for entry in session.log if entry[0] == "policy"]


async def test_switching_off_is_told_on_every_level() -> None:
    async with room_of(ANN, bandwidth_profile=BY_PROFILE) as (room, session):
        session.subscribe(VIDEO)
        ann, track = only(room), video_of(room)
        video = ann.videoTracks[f"MT{VIDEO}"]
        story: Story = []
        emitters = {"room": room, "participant": ann, "publication": video, "track": track}
        for label, emitter in emitters.items():
            listen(story, label, emitter)
        track.on("switchedOff", lambda *_: story.append(("state", track.isSwitchedOff)))
        session.observer.on_forwarding((OFF,))
        assert story == [
            ("track", "switchedOff", track),
            ("state", True),
            ("participant", "trackSwitchedOff", track, video),
            ("room", "trackSwitchedOff", track, video, ann),
            ("publication", "trackSwitchedOff", track),
        ]
        story.clear()
        hidden = Forwarding(publication=VIDEO, reason=PauseReason.HIDDEN)
        session.observer.on_forwarding((hidden,))
        assert story == []
        session.observer.on_forwarding((ON,))
        assert story == [
            ("track", "switchedOn", track),
            ("participant", "trackSwitchedOn", track, video),
            ("room", "trackSwitchedOn", track, video, ann),
            ("publication", "trackSwitchedOn", track),
        ]
        assert not track.is_switched_off


async def test_a_track_begins_with_what_was_said_before_it_was_subscribed() -> None:
    async with room_of(ANN, bandwidth_profile=BY_PROFILE) as (room, session):
        story: Story = []
        listen(story, "room", room)
        session.observer.on_forwarding((OFF, Forwarding(publication="9" * 32)))
        assert story == []
        session.subscribe(VIDEO)
        assert video_of(room).is_switched_off


async def test_in_manual_mode_the_program_switches() -> None:
    async with room_of(ANN, bandwidth_profile=MANUAL) as (room, session):
        session.subscribe(VIDEO)
        track = video_of(room)
        assert track.switchOff() is track
        await until(lambda: policies(session))
        assert policies(session)[-1].hints == (ReceiveHint(publication=VIDEO, enabled=False),)
        assert not track.is_switched_off  # Until the service says so.
        track.switch_on()
        size = Dimensions(width=320, height=180)
        same = track.setContentPreferences({"renderDimensions": {"width": 320, "height": 180}})
        assert same is track
        track.set_content_preferences({})
        expected = (ReceiveHint(publication=VIDEO, enabled=True, size=size),)
        await until(lambda: policies(session)[-1].hints == expected)
        with pytest.raises(TypeError, match="renderDimensions must be an object"):
            track.set_content_preferences({"renderDimensions": 3})


async def test_a_priority_is_told_once() -> None:
    async with room_of(ANN, bandwidth_profile=BY_PROFILE) as (room, session):
        session.subscribe(VIDEO)
        track = video_of(room)
        track.set_priority("high").set_priority("high")
        await turns()
        told = policies(session)
        assert [one.priorities for one in told] == [
            (ReceivePriority(publication=VIDEO, priority="high"),)  # type: ignore[arg-type]
        ]
        track.setPriority(None)
        await turns()
        assert policies(session)[-1].priorities == ()
        with pytest.raises(ValueError, match="priority must be one of"):
            track.set_priority("urgent")


async def test_a_profile_is_changed_by_the_local_participant() -> None:
    async with room_of(ANN) as (room, session):
        local = room.local_participant
        assert local.setBandwidthProfile({"video": {"maxTracks": 2}}) is local
        await turns()
        profile = policies(session)[-1].profile
        assert isinstance(profile, BandwidthProfile)
        assert profile.max_tracks == 2
        for wrong in (None, 3, {"video": {"maxTracks": "2"}}):
            with pytest.raises(TypeError):
                local.set_bandwidth_profile(wrong)  # type: ignore[arg-type]


async def test_a_service_that_cannot_be_told_breaks_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    async with room_of(ANN, bandwidth_profile=MANUAL) as (room, session):
        session.subscribe(VIDEO)

        async def refuse(policy: ReceivePolicy) -> None:
            raise TransportError("gone")

        monkeypatch.setattr(session, "set_receive_policy", refuse)
        video_of(room).switch_off()
        await until(lambda: "could not be told" in caplog.text)
        assert room.state == "connected"


async def test_in_auto_mode_a_video_that_nobody_reads_is_switched_off() -> None:
    async with room_of(ANN, bandwidth_profile=BandwidthOptions()) as (room, session):
        session.subscribe(VIDEO)
        track = video_of(room)
        off = (ReceiveHint(publication=VIDEO, enabled=False),)
        on = (ReceiveHint(publication=VIDEO, enabled=True),)
        await until(lambda: policies(session)[-1:] and policies(session)[-1].hints == off)
        frames, more = track.frames(), track.frames()
        assert frames.dropped == 0
        await until(lambda: policies(session)[-1].hints == on)
        frames.close()
        frames.close()
        more.close()
        await until(lambda: policies(session)[-1].hints == off)
        sink = track.attach()
        await until(lambda: policies(session)[-1].hints == on)
        track.detach(sink)
        with pytest.raises(TypeError, match="clientTrackSwitchOffControl"):
            track.switch_on()
        told = len(policies(session))
        session.unsubscribe(VIDEO)
        await turns()
        assert len(policies(session)) == told


async def test_viewers_tell_changes_only() -> None:
    told: list[bool] = []
    viewers = Viewers(told.append)
    viewers.came()
    viewers.came()
    viewers.went()
    assert told == [True]
    viewers.went()
    viewers.came()  # In time: nothing flickers.
    assert told == [True]
    viewers.went()
    await until(lambda: told == [True, False])
    viewers.came()
    viewers.end()
    viewers.went()
    assert told == [True, False, True]


async def test_recording_is_state_and_events() -> None:
    async with room_of(ANN) as (room, session):
        story: Story = []
        listen(story, "room", room)
        assert not room.is_recording
        room.on("recordingStarted", lambda: story.append(("state", room.isRecording)))
        session.say(RecordingChanged(is_recording=True))
        session.say(RecordingChanged(is_recording=False))
        assert story == [
            ("room", "recordingStarted"),
            ("state", True),
            ("room", "recordingStopped"),
        ]
        assert not room.is_recording


async def test_frames_still_reach_a_watched_track() -> None:
    received = {VIDEO: ScriptedReceiver()}
    async with room_of(ANN, received=received, bandwidth_profile=BandwidthOptions()) as (room, _):
        frames = video_of(room).frames()
        received[VIDEO].queue.put_nowait(None)
        async with asyncio.timeout(5):
            assert [frame async for frame in frames] == []
        frames.close()
