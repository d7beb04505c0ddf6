"""Transfers: somebody sends the other side of a call to somebody else.

Theory of operation. The *transferor* asks; the *transferee*, the only other one in the call, is
told where to go, goes there by itself, and reports how it goes; the *target* sees an incoming call,
or has a call with the transferor already, in which the transferee takes the transferor's place.
Once the transferee is connected there, the service ends the call in which it all began. Whoever
asked hears of each state; a transfer of which nothing is heard for a minute has failed.

Source: ACS, "Transfer calls"; 60 s from ACS's service limits; the codes are those of the ACS
Calling SDK 2.0.0, FEATURES.TRANSFER.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, Stage
from acs_core.service.callees import check_callees, check_dialer
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint
from acs_core.service.identity import PrincipalKind
from acs_core.service.server_call import DIALED, ServerCall
from acs_core.service.timers import CallLater, Timer, call_later

__all__ = ["TRANSFER_TIMEOUT", "Transfers"]

TRANSFER_TIMEOUT: Final = 60.0
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
        replaced: The transferor in the call that the transferee joins; None when one is called.
        invitation: With which the transferee joins that call.
    """

    id: str
    transferor: Endpoint
    transferee: Endpoint
    replaced: Endpoint | None = None
    invitation: str = ""
    timer: Timer | None = None


class Transfers:
    """Every transfer under way.

    Args:
        calls: The live calls.
        timeout: Seconds after which a transfer has failed.
        later: The event loop's timers.
    """

    def __init__(
        self, calls: Calls, *, timeout: float = TRANSFER_TIMEOUT, later: CallLater = call_later
    ) -> None:
        self._calls = calls
        self._timeout = timeout
        self._later = later
        self._live: dict[tuple[Endpoint, str], _Transfer] = {}

    def begin(self, transferor: Endpoint, body: wire.Transfer) -> None:
        """Send the other side of a call somewhere; what becomes of it is told.

        Raises:
            InvalidArgumentError: 400/46052: the target is nobody who can be called, or no call of
                the transferor; others as for calling somebody.
            InvalidStateError: 400/46051: no call between two that somebody began by calling;
                409: it is being transferred.
        """
        transferee = _transferee(transferor)
        if any(item.transferee is transferee for item in self._live.values()):
            raise InvalidStateError(
                "The other side is being transferred already.", code=409, stage=Stage.SIGNALING
            )
        transfer = _Transfer(body.transfer, transferor, transferee)
        locator = self._destination(transfer, body)
        key = (transferee, transfer.id)
        self._live[key] = transfer
        transfer.timer = self._later(self._timeout, partial(self._fail, key, TIMED_OUT))
        requested = wire.TransferRequested(
            endpoint=transferee.id,
            transfer=transfer.id,
            by=transferor.principal.raw_id,
            by_name=transferor.call.roster.endpoints[transferor.id].name,
            target=body.participant,
            locator=locator,
        )
        transferee.tell(lambda observer: observer.on_notice(requested))

    def report(self, transferee: Endpoint, body: wire.ReportTransfer) -> None:
        """Take how the transfer of an endpoint goes.

        Raises:
            InvalidArgumentError: 404: it is not being transferred.
            InvalidStateError: 409: it says that it was, and never came to where it was sent.
        """
        key = (transferee, body.transfer)
        transfer = self._live.get(key)
        if transfer is None:
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
                _tell(transfer, body.state)

    # ------------------------------------------------------------ inside

    def _destination(self, transfer: _Transfer, body: wire.Transfer) -> wire.Locator:
        transferor, transferee = transfer.transferor, transfer.transferee
        own, other = transferor.principal, transferee.principal
        if body.call:
            target = self._call_of(transferor, body.call)
            transfer.replaced = target.endpoints[body.call]
            transfer.invitation = self._calls.switchboard.admit(
                target, other.raw_id, caller=own.raw_id, lasting=self._timeout
            )
            return wire.InvitationLocator(invitation=transfer.invitation)
        check_dialer(other)
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

    def _finish(self, key: tuple[Endpoint, str]) -> None:
        transfer = self._drop(key)
        _tell(transfer, wire.TransferState.TRANSFERRED)
        replaced = transfer.replaced
        if replaced is not None:
            replaced.call.remove(replaced, endings.TRANSFERRED)
        if transfer.transferor.is_in_call:
            transfer.transferor.call.end(endings.TRANSFERRED)

    def _fail(self, key: tuple[Endpoint, str], reason: EndReason) -> None:
        _tell(self._drop(key), wire.TransferState.FAILED, reason)

    def _drop(self, key: tuple[Endpoint, str]) -> _Transfer:
        transfer = self._live.pop(key)
        switchboard = self._calls.switchboard
        switchboard.forget_transfer(transfer.id, key[0].principal.raw_id)
        switchboard.dismiss(transfer.invitation)
        if transfer.timer is not None:
            transfer.timer.cancel()
        return transfer


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
    replaced = transfer.replaced
    if replaced is not None and transfer.invitation not in replaced.call.record.visits:
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
        transfer.transferor.tell(lambda observer: observer.on_notice(changed))


def _not_recognized(message: str) -> CallingError:
    return InvalidArgumentError(message, sub_code=NOT_RECOGNIZED, stage=Stage.SIGNALING)
