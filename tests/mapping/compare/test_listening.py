"""A room and a call in one meeting hear the same, in Twilio's words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from acs_core import (
    Call,
    CallingError,
    Features,
    RemotePublication,
    ServiceError,
    Stage,
    TransportError,
)
from mapping.compare.listening import describe, error_code, listen_to_call, listen_to_room
from mapping.compare.vocabulary import described_room
from tests.support.events import until
from tests.support.media_checks import RED
from tests.support.people import Meeting, meeting
from twilio_compat import Room
from twilio_compat.errors import ParticipantDuplicateIdentityError

MANUAL = {"video": {"clientTrackSwitchOffControl": "manual", "contentPreferencesMode": "manual"}}
Told = list[tuple[str, Any]]


@dataclass
class Audience:
    """A room of the facade and a call of the SDK, and what each was told."""

    place: Meeting
    room: Room
    call: Call
    by_room: Told = field(default_factory=list)
    by_call: Told = field(default_factory=list)

    async def told(self, event: str, times: int = 1) -> None:
        """Wait until both were told an event so often."""
        both = (self.by_room, self.by_call)
        await until(lambda: all([one for one, _ in told].count(event) == times for told in both))

    def about(self, *events: str) -> list[Told]:
        """What both were told, of some events."""
        return [[one for one in told if one[0] in events] for told in (self.by_room, self.by_call)]


@pytest.fixture
async def audience() -> AsyncIterator[Audience]:
    async with meeting() as place:
        room = await place.guest("room", bandwidth_profile=MANUAL, dominant_speaker=True)
        user = await place.user("call")
        call = await user.join()
        made = Audience(place, room, call)
        listen_to_room(room, lambda *told: made.by_room.append(told))
        where = described_room(room.name, room.sid)
        forget = listen_to_call(call, lambda *told: made.by_call.append(told), room=where)
        yield made
        forget()


async def test_recording_is_told_alike(audience: Audience) -> None:
    (running,) = audience.place.server.calls.live.values()
    recording = running.activity.start_recording("minutes")
    await audience.told("recordingStarted")
    running.activity.stop_recording(recording)
    await audience.told("recordingStopped")
    by_room, by_call = audience.about("recordingStarted", "recordingStopped")
    assert by_room == by_call == [("recordingStarted", []), ("recordingStopped", [])]


async def test_a_video_switched_off_and_on_is_told_alike(audience: Audience) -> None:
    await audience.place.guest("ann", color=RED)
    await audience.told("trackSubscribed")
    publication = of_ann(audience.call)
    policy = audience.call.feature(Features.RECEIVE_POLICY)
    (track,) = [
        one.track
        for person in audience.room.participants.values()
        for one in person.video_tracks.values()
    ]
    assert track is not None
    await policy.hint(publication, enabled=False)
    track.switch_off()
    await audience.told("trackSwitchedOff")
    await policy.hint(publication, enabled=True)
    track.switch_on()
    await audience.told("trackSwitchedOn")
    by_room, by_call = audience.about("trackSwitchedOff", "trackSwitchedOn")
    assert by_room == by_call
    assert [event for event, _ in by_call] == ["trackSwitchedOff", "trackSwitchedOn"]


async def test_who_dominates_is_told_alike(audience: Audience) -> None:
    ann = await audience.place.guest("ann", tone=440)
    await audience.told("dominantSpeakerChanged")
    ann.disconnect()
    await audience.told("dominantSpeakerChanged", 2)
    by_room, by_call = audience.about("dominantSpeakerChanged", "participantDisconnected")
    assert by_room == by_call
    assert by_call[-1] == ("dominantSpeakerChanged", [None])


async def test_what_is_received_already_is_heard_at_once(audience: Audience) -> None:
    await audience.place.guest("ann", color=RED)
    await audience.told("trackSubscribed")
    late: Told = []
    where = described_room(audience.room.name, audience.room.sid)
    forget = listen_to_call(audience.call, lambda *told: late.append(told), room=where)
    assert late == audience.about("trackSubscribed")[1]
    forget()
    forget = listen_to_room(audience.room, lambda *told: late.append(told))
    assert late[1] == late[0]
    forget()
    audience.room.disconnect()
    assert len(late) == 2


def of_ann(call: Call) -> RemotePublication:
    (publication,) = [
        one
        for one in call.feature(Features.STREAMS).publications.values()
        if one.endpoint.display_name == "ann"
    ]
    return publication


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ServiceError("full", code=403, sub_code=53105), 53105),
        (ServiceError("over", code=0, sub_code=4097), 53118),
        (TransportError("lost", code=410, sub_code=301005, stage=Stage.ICE), 53405),
        (ServiceError("removed", code=0, sub_code=5300), None),
        (ServiceError("odd", code=418), 418),
    ],
)
def test_errors_have_twilios_codes(error: CallingError, code: int | None) -> None:
    assert error_code(error) == code


def test_values_are_described() -> None:
    assert describe(b"\0\xff") == {"is": "bytes", "hex": "00ff"}
    assert describe("text") == "text"
    assert describe(None) is None
    error = describe(ParticipantDuplicateIdentityError())
    assert (error["is"], error["code"]) == ("error", 53205)
