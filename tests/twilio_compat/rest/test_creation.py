"""Each parameter of a room's creation does what it says, not only answers what was asked."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import pytest

from acs_core import wire
from acs_core.core.facts import PublicationKind
from acs_core.errors import CallingError
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms, RoomTimes
from tests.support.events import until
from tests.support.people import pattern
from tests.support.virtual_clock import VirtualClock
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat import LocalVideoTrack, Room, TwilioError, connect
from twilio_compat.rest.parameters import Form, room_options

MINUTE = 60.0


def join(call: ServerCall, number: int, *kinds: PublicationKind) -> Any:
    who = Principal(f"8:acs:r_{number}", PrincipalKind.TWILIO, 2e9, display_name=f"p{number}")
    endpoint = call.join(f"{number:032x}", who, EndpointObserver())
    for kind in kinds:
        endpoint.publish([wire.NewPublication(key=kind, kind=kind, name=kind)])
    return endpoint


def refusal(action: Any) -> int:
    with pytest.raises(CallingError) as caught:
        action()
    return caught.value.sub_code


async def made(rest: Rest, **parameters: Any) -> tuple[Any, ServerCall]:
    """A room that the helper library creates, and what the service has of it."""
    room = await rest.call(lambda: rest.rooms.create(**parameters))
    call = rest.server.calls.find_room(room.sid)
    assert call is not None
    return room, call


class House:
    """Calls with a clock that the test moves, and rooms of them as a form asks for."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.clock = VirtualClock()
        self.calls = Calls(
            rooms=Rooms(),
            times=RoomTimes(empty=5 * MINUTE, unused=5 * MINUTE),
            new_id=lambda: f"{next(numbers):032x}",
            later=self.clock.call_later,
            clock=self.clock,
        )

    def room(self, **parameters: str) -> ServerCall:
        form = Form(urlencode(parameters).encode())
        return self.calls.create(options=room_options(form, largest=250))

    def lives(self, call: ServerCall) -> bool:
        return call.id in self.calls.live


@pytest.mark.parametrize(("parameters", "minutes"), [({}, 5), ({"UnusedRoomTimeout": "2"}, 2)])
def test_an_unused_room_ends_after_its_time(parameters: dict[str, str], minutes: int) -> None:
    house = House()
    call = house.room(**parameters)
    house.clock.advance(minutes * MINUTE - 1)
    assert house.lives(call)
    house.clock.advance(1)
    assert not house.lives(call)


@pytest.mark.parametrize(("parameters", "minutes"), [({}, 5), ({"EmptyRoomTimeout": "60"}, 60)])
def test_an_empty_room_ends_after_its_time(parameters: dict[str, str], minutes: int) -> None:
    house = House()
    call = house.room(**parameters)
    join(call, 1).leave()
    house.clock.advance(minutes * MINUTE - 1)
    assert house.lives(call)
    house.clock.advance(1)
    assert not house.lives(call)


def test_participants_go_when_they_have_stayed_as_long_as_they_may() -> None:
    house = House()
    call = house.room(MaxParticipantDuration="600")
    first = join(call, 1)
    house.clock.advance(100.0)
    second = join(call, 2)
    house.clock.advance(499.9)
    assert first.is_in_call
    house.clock.advance(0.1)
    assert not first.is_in_call
    assert second.is_in_call


def test_a_track_is_dated_when_it_is_offered_not_when_its_owner_came() -> None:
    house = House()
    endpoint = join(house.room(), 1, PublicationKind.AUDIO)
    house.clock.advance(90.0)
    endpoint.publish([wire.NewPublication(key="v", kind=PublicationKind.VIDEO)])
    first, second = (item.offered_at for item in endpoint.publications.values())
    assert second - first == 90.0


async def test_no_more_participants_come_in_than_the_room_is_for(rest: Rest) -> None:
    room, call = await made(rest, max_participants=2)
    join(call, 1)
    join(call, 2)
    assert refusal(lambda: join(call, 3)) == 53105
    assert room.max_participants == 2


async def test_large_rooms_take_more_participants_and_fewer_tracks(rest: Rest) -> None:
    room, call = await made(rest, large_room=True)
    assert room.large_room
    assert call.max_endpoints == room.max_participants > 50
    kinds = (PublicationKind.AUDIO, PublicationKind.VIDEO)
    for number in range(8):
        join(call, number, *kinds)
    assert refusal(lambda: join(call, 9, PublicationKind.AUDIO)) == 53203
    assert room.max_concurrent_published_tracks == 16


async def test_audio_only_rooms_carry_no_video(rest: Rest) -> None:
    room, call = await made(rest, audio_only=True)
    assert room.audio_only
    endpoint = join(call, 1, PublicationKind.AUDIO, PublicationKind.DATA)
    video = wire.NewPublication(key="v", kind=PublicationKind.VIDEO)
    assert refusal(lambda: endpoint.publish([video])) == 53125


async def enter(rest: Rest, name: str, identity: str, **options: Any) -> Room:
    defaults: dict[str, Any] = {"audio": False, "video": False, "service_url": rest.server.url}
    if "tracks" in options:
        del defaults["audio"], defaults["video"]
    return await connect(rest.server.access_token(identity), name=name, **(defaults | options))


async def video_of(room: Room) -> Any:
    def tracks() -> list[Any]:
        people = room.participants.values()
        return [item.track for person in people for item in person.tracks.values() if item.track]

    await until(tracks)
    return tracks()[0]


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_only_the_codecs_of_the_room_are_sent(rest: Rest, codec: str) -> None:
    room, _ = await made(rest, unique_name="coded", video_codecs=[codec])
    assert room.video_codecs == [codec]
    track = LocalVideoTrack(pattern((200, 30, 30)), name="camera")
    async with (
        await enter(rest, "coded", "ann", tracks=[track]),
        await enter(rest, "coded", "ben") as ben,
    ):
        remote = await video_of(ben)
        with closing(remote.frames()) as frames:
            await anext(frames)
        (report,) = await ben.get_stats()
        assert [item.codec for item in report.remote_video_track_stats] == [codec]


async def test_rooms_without_our_media_take_no_participant_that_needs_it(rest: Rest) -> None:
    await made(rest, unique_name="direct", type="peer-to-peer")
    with pytest.raises(TwilioError):
        await enter(rest, "direct", "ann")


async def test_recording_begins_as_the_room_was_created(rest: Rest) -> None:
    rules = [{"type": "include", "kind": "audio"}]
    for parameters, recorded in (
        ({"record_participants_on_connect": True}, {"audio", "video"}),
        ({"recording_rules": rules}, {"audio"}),
        ({}, set()),
    ):
        _, call = await made(rest, **parameters)
        join(call, 1, *(PublicationKind(kind) for kind in ("audio", "video", "data")))
        kept = {item.info.kind.value for item in call.publications if call.is_recorded(item)}
        assert kept == recorded


async def test_turn_is_always_enabled(rest: Rest) -> None:
    # Twilio: deprecated, always considered to be true.
    room, _ = await made(rest, enable_turn=False)
    assert room.enable_turn
    assert (await rest.post("/v1/Rooms", {"EnableTurn": "perhaps"}))[0] == 400
