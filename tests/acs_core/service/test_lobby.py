"""The lobby: alone on a virtual clock, and against a small model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    EndReason,
    PendingChanged,
    PendingGone,
    PendingParticipant,
    PendingState,
)
from acs_core.errors import ServiceError
from acs_core.service.lobby import MOST_GUESTS, Guest, Lobby
from acs_core.service.server_call import ServerCall
from tests.acs_core.service.test_switchboard import FakeLine
from tests.support.crowd import Crowd, Member, raw, refusal
from tests.support.service_client import new_id

TIMEOUT = 60.0


class Door:
    """A guest, and what they heard."""

    def __init__(self, lobby: Lobby, name: str) -> None:
        self.name = name
        self.identity = raw(name)
        self.admissions = 0
        self.ended: list[EndReason] = []
        self.guest = Guest(new_id(), self.identity, name, self._admit, self.ended.append)
        self.endpoint = self.guest.endpoint
        lobby.enter(self.guest)

    def _admit(self) -> None:
        self.admissions += 1


class Venue(Crowd):
    """A meeting with its organizer inside, unless nobody is."""

    def __init__(self, *, is_open: bool = True) -> None:
        super().__init__()
        record = self.calls.meetings.create(raw("olga"), lobby_timeout=TIMEOUT)
        self.place = wire.MeetingLocator(link=record.link)
        self.call: ServerCall = self.resolve("olga", self.place)
        assert self.call.lobby is not None
        self.lobby = self.call.lobby
        if is_open:
            self.olga: Member = self.join("olga", self.place)

    @property
    def pending(self) -> dict[str, PendingState]:
        return {key: item.state for key, item in self.call.roster.pending.items()}


IN_LOBBY = PendingState.IN_LOBBY


def test_who_waits_is_seen_and_let_in() -> None:
    venue = Venue()
    ann, ben = Door(venue.lobby, "ann"), Door(venue.lobby, "ben")
    assert venue.lobby.must_wait(ann.endpoint, ann.identity)
    assert not venue.lobby.must_wait(new_id(), raw("olga"))
    assert venue.pending == {raw("ann"): IN_LOBBY, raw("ben"): IN_LOBBY}
    venue.lobby.decide([ann.identity], is_admitted=True)
    assert (ann.admissions, ben.admissions) == (1, 0)
    assert venue.pending == {raw("ann"): PendingState.CONNECTING, raw("ben"): IN_LOBBY}
    assert not venue.lobby.must_wait(ann.endpoint, ann.identity)
    assert venue.lobby.must_wait(ann.endpoint, raw("mallory"))
    venue.join("ann", venue.place, endpoint_id=ann.endpoint)
    assert venue.pending == {raw("ben"): IN_LOBBY}
    assert venue.olga.heard(PendingGone) == [PendingGone(identity=raw("ann"))]
    assert venue.lobby.must_wait(new_id(), raw("ann"))


def test_who_is_turned_away_hears_why_and_so_do_those_inside() -> None:
    venue = Venue()
    ann = Door(venue.lobby, "ann")
    venue.lobby.decide([ann.identity], is_admitted=False)
    assert ann.ended == [endings.LOBBY_REJECTED]
    gone = PendingGone(identity=raw("ann"), reason=endings.LOBBY_REJECTED)
    assert venue.olga.heard(PendingGone) == [gone]
    assert refusal(lambda: venue.lobby.decide([raw("ann")], is_admitted=True)) == (400, 41804)


def test_a_decision_about_a_stranger_decides_about_nobody() -> None:
    venue = Venue()
    ann = Door(venue.lobby, "ann")
    both = [raw("ann"), raw("zoe")]
    assert refusal(lambda: venue.lobby.decide(both, is_admitted=True)) == (400, 41804)
    assert (ann.admissions, ann.ended) == (0, [])


def test_all_clients_of_a_user_wait_and_are_let_in_together() -> None:
    venue = Venue()
    one, two = Door(venue.lobby, "ann"), Door(venue.lobby, "ann")
    assert len(venue.olga.heard(PendingChanged)) == 1
    venue.lobby.decide(None, is_admitted=True)
    assert (one.admissions, two.admissions) == (1, 1)
    venue.join("ann", venue.place, endpoint_id=one.endpoint)
    assert venue.pending == {raw("ann"): PendingState.CONNECTING}
    venue.lobby.leave(two.endpoint, endings.HUNG_UP)
    assert venue.pending == {}


def test_nobody_waits_longer_than_the_meeting_says() -> None:
    venue = Venue()
    ann = Door(venue.lobby, "ann")
    venue.clock.advance(TIMEOUT - 1)
    ben = Door(venue.lobby, "ben")
    venue.lobby.decide([ben.identity], is_admitted=True)
    venue.clock.advance(1)
    assert ann.ended == [endings.LOBBY_TIMEOUT]
    assert not ben.ended
    # Who was admitted and does not come is waited for as long.
    venue.clock.advance(TIMEOUT)
    assert ben.ended == [endings.LOBBY_TIMEOUT]
    assert venue.clock.pending == []


def test_a_meeting_in_whose_lobby_somebody_waits_lives_without_participants() -> None:
    venue = Venue(is_open=False)
    ann = Door(venue.lobby, "ann")
    venue.calls.discard_if_empty(venue.call)
    olga = venue.join("olga", venue.place)
    assert olga.roster.pending[raw("ann")].name == "ann"
    olga.endpoint.leave()
    assert not venue.ended
    venue.lobby.leave(ann.endpoint, endings.HUNG_UP)
    assert venue.ended == [venue.call]
    assert not venue.calls.live


def test_the_end_of_the_meeting_ends_the_waiting() -> None:
    venue = Venue()
    ann = Door(venue.lobby, "ann")
    venue.call.end(endings.ENDED_FOR_EVERYONE)
    assert ann.ended == [endings.ENDED_FOR_EVERYONE]
    assert venue.lobby.is_empty
    assert venue.clock.pending == []


def test_who_asks_again_goes_on_waiting_and_the_id_is_theirs() -> None:
    venue = Venue()
    ann = Door(venue.lobby, "ann")
    venue.lobby.enter(ann.guest)
    assert len(venue.olga.heard(PendingChanged)) == 1
    thief = Guest(ann.endpoint, raw("mallory"), "", lambda: None, lambda _: None)
    assert refusal(lambda: venue.lobby.enter(thief)) == (409, 0)


@pytest.mark.parametrize("is_admitted", [False, True])
def test_who_comes_by_another_session_takes_the_place_and_the_earlier_one_hears(
    is_admitted: bool,
) -> None:
    venue = Venue()
    ann = Door(venue.lobby, "ann")
    if is_admitted:
        venue.lobby.decide(None, is_admitted=True)
    ended: list[EndReason] = []
    again = Guest(ann.endpoint, ann.identity, "ann", lambda: None, ended.append, holder="other")
    assert venue.lobby.waits_elsewhere(ann.endpoint, "other")
    venue.lobby.enter(again)
    assert ann.ended == [endings.DUPLICATE_IDENTITY]
    assert len(venue.clock.pending) == 1
    assert venue.lobby.must_wait(ann.endpoint, ann.identity) is not is_admitted
    assert list(venue.pending) == [ann.identity]
    assert len(venue.olga.heard(PendingGone)) == 0
    venue.clock.advance(TIMEOUT)
    assert ended == [endings.LOBBY_TIMEOUT]
    assert venue.lobby.is_empty


def test_a_name_that_cannot_be_shown_does_not_wait() -> None:
    venue = Venue()
    for name, sub_code in (("x" * 1000, 53201), ("bell\a", 53202)):
        assert refusal(lambda name=name: Door(venue.lobby, name)) == (400, sub_code)
    assert venue.lobby.is_empty
    assert not venue.pending


def test_a_full_lobby_takes_nobody() -> None:
    venue = Venue()
    for _ in range(MOST_GUESTS):
        Door(venue.lobby, "ann")
    with pytest.raises(ServiceError) as caught:
        Door(venue.lobby, "ben")
    assert (caught.value.code, caught.value.sub_code) == (429, 0)
    assert "Try again" in caught.value.advice


def test_somebody_who_is_called_into_the_meeting_is_told_of_by_who_calls() -> None:
    venue = Venue()
    called = PendingChanged(participant=PendingParticipant(identity=raw("ann")))
    venue.call.commit(called)
    ann = Door(venue.lobby, "ann")
    venue.lobby.leave(ann.endpoint, endings.HUNG_UP)
    assert venue.pending == {raw("ann"): PendingState.CONNECTING}


def test_who_waits_is_seen_again_when_nobody_calls_them_any_longer() -> None:
    venue = Venue()
    line = FakeLine(raw("ann"))
    venue.calls.switchboard.add_line(line)
    invite = wire.Invite(endpoint=venue.olga.endpoint.id, callee=line.raw_id)
    venue.calls.switchboard.invite(venue.olga.endpoint, invite)
    venue.clock.advance(0)
    ann = Door(venue.lobby, "ann")
    venue.calls.switchboard.remove_line(line)
    assert venue.pending == {ann.identity: IN_LOBBY}
    venue.lobby.leave(ann.endpoint, endings.HUNG_UP)
    assert not venue.pending


def test_a_client_of_somebody_who_accepted_elsewhere_is_seen_to_wait() -> None:
    venue = Venue()
    line = FakeLine(raw("ann"))
    venue.calls.switchboard.add_line(line)
    invite = wire.Invite(endpoint=venue.olga.endpoint.id, callee=line.raw_id)
    venue.calls.switchboard.invite(venue.olga.endpoint, invite)
    venue.clock.advance(0)
    other = Door(venue.lobby, "ann")
    (invitation,) = line.ringing
    locator = wire.InvitationLocator(invitation=invitation)
    venue.join("ann", locator, endpoint_id=invitation)
    assert venue.pending == {other.identity: IN_LOBBY}


def test_who_enters_learns_who_waits_from_the_snapshot_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    venue = Venue()
    ann = Door(venue.lobby, "ann")
    venue.lobby.decide(None, is_admitted=True)
    member = venue.join("ann", venue.place, endpoint_id=ann.endpoint)
    assert not member.facts
    assert not caplog.records


def test_who_only_waits_takes_nobodys_place_in_the_call() -> None:
    venue = Venue()
    for number in range(venue.call.max_endpoints):
        Door(venue.lobby, f"stranger{number}")
    invite = wire.Invite(endpoint=venue.olga.endpoint.id, callee=raw("ann"))
    venue.calls.switchboard.invite(venue.olga.endpoint, invite)
    assert venue.pending[raw("ann")] is PendingState.CONNECTING


class LobbyMachine(RuleBasedStateMachine):
    """The lobby against a model: for each client whether it waits, was admitted, or is gone."""

    doors = Bundle("doors")

    @initialize()
    def open(self) -> None:
        self.venue = Venue()
        self.model: dict[Door, str] = {}

    @rule(target=doors, name=st.sampled_from(["ann", "ben", "cid"]))
    def arrive(self, name: str) -> Door:
        door = Door(self.venue.lobby, name)
        self.model[door] = "waits"
        return door

    @rule(door=doors, is_admitted=st.booleans())
    def decide(self, door: Door, is_admitted: bool) -> None:
        chosen = [
            other
            for other, state in self.model.items()
            if other.name == door.name and state == "waits"
        ]
        if not chosen:
            names = [door.identity]
            code = refusal(lambda: self.venue.lobby.decide(names, is_admitted=is_admitted))
            assert code == (400, 41804)
            return
        self.venue.lobby.decide([door.identity], is_admitted=is_admitted)
        self.model |= dict.fromkeys(chosen, "admitted" if is_admitted else "gone")

    @rule(is_admitted=st.booleans())
    def decide_all(self, is_admitted: bool) -> None:
        self.venue.lobby.decide(None, is_admitted=is_admitted)
        for door, state in self.model.items():
            if state == "waits":
                self.model[door] = "admitted" if is_admitted else "gone"

    @rule(door=consumes(doors))
    def vanish(self, door: Door) -> None:
        self.venue.lobby.leave(door.endpoint, endings.HUNG_UP)
        self.model[door] = "gone"

    @rule(target=doors, door=consumes(doors))
    def enter(self, door: Door) -> object:
        if self.model[door] != "admitted":
            return door
        venue = self.venue
        assert not venue.lobby.must_wait(door.endpoint, door.identity)
        venue.join(door.name, venue.place, endpoint_id=door.endpoint)
        self.model[door] = "gone"
        return multiple()

    @rule()
    def let_time_pass(self) -> None:
        self.venue.clock.advance(TIMEOUT)
        self.model = dict.fromkeys(self.model, "gone")

    @invariant()
    def the_roster_says_what_is_true(self) -> None:
        expected: dict[str, PendingState] = {}
        for door, state in self.model.items():
            if state == "waits":
                expected[door.identity] = IN_LOBBY
            elif state == "admitted":
                expected.setdefault(door.identity, PendingState.CONNECTING)
        assert self.venue.pending == expected
        assert dict(self.venue.olga.roster.pending) == dict(self.venue.call.roster.pending)

    @invariant()
    def everybody_is_watched_and_nobody_else(self) -> None:
        left = [door for door, state in self.model.items() if state != "gone"]
        assert len(self.venue.clock.pending) == len(left)
        assert self.venue.lobby.is_empty is not bool(left)
        assert all(len(door.ended) <= 1 for door in self.model)
        assert not any(door.ended for door in left)


TestLobbyMachine = LobbyMachine.TestCase
TestLobbyMachine.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
