"""The switchboard against a small model, and its time-outs, without sockets or a clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import CallType, EndReason, ParticipantRole, PendingState
from acs_core.core.tones import DtmfTone
from acs_core.errors import InvalidArgumentError, InvalidStateError, ServiceError
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.ringing import RingTimes
from acs_core.service.rooms import Rooms
from acs_core.service.switchboard import Switchboard
from tests.acs_core.service.test_pstn import OURS, PHONE
from tests.support.telephones import Loopback

TIMES = RingTimes(one_to_one=85.0, group=60.0, telephone=115.0)
CALLER = "8:acs:r_caller"
CALLEES = tuple(f"8:acs:r_{name}" for name in ("ben", "cleo", "dan"))


class Timers:
    """Timers that run when a test says so."""

    def __init__(self) -> None:
        self.pending: list[_Timer] = []

    def later(self, delay: float, callback: Callable[[], None]) -> _Timer:
        timer = _Timer(delay, callback, self.pending)
        self.pending.append(timer)
        return timer

    def run(self, delay: float | None = None) -> None:
        """Run those of a delay, or all."""
        for timer in list(self.pending):
            if timer in self.pending and delay in (None, timer.delay):
                self.pending.remove(timer)
                timer.callback()


@dataclass(eq=False)
class _Timer:
    delay: float
    callback: Callable[[], None]
    pending: list[_Timer]

    def cancel(self) -> None:
        if self in self.pending:
            self.pending.remove(self)


@dataclass(eq=False)
class FakeLine:
    """A client; `ringing` is what it would show."""

    raw_id: str
    ringing: dict[str, wire.Invited] = field(default_factory=dict)
    ended: list[EndReason] = field(default_factory=list)

    def deliver(self, body: wire.DeliveryBody) -> None:
        if isinstance(body, wire.Invited):
            self.ringing[body.invitation] = body
        elif isinstance(body, wire.InvitationEnded):
            del self.ringing[body.invitation]
            self.ended.append(body.reason)


class Adapter(EndpointObserver):
    def __init__(self) -> None:
        self.ended: list[EndReason] = []

    def on_ended(self, reason: EndReason) -> None:
        self.ended.append(reason)


def user(raw_id: str) -> Principal:
    return Principal(raw_id, PrincipalKind.ACS, 2e9)


class Exchange:
    """A switchboard, its calls and its timers."""

    def __init__(self, gateway: Loopback | None = None) -> None:
        self.timers = Timers()
        ids = (f"{number:032x}" for number in itertools.count(1))
        self.new_id = lambda: next(ids)
        self.board = Switchboard(
            times=TIMES, gateway=gateway, later=self.timers.later, new_id=self.new_id
        )
        self.calls = Calls(
            rooms=Rooms(), later=self.timers.later, new_id=self.new_id, switchboard=self.board
        )

    def line(self, raw_id: str) -> FakeLine:
        line = FakeLine(raw_id)
        self.board.add_line(line)
        return line

    def join(
        self, locator: wire.Locator, raw_id: str, endpoint: str = ""
    ) -> tuple[Endpoint, Adapter]:
        call = self.calls.resolve(locator, user(raw_id))
        adapter = Adapter()
        return call.join(endpoint or self.new_id(), user(raw_id), adapter), adapter

    def dial(self, *callees: str, caller_id: str = "") -> tuple[Endpoint, Adapter]:
        """Somebody calls, and everybody has begun to ring."""
        locator = wire.DialLocator(callees=callees, alternate_caller_id=caller_id)
        caller = self.join(locator, CALLER)
        self.timers.run(0.0)
        return caller

    def accept(self, line: FakeLine) -> tuple[Endpoint, Adapter]:
        invitation = next(iter(line.ringing))
        locator = wire.InvitationLocator(invitation=invitation)
        return self.join(locator, line.raw_id, invitation)


# ------------------------------------------------------------------ time-outs


def test_nobody_rings_before_the_answer_to_the_caller() -> None:
    exchange = Exchange()
    ben = exchange.line(CALLEES[0])
    exchange.join(wire.DialLocator(callees=CALLEES[:1]), CALLER)
    assert not ben.ringing
    exchange.timers.run(0.0)
    assert len(ben.ringing) == 1


@pytest.mark.parametrize(
    ("callees", "seconds"),
    [(CALLEES[:1], 85.0), (CALLEES[:2], 60.0), ((PHONE,), 115.0)],
    ids=["one", "several", "telephone"],
)
def test_each_kind_of_callee_rings_as_long_as_is_documented(
    callees: tuple[str, ...], seconds: float
) -> None:
    network = Loopback()
    exchange = Exchange(network)
    lines = [exchange.line(callee) for callee in callees]
    endpoint, adapter = exchange.dial(*callees, caller_id=OURS)
    assert {timer.delay for timer in exchange.timers.pending} == {seconds}
    exchange.timers.run(seconds)
    assert adapter.ended == [endings.NO_ANSWER]
    assert not endpoint.is_in_call
    assert not any(line.ringing for line in lines)
    assert [telephone.hang_ups for telephone in network.placed] == [1] * (PHONE in callees)


def test_who_comes_into_the_call_by_another_way_rings_no_longer() -> None:
    exchange = Exchange()
    ben = exchange.line(CALLEES[0])
    place = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
    anna, _ = exchange.join(place, CALLER)
    exchange.board.invite(anna, wire.Invite(endpoint=anna.id, callee=ben.raw_id))
    exchange.timers.run(0.0)
    exchange.join(place, ben.raw_id)
    assert ben.ended == [endings.ANSWERED_ELSEWHERE]
    assert not anna.call.roster.pending


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (endings.HUNG_UP, endings.OTHER_HUNG_UP),
        (endings.LINK_LOST, endings.OTHER_LOST),
        (endings.MEDIA_LOST, endings.OTHER_LOST),
    ],
    ids=["hung up", "signaling", "media"],
)
def test_the_other_of_two_learns_whether_it_was_on_purpose(
    reason: EndReason, told: EndReason
) -> None:
    exchange = Exchange()
    ben = exchange.line(CALLEES[0])
    anna, adapter = exchange.dial(ben.raw_id)
    guest, _ = exchange.accept(ben)
    anna.call.remove(guest, reason, tell=False)
    assert adapter.ended == [told]


def test_a_service_that_stops_says_so_to_who_rings() -> None:
    exchange = Exchange()
    ben = exchange.line(CALLEES[0])
    exchange.dial(ben.raw_id)
    exchange.calls.end_all(endings.SERVICE_STOPPED)
    assert ben.ended == [endings.SERVICE_STOPPED]


@pytest.mark.parametrize("role", [ParticipantRole.ATTENDEE, ParticipantRole.CONSUMER])
def test_only_presenters_add_and_remove_people(role: ParticipantRole) -> None:
    exchange = Exchange()
    ben = exchange.line(CALLEES[0])
    anna, _ = exchange.dial(ben.raw_id)
    guest, _ = exchange.accept(ben)
    guest.call.set_attributes(guest, role=role)
    with pytest.raises(ServiceError):
        exchange.board.invite(guest, wire.Invite(endpoint=guest.id, callee=CALLEES[1]))
    with pytest.raises(ServiceError):
        exchange.board.remove(guest, wire.RemoveParticipant(endpoint=guest.id, identity=CALLER))
    assert anna.is_in_call
    assert anna.call.type is CallType.ONE_TO_ONE


def test_who_was_answered_calls_others_also_while_alone() -> None:
    exchange = Exchange()
    ben, cleo, dan = [exchange.line(callee) for callee in CALLEES]
    anna, _ = exchange.dial(ben.raw_id)
    invites = [wire.Invite(endpoint=anna.id, callee=line.raw_id) for line in (cleo, dan)]
    with pytest.raises(InvalidStateError):
        exchange.board.invite(anna, invites[0])
    guest, _ = exchange.accept(ben)
    exchange.board.invite(anna, invites[0])
    guest.leave()
    exchange.board.invite(anna, invites[1])
    exchange.timers.run(0.0)
    assert cleo.ringing
    assert dan.ringing


def test_nobody_rings_for_a_room_that_only_waits() -> None:
    exchange = Exchange()
    ben = exchange.line(CALLEES[0])
    room = exchange.calls.create(unique_name="daily")
    anna, _ = exchange.join(wire.RoomLocator(room="daily"), CALLER)
    exchange.board.invite(anna, wire.Invite(endpoint=anna.id, callee=ben.raw_id))
    exchange.timers.run(0.0)
    anna.leave()
    assert room.is_waiting
    assert ben.ended == [endings.CANCELLED]
    assert not room.roster.pending


def test_a_twilio_participant_calls_nobody() -> None:
    twilio = Principal("8:acs:r_tina", PrincipalKind.TWILIO, 2e9, display_name="tina")
    exchange = Exchange()
    with pytest.raises(ServiceError):
        exchange.calls.resolve(wire.DialLocator(callees=CALLEES[:1]), twilio)
    assert not exchange.calls.live


def test_a_telephone_is_not_reached_from_another_call_by_its_endpoint_id() -> None:
    network = Loopback()
    exchange = Exchange(network)
    exchange.dial(PHONE, caller_id=OURS)
    (telephone,) = network.placed
    answered = telephone.leg.answered()
    place = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
    mallory, _ = exchange.join(place, CALLEES[0], answered.id)
    with pytest.raises(InvalidStateError):
        exchange.board.send_tone(mallory, DtmfTone.NUM1)
    mallory.leave()
    assert (telephone.tones, telephone.hang_ups) == ([], 0)
    assert answered.is_in_call


# ------------------------------------------------------------------ any story


class Story(RuleBasedStateMachine):
    """One caller, three callees with up to two clients each; the model is `expected`."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        self.lines: list[FakeLine] = []
        self.caller: Endpoint | None = None
        self.guests: dict[str, Endpoint] = {}
        self.expected: dict[str, set[FakeLine]] = {}

    @property
    def call(self) -> ServerCall:
        assert self.caller is not None
        return self.caller.call

    def is_calling(self) -> bool:
        return self.caller is not None

    def is_ringing(self) -> bool:
        return any(line.ringing for line in self.lines)

    def pick(self, number: int) -> FakeLine:
        ringing = [line for line in self.lines if line.ringing]
        return ringing[number % len(ringing)]

    def lose(self, callee: str, line: FakeLine) -> None:
        """In the model: one client rings no longer, and with the last one the callee is gone."""
        self.expected[callee].discard(line)
        if not self.expected[callee]:
            del self.expected[callee]
        self.settle()

    def settle(self) -> None:
        """In the model: a call in which one is alone and expects nobody is over."""
        present = len(self.guests) + (self.caller is not None)
        if not present or (present == 1 and not self.expected):
            self.caller = None
            self.guests.clear()
            self.expected.clear()

    @rule(callee=st.sampled_from(CALLEES))
    def come_online(self, callee: str) -> None:
        if sum(line.raw_id == callee for line in self.lines) < 2:
            self.lines.append(self.exchange.line(callee))

    @precondition(lambda self: bool(self.lines))
    @rule(number=st.integers(0, 5))
    def go_offline(self, number: int) -> None:
        line = self.lines.pop(number % len(self.lines))
        self.exchange.board.remove_line(line)
        if line in self.expected.get(line.raw_id, ()):
            self.lose(line.raw_id, line)

    @precondition(lambda self: not self.is_calling() and not self.guests)
    @rule(callees=st.sets(st.sampled_from(CALLEES), min_size=1))
    def dial(self, callees: set[str]) -> None:
        self.caller, _ = self.exchange.dial(*sorted(callees))
        online = {
            callee: {item for item in self.lines if item.raw_id == callee} for callee in callees
        }
        self.expected = {callee: lines for callee, lines in online.items() if lines}
        self.settle()

    @precondition(is_ringing)
    @rule(number=st.integers(0, 5))
    def accept(self, number: int) -> None:
        line = self.pick(number)
        self.guests[line.raw_id], _ = self.exchange.accept(line)
        # A client that accepted shows a call instead.
        line.ringing.clear()
        del self.expected[line.raw_id]

    @precondition(is_ringing)
    @rule(number=st.integers(0, 5), answer=st.sampled_from(list(wire.InvitationAnswer)))
    def reply(self, number: int, answer: wire.InvitationAnswer) -> None:
        line = self.pick(number)
        invitation, told = next(iter(line.ringing)), len(line.ended)
        body = wire.ReplyToInvitation(invitation=invitation, answer=answer)
        self.exchange.board.reply(user(line.raw_id), body)
        assert len(line.ended) == told, "a client need not be told its own answer"
        if answer is wire.InvitationAnswer.RINGING:
            assert self.call_of(line).roster.pending[line.raw_id].state is PendingState.RINGING
            return
        line.ringing.clear()
        if answer is wire.InvitationAnswer.BUSY:
            self.lose(line.raw_id, line)
        else:
            del self.expected[line.raw_id]
            self.settle()
        with pytest.raises(InvalidArgumentError):
            self.exchange.board.reply(user(line.raw_id), body)

    def call_of(self, line: FakeLine) -> ServerCall:
        return self.exchange.calls.live[next(iter(line.ringing.values())).call]

    @precondition(is_calling)
    @rule()
    def caller_leaves(self) -> None:
        assert self.caller is not None
        self.caller.leave()
        self.caller = None
        if not self.guests:
            self.expected.clear()
        self.settle()

    @precondition(lambda self: bool(self.guests))
    @rule(number=st.integers(0, 5))
    def guest_leaves(self, number: int) -> None:
        name = sorted(self.guests)[number % len(self.guests)]
        self.guests.pop(name).leave()
        self.settle()

    @precondition(lambda self: bool(self.expected))
    @rule()
    def time_passes(self) -> None:
        self.exchange.timers.run()
        self.expected.clear()
        self.settle()

    @invariant()
    def exactly_the_expected_ring(self) -> None:
        ringing = {line for line in self.lines if line.ringing}
        assert ringing == {line for lines in self.expected.values() for line in lines}
        assert all(len(line.ringing) <= 1 for line in self.lines)

    @invariant()
    def the_call_is_as_long_as_somebody_has_somebody(self) -> None:
        live = list(self.exchange.calls.live.values())
        present = {*self.guests.values(), *([self.caller] if self.caller else [])}
        assert len(live) == bool(present)
        for call in live:
            assert set(call.endpoints.values()) == present
            assert set(call.roster.pending) == set(self.expected)

    @invariant()
    def no_timer_outlives_its_ring(self) -> None:
        assert len(self.exchange.timers.pending) == len(self.expected)


TestStory = Story.TestCase
