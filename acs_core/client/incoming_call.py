"""A call that rings: accepted or rejected once, unless it ends before.

Theory of operation. The call agent makes one for each invitation of the service and tells the
service that it rings. What it says of the caller stays as it is, so the events with which ACS's
web client corrects that, `callerInfoChanged` and `transferorInfoChanged`, have nothing to tell here
and are left out. Accepting makes a `Call` whose endpoint id is the invitation, so that both have
one id; the invitation is then the call's business. All clients of a user ring; the service tells
the others when one has answered.

Source: `IncomingCall` and `TeamsIncomingCall` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from acs_core import wire
from acs_core.client.call import Call, CallCommon
from acs_core.client.call_info import CallInfo, CallInfoCommon
from acs_core.client.dialing import received_context
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.options import AcceptCallOptions
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import InvalidStateError
from acs_core.events import IncomingCallEvent
from acs_core.identifiers import parse_raw_id
from acs_core.models import CallEndedEventArgs, CallerInfo, CustomContext, IncomingCallKind

__all__ = [
    "CallT",
    "IncomingCall",
    "IncomingCallCommon",
    "IncomingCallEventArgs",
    "callers_of",
]

CallT = TypeVar("CallT", bound=CallCommon)

_ACCEPT_NOT_RINGING = 41006
_REJECT_NOT_RINGING = 41007


class IncomingCallCommon(Emitter, Generic[CallT]):
    """What incoming calls of ACS users and of Teams users share."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(IncomingCallEvent)
    EVENT_SUB_CODE: ClassVar[int] = 41042
    KIND: ClassVar[IncomingCallKind]
    INFO: ClassVar[type[CallInfoCommon]]

    def __init__(
        self,
        invited: wire.Invited,
        owner: TaskOwner,
        accept: Callable[[wire.Invited, AcceptCallOptions | None], CallT],
        reply: Callable[[str, wire.InvitationAnswer], Awaitable[None]],
    ) -> None:
        """Describe a call that rings.

        Args:
            invited: What the service said.
            owner: Of the tasks of listeners.
            accept: Makes the call that answers an invitation.
            reply: Tells the service what becomes of an invitation.
        """
        super().__init__(owner)
        self._invited = invited
        self._accept = accept
        self._reply = reply
        self._is_ringing = True
        self._end_reason: EndReason | None = None
        self._caller, self._transferor = callers_of(invited)
        self._info = self.INFO(
            owner,
            invited.invitation,
            wire.InvitationLocator(invitation=invited.invitation),
            lambda: None,
            call_id=invited.call,
            thread_id=invited.thread_id,
        )

    @property
    def kind(self) -> IncomingCallKind:
        """Whether an ACS user or a Teams user is called."""
        return self.KIND

    @property
    def id(self) -> str:
        """32 hex digits; the id of the call that `accept` gives, too."""
        return self._invited.invitation

    @property
    def caller_info(self) -> CallerInfo:
        """Who calls."""
        return self._caller

    @property
    def transferor_info(self) -> CallerInfo | None:
        """Who sent the caller here; None when nobody did."""
        return self._transferor

    @property
    def call_end_reason(self) -> EndReason | None:
        """Why it rings no longer; None while it rings, and once it is accepted."""
        return self._end_reason

    @property
    def custom_context(self) -> CustomContext:
        """What the caller sent along; empty for most calls."""
        return received_context(self._invited.context)

    async def accept(self, options: AcceptCallOptions | None = None) -> CallT:
        """Answer the call, and return it while it is connecting.

        Args:
            options: What to send and receive; by default the microphone, if there is one.

        Raises:
            InvalidStateError: 400/41006: it rings no longer.
            InvalidArgumentError: The options break a limit; it rings on.
        """
        self._stop_ringing("accepted", _ACCEPT_NOT_RINGING)
        try:
            return self._accept(self._invited, options)
        except BaseException:
            self._is_ringing = True
            raise

    async def reject(self) -> None:
        """Decline the call; the caller hears of it.

        Raises:
            InvalidStateError: 400/41007: it rings no longer.
            CallingError: The service could not be told; it rings on.
        """
        self._stop_ringing("rejected", _REJECT_NOT_RINGING)
        try:
            await self._reply(self.id, wire.InvitationAnswer.DECLINED)
        except BaseException:  # Also when whoever rejects waits no longer.
            self._is_ringing = self._end_reason is None
            raise
        self.end(endings.DECLINED)

    def end(self, reason: EndReason) -> None:
        """It rings no longer; the call agent says so. Safe to repeat."""
        self._is_ringing = False
        if self._end_reason is None:
            self._end_reason = reason
            self._emit(IncomingCallEvent.CALL_ENDED, CallEndedEventArgs(reason))

    def _stop_ringing(self, what: str, sub_code: int) -> None:
        if not self._is_ringing:
            raise InvalidStateError(
                f"A call that does not ring cannot be {what}.", code=400, sub_code=sub_code
            )
        self._is_ringing = False


class IncomingCall(IncomingCallCommon[Call]):
    """A call for an ACS user."""

    KIND: ClassVar[IncomingCallKind] = IncomingCallKind.INCOMING_CALL
    INFO: ClassVar[type[CallInfoCommon]] = CallInfo

    @property
    def info(self) -> CallInfo:
        """The ids of the call."""
        assert isinstance(self._info, CallInfo)
        return self._info


@dataclass(frozen=True, slots=True)
class IncomingCallEventArgs(Generic[CallT]):
    """What `incomingCall` passes."""

    incoming_call: IncomingCallCommon[CallT]


def callers_of(invited: wire.Invited) -> tuple[CallerInfo, CallerInfo | None]:
    """Who calls, and who sent them here; None when nobody did."""
    caller = CallerInfo(parse_raw_id(invited.caller), invited.caller_name)
    if not invited.transferor:
        return caller, None
    return caller, CallerInfo(parse_raw_id(invited.transferor), invited.transferor_name)
