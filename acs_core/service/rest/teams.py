"""Teams users, who bring a token of their organization's directory and get one of the service.

Whose tokens are believed is the operator's choice: a `TeamsTokenVerifier` knows the keys of one
directory. In development the service believes tokens that `issue_dev_teams_token` makes.

Source: "Exchange Teams user access token" of Communication Identity 2022-06-01 and later: the token
must be for the application and of the user that the request names (claims `appid` and `oid`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from acs_core.errors import DeadlineError, ServiceError, Stage
from acs_core.identifiers import Cloud
from acs_core.signed_token import Validity, refused, sign, split, text_claim, validity

__all__ = [
    "DevTeamsTokens",
    "TeamsTokenVerifier",
    "TeamsUser",
    "issue_dev_teams_token",
    "teams_user_of",
]

DEV_AUDIENCE: Final = "teams-user-of-a-developer"
LONGEST_LIFETIME: Final = 24 * 3600.0
VERIFIER_DEADLINE: Final = 10.0


@dataclass(frozen=True, slots=True)
class TeamsUser:
    """Whom a token of a directory is about.

    Attributes:
        user_id: The user's object id; claim `oid`.
        app_id: The application that it was issued for; claim `appid`, or `azp` of version 2.
        cloud: Where the directory is.
    """

    user_id: str
    app_id: str
    cloud: Cloud = Cloud.PUBLIC


class TeamsTokenVerifier(Protocol):
    """Believes tokens of a directory."""

    async def verify(self, token: str, *, now: float) -> TeamsUser:
        """Whom a token is about; has ten seconds to find out.

        Args:
            token: As the client sent it.
            now: Unix seconds.

        Raises:
            AuthenticationError: 401, the token is not accepted.
        """
        ...


async def teams_user_of(
    verifier: TeamsTokenVerifier | None,
    token: str,
    *,
    app_id: str,
    user_id: str,
    now: float,
    deadline: float = VERIFIER_DEADLINE,
) -> TeamsUser:
    """The user for whom a token may be exchanged.

    Args:
        verifier: None where the service believes no directory.
        token: Of the directory.
        app_id: The application that asks.
        user_id: The user that it asks for.
        now: Unix seconds.
        deadline: Seconds that the verifier may take.

    Raises:
        ServiceError: 501, there is no verifier.
        AuthenticationError: 401, the token is not accepted, or is for another application or user.
        DeadlineError: 408, the verifier takes too long.
    """
    if verifier is None:
        raise ServiceError(
            "The service does not know the directory of Teams users.",
            code=501,
            stage=Stage.TOKEN,
            next_step="Start it with a verifier of their tokens.",
        )
    try:
        async with asyncio.timeout(deadline):
            user = await verifier.verify(token, now=now)
    except TimeoutError as error:
        raise DeadlineError("The token was not verified in time.", stage=Stage.TOKEN) from error
    if (user.app_id.lower(), user.user_id.lower()) != (app_id.lower(), user_id.lower()):
        raise refused("The token is for another application, or of another user.")
    return user


def issue_dev_teams_token(
    access_key: bytes, user_id: str, app_id: str, *, now: float, lifetime: float = 3600.0
) -> str:
    """What stands for a directory's token at a service that runs for a developer.

    Args:
        access_key: The service's key, decoded.
        user_id: Object id of the Teams user.
        app_id: Of the application.
        now: Unix seconds.
        lifetime: Seconds.
    """
    claims = {
        "aud": DEV_AUDIENCE,
        "oid": user_id,
        "appid": app_id,
        "iat": int(now),
        "exp": int(now + lifetime),
    }
    return sign({}, claims, access_key)


class DevTeamsTokens:
    """Believes tokens of `issue_dev_teams_token`; only for developers' machines.

    Args:
        access_key: The service's key, decoded.
    """

    def __init__(self, access_key: bytes) -> None:
        self._key = access_key

    async def verify(self, token: str, *, now: float) -> TeamsUser:
        """Whom a token is about.

        Raises:
            AuthenticationError: 401, it is none, or has expired.
        """
        signed = split(token)
        signed.header()
        claims = signed.claims()
        if not signed.is_signed_with(self._key) or claims.get("aud") != DEV_AUDIENCE:
            raise refused("The token is of no directory that the service knows.")
        if validity(claims, now=now, longest=LONGEST_LIFETIME) is not Validity.VALID:
            raise refused("The token has expired, or is not valid yet.")
        return TeamsUser(text_claim(claims, "oid"), text_claim(claims, "appid"))
