"""Any story of a group call or a room with five people: what all of them see, against a model.

Anna has two clients; both may be in the call, and are one participant. In a group everybody is a
presenter; in a room Anna and Ben are, Cem and Dee are attendees, and Eve is a consumer, who may
do nothing but watch.
"""

from __future__ import annotations

import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from acs_core import (
    Call,
    CallState,
    CommunicationUserIdentifier,
    Features,
    GroupCallLocator,
    LocalVideoStream,
    ParticipantRole,
    RemoteParticipantState,
    RoomCallLocator,
    ServiceError,
)
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.events import CollectionUpdate
from acs_core.service.rooms import RoomRecord
from tests.support.stories import (
    Client,
    Person,
    Story,
    Witness,
    camera,
    check_many_stories,
    check_stories,
    options,
    seen_person,
)

PICK = st.integers(0, 11)
PRESENTER, ATTENDEE, CONSUMER = (
    ParticipantRole.PRESENTER,
    ParticipantRole.ATTENDEE,
    ParticipantRole.CONSUMER,
)
IN_ROOM = {
    "Anna": PRESENTER,
    "Ben": PRESENTER,
    "Cem": ATTENDEE,
    "Dee": ATTENDEE,
    "Eve": CONSUMER,
}


class People:
    """Who has a raised hand, or stands in the spotlight, by the events of one call alone."""

    def __init__(self, call: Call, faults: list[str]) -> None:
        self.call = call
        self.faults = faults
        self.hands: set[str] = set()
        self.lit: set[str] = set()
        call.on("stateChanged", self._begin)
        hands, spotlight = call.feature(Features.RAISE_HAND), call.feature(Features.SPOTLIGHT)
        hands.on("raisedHandEvent", lambda event: self._hand(event.identifier.raw_id, is_up=True))
        hands.on("loweredHandEvent", lambda event: self._hand(event.identifier.raw_id, is_up=False))
        spotlight.on("spotlightChanged", self._spotlight)
        self._begin()

    def _begin(self) -> None:
        if self.call.state is CallState.CONNECTED and not (self.hands or self.lit):
            self.hands, self.lit = set(hands_of(self.call)), set(lit_in(self.call))

    def _hand(self, raw_id: str, *, is_up: bool) -> None:
        if (raw_id in self.hands) is is_up:
            self.faults.append(f"{raw_id}: told twice of a hand")
        self.hands ^= {raw_id}

    def _spotlight(self, update: CollectionUpdate[Any]) -> None:
        added = {item.identifier.raw_id for item in update.added}
        removed = {item.identifier.raw_id for item in update.removed}
        if added & self.lit or not removed <= self.lit:
            self.faults.append("the spotlight changed to what it was")
        self.lit = self.lit - removed | added
        if self.lit != set(lit_in(self.call)):
            self.faults.append("the spotlight is not that of the events")


def hands_of(call: Call) -> list[str]:
    hands = call.feature(Features.RAISE_HAND).get_raised_hands()
    assert [hand.order for hand in hands] == list(range(1, len(hands) + 1))
    return [hand.identifier.raw_id for hand in hands]


def lit_in(call: Call) -> list[str]:
    lit = call.feature(Features.SPOTLIGHT).get_spotlighted_participants()
    return [item.identifier.raw_id for item in lit]


@dataclass(eq=False)
class Seat:
    """One client in the call, as the model knows it.

    Attributes:
        hand: When it was raised; None while it is down. The spotlight likewise.
        mutes: How often others muted it.
        gone: Whom it saw go, and why.
    """

    client: Client
    witness: Witness
    people: People
    is_muted: bool = False
    holds: bool = False
    video: LocalVideoStream | None = None
    hand: int | None = None
    spotlight: int | None = None
    mutes: int = 0
    gone: list[tuple[str, EndReason | None]] = field(default_factory=list)

    @property
    def who(self) -> str:
        return self.client.raw_id

    @property
    def call(self) -> Call:
        return self.witness.call


class CallOfFive(Story):
    """One group or one room."""

    def __init__(self) -> None:
        super().__init__()
        anna, *_ = [self.new_client(name) for name in IN_ROOM]
        self.new_client("Anna's tablet", anna)
        self.names = {client.raw_id: client.display_name for client in self.clients}
        self.seats: list[Seat] = []
        self.over: list[tuple[Seat, EndReason]] = []
        self.rung: dict[Client, list[EndReason | None]] = {item: [] for item in self.clients}
        self.called: dict[str, list[Client]] = {}
        self.room: RoomRecord | None = None
        self.place_of_call: GroupCallLocator | RoomCallLocator = GroupCallLocator(str(uuid.uuid4()))
        self.roles = dict.fromkeys(self.names, PRESENTER)

    @initialize(is_room=st.booleans())
    def choose_place(self, is_room: bool) -> None:
        if is_room:
            self.roles = {raw_id: IN_ROOM[name] for raw_id, name in self.names.items()}
            self.room = self.place.server.rooms.create(members=self.roles)
            self.place_of_call = RoomCallLocator(self.room.id)

    # ------------------------------------------------------------ the model

    def able(self) -> list[Seat]:
        return [seat for seat in self.seats if not seat.client.is_cut]

    def outside(self) -> list[Client]:
        """Which clients could join; who rings answers instead."""
        there = {seat.client for seat in self.seats}
        return [
            item
            for item in self.clients
            if item not in there and not item.is_cut and item.raw_id not in self.called
        ]

    def absent(self) -> list[str]:
        """Who could be called: all whose clients are connected, so that it is sure to ring."""
        busy = {seat.who for seat in self.seats} | self.called.keys()
        cut = {client.raw_id for client in self.clients if client.is_cut}
        return [raw_id for raw_id in self.names if raw_id not in busy | cut]

    def ringing(self) -> list[Client]:
        return [item for clients in self.called.values() for item in clients if not item.is_cut]

    def of(self, who: str) -> list[Seat]:
        return [seat for seat in self.seats if seat.who == who]

    def others(self, seat: Seat) -> list[str]:
        """Who else is there, each once."""
        return list(dict.fromkeys(other.who for other in self.seats if other.who != seat.who))

    def in_order(self, name: str) -> list[str]:
        first: dict[str, int] = {}
        for seat in self.seats:
            place = getattr(seat, name)
            if place is not None:
                first[seat.who] = min(place, first.get(seat.who, place))
        return sorted(first, key=lambda who: first[who])

    def next(self, name: str) -> int:
        taken = [getattr(seat, name) for seat in self.seats]
        return max((place for place in taken if place is not None), default=0) + 1

    def leave(self, seat: Seat, reason: EndReason) -> None:
        self.seats.remove(seat)
        self.over.append((seat, reason))
        for other in self.seats:
            if not [item for item in self.of(seat.who) if item is not other]:
                other.gone.append((seat.who, reason))
        if not self.seats:
            for who in list(self.called):
                self.call_off(who, endings.CANCELLED)

    def call_off(self, who: str, told: EndReason, client: Client | None = None) -> None:
        for other in self.called.pop(who):
            if other is not client:
                self.rung[other][-1] = told

    def person(self, seats: list[Seat]) -> Person:
        state = RemoteParticipantState
        is_held = all(seat.holds for seat in seats)
        return Person(
            seats[0].client.display_name,
            state.HOLD if is_held else state.CONNECTED,
            all(seat.is_muted for seat in seats),
            sum(seat.video is not None for seat in seats),
            self.roles[seats[0].who],
        )

    def people_of(self, seat: Seat) -> dict[str, Person]:
        there = dict.fromkeys(other.who for other in self.seats if other is not seat)
        pending = Person(
            "", RemoteParticipantState.RINGING, is_muted=True, role=ParticipantRole.UNKNOWN
        )
        return {
            who: self.person([other for other in self.of(who) if other is not seat])
            for who in there
        } | dict.fromkeys(self.called, pending)

    # ------------------------------------------------------------ what is compared

    def expected(self) -> dict[str, object]:
        sent = sum(1 + (seat.video is not None) for seat in self.seats)
        found: dict[str, object] = {"service": (len(self.seats), sent, set(self.called))}
        for client in self.clients:
            if not client.is_cut:
                found[f"{client.name} rang"] = self.rung[client]
        for seat in self.able():
            found[seat.client.name] = {
                "state": CallState.LOCAL_HOLD if seat.holds else CallState.CONNECTED,
                "muted": (seat.is_muted, seat.mutes),
                "video": seat.video is not None,
                "role": self.roles[seat.who],
                "people": self.people_of(seat),
                "gone": seat.gone,
                "hands": self.in_order("hand"),
                "lit": self.in_order("spotlight"),
                "told": (set(self.in_order("hand")), set(self.in_order("spotlight"))),
            }
        for seat, reason in self.over:
            if not seat.client.is_cut:
                found[f"over {seat.call.id[:8]}"] = (CallState.DISCONNECTED, reason, seat.gone)
        return found

    def seen(self) -> dict[str, object]:
        calls = [
            call
            for call in self.place.server.calls.live.values()
            if call.room is None or call.room is self.room
        ]
        assert len(calls) <= 1
        found: dict[str, object] = {"service": (0, 0, set())}
        for call in calls:
            found["service"] = (len(call.endpoints), len(call.publications), {*call.roster.pending})
        for client in self.clients:
            if not client.is_cut:
                found[f"{client.name} rang"] = [item.call_end_reason for item in client.incoming]
        for seat in self.able():
            others = seat.call.remote_participants
            found[seat.client.name] = {
                "state": seat.call.state,
                "muted": (seat.call.is_muted, seat.witness.mutes),
                "video": seat.call.is_local_video_started,
                "role": seat.call.role,
                "people": {who.identifier.raw_id: seen_person(who) for who in others},
                "gone": seat.witness.gone,
                "hands": hands_of(seat.call),
                "lit": lit_in(seat.call),
                "told": (seat.people.hands, seat.people.lit),
            }
        for seat, _ in self.over:
            if not seat.client.is_cut:
                state, reason = seat.call.state, seat.call.call_end_reason
                found[f"over {seat.call.id[:8]}"] = (state, reason, seat.witness.gone)
        return found

    def attempt(self, action: Coroutine[Any, Any, None], refused: int | None) -> bool:
        """Do something that may not be allowed; whether it was done.

        Args:
            action: What.
            refused: The sub code of the refusal that is expected; None where it must succeed.
        """
        if refused is None:
            self.run(action)
            return True

        async def fail() -> None:
            with pytest.raises(ServiceError) as caught:
                await action
            assert (caught.value.code, caught.value.sub_code) == (403, refused)

        self.run(fail())
        return False

    def refusal(self, seat: Seat, code: int, *, to_attendees: bool = True) -> int | None:
        role = self.roles[seat.who]
        return code if role is CONSUMER or (role is ATTENDEE and to_attendees) else None

    def pick(self, number: int) -> Seat:
        return self.able()[number % len(self.able())]

    def pick_other(self, seat: Seat, who: int) -> str:
        others = self.others(seat)
        return others[who % len(others)]

    def has_company(self) -> bool:
        """Whether everybody who can act has somebody else to act on."""
        return bool(self.able()) and all(self.others(seat) for seat in self.able())

    # ------------------------------------------------------------ coming and going

    @precondition(outside)
    @rule(number=PICK)
    def join(self, number: int) -> None:
        client = self.outside()[number % len(self.outside())]

        async def join() -> Seat:
            call = client.agent.join(self.place_of_call, options())
            seat = Seat(client, Witness(call, self.faults), People(call, self.faults))
            await call.connected()
            return seat

        self.enter(self.run(join()))

    def enter(self, seat: Seat) -> None:
        # Whose role does not include it joins with a muted microphone.
        seat.is_muted = self.roles[seat.who] is CONSUMER
        self.seats.append(seat)
        self.settle()

    @precondition(lambda self: self.absent() and self.able())
    @rule(number=PICK, who=PICK)
    def add(self, number: int, who: int) -> None:
        presenters = [seat for seat in self.able() if self.roles[seat.who] is PRESENTER]
        if not presenters:
            return
        seat = presenters[number % len(presenters)]
        callee = self.absent()[who % len(self.absent())]

        async def add() -> None:
            seat.call.add_participant(CommunicationUserIdentifier(callee))

        self.run(add())
        self.called[callee] = [item for item in self.clients if item.raw_id == callee]
        for client in self.called[callee]:
            self.rung[client].append(None)
        self.settle()

    @precondition(ringing)
    @rule(number=PICK, is_accepted=st.booleans())
    def answer(self, number: int, is_accepted: bool) -> None:
        client = self.ringing()[number % len(self.ringing())]
        if not is_accepted:
            self.run(client.incoming[-1].reject())
            self.rung[client][-1] = endings.DECLINED
            self.call_off(client.raw_id, endings.DECLINED_ELSEWHERE, client)
            for seat in self.seats:
                seat.gone.append((client.raw_id, endings.DECLINED))
            self.settle()
            return
        call = self.run(client.accept())
        self.call_off(client.raw_id, endings.ANSWERED_ELSEWHERE, client)
        self.enter(Seat(client, Witness(call, self.faults), People(call, self.faults)))

    @precondition(able)
    @rule(number=PICK)
    def hang_up(self, number: int) -> None:
        seat = self.pick(number)
        self.run(seat.call.hang_up())
        self.leave(seat, endings.HUNG_UP)
        self.settle()

    @precondition(has_company)
    @rule(number=PICK, who=PICK)
    def remove(self, number: int, who: int) -> None:
        seat = self.pick(number)
        target = self.pick_other(seat, who)
        action = seat.call.remove_participant(CommunicationUserIdentifier(target))
        if self.attempt(action, self.refusal(seat, 0)):
            for other in self.of(target):
                self.leave(other, endings.REMOVED)
        self.settle()

    @rule(number=PICK)
    def vanish_or_return(self, number: int) -> None:
        client = self.clients[number % len(self.clients)]
        self.run(client.restore() if client.is_cut else client.cut())
        self.settle()

    # ------------------------------------------------------------ what one sends

    @precondition(able)
    @rule(number=PICK)
    def mute_or_unmute(self, number: int) -> None:
        seat = self.pick(number)
        if not seat.is_muted:
            self.run(seat.call.mute())
            seat.is_muted = True
        elif self.attempt(seat.call.unmute(), self.refusal(seat, 41106, to_attendees=False)):
            seat.is_muted = False
        self.settle()

    @precondition(able)
    @rule(number=PICK)
    def start_or_stop_video(self, number: int) -> None:
        seat = self.pick(number)
        if seat.video is not None:
            self.run(seat.call.stop_video(seat.video))
            seat.video = None
        else:
            video = camera()
            refused = self.refusal(seat, 41107, to_attendees=False)
            if self.attempt(seat.call.start_video(video), refused):
                seat.video = video
        self.settle()

    @precondition(able)
    @rule(number=PICK)
    def hold_or_resume(self, number: int) -> None:
        seat = self.pick(number)
        self.run(seat.call.resume() if seat.holds else seat.call.hold())
        seat.holds = not seat.holds
        self.settle()

    # ------------------------------------------------------------ what one does to others

    def silence(self, who: str) -> None:
        for seat in self.of(who):
            seat.mutes += not seat.is_muted
            seat.is_muted = True

    @precondition(has_company)
    @rule(number=PICK, who=PICK)
    def mute_somebody(self, number: int, who: int) -> None:
        seat = self.pick(number)
        target = self.pick_other(seat, who)
        if self.attempt(seat.witness.people[target].mute(), self.refusal(seat, 42000)):
            self.silence(target)
        self.settle()

    @precondition(has_company)
    @rule(number=PICK)
    def mute_everybody_else(self, number: int) -> None:
        seat = self.pick(number)
        action = seat.call.mute_all_remote_participants()
        if self.attempt(action, self.refusal(seat, 41018)):
            for who in self.others(seat):
                self.silence(who)
        self.settle()

    @precondition(able)
    @rule(number=PICK)
    def raise_or_lower_hand(self, number: int) -> None:
        seat = self.pick(number)
        feature = seat.call.feature(Features.RAISE_HAND)
        if seat.hand is not None:
            self.run(feature.lower_hand())
            seat.hand = None
        elif self.attempt(feature.raise_hand(), self.refusal(seat, 45752, to_attendees=False)):
            seat.hand = self.next("hand")
        self.settle()

    @precondition(has_company)
    @rule(number=PICK, who=PICK, is_all=st.booleans())
    def lower_hands(self, number: int, who: int, is_all: bool) -> None:
        seat = self.pick(number)
        target = self.pick_other(seat, who)
        feature = seat.call.feature(Features.RAISE_HAND)
        one = [CommunicationUserIdentifier(target)]
        action = feature.lower_all_hands() if is_all else feature.lower_hands(one)
        if self.attempt(action, self.refusal(seat, 45755 if is_all else 45754)):
            for other in self.seats if is_all else self.of(target):
                other.hand = None
        self.settle()

    @precondition(able)
    @rule(number=PICK, who=PICK)
    def light_or_leave_in_the_dark(self, number: int, who: int) -> None:
        """Put somebody into the spotlight, or take them out of it; oneself too."""
        seat = self.pick(number)
        everybody = list(dict.fromkeys(other.who for other in self.seats))
        target = everybody[who % len(everybody)]
        chosen = [CommunicationUserIdentifier(target)]
        feature = seat.call.feature(Features.SPOTLIGHT)
        if target in self.in_order("spotlight"):
            refused = None if target == seat.who else self.refusal(seat, 45903)
            if self.attempt(feature.stop_spotlight(chosen), refused):
                for other in self.of(target):
                    other.spotlight = None
        elif self.attempt(feature.start_spotlight(chosen), self.refusal(seat, 45903)):
            place = self.next("spotlight")
            for other in self.of(target):
                other.spotlight = place
        self.settle()

    @precondition(able)
    @rule(number=PICK)
    def stop_all_spotlight(self, number: int) -> None:
        seat = self.pick(number)
        action = seat.call.feature(Features.SPOTLIGHT).stop_all_spotlight()
        if self.attempt(action, self.refusal(seat, 45903)):
            for other in self.seats:
                other.spotlight = None
        self.settle()

    @precondition(lambda self: self.room is not None)
    @rule(who=st.sampled_from(["Ben", "Cem", "Dee"]), role=st.sampled_from([PRESENTER, ATTENDEE]))
    def give_role(self, who: str, role: ParticipantRole) -> None:
        assert self.room is not None
        raw_id = next(key for key, name in self.names.items() if name == who)
        record = self.room

        async def give() -> None:
            self.place.server.rooms.set_members(record, {raw_id: role})

        self.run(give())
        self.roles[raw_id] = role
        self.settle()

    def finish(self) -> None:
        """Everybody comes back, sees what happened, and hangs up."""
        for client in self.clients:
            if client.is_cut:
                self.run(client.restore())
        self.settle()
        while self.seats:
            self.hang_up(0)


@pytest.mark.timeout(120)
def test_all_five_see_the_same_call_whatever_happens() -> None:
    check_stories(CallOfFive, stories=7, steps=20)


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_all_five_see_the_same_call_in_many_stories() -> None:
    check_many_stories(CallOfFive, stories=60, steps=50)
