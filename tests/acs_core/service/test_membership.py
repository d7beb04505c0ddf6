"""Rooms with members, roles and a time, and what becomes of who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    AttributesChanged,
    CallType,
    ParticipantRole,
    PublicationChanged,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.errors import InvalidArgumentError
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import RoomRecord
from tests.acs_core.service.test_pstn import PHONE
from tests.acs_core.service.test_switchboard import FakeLine
from tests.support.crowd import Crowd, new, raw, refusal

Kind = PublicationKind
Role = ParticipantRole

ROLES = {"petra": Role.PRESENTER, "ann": Role.ATTENDEE, "carl": Role.CONSUMER}


class Source:
    id = "source"


def room(
    crowd: Crowd, roles: Mapping[str, Role] = ROLES, **options: float
) -> tuple[RoomRecord, wire.RoomLocator]:
    members = {raw(name): role for name, role in roles.items()}
    record = crowd.calls.rooms.create(members=members, **options)
    return record, wire.RoomLocator(room=record.id)


@pytest.mark.feature("CALLTYPE-006", "ROOM-001")
def test_a_room_admits_its_members_in_their_roles_and_nobody_else() -> None:
    crowd = Crowd()
    _, place = room(crowd)
    for name, role in ROLES.items():
        assert crowd.join(name, place).endpoint.attributes.role is role
    assert refusal(lambda: crowd.join("stranger", place)) == (403, 5828)
    assert crowd.resolve("ann", place).type is CallType.ROOM


@pytest.mark.feature("CALLTYPE-006")
def test_a_room_admits_nobody_before_and_after_its_time() -> None:
    crowd = Crowd()
    record, place = room(crowd, valid_from=1100.0, valid_until=1200.0)
    assert refusal(lambda: crowd.join("petra", place)) == (403, 5829)
    crowd.clock.advance(100)
    petra = crowd.join("petra", place)
    crowd.clock.advance(100)
    assert refusal(lambda: crowd.join("ann", place)) == (403, 5829)
    assert petra.endpoint.is_in_call
    crowd.calls.rooms.set_validity(record, valid_until=datetime.fromtimestamp(1300, UTC))
    assert crowd.join("ann", place).endpoint.is_in_call


def test_a_room_without_a_time_is_valid_for_180_days() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    assert record.valid_from == record.created_at == datetime.fromtimestamp(1000, UTC)
    assert record.valid_until == record.valid_from + timedelta(days=180)
    crowd.clock.advance(180 * 86400)
    assert refusal(lambda: crowd.join("petra", place)) == (403, 5829)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (2000.0, 1000.0),
        (1000.0, 1000.0),
        (1000.0, 1000.0 + 181 * 86400),
        (datetime(2026, 1, 1), None),
        (float("nan"), None),
        (1e300, None),
    ],
)
def test_a_time_that_is_none_is_refused(
    begin: datetime | float | None, end: datetime | float | None
) -> None:
    rooms = Crowd().calls.rooms
    with pytest.raises(InvalidArgumentError):
        rooms.create(valid_from=begin, valid_until=end)
    record = rooms.create()
    before = (record.valid_from, record.valid_until)
    with pytest.raises(InvalidArgumentError):
        rooms.set_validity(record, valid_from=begin, valid_until=end)
    assert (record.valid_from, record.valid_until) == before


def test_a_room_at_the_end_of_time_is_valid_until_then() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    record = Crowd().calls.rooms.create(valid_from=last - timedelta(days=1))
    assert record.valid_until == last


def test_roles_decide_what_is_published() -> None:
    crowd = Crowd()
    _, place = room(crowd)
    petra, ann, carl = (crowd.join(name, place) for name in ROLES)
    for kind in Kind:
        petra.publish(kind)
    for kind in (Kind.AUDIO, Kind.VIDEO, Kind.DATA):
        ann.publish(kind)
    assert refusal(lambda: ann.publish(Kind.SCREEN)) == (403, 0)
    codes = {Kind.AUDIO: 41106, Kind.VIDEO: 41107, Kind.SCREEN: 0, Kind.DATA: 0}
    for kind, sub_code in codes.items():
        assert refusal(lambda kind=kind: carl.publish(kind)) == (403, sub_code)
        assert refusal(lambda kind=kind: carl.endpoint.check([new(kind)])) == (403, sub_code)
    assert not carl.endpoint.publications


def test_who_may_not_speak_joins_muted_and_stays_so() -> None:
    crowd = Crowd()
    _, place = room(crowd)
    petra = crowd.join("petra", place)
    carl = crowd.join("carl", place, Kind.AUDIO)
    (sound,) = carl.endpoint.publications.values()
    assert not sound.info.enabled
    unmute = {"enabled": True, "priority": sound.info.priority}
    assert refusal(lambda: carl.endpoint.update(sound.id, **unmute)) == (403, 41106)
    carl.endpoint.attach(sound.id, Source())
    petra.endpoint.refresh_subscriptions()
    assert not petra.endpoint.subscriptions
    assert refusal(lambda: crowd.join("carl", place, Kind.VIDEO)) == (403, 41107)


def test_a_presenter_who_becomes_a_consumer_loses_what_they_publish() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    petra = crowd.join("petra", place, Kind.AUDIO, Kind.VIDEO, Kind.SCREEN)
    ann = crowd.join("ann", place)
    published = list(petra.endpoint.publications)
    crowd.calls.rooms.set_members(record, {raw("petra"): Role.ATTENDEE})
    assert petra.withdrawn == published[2:]
    crowd.calls.rooms.set_members(record, {raw("petra"): Role.CONSUMER})
    assert petra.withdrawn == [published[2], *published[:2]]
    assert not petra.endpoint.publications
    assert [fact.publication for fact in ann.heard(PublicationRemoved)] == petra.withdrawn
    roles = [fact.attributes.role for fact in ann.heard(AttributesChanged)]
    assert roles == [Role.ATTENDEE, Role.CONSUMER]
    crowd.calls.rooms.set_members(record, {raw("petra"): Role.PRESENTER})
    assert petra.publish(Kind.SCREEN)


def test_a_consumer_who_becomes_an_attendee_may_unmute() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    petra = crowd.join("petra", place)
    carl = crowd.join("carl", place, Kind.AUDIO)
    (sound,) = carl.endpoint.publications.values()
    carl.endpoint.attach(sound.id, Source())
    crowd.calls.rooms.set_members(record, {raw("carl"): Role.ATTENDEE})
    carl.endpoint.update(sound.id, enabled=True, priority=sound.info.priority)
    assert [fact.enabled for fact in petra.heard(PublicationChanged)] == [True]
    assert list(petra.endpoint.subscriptions) == [sound.id]


@pytest.mark.feature("ROOM-001")
def test_who_is_no_member_any_more_is_removed() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    petra, ann = crowd.join("petra", place), crowd.join("ann", place)
    crowd.calls.rooms.remove_members(record, [raw("ann"), raw("nobody")])
    assert ann.ended == [endings.UNINVITED]
    assert list(petra.roster.endpoints) == [petra.endpoint.id]
    assert refusal(lambda: crowd.join("ann", place)) == (403, 5828)
    crowd.calls.rooms.set_members(record, {raw("ann"): Role.PRESENTER})
    assert crowd.join("ann", place).endpoint.attributes.role is Role.PRESENTER


def test_who_is_no_member_any_more_cannot_accept_a_call_into_the_room() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    petra, ann = crowd.join("petra", place), FakeLine(raw("ann"))
    crowd.calls.switchboard.add_line(ann)
    invite = wire.Invite(endpoint=petra.endpoint.id, callee=ann.raw_id)
    crowd.calls.switchboard.invite(petra.endpoint, invite)
    crowd.clock.advance(0)
    (invitation,) = ann.ringing
    crowd.calls.rooms.remove_members(record, [ann.raw_id])
    assert ann.ended == [endings.UNINVITED]
    assert not petra.roster.pending
    locator = wire.InvitationLocator(invitation=invitation)
    assert refusal(lambda: crowd.resolve("ann", locator)) == (400, 41006)


def test_a_telephone_stays_when_members_change() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    petra = crowd.join("petra", place)
    telephone = petra.endpoint.call.join(
        "f" * 32, Principal(PHONE, PrincipalKind.TELEPHONE, 2e9), EndpointObserver()
    )
    other = "4:+15550100"
    invite = wire.Invite(endpoint=petra.endpoint.id, callee=other, alternate_caller_id="+15550199")
    crowd.calls.switchboard.invite(petra.endpoint, invite)
    crowd.calls.rooms.set_members(record, {raw("dan"): Role.ATTENDEE})
    assert telephone.is_in_call
    assert list(petra.roster.pending) == [other]


def test_members_may_change_while_nobody_is_there() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    crowd.calls.rooms.set_members(record, {raw("carl"): Role.ATTENDEE})
    assert crowd.join("carl", place).endpoint.attributes.role is Role.ATTENDEE


def test_an_open_room_has_presenters_only() -> None:
    crowd = Crowd()
    record = crowd.calls.rooms.create(unique_name="board")
    somebody = crowd.join("somebody", wire.RoomLocator(room="board"))
    assert somebody.endpoint.attributes.role is Role.PRESENTER
    crowd.calls.rooms.set_members(record, {raw("petra"): Role.PRESENTER})
    assert somebody.ended == [endings.UNINVITED]


def test_a_room_may_forbid_calls_to_telephones() -> None:
    crowd = Crowd()
    record, place = room(crowd)
    petra = crowd.join("petra", place)
    invite = wire.Invite(endpoint=petra.endpoint.id, callee=PHONE, alternate_caller_id="+15550199")
    crowd.calls.rooms.set_dial_out(record, is_enabled=False)
    calling = partial(crowd.calls.switchboard.invite, petra.endpoint, invite)
    assert refusal(calling) == (403, 0)
    crowd.calls.rooms.set_dial_out(record, is_enabled=True)
    calling()
    assert list(petra.roster.pending) == [PHONE]
