"""Rooms that were made through REST: their limits, codecs, recording state and end."""

from __future__ import annotations

import json

import pytest

from acs_core.service.admission import CallLimits
from acs_core.service.rooms import RoomOptions
from tests.interop.python_side import check_python_sees
from tests.interop.stage import MakeStage, Stage
from tests.interop.values import PageError, data, microphone, video
from tests.support.events import next_event
from tests.support.media_checks import BLUE, RED
from tests.support.people import ROOM
from twilio_compat.errors import (
    ParticipantSessionLengthExceededError,
    RoomAccountLimitExceededError,
)


async def test_a_created_room_is_the_one_that_is_joined(stage: Stage) -> None:
    sid = await stage.create_room(Type="group")
    page = await stage.joined("alice")
    assert page.room_sid == sid
    status, body = await stage.rest("GET", f"/v1/Rooms/{ROOM}")
    assert (status, body["sid"], body["status"]) == (200, sid, "in-progress")


async def test_pages_may_use_rest_themselves(stage: Stage) -> None:
    """Which needs the answers to preflights of the Fetch standard."""
    page = await stage.page("alice")
    (sid, key), *_ = stage.server.settings.api_keys.items()  # type: ignore[attr-defined]
    created = await page.run(
        """async (_, harness, {url, sid, secret}) => {
            const response = await fetch(`${url}/v1/Rooms`, {
                method: 'POST',
                headers: {Authorization: `Basic ${btoa(`${sid}:${secret}`)}`},
                body: new URLSearchParams({UniqueName: 'from-a-page'}),
            });
            return {status: response.status, body: await response.json()};
        }""",
        {"url": stage.url, "sid": sid, "secret": key.secret},
    )
    assert created["status"] == 201
    assert (await page.connect("from-a-page"))["sid"] == created["body"]["sid"]


async def test_a_completed_room_ends_for_everybody(stage: Stage) -> None:
    page = await stage.joined("alice", media=(video(RED),))
    room = await stage.guest("pablo")
    ended = next_event(room, "disconnected")
    status, body = await stage.rest("POST", f"/v1/Rooms/{page.room_sid}", Status="completed")
    assert (status, body["status"]) == (202, "completed")
    assert (await page.event("disconnected")).code == 53118
    assert getattr((await ended)[-1], "code", None) == 53118


async def test_a_room_may_be_full(stage: Stage) -> None:
    await stage.create_room(MaxParticipants="1")
    first = await stage.joined("alice")
    second = await stage.page("bob")
    with pytest.raises(PageError) as caught:
        await second.connect()
    assert caught.value.code == 53105
    await first.disconnect()
    third = await stage.page("carol")
    await third.connect()


async def test_an_audio_only_room_takes_no_video(stage: Stage) -> None:
    await stage.create_room(AudioOnly="true")
    bob = await stage.joined("bob")
    alice = await stage.joined("alice", media=(microphone(440),))
    with pytest.raises(PageError) as caught:
        await alice.publish(video(RED))
    assert caught.value.code == 53125
    await alice.publish(data())
    await bob.hears("alice", 440)
    await bob.event("trackSubscribed", "track:data:chat")


async def test_a_video_of_an_audio_only_room_fails_and_the_rest_goes_on(stage: Stage) -> None:
    await stage.create_room(AudioOnly="true")
    bob = await stage.joined("bob")
    alice = await stage.joined("alice", media=(microphone(440), video(RED)))
    failed = await alice.event("trackPublicationFailed", emitter="local")
    assert failed.code == 53125
    await bob.hears("alice", 440)


async def test_only_the_codecs_of_the_room_are_used(stage: Stage) -> None:
    await stage.create_room(VideoCodecs="H264")
    alice = await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob", media=(video(BLUE),))
    room = await stage.guest("pablo")
    await bob.sees("alice", RED)
    await alice.sees("bob", BLUE)
    for page in (alice, bob):
        codecs = await page.until(
            """async room => {
                const all = (await room.getStats()).flatMap(one => [
                    ...one.remoteVideoTrackStats, ...one.localVideoTrackStats]);
                const codecs = new Set(all.map(one => one.codec));
                return all.length >= 2 && !codecs.has(null) && [...codecs];
            }"""
        )
        assert codecs == ["H264"]
    await check_python_sees(room, "alice", RED)


@pytest.mark.parametrize("codec", ["H264", "VP9"])
async def test_another_codec_than_the_usual(stage: Stage, codec: str) -> None:
    await stage.joined("alice", media=(video(RED),), preferredVideoCodecs=[codec])
    bob = await stage.joined("bob")
    await bob.sees("alice", RED)
    codecs = await bob.until(
        """async room => (await room.getStats()).flatMap(
            one => one.remoteVideoTrackStats.map(one => one.codec)).filter(Boolean)"""
    )
    assert set(codecs) <= {codec}


async def test_in_a_large_room_only_who_publishes_is_announced(stage: Stage) -> None:
    await stage.create_room(MaxParticipants="51")
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    assert await bob.run("room => room.participants.size") == 0
    await alice.publish(data())
    await bob.event("participantConnected", "participant:alice")
    await bob.event("trackSubscribed", "track:data:chat")
    assert await alice.run("room => room.participants.size") == 0
    since = await bob.mark()
    await alice.unpublish("chat")
    await bob.event("participantDisconnected", "participant:alice")
    await alice.publish(microphone(440))
    await bob.event("participantConnected", "participant:alice", since=since)
    await bob.hears("alice", 440)


async def test_recording_is_told_while_there_is_something_to_record(stage: Stage) -> None:
    await stage.create_room(RecordParticipantsOnConnect="true")
    bob = await stage.joined("bob")
    assert await bob.run("room => room.isRecording") is False
    alice = await stage.joined("alice", media=(microphone(440),))
    await bob.event("recordingStarted")
    assert await bob.run("room => room.isRecording") is True
    assert await alice.until("room => room.isRecording") is True
    rules = json.dumps([{"type": "exclude", "all": "true"}])
    status, body = await stage.rest(
        "POST", f"/v1/Rooms/{alice.room_sid}/RecordingRules", Rules=rules
    )
    assert status == 200, body
    await bob.event("recordingStopped")
    since = await bob.mark()
    rules = json.dumps([{"type": "include", "all": "true"}])
    await stage.rest("POST", f"/v1/Rooms/{alice.room_sid}/RecordingRules", Rules=rules)
    await bob.event("recordingStarted", since=since)
    await alice.unpublish("microphone")
    await bob.event("recordingStopped", since=since)


async def test_rest_subscribes_and_unsubscribes(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob")
    await bob.sees("alice", RED)
    path = f"/v1/Rooms/{bob.room_sid}/Participants/{bob.sid}/SubscribedTracks"
    track = await alice.run("r => [...r.localParticipant.videoTracks.values()][0].trackSid")
    await stage.rest("POST", path, Track=track, Status="unsubscribe")
    await bob.event("trackUnsubscribed", "track:video:camera")
    assert await bob.run("(_, h) => h.publication('alice', 'video', null).isSubscribed") is False
    since = await bob.mark()
    await stage.rest("POST", path, Track=track, Status="subscribe")
    await bob.event("trackSubscribed", "track:video:camera", since=since)
    await bob.sees("alice", RED)


async def test_rest_removes_a_page_and_a_python_participant_without_an_error(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    room = await stage.guest("pablo")
    ended = next_event(room, "disconnected")
    participants = f"/v1/Rooms/{bob.room_sid}/Participants"
    for sid in (bob.sid, room.local_participant.sid):
        status, body = await stage.rest("POST", f"{participants}/{sid}", Status="disconnected")
        assert (status, body["status"]) == (202, "disconnected")
    removed = await bob.event("disconnected")
    assert removed.code is None
    assert (await ended)[-1] is None
    await alice.event("participantDisconnected", "participant:bob")
    await alice.event("participantDisconnected", "participant:pablo")


async def test_who_stayed_as_long_as_the_room_allows_hears_why(stage: Stage) -> None:
    stage.server.calls.create(unique_name=ROOM, options=RoomOptions(max_participant_duration=2.0))
    room = await stage.guest("pablo")
    ended = next_event(room, "disconnected")
    page = await stage.joined("alice")
    assert (await page.event("disconnected")).code == 53216
    assert isinstance((await ended)[-1], ParticipantSessionLengthExceededError)


async def test_one_room_too_many_is_refused(make_stage: MakeStage) -> None:
    stage = await make_stage(limits=CallLimits(rooms=1))
    await stage.joined("alice")
    bob = await stage.page("bob")
    with pytest.raises(PageError) as caught:
        await bob.connect("another")
    assert caught.value.code == 53119
    with pytest.raises(RoomAccountLimitExceededError) as refused:
        await stage.guest("pablo", name="another")
    assert refused.value.next_step
    await bob.connect()
