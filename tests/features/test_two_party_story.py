"""Any story of a call between two, which may grow to three: what both sides see, against a model.

Anna, Ben, who has two clients, and Cem call each other. The model knows who is in the call, who
rings, and what everybody must see of the others, hear as the reason of an end, and be told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from acs_core import (
    CallState,
    CommunicationUserIdentifier,
    HangUpOptions,
    LocalVideoStream,
    ParticipantRole,
    RemoteParticipantState,
    wire,
)
from acs_core.core import endings
from acs_core.core.facts import EndReason
from tests.support.service_client import raw_client
from tests.support.stories import (
    Client,
    Person,
    Story,
    Witness,
    camera,
    check_many_stories,
    check_stories,
    seen_person,
)

PICK = st.integers(0, 11)


@dataclass(eq=False)
class Seat:
    """One client in the call, as the model knows it.

    Attributes:
        is_connected: Somebody has answered.
        gone: Whom it saw go, and why.
    """

    client: Client
    witness: Witness
    is_connected: bool = True
    is_muted: bool = False
    holds: bool = False
    video: LocalVideoStream | None = None
    gone: list[tuple[str, EndReason | None]] = field(default_factory=list)


@dataclass(eq=False)
class Ring:
    """Somebody who is called: which clients ring, and whether one of them has said so."""

    clients: list[Client]
    is_heard: bool = False


class CallOfTwo(Story):
    """At most one call at a time."""

    def __init__(self) -> None:
        super().__init__()
        anna, ben, _ = [self.new_client(name) for name in ("Anna", "Ben", "Cem")]
        self.new_client("Ben's tablet", ben)
        self.people = {client.raw_id: client.display_name for client in self.clients}
        self.anna = anna
        self.is_pair = False
        self.seats: list[Seat] = []
        self.rings: dict[str, Ring] = {}
        self.over: list[tuple[Seat, EndReason]] = []
        self.rung: dict[Client, list[EndReason | None]] = {item: [] for item in self.clients}

    # ------------------------------------------------------------ the model

    def able(self) -> list[Seat]:
        """Who is in the call, connected, and can act."""
        return [seat for seat in self.seats if seat.is_connected and not seat.client.is_cut]

    def ringing(self) -> list[Client]:
        """Which clients ring and can answer."""
        return [item for ring in self.rings.values() for item in ring.clients if not item.is_cut]

    def absent(self) -> list[str]:
        """Who could be called into the call."""
        present = {seat.client.raw_id for seat in self.seats}
        return [raw_id for raw_id in self.people if raw_id not in present | self.rings.keys()]

    def call(self, callee: str) -> None:
        self.rings[callee] = Ring([item for item in self.clients if item.raw_id == callee])
        for client in self.rings[callee].clients:
            self.rung[client].append(None)
        self.hear()

    def hear(self) -> None:
        for ring in self.rings.values():
            ring.is_heard |= any(not client.is_cut for client in ring.clients)

    def ring_over(self, callee: str, told: EndReason, client: Client | None = None) -> None:
        """Nobody rings any more; `client` is the one that knows by itself."""
        for other in self.rings.pop(callee).clients:
            if other is not client:
                self.rung[other][-1] = told

    def failed(self, callee: str, reason: EndReason) -> None:
        """A callee does not come."""
        for seat in self.seats:
            seat.gone.append((callee, reason))
        self.end_if_alone(reason)

    def leave(self, seat: Seat, reason: EndReason) -> None:
        """One is out of the call, and the others see it."""
        self.end(seat, reason)
        for other in self.seats:
            other.gone.append((seat.client.raw_id, reason))
        if self.seats:
            self.end_if_alone(endings.OTHER_HUNG_UP)
        else:
            self.call_off_all()

    def end(self, seat: Seat, reason: EndReason) -> None:
        self.seats.remove(seat)
        self.over.append((seat, reason))

    def end_all(self, reason: EndReason) -> None:
        for seat in list(self.seats):
            self.end(seat, reason)
        self.call_off_all()

    def call_off_all(self) -> None:
        for callee in list(self.rings):
            self.ring_over(callee, endings.CANCELLED)

    def end_if_alone(self, reason: EndReason) -> None:
        if len(self.seats) == 1 and not self.rings:
            self.end_all(reason)

    def state_of(self, seat: Seat) -> CallState:
        if not seat.is_connected:
            is_heard = any(ring.is_heard for ring in self.rings.values())
            return CallState.RINGING if is_heard else CallState.CONNECTING
        if seat.holds:
            return CallState.LOCAL_HOLD
        others = [other for other in self.seats if other is not seat]
        if self.is_pair and all(other.holds for other in others):
            return CallState.REMOTE_HOLD
        return CallState.CONNECTED

    def others_of(self, seat: Seat) -> dict[str, Person]:
        state = RemoteParticipantState
        there = {
            other.client.raw_id: Person(
                other.client.display_name,
                state.HOLD if other.holds else state.CONNECTED,
                other.is_muted,
                int(other.video is not None),
            )
            for other in self.seats
            if other is not seat
        }
        called = {
            callee: Person(
                "",
                state.RINGING if ring.is_heard else state.CONNECTING,
                is_muted=True,
                role=ParticipantRole.UNKNOWN,
            )
            for callee, ring in self.rings.items()
        }
        return there | called

    # ------------------------------------------------------------ what is compared

    def expected(self) -> dict[str, object]:
        states = {callee: "ringing" if ring.is_heard else "connecting" for callee, ring in
                  self.rings.items()}  # fmt: skip
        sent = sorted(1 + (seat.video is not None) for seat in self.seats)
        found: dict[str, object] = {"service": (sent, states)}
        for client in self.clients:
            if not client.is_cut:
                found[f"{client.name} rang"] = self.rung[client]
                found[f"{client.name} in call"] = [
                    seat.witness.call.id for seat in self.seats if seat.client is client
                ]
        for seat in self.seats:
            if not seat.client.is_cut:
                found[seat.client.name] = (
                    self.state_of(seat),
                    seat.is_muted,
                    seat.video is not None,
                    self.others_of(seat),
                    seat.gone,
                )
        for seat, reason in self.over:
            if not seat.client.is_cut:
                key = f"{seat.client.name}, over {seat.witness.call.id[:8]}"
                found[key] = (CallState.DISCONNECTED, reason, seat.gone)
        return found

    def seen(self) -> dict[str, object]:
        calls = [*self.place.server.calls.live.values()]
        # One room waits from the beginning.
        ours = [call for call in calls if call.room is None]
        sent = [len(item.publications) for call in ours for item in call.endpoints.values()]
        pending = {key: str(item.state) for call in ours for key, item in
                   call.roster.pending.items()}  # fmt: skip
        found: dict[str, object] = {"service": (sorted(sent), pending)}
        for client in self.clients:
            if not client.is_cut:
                found[f"{client.name} rang"] = [item.call_end_reason for item in client.incoming]
                found[f"{client.name} in call"] = [call.id for call in client.agent.calls]
        for seat in self.seats:
            if not seat.client.is_cut:
                call = seat.witness.call
                found[seat.client.name] = (
                    call.state,
                    call.is_muted,
                    call.is_local_video_started,
                    {who.identifier.raw_id: seen_person(who) for who in call.remote_participants},
                    seat.witness.gone,
                )
        for seat, _ in self.over:
            if not seat.client.is_cut:
                call = seat.witness.call
                key = f"{seat.client.name}, over {call.id[:8]}"
                found[key] = (call.state, call.call_end_reason, seat.witness.gone)
        return found

    # ------------------------------------------------------------ a call begins

    def is_idle(self) -> bool:
        return not self.seats and not self.rings

    @precondition(is_idle)
    @rule(caller=PICK, callee=PICK)
    def dial(self, caller: int, callee: int) -> None:
        callers = [client for client in self.clients if not client.is_cut]
        if not callers:
            return
        client = callers[caller % len(callers)]
        others = [raw_id for raw_id in self.people if raw_id != client.raw_id]
        target = others[callee % len(others)]

        async def start() -> Witness:
            return Witness(client.start_call(CommunicationUserIdentifier(target)), self.faults)

        self.is_pair = True
        self.seats = [Seat(client, self.run(start()), is_connected=False)]
        self.call(target)
        self.settle()

    @precondition(lambda self: self.is_idle() and not self.anna.is_cut)
    @rule()
    def dial_somebody_busy(self) -> None:
        async def dial() -> EndReason:
            raw_id, issued = self.place.server.issue_user_token()
            async with raw_client(self.place.server, token=issued.token) as busy:
                await busy.hello()
                call = self.anna.start_call(CommunicationUserIdentifier(raw_id))
                invited = await busy.news(wire.Invited)
                await busy.ask(
                    wire.ReplyToInvitation(
                        invitation=invited.invitation, answer=wire.InvitationAnswer.BUSY
                    )
                )
                return await call.ended()

        assert self.run(dial()) == endings.BUSY
        self.settle()

    @precondition(ringing)
    @rule(number=PICK)
    def accept(self, number: int) -> None:
        client = self.ringing()[number % len(self.ringing())]
        call = self.run(client.accept())
        self.ring_over(client.raw_id, endings.ANSWERED_ELSEWHERE, client)
        for seat in self.seats:
            seat.is_connected = True
        self.seats.append(Seat(client, Witness(call, self.faults)))
        self.settle()

    @precondition(ringing)
    @rule(number=PICK)
    def reject(self, number: int) -> None:
        client = self.ringing()[number % len(self.ringing())]
        self.run(client.incoming[-1].reject())
        self.rung[client][-1] = endings.DECLINED
        self.ring_over(client.raw_id, endings.DECLINED_ELSEWHERE, client)
        self.failed(client.raw_id, endings.DECLINED)
        self.settle()

    # ------------------------------------------------------------ in the call

    def pick(self, number: int) -> Seat:
        return self.able()[number % len(self.able())]

    @precondition(able)
    @rule(number=PICK)
    def hold_or_resume(self, number: int) -> None:
        seat = self.pick(number)
        self.run(seat.witness.call.resume() if seat.holds else seat.witness.call.hold())
        seat.holds = not seat.holds
        self.settle()

    @precondition(able)
    @rule(number=PICK)
    def mute_or_unmute(self, number: int) -> None:
        seat = self.pick(number)
        self.run(seat.witness.call.unmute() if seat.is_muted else seat.witness.call.mute())
        seat.is_muted = not seat.is_muted
        self.settle()

    @precondition(able)
    @rule(number=PICK)
    def start_or_stop_video(self, number: int) -> None:
        seat = self.pick(number)
        if seat.video is None:
            seat.video = camera()
            self.run(seat.witness.call.start_video(seat.video))
        else:
            self.run(seat.witness.call.stop_video(seat.video))
            seat.video = None
        self.settle()

    @precondition(lambda self: self.able() and self.absent())
    @rule(number=PICK, who=PICK)
    def add(self, number: int, who: int) -> None:
        seat, callee = self.pick(number), self.absent()[who % len(self.absent())]

        async def add() -> None:
            seat.witness.call.add_participant(CommunicationUserIdentifier(callee))

        self.run(add())
        self.is_pair = False
        self.call(callee)
        self.settle()

    @precondition(lambda self: self.able() and self.rings)
    @rule(number=PICK, who=PICK)
    def call_off(self, number: int, who: int) -> None:
        seat, callee = self.pick(number), sorted(self.rings)[who % len(self.rings)]
        self.run(seat.witness.call.remove_participant(CommunicationUserIdentifier(callee)))
        self.ring_over(callee, endings.CANCELLED)
        self.failed(callee, endings.CANCELLED)
        self.settle()

    @precondition(lambda self: self.able() and len(self.seats) > 1)
    @rule(number=PICK, who=PICK)
    def remove(self, number: int, who: int) -> None:
        seat = self.pick(number)
        others = [other for other in self.seats if other is not seat]
        other = others[who % len(others)]
        self.run(seat.witness.call.remove_participant(other.client.identifier))
        self.leave(other, endings.REMOVED)
        self.settle()

    # ------------------------------------------------------------ it ends, or is cut

    @precondition(lambda self: any(not seat.client.is_cut for seat in self.seats))
    @rule(number=PICK, for_everyone=st.booleans())
    def hang_up(self, number: int, for_everyone: bool) -> None:
        there = [seat for seat in self.seats if not seat.client.is_cut]
        seat = there[number % len(there)]
        self.run(seat.witness.call.hang_up(HangUpOptions(for_everyone=for_everyone)))
        if for_everyone:
            self.end(seat, endings.HUNG_UP)
            self.end_all(endings.ENDED_FOR_EVERYONE)
        else:
            self.leave(seat, endings.HUNG_UP)
        self.settle()

    @rule(number=PICK)
    def cut_or_restore(self, number: int) -> None:
        client = self.clients[number % len(self.clients)]
        self.run(client.restore() if client.is_cut else client.cut())
        self.hear()
        self.settle()

    def finish(self) -> None:
        """Everybody comes back, sees what happened, and hangs up."""
        for client in self.clients:
            if client.is_cut:
                self.run(client.restore())
        self.hear()
        self.settle()
        while self.seats:
            seat = self.seats[0]
            self.run(seat.witness.call.hang_up())
            self.leave(seat, endings.HUNG_UP)
            self.settle()


@pytest.mark.timeout(120)
def test_both_sides_see_the_same_call_whatever_happens() -> None:
    check_stories(CallOfTwo, stories=8, steps=15)


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_both_sides_see_the_same_call_in_many_stories() -> None:
    check_many_stories(CallOfTwo, stories=120, steps=40)
