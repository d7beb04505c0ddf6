"""The Azure interfaces as their callers see them, for the OpenAPI document.

Each route that the front serves is an operation. Of those in the table here the document says more:
what may be sent, and with what status they answer.

Source: Communication Identity 2023-10-01, Communication Rooms 2025-03-13.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from acs_core.service.openapi import (
    FLAG,
    JSON,
    NUMBER,
    TEXT,
    ApiFamily,
    ApiOperation,
    Schema,
    nullable,
    one_of,
)
from acs_core.service.rest.messages import AzureRoute

__all__ = ["azure_family"]

_TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
_ANYTHING: Final[Schema] = {"type": "object"}
_ROOM: Final[Mapping[str, Schema]] = {
    "validFrom": nullable(TEXT),
    "validUntil": nullable(TEXT),
    "pstnDialOutEnabled": nullable(FLAG),
}
_MEMBERS: Final[Mapping[str, Schema]] = {
    "participants": {"type": "object", "additionalProperties": nullable(_ANYTHING)}
}
_SCHEMAS: Final[Mapping[str, Schema]] = {
    "azure_object": _ANYTHING,
    "azure_error": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {"code": TEXT, "message": TEXT},
                "required": ["code", "message"],
            }
        },
        "required": ["error"],
    },
}
_SECURITY: Final[Schema] = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "HMAC-SHA256 with the access key, as azure-core signs requests.",
}


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    status: int
    fields: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


_KNOWN: Final[Mapping[tuple[str, str], _Known]] = MappingProxyType(
    {
        ("POST", "/identities"): _Known(
            "CreateIdentity", 201, {"createTokenWithScopes": _TEXTS, "expiresInMinutes": NUMBER}
        ),
        ("POST", "/identities/{}/:issueAccessToken"): _Known(
            "IssueAccessToken",
            200,
            {"scopes": _TEXTS, "expiresInMinutes": NUMBER},
            frozenset({"scopes"}),
        ),
        ("POST", "/identities/{}/:revokeAccessTokens"): _Known("RevokeAccessTokens", 204),
        ("DELETE", "/identities/{}"): _Known("DeleteIdentity", 204),
        ("POST", "/teamsUser/:exchangeAccessToken"): _Known(
            "ExchangeTeamsUserAccessToken",
            200,
            {"token": TEXT, "appId": TEXT, "userId": TEXT},
            frozenset({"token", "appId", "userId"}),
        ),
        ("POST", "/rooms"): _Known("CreateAcsRoom", 201, {**_ROOM, **_MEMBERS}),
        ("GET", "/rooms"): _Known("ListAcsRooms", 200),
        ("GET", "/rooms/{}"): _Known("GetAcsRoom", 200),
        ("PATCH", "/rooms/{}"): _Known("UpdateAcsRoom", 200, _ROOM),
        ("DELETE", "/rooms/{}"): _Known("DeleteAcsRoom", 204),
        ("GET", "/rooms/{}/participants"): _Known("ListAcsRoomParticipants", 200),
        ("PATCH", "/rooms/{}/participants"): _Known(
            "UpdateAcsRoomParticipants", 200, _MEMBERS, frozenset({"participants"})
        ),
    }
)
"""By method and path without the names of its variable parts."""
_VARIABLE: Final = re.compile(r"\{[^}]*\}")


def azure_family(routes: Iterable[AzureRoute]) -> ApiFamily:
    """The operations that these routes are."""
    return ApiFamily(
        name="azure",
        operations=tuple(map(_operation, routes)),
        schemas=_SCHEMAS,
        error="azure_error",
        security=_SECURITY,
    )


def _operation(route: AzureRoute) -> ApiOperation:
    known = _KNOWN.get((route.method, _VARIABLE.sub("{}", route.path)))
    status = None if known is None else known.status
    return ApiOperation(
        name=_name(route) if known is None else known.name,
        method=route.method,
        path=route.path,
        status=status,
        answer=None if status == 204 else "azure_object",
        fields={} if known is None else known.fields,
        required=frozenset() if known is None else known.required,
        body_type=JSON,
        query={"api-version": one_of(*route.versions)},
        required_query=frozenset({"api-version"}),
    )


def _name(route: AzureRoute) -> str:
    """Of an operation that nobody named: its method and the words of its path."""
    words = re.findall(r"[A-Za-z]+", route.path)
    return route.method.lower() + "".join(word[0].upper() + word[1:] for word in words)
