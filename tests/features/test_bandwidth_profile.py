"""Bandwidth profiles on a real service: what is switched off, and what a Twilio program hears."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL
from acs_core.service.rooms import RoomKind, RoomOptions
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED
from tests.support.people import Journal, Meeting, meeting
from twilio_compat import RemoteVideoTrack, Room, TwilioError


@pytest.fixture
async def call() -> AsyncIterator[Meeting]:
    async with meeting() as running:
        yield running


async def video_of(room: Room, identity: str) -> RemoteVideoTrack:
    """The received video of one participant, once it is received."""

    def find() -> RemoteVideoTrack | None:
        participant = next(
            (one for one in room.participants.values() if one.identity == identity), None
        )
        publications = () if participant is None else participant.video_tracks.values()
        return next((one.track for one in publications if one.track is not None), None)

    await until(find)
    found = find()
    assert found is not None
    return found


async def pictures(track: RemoteVideoTrack, count: int) -> None:
    """Wait for so many pictures."""
    frames = track.frames()
    for _ in range(count):
        await anext(frames)
    frames.close()


@pytest.mark.feature("MATRIX-022")
async def test_of_many_videos_the_one_that_matters_most_is_sent(call: Meeting) -> None:
    await call.guest("red", color=RED)
    await call.guest("blue", color=BLUE)
    viewer = await call.guest("viewer", bandwidth_profile={"video": {"maxTracks": 1}})
    red, blue = await video_of(viewer, "red"), await video_of(viewer, "blue")
    await until(lambda: red.is_switched_off is not blue.is_switched_off)
    journal = Journal().watch(room=viewer, red=red, blue=blue)
    chosen, other = ("red", "blue") if blue.is_switched_off else ("blue", "red")
    tracks = {"red": red, "blue": blue}
    tracks[other].set_priority("high")
    await until(lambda: tracks[chosen].is_switched_off and not tracks[other].is_switched_off)
    await pictures(tracks[other], 3)
    told = [entry[:2] for entry in journal.entries]
    assert (chosen, "switchedOff") in told
    assert (other, "switchedOn") in told
    for name, event, room_event in (
        (chosen, "switchedOff", "trackSwitchedOff"),
        (other, "switchedOn", "trackSwitchedOn"),
    ):
        place = told.index((name, event))
        (room_entry,) = [item for item in journal.entries if item[1] == room_event]
        assert journal.entries.index(room_entry) > place
        assert room_entry[2] == name


async def test_what_the_program_switches_off_is_off_until_it_is_on_again(
    call: Meeting,
) -> None:
    await call.guest("red", color=RED)
    manual = {"video": {"clientTrackSwitchOffControl": "manual"}}
    viewer = await call.guest("viewer", bandwidth_profile=manual)
    red = await video_of(viewer, "red")
    await pictures(red, 2)
    surface = red.attach()
    off = next_event(red, "switchedOff")
    red.switchOff()
    assert await off == (red,)
    on = next_event(red, "switchedOn")
    red.switchOn()
    assert await on == (red,)
    # What it is shown on stays, and goes on.
    count = surface.frame_count
    await until(lambda: surface.frame_count > count)
    assert red.detach() == [surface]


async def test_by_itself_a_video_is_off_while_nobody_reads_it(call: Meeting) -> None:
    await call.guest("red", color=RED)
    viewer = await call.guest("viewer", bandwidth_profile={"video": {}})
    red = await video_of(viewer, "red")
    await until(lambda: red.is_switched_off)
    await pictures(red, 3)
    await until(lambda: red.is_switched_off)


async def test_recording_is_told_to_those_who_are_recorded(call: Meeting) -> None:
    await call.guest("red", color=RED)
    viewer = await call.guest("viewer")
    (live,) = call.server.calls.live.values()
    started = next_event(viewer, "recordingStarted")
    live.set_recording_rules(INCLUDE_ALL)
    assert await started == ()
    assert viewer.isRecording
    late = await call.guest("late")
    assert late.is_recording
    stopped = next_event(viewer, "recordingStopped")
    live.set_recording_rules(EXCLUDE_ALL)
    assert await stopped == ()
    assert not viewer.is_recording


async def test_a_peer_to_peer_room_is_refused_with_an_error_of_twilio(call: Meeting) -> None:
    options = RoomOptions(kind=RoomKind.PEER_TO_PEER)
    call.server.rooms.create(unique_name="pairs", options=options)
    with pytest.raises(TwilioError) as refusal:
        await call.guest("ann", name="pairs")
    assert refusal.value.code == 53104
    assert "type group" in refusal.value.next_step
