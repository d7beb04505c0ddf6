"""What programs do to the people in their calls: add, remove, mute, hold, transfer, send tones.

Theory of operation. What can be refused is refused at once; what takes time is answered at once,
and its end is told by an event: how somebody who is called into the call answers (`committed`
hears it as a fact), and how a transfer goes (the connection's endpoint is told).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.custom_context import CustomContext, check_context
from acs_core.core.facts import CallType, CallTypeChanged, EndReason, Fact, PendingGone
from acs_core.core.tones import DtmfTone
from acs_core.identifiers import CommunicationUserIdentifier, parse_raw_id
from acs_core.service import moderation
from acs_core.service.admission import NameOf, check_name
from acs_core.service.automation.bodies import (
    AddParticipant,
    CancelAddParticipant,
    MuteParticipants,
    RemoveParticipant,
    SendTones,
    SetHold,
    Transfer,
    callback,
    identifier_json,
)
from acs_core.service.automation.connections import (
    CallConnectionState,
    Connection,
    Connections,
    participant_json,
)
from acs_core.service.automation.events import SUCCESS, result_of
from acs_core.service.automation.refusals import (
    invalid,
    not_established,
    not_found,
    not_supported,
)
from acs_core.service.callees import check_invite, number_of
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint
from acs_core.service.server_call import ServerCall
from acs_core.service.transfers import Transfers

__all__ = ["Actions"]

_DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TONES: Final = {
    **{name: DtmfTone(f"Num{digit}") for digit, name in enumerate(_DIGITS)},
    **{name.lower(): DtmfTone(name) for name in "ABCD"},
    "pound": DtmfTone.POUND,
    "asterisk": DtmfTone.STAR,
}
"""Call Automation's names of tones and the calling SDK's."""

MOST_TONES: Final = 18
"""Of one request. Source: ACS, "Control mid-call media actions", on sending DTMF."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """Something under way that a program wants to hear the end of.

    Attributes:
        who: Raw id of whom it is about.
        transferee: Raw id of who is sent there; empty where nobody is.
    """

    id: str
    connection: Connection
    who: str
    context: str | None
    callback_uri: str
    transferee: str = ""


class Actions:
    """Carries out what programs ask for in their calls.

    Args:
        calls: The live calls.
        connections: Tells programs.
        transfers: Of the service.
        new_id: Makes ids.
    """

    def __init__(
        self,
        calls: Calls,
        connections: Connections,
        transfers: Transfers,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._calls = calls
        self._connections = connections
        self._transfers = transfers
        self._new_id = new_id
        self._invitations: dict[str, _Operation] = {}
        self._under_way: dict[str, _Operation] = {}
        connections.on_transfer = self._transfer_changed

    # ------------------------------------------------------------ people who come and go

    def add(self, connection: Connection, wanted: AddParticipant) -> dict[str, object]:
        """Call somebody into the call.

        Raises:
            CallingError: They cannot be called, or the call is not connected.
        """
        _check_established(connection)
        call, who = connection.call, wanted.participant_to_add.who()
        number = wanted.source_caller_id_number
        caller_id = connection.caller_id if number is None else number.value
        given = wanted.custom_calling_context
        context = CustomContext() if given is None else given.context()
        operation = self._operation(connection, who, wanted)
        check_name(NameOf.PARTICIPANT, wanted.source_display_name or "", call.limits.name_length)
        check_context(context)
        check_invite(call, who, caller=connection.source, alternate_caller_id=caller_id)
        if call.type is CallType.ONE_TO_ONE:
            call.commit(CallTypeChanged(call_type=CallType.DIAL_OUT))
        self._invitations[operation.id] = operation
        switchboard = self._calls.switchboard
        ring = switchboard.expect(
            call, who, caller=connection.source, caller_id=caller_id, context=context
        )
        if wanted.invitation_timeout_in_seconds is not None:
            ring.lasting = float(wanted.invitation_timeout_in_seconds)
        switchboard.begin(ring, caller_name=wanted.source_display_name or connection.source_name)
        return _answer(
            wanted.operation_context,
            participant=participant_json(who, ()),
            invitationId=operation.id,
        )

    def cancel(self, connection: Connection, wanted: CancelAddParticipant) -> dict[str, object]:
        """Call somebody off who was called with `add`.

        Raises:
            ServiceError: 404/8522: there is no such invitation, or it is over.
        """
        operation = self._invitations.get(wanted.invitation_id)
        if operation is None or operation.connection is not connection:
            raise not_found("There is no such invitation, or it was answered.")
        url = callback(wanted.operation_callback_uri)
        del self._invitations[operation.id]
        self._calls.switchboard.call_off(connection.call, operation.who, endings.CANCELLED)
        self._connections.tell(
            connection,
            "CancelAddParticipantSucceeded",
            url=url,
            invitationId=operation.id,
            operationContext=wanted.operation_context,
            resultInformation=SUCCESS,
        )
        return _answer(wanted.operation_context, invitationId=operation.id)

    def remove(self, connection: Connection, wanted: RemoveParticipant) -> dict[str, object]:
        """Take somebody out of the call, or call them off.

        Raises:
            CallingError: 404/8522: they are neither in it nor called; 400/8523: the program itself.
        """
        call, who = connection.call, wanted.participant_to_remove.who()
        url = callback(wanted.operation_callback_uri)
        if connection.endpoint is not None and who == connection.endpoint.principal.raw_id:
            raise invalid("A program leaves its call by hanging up.")
        present = _endpoints(call, who)
        if not present and who not in call.roster.pending:
            raise not_found("There is no such participant in the call.")
        # Before the call ends of it.
        self._connections.tell(
            connection,
            "RemoveParticipantSucceeded",
            url=url,
            participant=identifier_json(who),
            operationContext=wanted.operation_context,
            resultInformation=SUCCESS,
        )
        for endpoint in present:
            call.remove(endpoint, endings.REMOVED)
        self._calls.switchboard.call_off(call, who, endings.CANCELLED)
        return _answer(wanted.operation_context)

    # ------------------------------------------------------------ what people may do

    def mute(self, connection: Connection, wanted: MuteParticipants) -> dict[str, object]:
        """Mute somebody; they can unmute themselves.

        Raises:
            CallingError: 404/8522: they are not in the call; 400/8523: not one user of the service.
        """
        _check_established(connection)
        if len(wanted.target_participants) != 1:
            raise invalid("Exactly one participant can be muted at a time.")
        who = wanted.target_participants[0].who()
        if not isinstance(parse_raw_id(who), CommunicationUserIdentifier):
            raise invalid("Only users of the service can be muted.")
        for endpoint in _present(connection.call, who):
            moderation.silence(endpoint, by=connection.source)
        return _answer(wanted.operation_context)

    def hold(self, connection: Connection, wanted: SetHold, *, is_on_hold: bool) -> None:
        """Let somebody neither hear nor be heard, or go on.

        Raises:
            CallingError: 404/8522: they are not in the call.
        """
        _check_established(connection)
        for endpoint in _present(connection.call, wanted.target_participant.who()):
            moderation.set_hold(endpoint, is_on_hold=is_on_hold)

    def send_tones(self, connection: Connection, wanted: SendTones) -> dict[str, object]:
        """Let the telephones in the call hear keys, one after the other.

        Raises:
            CallingError: 404/8522: the telephone is not in the call; 400/8523: it is none, or
                there is no such tone, or there are too many.
        """
        _check_established(connection)
        who = wanted.target_participant.who()
        url = callback(wanted.operation_callback_uri)
        unknown = [tone for tone in wanted.tones if tone not in TONES]
        if unknown or not wanted.tones:
            raise invalid(f"Tones are one or more of {', '.join(TONES)}.")
        if len(wanted.tones) > MOST_TONES:
            raise invalid(
                f"There are {len(wanted.tones)} tones, and {MOST_TONES} can be sent at a time.",
                next_step="Send the others after SendDtmfTonesCompleted.",
            )
        target = _present(connection.call, who)[0]
        if not number_of(who):
            raise invalid("Only telephones hear tones.")
        for tone in wanted.tones:
            self._calls.switchboard.send_tone(target, TONES[tone])
        context = wanted.operation_context
        self._connections.tell(
            connection,
            "SendDtmfTonesCompleted",
            url=url,
            operationContext=context,
            resultInformation=SUCCESS,
        )
        return _answer(context)

    # ------------------------------------------------------------ transfers

    def transfer(self, connection: Connection, wanted: Transfer) -> dict[str, object]:
        """Send the other side of a call between two to somebody else.

        Raises:
            CallingError: 405/8520: the program is not in the call; 404/8522: the transferee is not
                the other side; others as for the transfers of people.
        """
        _check_established(connection)
        endpoint, who = connection.endpoint, wanted.target_participant.who()
        if endpoint is None:
            raise not_supported(
                "A program that only connected to a call has no side of it to transfer.",
                next_step="Create or answer the call.",
            )
        others = [item for item in connection.call.endpoints.values() if item is not endpoint]
        transferee = others[0].principal.raw_id if others else ""
        if wanted.transferee is not None and wanted.transferee.who() != transferee:
            raise not_found("The transferee is not the other side of the call.")
        given = wanted.custom_calling_context
        number = wanted.source_caller_id_number
        operation = self._operation(connection, who, wanted, transferee=transferee)
        body = wire.Transfer(
            endpoint=endpoint.id,
            transfer=operation.id,
            participant=who,
            alternate_caller_id="" if number is None else number.value,
            context=CustomContext() if given is None else given.context(),
        )
        self._transfers.begin(endpoint, body)
        self._under_way[operation.id] = operation
        connection.state = CallConnectionState.TRANSFERRING
        return _answer(wanted.operation_context)

    def _transfer_changed(self, connection: Connection, changed: wire.TransferChanged) -> None:
        if changed.state is wire.TransferState.TRANSFERRING:
            return
        operation = self._under_way.pop(changed.transfer, None)
        if operation is None:
            return
        if changed.state is wire.TransferState.TRANSFERRED:
            connection.state = CallConnectionState.TRANSFER_ACCEPTED
            self._tell(
                operation,
                "CallTransferAccepted",
                transferTarget=identifier_json(operation.who),
                transferee=identifier_json(operation.transferee),
                resultInformation=SUCCESS,
            )
            return
        connection.state = CallConnectionState.CONNECTED
        reason = EndReason(code=changed.code, sub_code=changed.sub_code, message=changed.message)
        self._tell(operation, "CallTransferFailed", resultInformation=result_of(reason))

    # ------------------------------------------------------------ what calls say

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Tell a program how somebody answered whom it called."""
        if not isinstance(fact, PendingGone):
            return
        for operation in list(self._invitations.values()):
            if operation.connection.call is call and operation.who == fact.identity:
                del self._invitations[operation.id]
                kind, result = "AddParticipantSucceeded", dict(SUCCESS)
                if fact.reason is not None:
                    kind, result = "AddParticipantFailed", result_of(fact.reason)
                self._tell(
                    operation,
                    kind,
                    participant=identifier_json(operation.who),
                    resultInformation=result,
                )

    def call_ended(self, call: ServerCall) -> None:
        """Nothing is under way in this call any more."""
        for operations in (self._invitations, self._under_way):
            for operation in list(operations.values()):
                if operation.connection.call is call:
                    del operations[operation.id]

    # ------------------------------------------------------------ inside

    def _operation(
        self,
        connection: Connection,
        who: str,
        wanted: AddParticipant | Transfer,
        *,
        transferee: str = "",
    ) -> _Operation:
        return _Operation(
            self._new_id(),
            connection,
            who,
            wanted.operation_context,
            callback(wanted.operation_callback_uri),
            transferee,
        )

    def _tell(self, operation: _Operation, kind: str, **data: object) -> None:
        """Tell how something went, unless the program has left the call."""
        if self._connections.is_live(operation.connection):
            self._connections.tell(
                operation.connection,
                kind,
                url=operation.callback_uri,
                operationContext=operation.context,
                **data,
            )


def _answer(context: str | None, **fields: object) -> dict[str, object]:
    return fields if context is None else {"operationContext": context, **fields}


def _check_established(connection: Connection) -> None:
    if not connection.is_established:
        raise not_established("Nobody has answered the call yet.")


def _endpoints(call: ServerCall, who: str) -> list[Endpoint]:
    return [item for item in call.endpoints.values() if item.principal.raw_id == who]


def _present(call: ServerCall, who: str) -> list[Endpoint]:
    """The endpoints of somebody in the call.

    Raises:
        CallingError: 404/8522: they are not in it.
    """
    found = _endpoints(call, who)
    if not found:
        raise not_found("There is no such participant in the call.")
    return found
