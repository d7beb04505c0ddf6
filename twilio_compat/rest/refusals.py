"""Refusals of the REST API: errors of the service as Twilio words them.

Source: the error body of Twilio's REST APIs and Twilio's error dictionary.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from acs_core.errors import CallingError, InvalidArgumentError, ServiceError, Stage
from twilio_compat.error_details import DETAILS

__all__ = ["not_found", "refusal", "too_many_requests", "wrong_parameter"]

BAD_REQUEST: Final = 20001
NOT_FOUND: Final = 20404
TOO_MANY_REQUESTS: Final = 20429
UNAVAILABLE: Final = 20503
_STATUSES: Final = frozenset({400, 401, 403, 404, 405, 413, 429, 503})
_USUAL_CODES: Final = {404: NOT_FOUND, 503: UNAVAILABLE}
"""By status, of errors that bring no code of Twilio's."""


def wrong_parameter(message: str, code: int = BAD_REQUEST) -> InvalidArgumentError:
    """For a parameter that is not usable.

    Args:
        message: Which and why.
        code: Twilio's code for it.
    """
    return InvalidArgumentError(message, sub_code=code, stage=Stage.ARGUMENT)


def not_found(path: str) -> ServiceError:
    """For a resource that is not there."""
    return ServiceError(
        f"The requested resource {path} was not found",
        code=404,
        sub_code=NOT_FOUND,
        stage=Stage.ARGUMENT,
    )


def too_many_requests(seconds: int) -> web.Response:
    """For a request beyond the rate that is allowed.

    Args:
        seconds: After which it may be tried again.
    """
    error = ServiceError("Too Many Requests", code=429, sub_code=TOO_MANY_REQUESTS)
    response = refusal(error)
    response.headers["Retry-After"] = str(seconds)
    # A page of another origin sees no other header of ours (Fetch, "CORS-safelisted").
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    return response


def refusal(error: CallingError) -> web.Response:
    """What the client is told of an error."""
    status = error.code if error.code in _STATUSES else 400
    code = error.sub_code or _USUAL_CODES.get(status, BAD_REQUEST)
    details = DETAILS.get(code)
    body = {
        "code": code,
        "message": error.message if details is None else f"{details.message}: {error.message}",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(body, status=status)
