"""What a resource is asked and what it answers, without HTTP around it; and how errors are told.

Source: "Error condition responses" of the Microsoft Azure REST API guidelines.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from acs_core.errors import CallingError, InvalidArgumentError, ServiceError, Stage

__all__ = [
    "AzureAnswer",
    "AzureHandler",
    "AzureRequest",
    "AzureRoute",
    "not_found",
    "refusal",
    "wrong_request",
]

ERROR_NAMES: Final[Mapping[int, str]] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "PayloadTooLarge",
    429: "TooManyRequests",
    500: "InternalServerError",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}
"""Every status that errors are answered with, and the code in the body."""


@dataclass(frozen=True, slots=True)
class AzureRequest:
    """A request that is genuine and in a version that its resource speaks.

    Attributes:
        path: The variable parts of the path by name, decoded.
        query: The first value of each parameter.
        body: The JSON object that was sent; empty where there was none.
        base_url: Under which the client knows the service; without a trailing slash.
        now: When all of it had come, Unix seconds.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object]
    base_url: str
    now: float


@dataclass(frozen=True, slots=True)
class AzureAnswer:
    """What is answered.

    Attributes:
        status: Exactly the documented one: clients raise errors on every other.
        body: A JSON object; None for an answer without body.
        headers: Besides those of every answer.
    """

    status: int
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = None


AzureHandler: TypeAlias = Callable[[AzureRequest], Awaitable[AzureAnswer]]
"""Answers, or raises a `CallingError` whose code is the status; it may not block."""


@dataclass(frozen=True, slots=True)
class AzureRoute:
    """One operation.

    Attributes:
        method: Upper case.
        path: With variable parts in braces, as `/rooms/{id}`.
        versions: Values of `api-version` that it speaks.
    """

    method: str
    path: str
    handler: AzureHandler
    versions: Collection[str]


def refusal(error: CallingError) -> AzureAnswer:
    """What the client is told of an error; statuses that are not known become 400."""
    status = error.code if error.code in ERROR_NAMES else 400
    name = ERROR_NAMES[status]
    body = {"error": {"code": name, "message": error.message}}
    return AzureAnswer(status, body, {"x-ms-error-code": name})


def wrong_request(message: str) -> InvalidArgumentError:
    """For a request that cannot be understood or carried out: 400."""
    return InvalidArgumentError(message, stage=Stage.ARGUMENT)


def not_found(what: str) -> ServiceError:
    """For a resource that is not there: 404."""
    return ServiceError(f"There is no {what}.", code=404, stage=Stage.ARGUMENT)
