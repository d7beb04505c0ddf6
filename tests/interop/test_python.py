"""A page and Python participants, Twilio-style and ACS-style, in one room."""

from __future__ import annotations

from acs_core import LocalAudioStream, LocalVideoStream
from acs_core.media.sources import ToneSource
from tests.interop.python_side import (
    check_acs_sees_and_hears,
    check_python_sees_and_hears,
    received,
)
from tests.interop.stage import Stage
from tests.interop.values import data, microphone, video
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED
from tests.support.people import camera, pattern, seen_by
from twilio_compat import LocalDataTrack


async def test_a_page_and_python_see_and_hear_each_other(stage: Stage) -> None:
    page = await stage.joined("alice", media=(microphone(440), video(RED)))
    room = await stage.guest("pablo", color=GREEN, tone=660.0)
    await page.event("participantConnected", "participant:pablo")
    await page.sees("pablo", GREEN)
    await page.hears("pablo", 660)
    await check_python_sees_and_hears(room, "alice", RED, 440)
    assert room.sid == page.room_sid
    assert set(room.participants) == {page.sid}


async def test_python_hears_what_a_page_does(stage: Stage) -> None:
    room = await stage.guest("pablo")
    connected = next_event(room, "participantConnected")
    page = await stage.joined("alice", media=(microphone(440), video(RED)))
    (alice,) = await connected
    assert (alice.identity, alice.sid) == ("alice", page.sid)
    await until(lambda: received(room, "alice", "audio"))

    disabled = next_event(room, "trackDisabled")
    await page.run("room => room.localParticipant.audioTracks.forEach(one => one.track.disable())")
    publication, who = await disabled
    assert (publication.kind, who) == ("audio", alice)

    changed = next_event(room, "trackPublishPriorityChanged")
    await page.run("room => room.localParticipant.videoTracks.forEach(o => o.setPriority('high'))")
    assert (await changed)[0] == "high"

    unpublished = next_event(room, "trackUnpublished")
    await page.unpublish("camera")
    assert (await unpublished)[0].track_name == "camera"

    left = next_event(room, "participantDisconnected")
    await page.disconnect()
    assert await left == (alice,)


async def test_a_page_hears_what_python_does(stage: Stage) -> None:
    page = await stage.joined("alice")
    room = await stage.guest("pablo", color=GREEN)
    (publication,) = room.local_participant.video_tracks.values()
    await page.event("trackSubscribed", "participant:pablo")
    publication.track.disable()
    await page.event("trackDisabled", "participant:pablo")
    publication.track.enable()
    await page.event("trackEnabled", "participant:pablo")
    room.local_participant.unpublish_track(publication.track)
    await page.event("trackUnsubscribed", "participant:pablo")
    await page.event("trackUnpublished", "participant:pablo")
    room.disconnect()
    await page.event("participantDisconnected", "participant:pablo")
    assert await page.run("room => room.participants.size") == 0


async def test_data_goes_both_ways(stage: Stage) -> None:
    page = await stage.joined("alice", media=(data(),))
    room = await stage.guest("pablo")
    track = LocalDataTrack(name="answers")
    await room.local_participant.publish_track(track)
    await page.event("trackSubscribed", "track:data:answers")
    await until(lambda: received(room, "alice", "data"))
    message = next_event(received(room, "alice", "data"), "message")
    await page.send("what?")
    assert (await message)[0] == "what?"
    message = next_event(received(room, "alice", "data"), "message")
    await page.send([0, 255])
    assert (await message)[0] == b"\x00\xff"
    track.send("that")
    await page.event("trackMessage", "that", "participant:pablo")
    track.send(b"\x01\x02")
    await page.event("trackMessage", {"bytes": [1, 2]})


async def test_a_page_and_an_acs_user_meet(stage: Stage) -> None:
    page = await stage.joined("alice", media=(microphone(440), video(RED)))
    anton = await stage.user("Anton")
    call = await anton.join(
        video=LocalVideoStream(pattern(BLUE)), audio=LocalAudioStream(ToneSource(880.0))
    )
    await page.event("participantConnected", "participant:Anton")
    await page.sees("Anton", BLUE)
    await page.hears("Anton", 880)
    await seen_by(call)
    await check_acs_sees_and_hears(call, "alice", RED, 440)

    (alice,) = call.remote_participants
    muted = next_event(alice, "isMutedChanged")
    await page.run("room => room.localParticipant.audioTracks.forEach(one => one.track.disable())")
    await muted
    assert alice.is_muted
    await call.mute()
    await page.event("trackDisabled", "participant:Anton")

    await call.stop_video(call.local_video_streams[0])
    await page.event("trackUnpublished", "participant:Anton")
    await call.start_video(LocalVideoStream(camera(GREEN)))
    await page.sees("Anton", GREEN)

    await call.hang_up()
    await page.event("participantDisconnected", "participant:Anton")
