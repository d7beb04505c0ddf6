"""Every call of the service: found by what a locator names, and made.

A call (`server_call.py`) takes place in a room, which has a record (`rooms.py`), in a group, or
between people who are called (`switchboard.py`). A Twilio room is one call: its record is made with
it and goes with it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import CallType, EndReason, Fact
from acs_core.core.rules import TrackRules
from acs_core.service import admission
from acs_core.service.admission import CallLimits, NameOf, check_name
from acs_core.service.callees import (
    check_callees,
    check_dialed_context,
    check_dialer,
    check_thread_id,
)
from acs_core.service.history import CallRecord
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.meetings import MeetingRecord, Meetings
from acs_core.service.rooms import RoomOptions, RoomRecord, Rooms, RoomTimes
from acs_core.service.server_call import AT_ONCE, ServerCall
from acs_core.service.switchboard import Switchboard
from acs_core.service.timers import CallLater, call_later

__all__ = ["CallLimits", "Calls", "ServerCall"]

PROBE: Final = "probe"
"""Kind of place where one user tests, see `ProbeLocator`."""


class Calls:
    """Every live call of this service.

    Args:
        rooms: Where calls may take place.
        meetings: Likewise, with a lobby.
        limits: What one call may hold.
        times: How long Twilio's rooms live without participants; other calls end with their last
            endpoint unless their room says otherwise.
        on_started: Hears of each new call.
        on_ended: Hears of each call that ended.
        new_id: Makes ids.
        later: The event loop's timers.
        clock: Unix seconds.
        switchboard: Rings people.
        on_fact: Hears of what became true in a call.
    """

    def __init__(
        self,
        *,
        rooms: Rooms,
        meetings: Meetings | None = None,
        limits: CallLimits | None = None,
        times: RoomTimes | None = None,
        on_started: Callable[[ServerCall], None] | None = None,
        on_ended: Callable[[ServerCall], None] | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        later: CallLater = call_later,
        clock: Callable[[], float] = time.time,
        switchboard: Switchboard | None = None,
        on_fact: Callable[[ServerCall, Fact], None] | None = None,
    ) -> None:
        self.rooms = rooms
        self.meetings = meetings or Meetings()
        self.switchboard = switchboard or Switchboard(later=later)
        self.limits = limits or CallLimits()
        self._times = times or RoomTimes()
        self._observers = (on_started, on_ended)
        self._on_fact = on_fact
        self._new_id = new_id
        self._later = later
        self._clock = clock
        self._live: dict[str, ServerCall] = {}
        self._refused_rooms = 0
        self._by_place: dict[tuple[str, ...], ServerCall] = {}

    @property
    def live(self) -> Mapping[str, ServerCall]:
        """Calls by id."""
        return MappingProxyType(self._live)

    @property
    def refused_rooms(self) -> int:
        """How often a room was not made because there were too many."""
        return self._refused_rooms

    def create(
        self, *, unique_name: str | None = None, options: RoomOptions | None = None
    ) -> ServerCall:
        """Make a Twilio room before anybody is in it; it waits for its first participant.

        Raises:
            ServiceError: A room of this name is in progress (53113), or there are too many
                rooms (53119).
            InvalidArgumentError: The name is an SID's (53100), too long (53101) or unprintable
                (53102).
        """
        check_name(NameOf.ROOM, unique_name or "", self.limits.name_length)
        if admission.is_sid(unique_name or ""):
            raise admission.name_is_sid(unique_name or "")
        found = self.rooms.find(unique_name) if unique_name else None
        if found is None or found.unique_name != unique_name:
            # A name that is taken is told as that.
            self._check_room_count()
        record = self.rooms.create(unique_name=unique_name, options=options, is_session=True)
        call = self._place(("room", record.id), record)
        call.wait(self.times_of(record).unused)
        return call

    def resume(self, record: CallRecord, rules: TrackRules, *, was_used: bool) -> ServerCall:
        """Let a Twilio room go on that was in progress before a restart.

        It waits for participants, for as long as a new one would.

        Args:
            record: Of the call; its room is one of `rooms`.
            rules: Which publications are recorded.
            was_used: Whether anybody was there already.
        """
        room = record.room
        assert room is not None
        call = self._start(("room", room.id), room, CallType.ROOM, resumed=record)
        call.set_recording_rules(rules)
        times = self.times_of(room)
        call.wait(times.empty if was_used else times.unused)
        return call

    def find_room(self, name: str) -> ServerCall | None:
        """The live call in a room, by room SID or unique name."""
        live = self._live.get(name.removeprefix("RM"))
        if live is not None and live.room is not None:
            return live
        record = self.rooms.find(name)
        return None if record is None else self._by_place.get(("room", record.id))

    def find_group(self, group_id: str) -> ServerCall | None:
        """The live call of a group.

        Raises:
            InvalidArgumentError: The group id is no GUID.
        """
        return self._by_place.get(("group", admission.parse_guid(group_id)))

    def resolve(self, locator: wire.Locator, principal: Principal) -> ServerCall:
        """The call that a locator means for this user, started if it does not run yet.

        Raises:
            InvalidArgumentError: The group id is no GUID, the room name is unusable, somebody
                cannot be called, the invitation is not one that rings (400/41006), or there is no
                such meeting (400/40210).
            ServiceError: The user may not go there, there is no such room, or it would be one too
                many (53119).
        """
        match locator:
            case wire.GroupLocator(group_id=group_id):
                guid = admission.parse_guid(group_id)
                if principal.rooms is not None:
                    raise admission.not_granted(f"group {guid}")
                return self._place(("group", guid), None)
            case wire.ProbeLocator(probe_id=probe_id):
                return self._probe((PROBE, principal.raw_id, admission.parse_guid(probe_id)))
            case wire.RoomLocator(room=name):
                return self._resolve_room(name, principal)
            case wire.MeetingLocator():
                if principal.rooms is not None:
                    raise admission.not_granted("a meeting")
                meeting = self.meetings.resolve(locator)
                return self._place(("meeting", meeting.thread_id), None, meeting)
            case wire.DialLocator():
                return self._dial(locator, principal)
            case wire.InvitationLocator(invitation=invitation):
                return self.switchboard.call_of(invitation, principal)

    def end_all(self, reason: EndReason) -> None:
        """End every call, those included that wait for participants."""
        for call in list(self._live.values()):
            call.end(reason)

    def discard_if_empty(self, call: ServerCall) -> None:
        """Forget a call that nobody managed to join, unless it waits for others anyway."""
        if not call.endpoints and not call.is_waiting and call.id in self._live:
            call.record.is_void = True
            call.end(endings.ROOM_COMPLETED)

    def _resolve_room(self, name: str, principal: Principal) -> ServerCall:
        check_name(NameOf.ROOM, name, self.limits.name_length)
        live = self._live.get(name.removeprefix("RM"))
        if live is not None and live.room is None:
            # The id of a group call names no room.
            live = None
        record = live.room if live is not None else self.rooms.find(name)
        # Before a room is made: a token that opens one room must not leave others behind.
        _check_grant(name, record, live, principal)
        if record is None:
            # The SID of a completed room, or an invented one, is nobody's name.
            if principal.kind is not PrincipalKind.TWILIO or admission.is_sid(name):
                raise admission.room_not_found(name)
            self._check_room_count()
            record = self.rooms.open(name)
        self.rooms.check_admission(record, principal.raw_id)
        return live or self._place(("room", record.id), record)

    def _probe(self, place: tuple[str, ...]) -> ServerCall:
        present = sum(other[:2] == place[:2] for other in self._by_place)
        if place not in self._by_place and present >= self.limits.probes:
            raise admission.too_many_probes(present)
        return self._place(place, None)

    def _check_room_count(self) -> None:
        if self.rooms.sessions >= self.limits.rooms:
            self._refused_rooms += 1
            raise admission.too_many_rooms(self.rooms.sessions)

    def _dial(self, locator: wire.DialLocator, principal: Principal) -> ServerCall:
        """A new call in which some people are expected; they are called when its caller joins."""
        callees = tuple(dict.fromkeys(locator.callees))
        check_dialer(principal)
        check_callees(
            callees,
            caller=principal.raw_id,
            alternate_caller_id=locator.alternate_caller_id,
            most=self.limits.endpoints,
        )
        check_dialed_context(locator.context, callees)
        check_thread_id(locator.thread_id)
        type_ = CallType.ONE_TO_ONE if len(callees) == 1 else CallType.DIAL_OUT
        place = ("dial", self._new_id())
        call = self._start(place, None, type_, thread_id=locator.thread_id)
        for callee in callees:
            self.switchboard.expect(
                call,
                callee,
                caller=principal.raw_id,
                caller_id=locator.alternate_caller_id,
                transfer=locator.transfer,
                context=locator.context,
            )
        return call

    def _place(
        self,
        place: tuple[str, ...],
        room: RoomRecord | None,
        meeting: MeetingRecord | None = None,
    ) -> ServerCall:
        """The call at a place, started if it does not run yet."""
        type_ = CallType.GROUP if room is None else CallType.ROOM
        if meeting is not None:
            type_ = CallType.MEETING
        return self._by_place.get(place) or self._start(place, room, type_, meeting)

    def _start(
        self,
        place: tuple[str, ...],
        room: RoomRecord | None,
        type_: CallType,
        meeting: MeetingRecord | None = None,
        *,
        thread_id: str = "",
        resumed: CallRecord | None = None,
    ) -> ServerCall:
        call = ServerCall(
            self._new_id() if resumed is None else resumed.id,
            limits=self.limits,
            type_=type_,
            room=room,
            meeting=meeting,
            thread_id=thread_id,
            group_id=place[1] if place[0] == "group" else "",
            new_id=self._new_id,
            is_probe=place[0] == PROBE,
            on_ended=lambda ended: self._ended(place, ended),
            watcher=self.switchboard,
            on_fact=self._on_fact,
            times=AT_ONCE if room is None else self.times_of(room),
            later=self._later,
            clock=self._clock,
            resumed=resumed,
        )
        self._by_place[place] = self._live[call.id] = call
        if self._observers[0] is not None:
            self._observers[0](call)
        return call

    def times_of(self, room: RoomRecord) -> RoomTimes:
        """How long a call in this room lives without participants."""
        return room.options.times(self._times if room.is_session else AT_ONCE)

    def _ended(self, place: tuple[str, ...], call: ServerCall) -> None:
        del self._live[call.id]
        del self._by_place[place]
        if call.room is not None:
            self.rooms.session_ended(call.room)
        if self._observers[1] is not None:
            self._observers[1](call)


def _check_grant(
    name: str, record: RoomRecord | None, live: ServerCall | None, principal: Principal
) -> None:
    if principal.rooms is None:
        return
    names = {name} if record is None else {record.id, record.unique_name}
    if live is not None:
        names |= {live.id, f"RM{live.id}"}
    if not names & principal.rooms:
        raise admission.not_granted(f"room {name!r}")
