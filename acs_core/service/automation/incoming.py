"""Calls that programs may answer, redirect or reject for a user of the service.

Theory of operation. Once somebody listens (`IncomingCalls.listen`), every user who is called has
one line more, that of programs: it rings as long as their clients do, also where no client is
online. What rings is told to the listener with an `incomingCallContext`, which is good until
somebody answers. Programs and clients compete: the first answer counts.

Source: ACS, "Incoming call concepts"; event Microsoft.Communication.IncomingCall.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.custom_context import CustomContext
from acs_core.identifiers import CommunicationUserIdentifier, parse_raw_id
from acs_core.service.automation.refusals import conflict, invalid, not_found
from acs_core.service.callees import check_callees
from acs_core.service.calls import Calls
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.ringing import Line, Ring
from acs_core.service.server_call import ServerCall

__all__ = ["IncomingCall", "IncomingCalls", "app_principal"]

_log = logging.getLogger(__name__)

REASONS: Final = {
    "none": endings.DECLINED,
    "busy": endings.BUSY,
    "forbidden": endings.FORBIDDEN,
}


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A call that rings for a user.

    Attributes:
        context: What to answer, redirect or reject it with.
        to: Raw id of who is called.
        caller: Raw id of who calls.
        caller_name: As callees see it; may be empty.
        call: Where they are called into.
        custom_context: What the caller sends along.
    """

    context: str
    to: str
    caller: str
    caller_name: str
    call: ServerCall
    custom_context: CustomContext


IncomingCallListener = Callable[[IncomingCall], None]
"""Hears of calls that ring; must neither wait nor raise."""


class _AppLine:
    """The line of programs for one user who is called."""

    def __init__(self, owner: IncomingCalls, ring: Ring) -> None:
        self.raw_id = ring.callee
        self._owner = owner
        self._ring = ring

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Ring, or ring no longer."""
        match body:
            case wire.Invited(invitation=invitation):
                self._owner.began(invitation, self._ring)
            case wire.InvitationEnded(invitation=invitation):
                self._owner.forget(invitation)
            case _:
                pass  # The rest is for clients in calls.


class IncomingCalls:
    """The calls that ring for users.

    Args:
        calls: Its switchboard asks here from now on.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._listeners: list[IncomingCallListener] = []
        self._ringing: dict[str, Ring] = {}
        calls.switchboard.on_ring = self._line_of

    def listen(self, listener: IncomingCallListener) -> None:
        """Tell somebody of the calls that ring from now on."""
        self._listeners.append(listener)

    def take(self, context: str) -> tuple[Ring, Principal]:
        """A call that rings, and who would answer it.

        Raises:
            ServiceError: 404/8522, it does not ring, or not any more.
        """
        ring = self._ringing.get(context)
        if ring is None:
            raise not_found("The call does not ring, or not any more.")
        return ring, app_principal(ring.callee)

    def reject(self, context: str, reason: str) -> None:
        """Refuse a call for all clients of the user.

        Raises:
            ServiceError: 404/8522, it does not ring.
            InvalidArgumentError: 400/8523, there is no such reason.
        """
        ring, _ = self.take(context)
        if reason not in REASONS:
            raise invalid(f"callRejectReason must be one of {', '.join(REASONS)}.")
        self._calls.switchboard.call_off(ring.call, ring.callee, REASONS[reason])

    def redirect(self, context: str, target: str) -> None:
        """Let a call ring for somebody else.

        Args:
            context: Which call.
            target: Raw id.

        Raises:
            ServiceError: 404/8522, it does not ring.
            CallingError: The target cannot be called, or is in the call already.
        """
        ring, _ = self.take(context)
        call, switchboard = ring.call, self._calls.switchboard
        check_callees(
            (target,),
            caller=ring.caller,
            alternate_caller_id=ring.caller_id,
            most=call.max_endpoints,
        )
        present = {endpoint.principal.raw_id for endpoint in call.endpoints.values()}
        if target in present or target in call.roster.pending:
            raise conflict(f"{target} is in the call already, or on the way.")
        redirected = switchboard.expect(
            call, target, caller=ring.caller, caller_id=ring.caller_id, context=ring.context
        )
        switchboard.begin(redirected, caller_name=ring.caller_name)
        # Last, so that the call always expects somebody.
        switchboard.call_off(call, ring.callee, endings.REDIRECTED)

    # ------------------------------------------------------------ what the lines say

    def began(self, invitation: str, ring: Ring) -> None:
        """A call rings."""
        self._ringing[invitation] = ring
        incoming = IncomingCall(
            context=invitation,
            to=ring.callee,
            caller=ring.caller,
            caller_name=ring.caller_name,
            call=ring.call,
            custom_context=ring.context,
        )
        for listener in self._listeners:
            try:
                listener(incoming)
            except Exception:
                _log.exception("a listener for incoming calls failed")

    def forget(self, invitation: str) -> None:
        """A call rings no longer, or was answered by a program."""
        self._ringing.pop(invitation, None)

    def _line_of(self, ring: Ring) -> Line | None:
        is_user = isinstance(parse_raw_id(ring.callee), CommunicationUserIdentifier)
        return _AppLine(self, ring) if self._listeners and is_user else None


def app_principal(raw_id: str) -> Principal:
    """A program that acts as a user; whoever has the key of the service may be anybody."""
    return Principal(raw_id, PrincipalKind.ACS, math.inf, scopes=frozenset({"voip"}))
