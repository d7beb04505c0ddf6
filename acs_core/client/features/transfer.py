"""`Features.TRANSFER`: sending the other side of a call to somebody else, and being sent.

Theory of operation. The transferor gets a `Transfer` at once; the service tells its states. The
transferee goes to the new call by itself and hears `transferAccepted`, unless its application
listens to `transferRequested`, as those of 2020 do: then it decides. The transferee watches the new
call and reports that it has set out, and once it is connected or over; the service then ends the
old one. A report that nobody answered is repeated for as long as the old call lasts.

As in ACS, calls of more than two are not transferred (400/46051). `TransferToVoicemailLocator` is
left out: voicemail boxes belong to Teams.

Source: `TransferCallFeature` of @azure/communication-calling 2.0.0; `transferRequested` and
`transferStateChanged` of 1.0.0-beta.4.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from acs_core import wire
from acs_core.client.dialing import sent_context
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import CallContext, CallFeature, News, Noticed, Over
from acs_core.client.people import caller_number
from acs_core.core.call import CallState
from acs_core.core.facts import CallType
from acs_core.errors import CallingError, DeadlineError, InvalidArgumentError, InvalidStateError
from acs_core.events import CallEvent, TransferEvent, TransferFeatureEvent
from acs_core.identifiers import (
    CommunicationIdentifier,
    PhoneNumberIdentifier,
    parse_raw_id,
    raw_id,
)
from acs_core.models import CustomContext
from acs_core.wire import TransferState

if TYPE_CHECKING:
    from acs_core.client.call import CallCommon

__all__ = [
    "Transfer",
    "TransferCallFeature",
    "TransferErrorCode",
    "TransferEventArgs",
    "TransferRequestedEventArgs",
    "TransferState",
    "TransferToCallLocator",
    "TransferToCallOptions",
    "TransferToParticipantLocator",
    "TransferToParticipantOptions",
]

_log = logging.getLogger(__name__)

TO_TARGET_FAILED: Final = 46050
UNSUPPORTED_CALL_TYPE: Final = 46051
TARGET_NOT_RECOGNIZED: Final = 46052
INVALID_TARGET_TYPE: Final = 46053
REJECTED: Final = 603
"""RFC 3261 section 21.6.2, as ACS has it for calls that are declined."""

_OPEN: Final = frozenset({TransferState.NONE, TransferState.TRANSFERRING})


@dataclass(frozen=True, slots=True)
class TransferToParticipantLocator:
    """Who shall be called."""

    target_participant: CommunicationIdentifier


@dataclass(frozen=True, slots=True)
class TransferToCallLocator:
    """Where to go.

    Attributes:
        target_call_id: `Call.id` of another call of ours, in which the transferee takes our place.
    """

    target_call_id: str


@dataclass(frozen=True, slots=True)
class TransferToParticipantOptions:
    """How somebody is called.

    Attributes:
        disable_forwarding_and_unanswered: An unanswered call ends the attempt; otherwise the
            target's rules for unanswered calls apply first. Users of this service have no such
            rules, so an unanswered call ends the attempt in both cases.
        custom_context: What the target gets along with the call.
        alternate_caller_id: The number that a telephone sees (ours).
    """

    disable_forwarding_and_unanswered: bool = False
    custom_context: CustomContext | None = None
    alternate_caller_id: PhoneNumberIdentifier | None = None


@dataclass(frozen=True, slots=True)
class TransferToCallOptions:
    """How the transferee goes to a call; there is nothing to choose.

    ACS's custom context is left out: the target is in its call already, and would never see it.
    """


@dataclass(frozen=True, slots=True)
class TransferErrorCode:
    """Why a transfer failed."""

    code: int
    sub_code: int


@dataclass(frozen=True, slots=True)
class TransferEventArgs:
    """What `transferAccepted` passes: the call to which this one goes; it is connecting."""

    target_call: CallCommon


@dataclass(frozen=True, slots=True)
class TransferRequestedEventArgs:
    """What `transferRequested` passes.

    Attributes:
        target_participant: Who is to be called; None when a call is to be joined.
        accept: Goes there, and returns the call that is connecting; the second time, after the end
            of this call, or when the new one cannot begin, it returns None.
        reject: Stays here; the transfer has failed. Does nothing after `accept`.
    """

    target_participant: CommunicationIdentifier | None
    accept: Callable[[], CallCommon | None]
    reject: Callable[[], None]


TransferTarget: TypeAlias = TransferToParticipantLocator | TransferToCallLocator
TransferOptions: TypeAlias = TransferToParticipantOptions | TransferToCallOptions


class Transfer(Emitter):
    """One transfer that we asked for."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(TransferEvent)

    def __init__(self, transfer_id: str, owner: TaskOwner) -> None:
        super().__init__(owner)
        self._id = transfer_id
        self._state = TransferState.NONE
        self._error: TransferErrorCode | None = None

    @property
    def state(self) -> TransferState:
        """How far it is; after `Transferred` and `Failed` it does not change."""
        return self._state

    @property
    def error(self) -> TransferErrorCode | None:
        """Why it failed; None unless it has."""
        return self._error

    @property
    def is_over(self) -> bool:
        """Whether it has succeeded or failed (ours)."""
        return self._state not in _OPEN

    def change(self, state: TransferState, error: TransferErrorCode | None = None) -> None:
        """Take a new state; the feature does this."""
        if self.is_over or state is self._state:
            return
        self._state = state
        self._error = error if state is TransferState.FAILED else None
        self._emit(TransferEvent.STATE_CHANGED)
        self._emit(TransferEvent.TRANSFER_STATE_CHANGED)


class TransferCallFeature(CallFeature):
    """Transfers of a call."""

    NAME: ClassVar[str] = "Transfer"
    EVENTS: ClassVar[frozenset[str]] = frozenset(TransferFeatureEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._transfers: dict[str, Transfer] = {}

    def transfer(self, target: TransferTarget, options: TransferOptions | None = None) -> Transfer:
        """Send the other side of this call to somebody else; returns at once.

        Args:
            target: Who is to be called, or which call of ours is to be joined.
            options: Of the kind that belongs to the target.

        Raises:
            InvalidArgumentError: 400/46052: no locator; 400/46053: it holds no identifier and no
                call id; 400: the alternate caller id is no telephone's, or the custom context
                breaks a limit.
            InvalidStateError: 400/46051: this is no call between two that began by calling, for
                instance a group call; 412: it is not connected.
        """
        transfer_id = uuid.uuid4().hex
        request = self._request(transfer_id, target, options)
        if not self._is_transferable():
            raise InvalidStateError(
                "Only a call between two can be transferred.",
                code=400,
                sub_code=UNSUPPORTED_CALL_TYPE,
                next_step="Wait until nobody else is in the call or being called; group calls, "
                "rooms and meetings cannot be transferred at all.",
            )
        transfer = self._transfers[transfer_id] = Transfer(transfer_id, self._context.listeners)
        self._context.work.spawn(self._ask(transfer, request), "transfer call")
        return transfer

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Noticed(notice=wire.TransferRequested() as requested):
                self._requested(requested)
            case Noticed(notice=wire.TransferChanged() as changed):
                transfer = self._transfers.get(changed.transfer)
                if transfer is not None:
                    error = TransferErrorCode(changed.code, changed.sub_code)
                    transfer.change(changed.state, error)
            case Over():
                for transfer in self._transfers.values():
                    transfer.change(TransferState.FAILED, TransferErrorCode(410, TO_TARGET_FAILED))
            case _:
                pass

    # ------------------------------------------------------------ the transferor's side

    def _is_transferable(self) -> bool:
        session = self._context.joined_session()
        is_dialed = session.roster.call_type in (CallType.ONE_TO_ONE, CallType.DIAL_OUT)
        return is_dialed and len(session.roster.endpoints) == 2 and not session.roster.pending

    def _request(
        self, transfer_id: str, target: TransferTarget, options: TransferOptions | None
    ) -> wire.Transfer:
        endpoint = self._context.endpoint_id
        match target:
            case TransferToParticipantLocator(target_participant=who) if isinstance(
                who, CommunicationIdentifier
            ):
                chosen = TransferToParticipantOptions()
                if isinstance(options, TransferToParticipantOptions):
                    chosen = options
                return wire.Transfer(
                    endpoint=endpoint,
                    transfer=transfer_id,
                    participant=raw_id(who),
                    alternate_caller_id=caller_number(chosen.alternate_caller_id),
                    context=sent_context(chosen.custom_context),
                )
            case TransferToCallLocator(target_call_id=str(call)) if call:
                return wire.Transfer(endpoint=endpoint, transfer=transfer_id, call=call)
            case TransferToParticipantLocator() | TransferToCallLocator():
                raise InvalidArgumentError(
                    "A call is transferred to an identifier, or to the id of a call.",
                    sub_code=INVALID_TARGET_TYPE,
                )
            case _:
                raise InvalidArgumentError(
                    "The target of a transfer is a locator.",
                    sub_code=TARGET_NOT_RECOGNIZED,
                    next_step="Use TransferToParticipantLocator or TransferToCallLocator.",
                )

    async def _ask(self, transfer: Transfer, request: wire.Transfer) -> None:
        # First: the service may tell the end of it before it answers.
        transfer.change(TransferState.TRANSFERRING)
        try:
            await self._ask_until_answered(request)
        except CallingError as error:
            _log.info("The call is not transferred: %s", error)
            code = TransferErrorCode(error.code, error.sub_code or TO_TARGET_FAILED)
            transfer.change(TransferState.FAILED, code)

    async def _ask_until_answered(self, body: wire.Transfer | wire.ReportTransfer) -> None:
        """Ask for as long as the call lasts: the service takes what is said twice once."""
        while True:
            try:
                await self._context.joined_session().ask(body)
            except DeadlineError:
                continue  # Lost with the link.
            return

    # ------------------------------------------------------------ the transferee's side

    def _requested(self, requested: wire.TransferRequested) -> None:
        decision = _Decision(self, requested)
        if self.listener_count(TransferFeatureEvent.TRANSFER_REQUESTED) == 0:
            decision.accept()
            return
        target = parse_raw_id(requested.target) if requested.target else None
        args = TransferRequestedEventArgs(target, decision.accept, decision.reject)
        self._emit(TransferFeatureEvent.TRANSFER_REQUESTED, args)

    @property
    def is_in_call(self) -> bool:
        """Whether there still is a call that can be transferred (ours)."""
        return self._context.is_joined

    def follow(self, requested: wire.TransferRequested) -> CallCommon | None:
        """Go to the other call; `transferAccepted` tells it. None when that cannot begin."""
        try:
            call = self._context.transfer_to(requested)
        except CallingError as error:
            _log.warning("The transfer cannot be carried out: %s", error)
            self.report(requested, TransferState.FAILED, error.code, error.sub_code)
            return None

        def state_changed() -> None:
            if call.state is CallState.CONNECTED:
                self.report(requested, TransferState.TRANSFERRED)
            elif call.state is CallState.DISCONNECTED:
                reason = call.call_end_reason
                codes = (0, 0) if reason is None else (reason.code, reason.sub_code)
                self.report(requested, TransferState.FAILED, *codes)
            else:
                return
            call.off(CallEvent.STATE_CHANGED, state_changed)

        call.on(CallEvent.STATE_CHANGED, state_changed)
        self.report(requested, TransferState.TRANSFERRING)
        self._emit(TransferFeatureEvent.TRANSFER_ACCEPTED, TransferEventArgs(call))
        return call

    def report(
        self,
        requested: wire.TransferRequested,
        state: TransferState,
        code: int = 0,
        sub_code: int = 0,
    ) -> None:
        """Tell the service how it goes; after the end of this call nobody wants to know."""
        if self._context.is_joined:
            body = wire.ReportTransfer(
                endpoint=self._context.endpoint_id,
                transfer=requested.transfer,
                state=state,
                code=code,
                sub_code=sub_code,
            )
            self._context.work.spawn(self._tell(body), "report transfer")

    async def _tell(self, body: wire.ReportTransfer) -> None:
        try:
            await self._ask_until_answered(body)
        except CallingError as error:
            _log.info("The transfer could not be reported: %s", error)


class _Decision:
    """What the application says to one request, once."""

    def __init__(self, feature: TransferCallFeature, requested: wire.TransferRequested) -> None:
        self._feature = feature
        self._requested = requested
        self._is_open = True

    def accept(self) -> CallCommon | None:
        """Go."""
        if self._take() and self._feature.is_in_call:
            return self._feature.follow(self._requested)
        return None

    def reject(self) -> None:
        """Stay."""
        if self._take():
            state, sub_code = TransferState.FAILED, TO_TARGET_FAILED
            self._feature.report(self._requested, state, REJECTED, sub_code)

    def _take(self) -> bool:
        was_open, self._is_open = self._is_open, False
        return was_open
