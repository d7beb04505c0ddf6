"""Between errors and end reasons: a call that fails has both."""

from __future__ import annotations

from typing import Final

from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import CallingError, ServiceError, Stage, TransportError

__all__ = ["error_of", "reason_of"]

_NETWORK_CODES: Final = frozenset({endings.LINK_LOST.code, endings.MEDIA_LOST.code, 503})
_TRY_AGAIN: Final = "Check the network, then join again."
_NEXT_STEPS: Final = {
    endings.MEDIA_LOST.sub_code: "Check that UDP reaches the service's media port, then join again."
}


def reason_of(error: CallingError) -> EndReason:
    """The end reason of a call that could not be joined; its code is never 0."""
    return EndReason(code=error.code or 500, sub_code=error.sub_code, message=error.message)


def error_of(reason: EndReason) -> CallingError:
    """The error that an end reason amounts to for who waited for the call."""
    message = reason.message or "The call ended."
    if reason.code in _NETWORK_CODES:
        is_media = reason.sub_code == endings.MEDIA_LOST.sub_code
        return TransportError(
            message,
            code=reason.code,
            sub_code=reason.sub_code,
            stage=Stage.ICE if is_media else Stage.SIGNALING,
            next_step=_NEXT_STEPS.get(reason.sub_code, _TRY_AGAIN),
        )
    return ServiceError(message, code=reason.code, sub_code=reason.sub_code, stage=Stage.ADMISSION)
