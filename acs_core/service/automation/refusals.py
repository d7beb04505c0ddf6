"""Refusals of Call Automation: an HTTP status as code, and ACS's sub code.

Source: "Call Automation SDK error codes" of ACS's troubleshooting pages.
"""

from __future__ import annotations

from typing import Final

from acs_core.errors import (
    CallingError,
    InvalidArgumentError,
    InvalidStateError,
    ServiceError,
    Stage,
)

__all__ = [
    "conflict",
    "duplicate_recording",
    "invalid",
    "not_established",
    "not_found",
    "not_supported",
    "refusal_of",
]

NO_PERMISSION: Final = 7504
CALL_NOT_ESTABLISHED: Final = 8501
CONFLICT: Final = 8519
NOT_SUPPORTED: Final = 8520
NOT_FOUND: Final = 8522
INVALID_ARGUMENT: Final = 8523
DUPLICATE_RECORDING: Final = 8553
PRECONDITION_FAILED: Final = 8583

_BY_STATUS: Final = {
    400: INVALID_ARGUMENT,
    403: NO_PERMISSION,
    404: NOT_FOUND,
    405: NOT_SUPPORTED,
    409: CONFLICT,
    412: PRECONDITION_FAILED,
}
_OURS: Final = range(7500, 8700)


def invalid(message: str, *, next_step: str = "") -> InvalidArgumentError:
    """400/8523: a parameter that does not fit."""
    return InvalidArgumentError(
        message, sub_code=INVALID_ARGUMENT, stage=Stage.ARGUMENT, next_step=next_step
    )


def not_found(message: str) -> ServiceError:
    """404/8522: no such call, connection, participant, invitation or recording."""
    return ServiceError(message, code=404, sub_code=NOT_FOUND, stage=Stage.ARGUMENT)


def not_established(message: str) -> InvalidStateError:
    """400/8501: the call is not connected."""
    return InvalidStateError(
        message,
        code=400,
        sub_code=CALL_NOT_ESTABLISHED,
        next_step="Wait for the event CallConnected.",
    )


def not_supported(message: str, *, next_step: str = "") -> ServiceError:
    """405/8520: the service cannot do that."""
    return ServiceError(
        message, code=405, sub_code=NOT_SUPPORTED, stage=Stage.ARGUMENT, next_step=next_step
    )


def conflict(message: str) -> InvalidStateError:
    """409/8519: something else is under way."""
    return InvalidStateError(message, code=409, sub_code=CONFLICT)


def duplicate_recording() -> InvalidStateError:
    """409/8553: the call is recorded already."""
    return InvalidStateError(
        "The call is recorded already.",
        code=409,
        sub_code=DUPLICATE_RECORDING,
        next_step="Stop the recording that runs.",
    )


def refusal_of(error: CallingError) -> CallingError:
    """The same refusal with a sub code of Call Automation, whoever refused."""
    if error.sub_code in _OURS or error.code not in _BY_STATUS:
        return error
    return ServiceError(
        error.message,
        code=error.code,
        sub_code=_BY_STATUS[error.code],
        stage=error.stage,
        next_step=error.advice,
    )
