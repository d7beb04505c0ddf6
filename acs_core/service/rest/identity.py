"""Users and their tokens over REST.

Source: Communication Identity 2023-10-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from acs_core.errors import CallingError
from acs_core.service.identity import (
    LONGEST_LIFETIME,
    SHORTEST_LIFETIME,
    IdentityRegistry,
    IssuedToken,
)
from acs_core.service.rest.messages import (
    AzureAnswer,
    AzureRequest,
    AzureRoute,
    wrong_request,
)
from acs_core.service.rest.teams import TeamsTokenVerifier, teams_user_of

__all__ = ["IdentityResource"]

API_VERSIONS: Final = ("2021-03-07", "2022-06-01", "2022-10-01", "2023-10-01")
MINUTES_OF_A_YEAR: Final = 525_600
EXCHANGED: Final = ("token", "appId", "userId")
TEAMS_SCOPES: Final = ("chat", "voip")


class IdentityResource:
    """Users of the service; a user is named by its raw id.

    Args:
        registry: Where they are.
        teams_tokens: Believes tokens of Teams users; None where nobody does.
    """

    def __init__(
        self, registry: IdentityRegistry, teams_tokens: TeamsTokenVerifier | None = None
    ) -> None:
        self._registry = registry
        self._teams_tokens = teams_tokens

    def routes(self) -> list[AzureRoute]:
        """What is served."""
        user = "/identities/{user}"
        table = (
            ("POST", "/identities", self._create),
            ("POST", f"{user}/:issueAccessToken", self._issue),
            ("POST", f"{user}/:revokeAccessTokens", self._revoke),
            ("DELETE", user, self._delete),
            ("POST", "/teamsUser/:exchangeAccessToken", self._exchange),
        )
        return [AzureRoute(method, path, handler, API_VERSIONS) for method, path, handler in table]

    async def _create(self, request: AzureRequest) -> AzureAnswer:
        """A new user, and a token for it when scopes are given."""
        scopes, now = request.body.get("createTokenWithScopes"), request.now
        if not scopes:
            created = self._registry.create(now=now)
            return AzureAnswer(201, {"identity": {"id": created}})
        wanted, lifetime = _scopes(scopes), _lifetime(request.body)
        created = self._registry.create(now=now)
        try:
            token = self._registry.issue(created, wanted, now=now, lifetime=lifetime)
        except CallingError:
            self._registry.delete(created, now=now)  # Who asked will not hear of this user.
            raise
        return AzureAnswer(201, {"identity": {"id": created}, "accessToken": written(token)})

    async def _issue(self, request: AzureRequest) -> AzureAnswer:
        """A token for a user."""
        token = self._registry.issue(
            request.path["user"],
            _scopes(request.body.get("scopes")),
            now=request.now,
            lifetime=_lifetime(request.body),
        )
        return AzureAnswer(200, written(token))

    async def _revoke(self, request: AzureRequest) -> AzureAnswer:
        """Void all tokens of a user."""
        self._registry.revoke(request.path["user"], now=request.now)
        return AzureAnswer(204)

    async def _delete(self, request: AzureRequest) -> AzureAnswer:
        """Forget a user."""
        self._registry.delete(request.path["user"], now=request.now)
        return AzureAnswer(204)

    async def _exchange(self, request: AzureRequest) -> AzureAnswer:
        """A token of the service for a Teams user who has one of the directory."""
        token, app_id, user_id = (_text(request.body, name) for name in EXCHANGED)
        user = await teams_user_of(
            self._teams_tokens, token, app_id=app_id, user_id=user_id, now=request.now
        )
        raw_id = self._registry.admit_teams_user(user.user_id, now=request.now, cloud=user.cloud)
        issued = self._registry.issue(
            raw_id, TEAMS_SCOPES, now=request.now, lifetime=SHORTEST_LIFETIME
        )
        return AzureAnswer(200, written(issued))


def _scopes(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong_request("Scopes are a list of text.")
    return value


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise wrong_request(f"{name} is missing.")
    return value


def _lifetime(body: Mapping[str, object]) -> float:
    minutes = body.get("expiresInMinutes")
    if minutes is None:
        return LONGEST_LIFETIME
    if isinstance(minutes, bool) or not isinstance(minutes, int):
        raise wrong_request("expiresInMinutes must be a whole number.")
    # What is out of range stays out of range, and in the range of a float.
    return 60.0 * max(0, min(minutes, MINUTES_OF_A_YEAR))


def written(token: IssuedToken) -> dict[str, str]:
    """A token as clients read it."""
    expires = datetime.fromtimestamp(token.expires_at, UTC).isoformat()
    return {"token": token.token, "expiresOn": expires}
