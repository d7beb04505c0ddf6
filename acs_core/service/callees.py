"""Who may call whom: each refusal with its code.

Source: error table of the ACS Calling SDK (sections CALL_AGENT and CALL) for 40202, 40227, 40236,
41052, 41053 and 41085, FEATURES.ONE_PHONE_SYSTEM for 46400; its table for telephone calls for
510403; the scopes of ACS access tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from acs_core.core.capabilities import MODERATORS
from acs_core.core.custom_context import CustomContext, check_context
from acs_core.core.facts import PendingState
from acs_core.errors import InvalidArgumentError, InvalidStateError, ServiceError, Stage
from acs_core.identifiers import (
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    UnknownIdentifier,
    parse_raw_id,
)
from acs_core.service import admission
from acs_core.service.endpoints import Endpoint
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.server_call import DIALED, ServerCall

__all__ = [
    "check_callees",
    "check_dialed_context",
    "check_dialer",
    "check_invite",
    "check_organizer",
    "check_thread_id",
    "number_of",
]

_INVALID_SCOPE: Final = 44113
_CANT_CALL_YOURSELF: Final = 40202
_NOBODY_TO_CALL: Final = 40227
_UNSUPPORTED_TARGET: Final = 40236
_ADD_UNKNOWN: Final = 41052
_ALREADY_IN_CALL: Final = 41053
_CALL_NOT_CONNECTED: Final = 41089
_NO_CALLER_ID: Final = 510403
_NO_CONTEXT: Final = 46400
_INVALID_THREAD: Final = 41085
THREAD_LENGTH: Final = 256


def number_of(raw_id: str) -> str:
    """The telephone number in a raw id, in E.164; empty for somebody who is no telephone.

    Raises:
        InvalidArgumentError: The raw id is none.
    """
    identifier = parse_raw_id(raw_id)
    if not isinstance(identifier, PhoneNumberIdentifier) or identifier.is_anonymous:
        return ""
    return identifier.phone_number.partition("_")[0]


def check_dialer(principal: Principal) -> None:
    """Refuse who may not begin calls.

    Raises:
        ServiceError: A Twilio participant, or a token that is only for joining.
    """
    if principal.rooms is not None or principal.kind is PrincipalKind.TWILIO:
        raise admission.not_granted("calling somebody")
    if principal.scopes and "voip" not in principal.scopes:
        raise ServiceError(
            "The token only allows joining calls.",
            sub_code=_INVALID_SCOPE,
            stage=Stage.ADMISSION,
            next_step='Issue a token with the scope "voip".',
        )


def check_callees(
    callees: Sequence[str], *, caller: str, alternate_caller_id: str, most: int
) -> None:
    """Refuse people who cannot be called together.

    Args:
        callees: Raw ids, each once.
        caller: Raw id of who calls.
        alternate_caller_id: The number that telephones are to see; empty for none.
        most: How many people may be in the call, the caller included.

    Raises:
        InvalidArgumentError: 400/40227 nobody, 400/40202 the caller, 400/40236 somebody of unknown
            kind; 422/44000 and others for a raw id that is none.
        ServiceError: 403/53105 too many, 403/510403 a telephone and no number for it to see.
    """
    if not callees:
        raise InvalidArgumentError(
            "There is nobody to call.", sub_code=_NOBODY_TO_CALL, stage=Stage.ARGUMENT
        )
    if len(callees) >= most:
        raise _too_many(most)
    for callee in callees:
        if callee == caller:
            raise InvalidArgumentError(
                "You cannot call yourself.", sub_code=_CANT_CALL_YOURSELF, stage=Stage.ARGUMENT
            )
        _check_kind(callee, _UNSUPPORTED_TARGET)
        _check_caller_id(callee, caller, alternate_caller_id)


def check_dialed_context(context: CustomContext, callees: Sequence[str]) -> None:
    """Refuse what cannot be sent along with a call.

    Raises:
        InvalidArgumentError: 400: a header that breaks a limit.
        InvalidStateError: 412/46400: several people are called.
    """
    check_context(context)
    if len(callees) > 1 and not context.is_empty:
        raise InvalidStateError(
            "Only a call to one carries a custom context.",
            sub_code=_NO_CONTEXT,
            stage=Stage.SIGNALING,
            next_step="Call one of them with it, and add the others.",
        )


def check_thread_id(thread_id: str) -> None:
    """Refuse a chat's id that others should not be shown.

    Raises:
        InvalidArgumentError: 400/41085: it is too long or unprintable.
    """
    if len(thread_id) > THREAD_LENGTH or not thread_id.isprintable():
        raise InvalidArgumentError(
            f"A thread id has at most {THREAD_LENGTH} printable characters.",
            sub_code=_INVALID_THREAD,
            stage=Stage.ARGUMENT,
            next_step="Give the id of the chat, as 19:...@thread.v2.",
        )


def check_invite(call: ServerCall, callee: str, *, caller: str, alternate_caller_id: str) -> None:
    """Refuse somebody who cannot be called into a call.

    Args:
        call: Which call.
        callee: Raw id of who is to be called.
        caller: Raw id of who calls.
        alternate_caller_id: The number that a telephone is to see; empty for none.

    Raises:
        InvalidArgumentError: 400/41053 they are in it or on their way, 400/41052 somebody of
            unknown kind; 422/44000 and others for a raw id that is none.
        InvalidStateError: 412/41089, the call is not connected.
        ServiceError: 403/53105 the call is full, 403/5828 they are not invited to the room,
            403/510403 a telephone and no number for it to see, 403 a telephone and a room from
            which none may be called.
    """
    # Who was answered may call others, also while nobody else is there any more.
    if call.type in DIALED and len(call.record.visits) < 2:
        raise InvalidStateError(
            "Nobody has answered the call yet.",
            sub_code=_CALL_NOT_CONNECTED,
            stage=Stage.SIGNALING,
            next_step="Add participants once the call is connected.",
        )
    _check_kind(callee, _ADD_UNKNOWN)
    present = {endpoint.principal.raw_id for endpoint in call.endpoints.values()}
    if callee in present or callee in call.roster.pending:
        raise InvalidArgumentError(
            f"{callee} is in the call already, or on the way.",
            sub_code=_ALREADY_IN_CALL,
            stage=Stage.ARGUMENT,
        )
    # Who waits in the lobby was called by nobody, and need not be let in.
    pending = call.roster.pending.values()
    called = sum(item.state is not PendingState.IN_LOBBY for item in pending)
    if len(call.endpoints) + called >= call.max_endpoints:
        raise _too_many(call.max_endpoints)
    _check_caller_id(callee, caller, alternate_caller_id)
    if call.room is None:
        return
    if number_of(callee):
        call.room.check_dial_out()
    else:
        call.room.check_invited(callee)


def check_organizer(endpoint: Endpoint) -> None:
    """Refuse who may neither add nor remove people.

    Raises:
        ServiceError: Their role is too low.
    """
    role = endpoint.call.roster.endpoints[endpoint.id].attributes.role
    if role not in MODERATORS:
        raise ServiceError(
            f"Participants with the role {role} can neither add nor remove people.",
            stage=Stage.ADMISSION,
            next_step="Ask a presenter to do it.",
        )


def _check_kind(callee: str, sub_code: int) -> None:
    identifier = parse_raw_id(callee)
    is_anonymous = isinstance(identifier, PhoneNumberIdentifier) and identifier.is_anonymous
    if is_anonymous or isinstance(identifier, UnknownIdentifier):
        raise InvalidArgumentError(
            f"{callee} is nobody who can be called.",
            sub_code=sub_code,
            stage=Stage.ARGUMENT,
            next_step="Call users, Teams users or telephone numbers.",
        )


def _check_caller_id(callee: str, caller: str, alternate_caller_id: str) -> None:
    if not number_of(callee):
        return
    if not alternate_caller_id:
        # A Teams user has a number; the gateway knows it.
        if isinstance(parse_raw_id(caller), MicrosoftTeamsUserIdentifier):
            return
        raise ServiceError(
            "A telephone can only be called with a number that it sees.",
            sub_code=_NO_CALLER_ID,
            stage=Stage.ADMISSION,
            next_step="Give alternate_caller_id, one of your telephone numbers.",
        )
    if PhoneNumberIdentifier(alternate_caller_id).is_anonymous:
        raise InvalidArgumentError(
            "The alternate caller id must be a number.", stage=Stage.ARGUMENT
        )


def _too_many(most: int) -> ServiceError:
    return ServiceError(
        f"A call may have {most} participants, who are called included.",
        sub_code=53105,
        stage=Stage.ADMISSION,
        next_step="Call fewer people.",
    )
