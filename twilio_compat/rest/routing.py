"""The table of the REST API: one row per operation, from which routes and document are made.

A resource gives its rows by a method `operations()`; `RestApi` serves them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from aiohttp import web

from acs_core.service.openapi import ApiOperation, Schema
from twilio_compat.rest.parameters import Form

__all__ = ["REST_PATH", "REST_PATHS", "Handle", "Operation", "delete", "get", "post"]

REST_PATH: Final = "/v1"
"""Everything is below this path; what else is there belongs to others, and they have it first."""
REST_PATHS: Final = (
    "/v1/Rooms",
    "/v1/Recordings",
    "/v1/Compositions",
    "/v1/CompositionHooks",
    "/v1/RecordingSettings",
    "/v1/CompositionSettings",
)
"""At and below these, pages of any origin may ask."""

Handle: TypeAlias = Callable[[web.Request, Form], Awaitable[web.StreamResponse]]
"""Answers an operation, or raises a `CallingError`; the form is empty for GET."""

_NOTHING: Final[Mapping[str, Schema]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation and who answers it.

    Attributes:
        name: Twilio's name, for instance `ListRoom`.
        method: GET, POST or DELETE.
        path: From the root; names in braces are in `request.match_info`.
        handle: Answers it.
        status: Of the answer when it worked.
        answer: Name of a schema in `schemas.py`; None where no body is answered.
        fields: What may be sent: in the query of GET, else in the form.
        required: Names of fields without which it is refused.
    """

    name: str
    method: str
    path: str
    handle: Handle
    status: int
    answer: str | None = None
    fields: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    @property
    def described(self) -> ApiOperation:
        """The row as its callers see it."""
        return ApiOperation(
            name=self.name,
            method=self.method,
            path=self.path,
            status=self.status,
            answer=self.answer,
            fields=self.fields,
            required=self.required,
        )


def get(
    name: str, path: str, handle: Handle, answer: str, fields: Mapping[str, Schema] = _NOTHING
) -> Operation:
    """A row that reads; `fields` are its filters."""
    return Operation(name, "GET", path, handle, 200, answer, fields)


def post(
    name: str,
    path: str,
    handle: Handle,
    answer: str,
    fields: Mapping[str, Schema] = _NOTHING,
    *,
    status: int = 200,
    required: Collection[str] = (),
) -> Operation:
    """A row that makes or changes something; `fields` are those of its form."""
    return Operation(name, "POST", path, handle, status, answer, fields, frozenset(required))


def delete(name: str, path: str, handle: Handle) -> Operation:
    """A row that deletes; nothing is answered."""
    return Operation(name, "DELETE", path, handle, 204)
