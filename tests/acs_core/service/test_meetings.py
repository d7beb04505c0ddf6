from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.core.facts import CallType, ParticipantRole
from acs_core.core.meeting_link import parse_link
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.meetings import LobbyBypass, Meetings
from tests.support.crowd import Crowd, raw, refusal

Role = ParticipantRole


def test_a_meeting_is_found_by_its_link_and_by_id_and_passcode() -> None:
    meetings = Meetings(host="meet.example")
    record = meetings.create(raw("olga"))
    assert record.link.startswith("https://meet.example/l/meetup-join/19%3Ameeting_")
    assert parse_link(record.link).thread_id == record.thread_id
    assert meetings.resolve(wire.MeetingLocator(link=record.link)) is record
    spaced = " ".join((record.id[:4], record.id[4:8], record.id[8:]))
    by_id = wire.MeetingLocator(meeting_id=spaced, passcode=record.passcode)
    assert meetings.resolve(by_id) is record
    meetings.delete(record)
    assert refusal(lambda: meetings.resolve(by_id)) == (400, 40210)


@pytest.mark.feature("TEAMS-001")
def test_what_names_no_meeting_is_refused_in_one_way() -> None:
    meetings = Meetings()
    record = meetings.create(raw("olga"))
    other = Meetings().create(raw("olga")).link
    for locator in (
        wire.MeetingLocator(),
        wire.MeetingLocator(link="https://meet.example/"),
        wire.MeetingLocator(link=other),
        wire.MeetingLocator(meeting_id=record.id),
        wire.MeetingLocator(meeting_id=record.id, passcode="schlüssel"),
        wire.MeetingLocator(meeting_id="1", passcode=record.passcode),
    ):
        assert refusal(lambda locator=locator: meetings.resolve(locator)) == (400, 40210)


def test_everybody_has_a_role_in_a_meeting() -> None:
    meetings = Meetings()
    roles = {raw("petra"): Role.PRESENTER, raw("olga"): Role.CONSUMER}
    record = meetings.create(raw("olga"), roles=roles)
    assert record.role_of(raw("olga")) is Role.ORGANIZER
    assert record.role_of(raw("petra")) is Role.PRESENTER
    assert record.role_of(raw("guest")) is Role.ATTENDEE
    assert meetings.create(raw("olga"), guest_role=Role.PRESENTER).role_of("x") is Role.PRESENTER


@pytest.mark.parametrize(
    ("bypass", "who"),
    [
        (LobbyBypass.ORGANIZERS, {"olga", "cora"}),
        (LobbyBypass.INVITED, {"olga", "cora", "petra"}),
        (LobbyBypass.EVERYONE, {"olga", "cora", "petra", "guest"}),
    ],
)
def test_who_bypasses_the_lobby(bypass: LobbyBypass, who: set[str]) -> None:
    roles = {raw("cora"): Role.CO_ORGANIZER, raw("petra"): Role.PRESENTER}
    record = Meetings().create(raw("olga"), roles=roles, bypass=bypass)
    everybody = {"olga", "cora", "petra", "guest"}
    assert {name for name in everybody if record.bypasses_lobby(raw(name))} == who


def test_all_who_join_a_meeting_are_in_one_call() -> None:
    crowd = Crowd()
    record = crowd.calls.meetings.create(raw("olga"))
    by_link = wire.MeetingLocator(link=record.link)
    by_id = wire.MeetingLocator(meeting_id=record.id, passcode=record.passcode)
    call = crowd.join("olga", by_link).endpoint.call
    assert crowd.resolve("guest", by_id) is call
    assert call.type is CallType.MEETING
    assert call.meeting is record


def test_a_token_for_one_room_opens_no_meeting() -> None:
    crowd = Crowd()
    record = crowd.calls.meetings.create(raw("olga"))
    bound = Principal(raw("tina"), PrincipalKind.TWILIO, 2e9, rooms=frozenset({"daily"}))
    place = wire.MeetingLocator(link=record.link)
    assert refusal(lambda: crowd.calls.resolve(place, bound)) == (403, 20106)
