"""Calls that ring: who is online, who is called, and what becomes of it.

Theory of operation. Somebody who is called into a call has one `Ring` there, and is *pending* in
its roster: connecting, then ringing as soon as one of their clients says so. All clients of the
user ring, each by an invitation of its own. The ring is over when

* one of them joins with its invitation, or the user comes into the call by another way: the other
  clients hear that it was answered elsewhere;
* one of them declines, for all of them;
* the last one is busy or gone, or there was none;
* nobody answered in time, the caller gave up, or somebody called them off.

A client that lost its WebSocket still rings: it hears of the call when it resumes. People are
called only after the caller's join was answered, so that the caller hears of all that happens.

Calls that began by dialing end when one participant is alone in them and nobody is expected; then
the reason why the last other one is not there is the reason for who is left. They also end, like
all calls, when nobody is there: whoever still rings is called off.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec.structs import replace

from acs_core import wire
from acs_core.core import endings
from acs_core.core.custom_context import CustomContext, sip_headers_of
from acs_core.core.facts import (
    CallType,
    CallTypeChanged,
    EndReason,
    PendingChanged,
    PendingGone,
    PendingParticipant,
    PendingState,
)
from acs_core.core.tones import DtmfTone
from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage
from acs_core.service.callees import (
    check_dialer,
    check_invite,
    check_organizer,
    check_thread_id,
)
from acs_core.service.endpoints import Endpoint
from acs_core.service.identity import Principal
from acs_core.service.pstn import PstnGateway, TelephoneLeg
from acs_core.service.ringing import Line, Lines, Ring, RingTimes, SilentLine
from acs_core.service.server_call import DIALED, CallWatcher, ServerCall
from acs_core.service.timers import CallLater, call_later

__all__ = ["Switchboard"]

_ACCEPT_NOT_RINGING: Final = 41006
_REJECT_NOT_RINGING: Final = 41007
_NOT_IN_CALL: Final = 41054
_DTMF_TONE: Final = 41022

NO_CONTEXT: Final = CustomContext()


class Switchboard:
    """Calls people; a `CallWatcher` of every call.

    Attributes:
        on_ring: Asked for each user who is about to be called whether somebody else may answer for
            them: an additional line that rings, or None.

    Args:
        times: How long people are called.
        gateway: The way to telephones; None where there is none.
        later: The event loop's timers.
        new_id: Makes ids.
    """

    def __init__(
        self,
        *,
        times: RingTimes | None = None,
        gateway: PstnGateway | None = None,
        later: CallLater = call_later,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.times = times or RingTimes()
        self.on_ring: Callable[[Ring], Line | None] = lambda _: None
        self._gateway = gateway
        self._later = later
        self._new_id = new_id
        self._lines = Lines()
        self._rings: dict[tuple[str, str], Ring] = {}
        self._by_invitation: dict[str, Ring] = {}
        # Not by id: clients choose those, and they are unique in one call only.
        self._telephones: dict[Endpoint, TelephoneLeg] = {}
        self._transferors: dict[tuple[str, str], tuple[str, str]] = {}
        self._first: CallWatcher | None = None

    def precede(self, watcher: CallWatcher) -> None:
        """Let somebody hear who comes and goes before calls end of that."""
        self._first = watcher

    # ------------------------------------------------------------ who is online

    def add_line(self, line: Line) -> None:
        """A client came; it rings from the next call on."""
        self._lines.add(line)

    def remove_line(self, line: Line) -> None:
        """A client is gone for good: it rings no longer."""
        self._lines.remove(line)
        for ring in list(self._rings.values()):
            for invitation in ring.invitations_of(line):
                self._drop(ring, invitation)

    # ------------------------------------------------------------ what clients ask

    def expect(
        self,
        call: ServerCall,
        callee: str,
        *,
        caller: str,
        caller_id: str = "",
        transfer: str = "",
        context: CustomContext = NO_CONTEXT,
    ) -> Ring:
        """Expect somebody in a call; they are called when the caller joins it.

        Args:
            call: Which call.
            callee: Raw id of somebody who is neither in it nor expected.
            caller: Raw id of who calls.
            caller_id: The number that a telephone sees.
            transfer: Which transfer the caller carries out; empty for none.
            context: What the callee gets along with the call.
        """
        ring = Ring(call, callee, caller, caller_id, context=context)
        ring.transferor = self._transferors.get((transfer, caller), ring.transferor)
        self._rings[ring.key] = ring
        call.commit(PendingChanged(participant=PendingParticipant(identity=callee)))
        return ring

    def admit(self, call: ServerCall, guest: str, *, caller: str, lasting: float) -> str:
        """Expect somebody who knows already where to go: nothing rings; return their invitation.

        Args:
            call: Which call; one of two grows by that.
            guest: Raw id of somebody who is neither in it nor expected.
            caller: Raw id of who sends them.
            lasting: Seconds for which they may come.

        Raises:
            CallingError: They cannot be called into the call.
        """
        check_invite(call, guest, caller=caller, alternate_caller_id="")
        if call.type is CallType.ONE_TO_ONE:
            call.commit(CallTypeChanged(call_type=CallType.DIAL_OUT))
        ring = self.expect(call, guest, caller=caller)
        timed_out = partial(self._fail, ring, endings.NO_ANSWER, told=endings.NO_ANSWER)
        ring.timer = self._later(lasting, timed_out)
        return self._add_invitation(ring, SilentLine(guest))

    def dismiss(self, invitation: str) -> None:
        """Expect somebody no longer who was let in by `admit`; does nothing once they came."""
        ring = self._by_invitation.get(invitation)
        if ring is not None:
            self._fail(ring, endings.CANCELLED, told=endings.CANCELLED)

    def expect_transfer(self, transfer: str, transferee: str, *, by: Endpoint) -> None:
        """Let somebody call on behalf of somebody else, who is named to those who are called."""
        self._transferors[transfer, transferee] = (by.principal.raw_id, _name_of(by))

    def forget_transfer(self, transfer: str, transferee: str) -> None:
        """The transfer is over; does nothing when it is not known."""
        self._transferors.pop((transfer, transferee), None)

    def call_of(self, invitation: str, principal: Principal) -> ServerCall:
        """The call that an invitation is for.

        Raises:
            InvalidArgumentError: 400/41006, it does not ring, or not for this user.
        """
        return self._invited(invitation, principal, _ACCEPT_NOT_RINGING).call

    def reply(self, principal: Principal, body: wire.ReplyToInvitation) -> None:
        """Take what a client says to an invitation that it does not accept.

        Raises:
            InvalidArgumentError: 400/41007, it does not ring, or not for this user.
        """
        ring = self._invited(body.invitation, principal, _REJECT_NOT_RINGING)
        match body.answer:
            case wire.InvitationAnswer.RINGING:
                self._progress(ring, PendingState.RINGING)
            case wire.InvitationAnswer.DECLINED:
                told = endings.DECLINED_ELSEWHERE
                self._fail(ring, endings.DECLINED, told=told, knows=body.invitation)
            case wire.InvitationAnswer.BUSY:
                ring.is_busy = True
                self._drop(ring, body.invitation)

    def invite(self, endpoint: Endpoint, body: wire.Invite) -> None:
        """Call somebody into the call of an endpoint; a call of two grows by that.

        Raises:
            CallingError: The endpoint may not do that, or they cannot be called.
        """
        call = endpoint.call
        check_dialer(endpoint.principal)
        check_organizer(endpoint)
        check_invite(
            call,
            body.callee,
            caller=endpoint.principal.raw_id,
            alternate_caller_id=body.alternate_caller_id,
        )
        check_thread_id(body.thread_id)
        if call.type is CallType.ONE_TO_ONE:
            call.commit(CallTypeChanged(call_type=CallType.DIAL_OUT))
        # A meeting keeps the chat that it has.
        if body.thread_id and call.type in DIALED:
            call.set_thread(body.thread_id)
        ring = self.expect(
            call,
            body.callee,
            caller=endpoint.principal.raw_id,
            caller_id=body.alternate_caller_id,
        )
        self.begin(ring, caller_name=_name_of(endpoint))

    def remove(self, endpoint: Endpoint, body: wire.RemoveParticipant) -> None:
        """Take somebody out of the call of an endpoint, or call them off.

        Raises:
            ServiceError: The endpoint may not do that.
            InvalidArgumentError: 400/41054, they are neither in the call nor called.
        """
        call = endpoint.call
        check_organizer(endpoint)
        others = [
            other
            for other in call.endpoints.values()
            if other.principal.raw_id == body.identity and other is not endpoint
        ]
        if (call.id, body.identity) not in self._rings and not others:
            raise InvalidArgumentError(
                f"{body.identity} is neither in the call nor called.",
                sub_code=_NOT_IN_CALL,
                stage=Stage.SIGNALING,
            )
        for other in others:
            call.remove(other, endings.REMOVED)
        self.call_off(call, body.identity, endings.CANCELLED)

    def call_off(self, call: ServerCall, callee: str, reason: EndReason) -> None:
        """Call somebody into a call no longer; does nothing when they are not called."""
        ring = self._rings.get((call.id, callee))
        if ring is not None:
            self._fail(ring, reason, told=reason)

    def send_tone(self, endpoint: Endpoint, tone: DtmfTone) -> None:
        """Let the telephones in the call of an endpoint hear a key.

        Raises:
            InvalidStateError: 400/41022, no telephone is in the call.
        """
        others = endpoint.call.endpoints.values()
        legs = [self._telephones[other] for other in others if other in self._telephones]
        if not legs:
            raise InvalidStateError(
                "There is no telephone in the call that could hear a tone.",
                code=400,
                sub_code=_DTMF_TONE,
                stage=Stage.SIGNALING,
            )
        for leg in legs:
            leg.send_tone(tone)

    # ------------------------------------------------------------ what calls say

    def joined(self, endpoint: Endpoint) -> None:
        """Call whom a caller expects, and stop calling who came."""
        call, who = endpoint.call, endpoint.principal.raw_id
        ring = self._rings.get((call.id, who))
        if ring is not None:
            leg = ring.invitations.get(endpoint.id)
            if isinstance(leg, TelephoneLeg):
                self._telephones[endpoint] = leg
            self._stop(ring, endings.ANSWERED_ELSEWHERE, knows=endpoint.id)
            _tell_gone(ring, silent_for=endpoint)
        for other in self._rings_in(call):
            if other.caller == who and other.timer is None:
                self.begin(other, caller_name=_name_of(endpoint))
        if self._first is not None:
            self._first.joined(endpoint)

    def left(self, endpoint: Endpoint, reason: EndReason) -> None:
        """End what is over without this endpoint."""
        if self._first is not None:
            self._first.left(endpoint, reason)
        leg = self._telephones.pop(endpoint, None)
        if leg is not None:
            leg.hang_up()
        if endpoint.call.endpoints:
            self._end_if_alone(endpoint.call, endings.for_other(reason))
        else:
            self._call_off_all(endpoint.call, endings.CANCELLED)

    def ended(self, call: ServerCall, reason: EndReason) -> None:
        """Call off whoever still rings."""
        if self._first is not None:
            self._first.ended(call, reason)
        is_stopping = reason == endings.SERVICE_STOPPED
        self._call_off_all(call, reason if is_stopping else endings.CANCELLED)
        for endpoint, leg in list(self._telephones.items()):
            if leg.call is call:
                del self._telephones[endpoint]
                leg.hang_up()

    # ------------------------------------------------------------ what telephones say

    def leg_progressed(self, leg: TelephoneLeg, state: PendingState) -> None:
        """A telephone rings, or plays an announcement."""
        ring = self._by_invitation.get(leg.invitation)
        if ring is not None:
            self._progress(ring, state)

    def leg_ended(self, leg: TelephoneLeg, reason: EndReason) -> None:
        """A telephone hung up, or will not come."""
        ring = self._by_invitation.get(leg.invitation)
        endpoint = leg.call.endpoints.get(leg.invitation)
        if ring is not None:
            self._fail(ring, reason, told=reason)
        elif endpoint is not None:
            leg.call.remove(endpoint, reason)

    # ------------------------------------------------------------ a ring from begin to end

    def begin(self, ring: Ring, *, caller_name: str = "") -> None:
        """Call somebody who is expected, soon, whether or not their caller is in the call."""
        # After the answer to what the caller asked.
        ring.caller_name = caller_name
        ring.timer = self._later(0.0, partial(self._begin, ring))

    def _begin(self, ring: Ring) -> None:
        timed_out = partial(self._fail, ring, endings.NO_ANSWER, told=endings.NO_ANSWER)
        ring.timer = self._later(ring.timeout(self.times), timed_out)
        if ring.number:
            self._place(ring)
            return
        extra = self.on_ring(ring)
        lines = self._lines.of(ring.callee) + (() if extra is None else (extra,))
        for line in lines:
            line.deliver(
                wire.Invited(
                    invitation=self._add_invitation(ring, line),
                    call=ring.call.id,
                    caller=ring.caller,
                    caller_name=ring.caller_name,
                    transferor=ring.transferor[0],
                    transferor_name=ring.transferor[1],
                    context=ring.context,
                    thread_id=ring.call.thread_id,
                    is_group=ring.call.type is not CallType.ONE_TO_ONE,
                )
            )
        if not lines:
            self._fail(ring, endings.NOT_REGISTERED, told=endings.NOT_REGISTERED)

    def _place(self, ring: Ring) -> None:
        if self._gateway is None:
            self._fail(ring, endings.NO_TELEPHONY, told=endings.NO_TELEPHONY)
            return
        leg = TelephoneLeg(
            self,
            ring.call,
            raw_id=ring.callee,
            number=ring.number,
            caller_id=ring.caller_id,
            invitation=self._new_id(),
            headers=sip_headers_of(ring.context),
        )
        self._add_invitation(ring, leg, leg.invitation)
        leg.place(self._gateway)

    def _add_invitation(self, ring: Ring, line: Line, invitation: str = "") -> str:
        invitation = invitation or self._new_id()
        ring.invitations[invitation] = line
        self._by_invitation[invitation] = ring
        return invitation

    def _progress(self, ring: Ring, state: PendingState) -> None:
        pending = ring.call.roster.pending[ring.callee]
        # Another client may be further already.
        if pending.state not in (state, PendingState.EARLY_MEDIA):
            ring.call.commit(PendingChanged(participant=replace(pending, state=state)))

    def _drop(self, ring: Ring, invitation: str) -> None:
        """One client does not ring any more."""
        del ring.invitations[invitation]
        del self._by_invitation[invitation]
        if not ring.invitations:
            reason = endings.BUSY if ring.is_busy else endings.CALLEE_GONE
            self._fail(ring, reason, told=reason)

    def _fail(self, ring: Ring, reason: EndReason, *, told: EndReason, knows: str = "") -> None:
        """The callee does not come.

        Args:
            ring: Which.
            reason: Why, for the call.
            told: Why, for the clients that still ring.
            knows: The invitation of a client that need not be told.
        """
        self._stop(ring, told, knows=knows)
        _tell_gone(ring, reason)
        self._end_if_alone(ring.call, reason)

    def _stop(self, ring: Ring, told: EndReason, *, knows: str = "") -> None:
        """Nothing rings any more."""
        del self._rings[ring.key]
        ring.stop_timer()
        for invitation, line in ring.invitations.items():
            del self._by_invitation[invitation]
            if invitation != knows:
                line.deliver(wire.InvitationEnded(invitation=invitation, reason=told))
        ring.invitations.clear()

    def _call_off_all(self, call: ServerCall, reason: EndReason) -> None:
        for ring in self._rings_in(call):
            self._fail(ring, reason, told=reason)

    def _end_if_alone(self, call: ServerCall, reason: EndReason) -> None:
        if call.type in DIALED and len(call.endpoints) == 1 and not call.roster.pending:
            call.end(reason)

    def _rings_in(self, call: ServerCall) -> list[Ring]:
        return [ring for ring in self._rings.values() if ring.call is call]

    def _invited(self, invitation: str, principal: Principal, sub_code: int) -> Ring:
        ring = self._by_invitation.get(invitation)
        if ring is None or ring.callee != principal.raw_id:
            raise InvalidArgumentError(
                "The call does not ring, or not any more.",
                sub_code=sub_code,
                stage=Stage.SIGNALING,
            )
        return ring


def _name_of(endpoint: Endpoint) -> str:
    return endpoint.call.roster.endpoints[endpoint.id].name


def _tell_gone(
    ring: Ring, reason: EndReason | None = None, *, silent_for: Endpoint | None = None
) -> None:
    """Nobody is called any more; another client of theirs may wait in the lobby."""
    call = ring.call
    call.commit(PendingGone(identity=ring.callee, reason=reason), silent_for=silent_for)
    if call.lobby is not None:
        call.lobby.called_no_longer(ring.callee, silent_for=silent_for)
