"""Rooms with options and life times; the calls in them on a virtual clock."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import EndReason, Fact, Priority, PublicationKind, RecordingChanged
from acs_core.core.rules import INCLUDE_ALL, TrackRule
from acs_core.errors import CallingError
from acs_core.service.admission import CallLimits
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import RoomKind, RoomOptions, Rooms, RoomTimes
from tests.support.virtual_clock import VirtualClock

DAILY = wire.RoomLocator(room="daily")


class Witness(EndpointObserver):
    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.ended: list[EndReason] = []

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        self.facts += facts

    def on_ended(self, reason: EndReason) -> None:
        self.ended.append(reason)

    @property
    def recordings(self) -> list[bool]:
        return [fact.is_recording for fact in self.facts if isinstance(fact, RecordingChanged)]


class Source:
    def __init__(self, id_: str) -> None:
        self.id = id_


class House:
    """Calls with a clock that the test moves."""

    def __init__(self, times: RoomTimes | None = None, limits: CallLimits | None = None) -> None:
        numbers = itertools.count(1)
        self.clock = VirtualClock()
        self.ended: list[ServerCall] = []
        self.calls = Calls(
            rooms=Rooms(),
            limits=limits,
            times=times or RoomTimes(empty=10.0, unused=20.0),
            on_ended=self.ended.append,
            new_id=lambda: f"{next(numbers):032x}",
            later=self.clock.call_later,
            clock=self.clock,
        )

    def join(
        self, name: str = "tina", place: wire.Locator = DAILY, **options: Any
    ) -> tuple[Endpoint, Witness]:
        witness = Witness()
        call = self.calls.resolve(place, twilio(name))
        return call.join(uuid.uuid4().hex, twilio(name), witness, **options), witness


def twilio(name: str) -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.TWILIO, 2e9, display_name=name)


def acs(name: str) -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.ACS, 2e9)


def stream(kind: PublicationKind = PublicationKind.VIDEO, name: str = "") -> wire.NewPublication:
    return wire.NewPublication(key=uuid.uuid4().hex, kind=kind, name=name)


def refusal(action: Callable[[], object]) -> int:
    with pytest.raises(CallingError) as caught:
        action()
    return caught.value.sub_code


# ------------------------------------------------------------------ life times


def test_a_twilio_room_lives_on_without_participants_and_keeps_its_sid() -> None:
    house = House()
    endpoint, _ = house.join()
    endpoint.leave()
    house.clock.advance(9.9)
    again, _ = house.join("tom")
    assert again.call is endpoint.call
    assert not again.call.is_waiting
    house.clock.advance(1000)
    assert not house.ended
    again.leave()
    house.clock.advance(10.0)
    assert house.ended == [again.call]
    assert not house.calls.live
    assert house.clock.pending == []
    assert house.calls.rooms.find("daily") is None


def test_a_created_room_waits_for_its_first_participant() -> None:
    house = House()
    call = house.calls.create(unique_name="daily")
    assert house.calls.find_room("daily") is call
    assert house.calls.find_room(f"RM{call.id}") is call
    house.clock.advance(19.9)
    assert house.calls.find_room("daily") is call
    house.clock.advance(0.1)
    assert house.calls.find_room("daily") is None
    assert call.record.ended_at == house.clock.now


def test_a_room_may_have_times_of_its_own() -> None:
    house = House()
    options = RoomOptions(empty_timeout=60.0, unused_timeout=120.0)
    call = house.calls.create(unique_name="daily", options=options)
    house.clock.advance(119.0)
    endpoint, _ = house.join()
    endpoint.leave()
    house.clock.advance(59.0)
    assert not call.record.ended_at
    house.clock.advance(1.0)
    assert call.record.ended_at


def test_other_calls_end_with_their_last_endpoint_unless_their_room_says_otherwise() -> None:
    house = House()
    group = wire.GroupLocator(group_id=str(uuid.UUID(int=1)))
    house.join(place=group)[0].leave()
    board = house.calls.rooms.create(unique_name="board")
    house.join(place=wire.RoomLocator(room="board"))[0].leave()
    assert len(house.ended) == 2
    house.calls.rooms.delete(board)
    house.calls.rooms.create(unique_name="board", options=RoomOptions(empty_timeout=5.0))
    house.join(place=wire.RoomLocator(room="board"))[0].leave()
    assert len(house.ended) == 2
    house.clock.advance(5.0)
    assert len(house.ended) == 3
    assert house.calls.rooms.find("board") is not None


def test_a_refused_participant_does_not_prolong_or_end_a_waiting_room() -> None:
    house = House()
    call = house.calls.create(unique_name="daily")
    house.clock.advance(15.0)
    assert refusal(lambda: house.join(name="x" * 129)) == 53201
    house.calls.discard_if_empty(call)
    assert call.id in house.calls.live
    house.clock.advance(5.0)
    assert call.id not in house.calls.live


def test_a_room_that_nobody_managed_to_join_is_forgotten() -> None:
    house = House()
    assert refusal(lambda: house.join(name="a\nb")) == 53202
    call = house.calls.find_room("daily")
    assert call is not None
    house.calls.discard_if_empty(call)
    assert call.record.is_void
    assert house.clock.pending == []


def test_completing_ends_the_room_for_everybody_at_once() -> None:
    house = House()
    (_, first), (endpoint, second) = house.join("ann"), house.join("ben")
    call = endpoint.call
    call.complete()
    call.complete()
    assert first.ended == second.ended == [endings.ROOM_COMPLETED]
    assert house.ended == [call]
    assert refusal(lambda: call.join("a" * 32, twilio("eve"), Witness())) == 53118
    other, _ = house.join()
    assert other.call is not call


def test_the_sid_of_a_completed_room_opens_nothing() -> None:
    house = House()
    endpoint, _ = house.join()
    sid = f"RM{endpoint.call.id}"
    assert house.join("tom", wire.RoomLocator(room=sid))[0].call is endpoint.call
    endpoint.call.complete()
    assert refusal(lambda: house.join(place=wire.RoomLocator(room=sid))) == 53106
    assert refusal(lambda: house.calls.create(unique_name=sid)) == 53100
    assert not house.calls.live


def test_ending_the_service_ends_waiting_rooms() -> None:
    house = House()
    house.calls.create()
    house.join()[0].leave()
    assert len(house.calls.live) == 2
    house.calls.end_all(endings.SERVICE_STOPPED)
    assert not house.calls.live
    assert house.clock.pending == []


def test_there_are_so_many_rooms_at_a_time_those_included_that_wait() -> None:
    house = House(limits=CallLimits(rooms=2))
    house.calls.create(unique_name="created")
    house.join(place=DAILY)[0].leave()
    for one_more in (
        lambda: house.join(place=wire.RoomLocator(room="third")),
        lambda: house.join(place=wire.RoomLocator(room="")),
        lambda: house.calls.create(),
    ):
        assert refusal(one_more) == 53119
    assert house.calls.refused_rooms == 3
    # What is there can be entered, and its name is still said to be taken.
    house.join(place=DAILY)[0].leave()
    assert refusal(lambda: house.calls.create(unique_name="daily")) == 53113
    # A call that is over makes place.
    house.clock.advance(10)
    house.join(place=wire.RoomLocator(room="third"))
    assert house.calls.rooms.sessions == 2


def test_groups_and_rooms_that_stay_are_no_twilio_rooms() -> None:
    house = House(limits=CallLimits(rooms=1))
    house.calls.rooms.create(unique_name="kept")
    group = wire.GroupLocator(group_id=str(uuid.uuid4()))
    house.calls.resolve(group, acs("anna"))
    house.join(place=DAILY)
    assert house.calls.rooms.sessions == 1


def test_a_participant_is_removed_when_its_time_is_over() -> None:
    house = House()
    options = RoomOptions(max_participant_duration=600.0)
    house.calls.create(unique_name="daily", options=options)
    endpoint, witness = house.join("ann")
    house.clock.advance(300)
    _, other = house.join("ben")
    house.join("tom")[0].leave()
    house.clock.advance(300)
    assert witness.ended == [endings.STAYED_TOO_LONG]
    assert not endpoint.is_in_call
    assert not other.ended
    house.clock.advance(300)
    assert other.ended == [endings.STAYED_TOO_LONG]


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        (RoomKind.GROUP, 250),
        (RoomKind.GROUP_SMALL, 4),
        (RoomKind.PEER_TO_PEER, 10),
        (RoomKind.GO, 2),
    ],
)
def test_each_type_of_room_has_its_limit(kind: RoomKind, most: int) -> None:
    assert RoomOptions(kind=kind, max_participants=most).max_participants == most
    for wrong in (0, most + 1):
        with pytest.raises(CallingError) as caught:
            RoomOptions(kind=kind, max_participants=wrong)
        assert caught.value.sub_code == 53107
    assert RoomOptions(kind=kind).participant_limit(usual=50, large=250) == min(most, 50)


def test_large_rooms_have_limits_of_their_own() -> None:
    small, large = RoomOptions(max_participants=50), RoomOptions(max_participants=51)
    assert (small.is_large, large.is_large) == (False, True)
    assert (small.track_limit, large.track_limit) == (None, 16)
    assert small.participant_limit(usual=20, large=30) == 20
    assert large.participant_limit(usual=20, large=30) == 30
    house = House()
    house.calls.create(unique_name="daily", options=large)
    assert house.join()[0].call.max_endpoints == 51


def test_so_many_tracks_may_be_published_in_a_room() -> None:
    house = House()
    house.calls.create(unique_name="daily", options=RoomOptions(max_tracks=2))
    ann, _ = house.join("ann", publications=(stream(),))
    ben, _ = house.join("ben")
    ben.publish([stream()])
    assert refusal(lambda: ben.publish([stream()])) == 53203
    ann.unpublish(next(iter(ann.publications)))
    ben.publish([stream()])


def test_an_audio_only_room_refuses_pictures_and_nothing_else() -> None:
    house = House()
    house.calls.create(unique_name="daily", options=RoomOptions(is_audio_only=True))
    ann, _ = house.join("ann")
    for kind in (PublicationKind.VIDEO, PublicationKind.SCREEN):
        assert refusal(lambda kind=kind: ann.publish([stream(kind)])) == 53125  # type: ignore[misc]
    for kind in (PublicationKind.AUDIO, PublicationKind.DATA):
        ann.publish([stream(kind)])
    assert refusal(lambda: RoomOptions(kind=RoomKind.GO, is_audio_only=True)) == 53124


@pytest.mark.parametrize(("name", "code"), [("x" * 129, 53101), ("a\0b", 53102), ("\ud800", 53102)])
def test_unusable_room_names_are_refused_each_with_its_code(name: str, code: int) -> None:
    house = House()
    assert refusal(lambda: house.calls.create(unique_name=name)) == code
    assert refusal(lambda: house.join(place=wire.RoomLocator(room=name))) == code
    assert not house.calls.live


def test_a_name_in_use_cannot_be_created_again() -> None:
    house = House()
    house.join()
    assert refusal(lambda: house.calls.create(unique_name="daily")) == 53113


# ------------------------------------------------------------------ rules


def test_rules_decide_what_is_received_until_they_are_taken_back() -> None:
    house = House()
    ann, _ = house.join("ann", publications=(stream(name="camera"), stream(name="screen")))
    camera, screen = ann.publications
    for publication in (camera, screen):
        ann.attach(publication, Source(publication))
    ben, _ = house.join("ben", policy=wire.ReceivePolicy(automatic=False))
    ben.set_rules((*INCLUDE_ALL, TrackRule(is_include=False, track="screen")))
    assert list(ben.subscriptions) == [camera]
    ben.set_rules((TrackRule(is_include=True, publisher="ann", priority=Priority.HIGH),))
    assert not ben.subscriptions
    ann.update(screen, enabled=True, priority=Priority.HIGH)
    assert list(ben.subscriptions) == [screen]
    ben.set_rules(())
    assert not ben.subscriptions
    ben.set_rules((TrackRule(is_include=True, track=f"MT{camera}"),))
    assert list(ben.subscriptions) == [camera]
    ben.set_rules(None)
    assert not ben.subscriptions


def test_a_call_is_recorded_while_rules_include_a_published_media_track() -> None:
    house = House()
    options = RoomOptions(recording_rules=INCLUDE_ALL)
    call = house.calls.create(unique_name="daily", options=options)
    _, witness = house.join("witness")
    ann, _ = house.join("ann", publications=(stream(PublicationKind.DATA),))
    assert not call.roster.is_recording
    (camera,) = ann.publish([stream()])
    assert call.roster.is_recording
    ann.publish([stream(PublicationKind.AUDIO)])
    ann.unpublish(camera.id)
    assert witness.recordings == [True]
    call.set_recording_rules((TrackRule(is_include=True, kind="video"),))
    assert witness.recordings == [True, False]
    ben, own = house.join("ben", publications=(stream(),))
    # Who comes gets it in the snapshot.
    assert own.recordings == []
    assert witness.recordings == [True, False, True]
    ben.leave()
    assert witness.recordings == [True, False, True, False]
    assert call.recording_rules == (TrackRule(is_include=True, kind="video"),)


def test_a_name_in_the_form_of_an_id_names_nothing_in_rules() -> None:
    house = House()
    ann, _ = house.join("ann", publications=(stream(),))
    (victim,) = ann.publications.values()
    fakes = (f"MT{victim.id}", "MT" + "0" * 32)
    liar, _ = house.join(f"PA{ann.id}", publications=tuple(stream(name=name) for name in fakes))
    for publication in liar.publications.values():
        subject = publication.as_rule_subject()
        assert subject.publisher == {f"PA{liar.id}"}
        assert subject.track == {f"MT{publication.id}"}
        for rule in (
            TrackRule(is_include=True, track=f"MT{victim.id}"),
            TrackRule(is_include=True, publisher=f"PA{ann.id}"),
            TrackRule(is_include=True, track=victim.id),
        ):
            assert not rule.matches(subject)
    assert TrackRule(is_include=True, track=f"MT{victim.id}").matches(victim.as_rule_subject())


def test_acs_users_are_named_in_rules_by_their_raw_id() -> None:
    house = House()
    group = wire.GroupLocator(group_id=str(uuid.UUID(int=1)))
    call = house.calls.resolve(group, acs("anna"))
    anna = call.join("a" * 32, acs("anna"), Witness(), publications=(stream(),))
    assert anna.identity == "8:acs:r_anna"
    (publication,) = anna.publications.values()
    assert {"PA" + "a" * 32, "8:acs:r_anna"} == publication.as_rule_subject().publisher
