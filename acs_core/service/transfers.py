"""Transfers: somebody sends the other side of a call to somebody else.

Theory of operation. The *transferor* asks; the *transferee*, the only other one in the call, is
told where to go, goes there by itself, and reports how it goes; the *target* sees an incoming call,
or has a call with the transferor already, in which the transferee takes the transferor's place.
Once the transferee is connected there, the service ends the call in which it all began. Whoever
asked hears of each state. A transfer fails when

* the transferee says so, or leaves the call without having come to where it was sent;
* the transferee has not set out within a minute, or has set out and does not arrive although the
  target had its whole time to answer and the call another minute to connect; in a call that it was
  to join, the service sees itself who has arrived.

A transferor may hang up meanwhile: the transferee goes on, and still takes the transferor's place.
What is reported twice is taken once, since clients repeat reports that may have been lost.

Calls of more than two are not transferred, as in ACS. Nor is a call transferred to voicemail: such
boxes belong to Teams.

Source: ACS, "Transfer calls"; 60 s from ACS's service limits; the codes are those of the ACS
Calling SDK 2.0.0, FEATURES.TRANSFER.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, Stage
from acs_core.service.callees import check_callees, check_dialed_context, check_dialer
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint
from acs_core.service.identity import PrincipalKind
from acs_core.service.server_call import DIALED, ServerCall
from acs_core.service.timers import CallLater, Timer, call_later

__all__ = ["REMEMBERED", "TRANSFER_TIMEOUT", "Transfers"]

TRANSFER_TIMEOUT: Final = 60.0
REMEMBERED: Final = 8
"""How many ended transfers of one transferee are known, for what is said of them twice."""
ID_LENGTH: Final = 64
FAILED: Final = 46050
UNSUPPORTED_CALL: Final = 46051
NOT_RECOGNIZED: Final = 46052
TIMED_OUT: Final = EndReason(
    code=408, sub_code=FAILED, message="The transfer was not carried out in time."
)


@dataclass(slots=True, eq=False)
class _Transfer:
    """One transfer under way.

    Attributes:
        id: Chosen by the transferor's client.
        target: Raw id of who is called; empty when a call is joined.
        replaced: The transferor in the call that the transferee joins; None when one is called.
        invitation: With which the transferee joins that call.
        has_set_out: The transferee is on the way.
    """

    id: str
    transferor: Endpoint
    transferee: Endpoint
    target: str = ""
    replaced: Endpoint | None = None
    invitation: str = ""
    has_set_out: bool = False
    timer: Timer | None = None

    @property
    def has_come(self) -> bool:
        """Whether the transferee was in the call that it had to join."""
        replaced = self.replaced
        return replaced is not None and self.invitation in replaced.call.record.visits


_Key: TypeAlias = tuple[Endpoint, str]
"""The transferee and the transfer's id, which a client chose."""


class Transfers:
    """Every transfer under way; a `CallWatcher` that hears things before the switchboard acts.

    Args:
        calls: The live calls.
        timeout: Seconds for the transferee to set out; and, beside the target's time to answer,
            to arrive.
        later: The event loop's timers.
    """

    def __init__(
        self, calls: Calls, *, timeout: float = TRANSFER_TIMEOUT, later: CallLater = call_later
    ) -> None:
        self._calls = calls
        self._timeout = timeout
        self._later = later
        self._live: dict[_Key, _Transfer] = {}
        self._over: dict[_Key, wire.TransferState] = {}
        calls.switchboard.precede(self)

    def begin(self, transferor: Endpoint, body: wire.Transfer) -> None:
        """Send the other side of a call somewhere; what becomes of it is told.

        What is asked twice under one id is done once.

        Raises:
            InvalidArgumentError: 400: the id is empty or too long; 400/46052: the target is nobody
                who can be called, or no call of the transferor; others as for calling somebody.
            InvalidStateError: 400/46051: no call between two that somebody began by calling;
                409: it is being transferred.
        """
        if not 0 < len(body.transfer) <= ID_LENGTH:
            raise InvalidArgumentError(
                f"The id of a transfer has 1 to {ID_LENGTH} characters.", stage=Stage.ARGUMENT
            )
        transferee = _transferee(transferor)
        key = (transferee, body.transfer)
        if key in self._live or key in self._over:
            return
        if any(item.transferee is transferee for item in self._live.values()):
            raise InvalidStateError(
                "The other side is being transferred already.", code=409, stage=Stage.SIGNALING
            )
        transfer = _Transfer(body.transfer, transferor, transferee, body.participant)
        locator = self._destination(transfer, body)
        self._live[key] = transfer
        self._watch(key, self._timeout)
        requested = wire.TransferRequested(
            endpoint=transferee.id,
            transfer=transfer.id,
            by=transferor.principal.raw_id,
            by_name=_name_of(transferor),
            target=body.participant,
            locator=locator,
        )
        transferee.notify(requested)

    def report(self, transferee: Endpoint, body: wire.ReportTransfer) -> None:
        """Take how the transfer of an endpoint goes; its end may be said more than once.

        Raises:
            InvalidArgumentError: 404: it is not being transferred, or that ended in another way.
            InvalidStateError: 409: it says that it was, and never came to where it was sent.
        """
        key = (transferee, body.transfer)
        transfer = self._live.get(key)
        if transfer is None:
            if self._over.get(key) is body.state:
                return
            raise InvalidArgumentError(
                f"There is no transfer {body.transfer}.", code=404, stage=Stage.SIGNALING
            )
        match body.state:
            case wire.TransferState.TRANSFERRED:
                _check_came(transfer)
                self._finish(key)
            case wire.TransferState.FAILED:
                reason = EndReason(
                    code=body.code or 500, sub_code=body.sub_code or FAILED, message=body.message
                )
                self._fail(key, reason)
            case _:
                self._set_out(key, transfer)

    def close(self) -> None:
        """Forget everything: the service stops."""
        for transfer in self._live.values():
            _stop_timer(transfer)
        self._live.clear()
        self._over.clear()

    # ------------------------------------------------------------ what calls say

    def joined(self, endpoint: Endpoint) -> None:
        """A transferee may have come whose report nobody takes: the old call is over."""
        for key, transfer in self._live.items():
            if transfer.invitation == endpoint.id and not transfer.transferor.is_in_call:
                _stop_timer(transfer)
                # After the answer to the join.
                transfer.timer = self._later(0.0, partial(self._finish, key))

    def left(self, endpoint: Endpoint, reason: EndReason) -> None:
        """A transferee that leaves has come to where it was sent, or will not be waited for."""
        for key, transfer in list(self._live.items()):
            # The end of one before it may have been the end of the call, and so of this one.
            if key not in self._live or endpoint not in (transfer.transferor, transfer.transferee):
                continue
            if transfer.has_come:
                self._finish(key)
            elif endpoint is transfer.transferee:
                code = reason.code or endings.MEDIA_LOST.code
                left = EndReason(code=code, sub_code=FAILED, message="The transferee left.")
                self._fail(key, left)
        self._forget(lambda other: other is endpoint)

    def ended(self, call: ServerCall, _: EndReason) -> None:
        """Who has come is where they were sent, the others go on; nothing is reported any more."""
        for key, transfer in list(self._live.items()):
            if transfer.transferee.call is call and transfer.has_come:
                self._finish(key)
        self._forget(lambda other: other.call is call)

    # ------------------------------------------------------------ inside

    def _destination(self, transfer: _Transfer, body: wire.Transfer) -> wire.Locator:
        transferor, transferee = transfer.transferor, transfer.transferee
        own, other = transferor.principal, transferee.principal
        if body.call:
            target = self._call_of(transferor, body.call)
            transfer.replaced = target.endpoints[body.call]
            transfer.invitation = self._calls.switchboard.admit(
                target, other.raw_id, caller=own.raw_id, lasting=2 * self._timeout
            )
            return wire.InvitationLocator(invitation=transfer.invitation)
        check_dialer(other)
        check_dialed_context(body.context, (body.participant,))
        if body.participant == own.raw_id:
            raise _not_recognized("Nobody transfers a call to themselves.")
        check_callees(
            (body.participant,),
            caller=other.raw_id,
            alternate_caller_id=body.alternate_caller_id,
            most=self._calls.limits.endpoints,
        )
        self._calls.switchboard.expect_transfer(transfer.id, other.raw_id, by=transferor)
        return wire.DialLocator(
            callees=(body.participant,),
            alternate_caller_id=body.alternate_caller_id,
            transfer=transfer.id,
            context=body.context,
        )

    def _call_of(self, transferor: Endpoint, endpoint_id: str) -> ServerCall:
        """The other call in which the transferor is with this endpoint."""
        for call in self._calls.live.values():
            endpoint = call.endpoints.get(endpoint_id)
            if (
                endpoint is not None
                and call is not transferor.call
                and call.type in DIALED
                and endpoint.principal.raw_id == transferor.principal.raw_id
            ):
                return call
        raise _not_recognized("The target call is none of the transferor.")

    def _watch(self, key: _Key, seconds: float) -> None:
        transfer = self._live[key]
        _stop_timer(transfer)
        transfer.timer = self._later(seconds, partial(self._expire, key))

    def _expire(self, key: _Key) -> None:
        """Nobody has reported; who has come was transferred all the same."""
        if self._live[key].has_come:
            self._finish(key)
        else:
            self._fail(key, TIMED_OUT)

    def _set_out(self, key: _Key, transfer: _Transfer) -> None:
        """The transferee goes; once, so that nobody is waited for without end.

        A report that comes after them says nothing, and must not put off the end.
        """
        if transfer.has_set_out or transfer.has_come:
            return
        transfer.has_set_out = True
        ringing = self._calls.switchboard.times.of(transfer.target) if transfer.target else 0.0
        self._watch(key, ringing + self._timeout)
        _tell(transfer, wire.TransferState.TRANSFERRING)

    def _finish(self, key: _Key) -> None:
        transfer = self._drop(key, wire.TransferState.TRANSFERRED)
        _tell(transfer, wire.TransferState.TRANSFERRED)
        replaced = transfer.replaced
        if replaced is not None:
            _tell_target(transfer, replaced)
            replaced.call.remove(replaced, endings.TRANSFERRED)
        if transfer.transferor.is_in_call:
            transfer.transferor.call.end(endings.TRANSFERRED)

    def _fail(self, key: _Key, reason: EndReason) -> None:
        _tell(self._drop(key, wire.TransferState.FAILED), wire.TransferState.FAILED, reason)

    def _drop(self, key: _Key, state: wire.TransferState) -> _Transfer:
        transfer = self._live.pop(key)
        _stop_timer(transfer)
        if transfer.transferee.is_in_call:
            self._remember(key, state)
        switchboard = self._calls.switchboard
        switchboard.forget_transfer(transfer.id, key[0].principal.raw_id)
        switchboard.dismiss(transfer.invitation)
        return transfer

    def _remember(self, key: _Key, state: wire.TransferState) -> None:
        self._over[key] = state
        own = [other for other in self._over if other[0] is key[0]]
        for oldest in own[:-REMEMBERED]:
            del self._over[oldest]

    def _forget(self, is_gone: Callable[[Endpoint], bool]) -> None:
        for key in [key for key in self._over if is_gone(key[0])]:
            del self._over[key]


def _transferee(transferor: Endpoint) -> Endpoint:
    """The only other one in the call.

    Raises:
        InvalidStateError: 400/46051.
    """
    call = transferor.call
    others = [endpoint for endpoint in call.endpoints.values() if endpoint is not transferor]
    is_possible = (
        call.type in DIALED
        and len(others) == 1
        and not call.roster.pending
        and others[0].principal.kind is PrincipalKind.ACS
    )
    if not is_possible:
        raise InvalidStateError(
            "Only a call between two can be transferred.",
            code=400,
            sub_code=UNSUPPORTED_CALL,
            stage=Stage.SIGNALING,
        )
    return others[0]


def _check_came(transfer: _Transfer) -> None:
    """Refuse a transferee who would only push the transferor out of the other call."""
    if transfer.replaced is not None and not transfer.has_come:
        raise InvalidStateError(
            "The endpoint has not joined the call to which it was sent.",
            code=409,
            stage=Stage.SIGNALING,
        )


def _tell(transfer: _Transfer, state: wire.TransferState, reason: EndReason | None = None) -> None:
    why = reason or EndReason()
    changed = wire.TransferChanged(
        endpoint=transfer.transferor.id,
        transfer=transfer.id,
        state=state,
        code=why.code,
        sub_code=why.sub_code,
        message=why.message,
    )
    if transfer.transferor.is_in_call:
        transfer.transferor.notify(changed)


def _tell_target(transfer: _Transfer, replaced: Endpoint) -> None:
    """Tell those in the other call who has sent the newcomer, before the sender is gone."""
    if not replaced.is_in_call:
        return
    by, by_name = replaced.principal.raw_id, _name_of(replaced)
    for other in list(replaced.call.endpoints.values()):
        if other is not replaced and other.id != transfer.invitation:
            other.notify(wire.TransferredHere(endpoint=other.id, by=by, by_name=by_name))


def _name_of(endpoint: Endpoint) -> str:
    return endpoint.call.roster.endpoints[endpoint.id].name


def _stop_timer(transfer: _Transfer) -> None:
    if transfer.timer is not None:
        transfer.timer.cancel()
        transfer.timer = None


def _not_recognized(message: str) -> CallingError:
    return InvalidArgumentError(message, sub_code=NOT_RECOGNIZED, stage=Stage.SIGNALING)
