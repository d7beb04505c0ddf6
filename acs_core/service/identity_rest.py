"""The REST interface for users and their tokens: every request is signed with the access key.

Source: Communication Identity 2023-10-01.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler

from acs_core.errors import AuthenticationError, CallingError, InvalidArgumentError, Stage
from acs_core.service.identity import LONGEST_LIFETIME, IdentityRegistry, IssuedToken
from acs_core.service.store.database import Database
from acs_core.signed_request import check_signature

__all__ = ["identity_routes"]

API_VERSIONS: Final = ("2021-03-07", "2022-06-01", "2022-10-01", "2023-10-01")
BODY_DEADLINE: Final = 10.0
_STATUS_NAMES: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    404: "NotFound",
    503: "ServiceUnavailable",
}

_Body: TypeAlias = dict[str, object]
_Resource: TypeAlias = Callable[[str, _Body], web.Response]


class _IdentityRest:
    """The resources; `user` is a raw id, empty where the path has none."""

    def __init__(self, registry: IdentityRegistry, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._clock = clock

    def create(self, user: str, body: _Body) -> web.Response:
        """A new user, and a token for it when scopes are given."""
        scopes = body.get("createTokenWithScopes")
        lifetime, now = _lifetime(body), self._clock()
        if not scopes:
            return web.json_response(
                {"identity": {"id": self._registry.create(now=now)}}, status=201
            )
        wanted = _scopes(scopes)
        created = self._registry.create(now=now)
        try:
            token = self._registry.issue(created, wanted, now=now, lifetime=lifetime)
        except CallingError:
            self._registry.delete(created, now=now)  # Who asked will not hear of this user.
            raise
        answer = {"identity": {"id": created}, "accessToken": _token(token)}
        return web.json_response(answer, status=201)

    def issue(self, user: str, body: _Body) -> web.Response:
        """A token for a user."""
        scopes, now = _scopes(body.get("scopes")), self._clock()
        token = self._registry.issue(user, scopes, now=now, lifetime=_lifetime(body))
        return web.json_response(_token(token))

    def revoke(self, user: str, body: _Body) -> web.Response:
        """Void all tokens of a user."""
        self._registry.revoke(user, now=self._clock())
        return web.Response(status=204)

    def delete(self, user: str, body: _Body) -> web.Response:
        """Forget a user."""
        self._registry.delete(user, now=self._clock())
        return web.Response(status=204)


def identity_routes(
    registry: IdentityRegistry,
    key: bytes,
    *,
    database: Database,
    clock: Callable[[], float] = time.time,
) -> list[web.AbstractRouteDef]:
    """The routes of the interface.

    Args:
        registry: Where the users are.
        key: The access key, decoded.
        database: Where users are kept; what is acknowledged is durable.
        clock: Gives unix seconds.
    """
    rest = _IdentityRest(registry, clock)

    def answering(resource: _Resource, *, changes_something: bool = True) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                user, body = await _read(request, key, clock())
                if changes_something:
                    database.check_writable()
                answer = resource(user, body)
                if changes_something:
                    await database.flush()
                return answer
            except CallingError as error:
                return _refusal(error)

        return handle

    user = "/identities/{user}"
    return [
        web.post("/identities", answering(rest.create)),
        web.post(f"{user}/:issueAccessToken", answering(rest.issue, changes_something=False)),
        web.post(f"{user}/:revokeAccessTokens", answering(rest.revoke)),
        web.delete(user, answering(rest.delete)),
    ]


async def _read(request: web.Request, key: bytes, now: float) -> tuple[str, _Body]:
    """Who is meant and what was posted, of a request that is genuine."""
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            data = await request.read()
    except (TimeoutError, web.RequestPayloadError, ConnectionError) as error:
        raise _wrong("The body did not arrive.") from error
    check_signature(key, request.method, request.raw_path, request.headers, data, now=now)
    if request.query.get("api-version") not in API_VERSIONS:
        raise _wrong(f"api-version must be one of {', '.join(API_VERSIONS)}.")
    try:
        body = json.loads(data) if data else {}
    except (ValueError, RecursionError):
        raise _wrong("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise _wrong("The body must be an object.")
    return request.match_info.get("user", ""), body


def _scopes(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong("Scopes are a list of text.")
    return value


def _lifetime(body: _Body) -> float:
    minutes = body.get("expiresInMinutes")
    if minutes is None:
        return LONGEST_LIFETIME
    if isinstance(minutes, bool) or not isinstance(minutes, int):
        raise _wrong("expiresInMinutes must be a whole number.")
    return minutes * 60.0


def _token(token: IssuedToken) -> dict[str, str]:
    expires = datetime.fromtimestamp(token.expires_at, UTC).isoformat()
    return {"token": token.token, "expiresOn": expires}


def _wrong(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, stage=Stage.ARGUMENT)


def _refusal(error: CallingError) -> web.Response:
    is_known = isinstance(error, AuthenticationError) or error.code in _STATUS_NAMES
    status = error.code if is_known else 400
    name = _STATUS_NAMES.get(status, "BadRequest")
    body = {"error": {"code": name, "message": error.message}}
    return web.json_response(body, status=status, headers={"x-ms-error-code": name})
