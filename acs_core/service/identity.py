"""Users of the service, their access tokens, and who may say that somebody is somebody.

A `TokenVerifier` turns a token into a `Principal`; the service holds a list of them and asks the
one that recognizes the token. ACS user tokens are made and verified here; other personalities
bring their own verifier.

Source: the claims are those that the ACS Calling SDK reads (`acsScope`, `resourceId`, `skypeid`,
`resourceLocation`, `exp`) with its codes 401/441xx; REST behavior as of
Communication Identity 2023-10-01.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from acs_core.errors import AuthenticationError, InvalidArgumentError, ServiceError, Stage
from acs_core.identifiers import Cloud, MicrosoftTeamsUserIdentifier, parse_raw_id
from acs_core.service.identity_store import IdentityRecord, IdentityStore, MemoryIdentityStore
from acs_core.signed_token import (
    DEFAULT_SKEW,
    Validity,
    date_claim,
    refused,
    sign,
    split,
    text_claim,
    validity,
)

__all__ = [
    "SCOPES",
    "AcsTokenVerifier",
    "IdentityRegistry",
    "IssuedToken",
    "Principal",
    "PrincipalKind",
    "TokenVerifier",
    "check_not_expired",
    "issue_token",
    "verify_token",
]

SCOPES: Final = frozenset({"chat", "voip", "chat.join", "chat.join.limited", "voip.join"})
CALLING_SCOPES: Final = frozenset({"voip", "voip.join"})
# Communication Identity: expiresInMinutes is 60 to 1440, and 1440 when not given.
SHORTEST_LIFETIME: Final = 3600.0
LONGEST_LIFETIME: Final = 24 * 3600.0

_ACCESS_TOKEN_EXPIRED: Final = 40235
_TWILIO_TOKEN_EXPIRED: Final = 20104
_INVALID_SCOPE: Final = 44113
_INVALID_SCOPE_FORMAT: Final = 44114
_RESOURCE_NOT_FOUND: Final = 44115
_USER_NOT_FOUND: Final = 44116
_PARSE_TOKEN_FAIL: Final = 44117


class PrincipalKind(StrEnum):
    """Which personality somebody came through."""

    ACS = "acs"
    TWILIO = "twilio"
    TELEPHONE = "telephone"
    """Somebody whom a gateway to the telephone network brings."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whose token was verified.

    Attributes:
        raw_id: The key of the user in every roster.
        display_name: For a Twilio participant its identity; else empty, the client says it later.
        scopes: What ACS calls `acsScope`; empty for others.
        rooms: The only rooms, by name or id, that the token opens; None for no restriction.
        expires_at: Unix seconds.
    """

    raw_id: str
    kind: PrincipalKind
    expires_at: float
    display_name: str = ""
    scopes: frozenset[str] = frozenset()
    rooms: frozenset[str] | None = None


class TokenVerifier(Protocol):
    """Believes one kind of token."""

    def recognizes(self, token: str) -> bool:
        """Whether the token says that it is of this kind; nothing is verified."""
        ...

    def verify(self, token: str, *, now: float) -> Principal:
        """Who the token is about.

        Args:
            token: As the client sent it.
            now: Unix seconds.

        Raises:
            AuthenticationError: The token is not accepted; `sub_code` says why.
        """
        ...


def verify_token(token: str, verifiers: Iterable[TokenVerifier], *, now: float) -> Principal:
    """Ask the first verifier that recognizes the token; its word is final.

    Raises:
        AuthenticationError: 401/44117 when none does, else the verifier's.
    """
    for verifier in verifiers:
        if verifier.recognizes(token):
            return verifier.verify(token, now=now)
    raise refused(
        "This is not a token that the service knows.",
        _PARSE_TOKEN_FAIL,
        "Pass the token itself, not its URL or JSON, from this service's issuer.",
    )


def check_not_expired(principal: Principal, *, now: float, skew: float = DEFAULT_SKEW) -> None:
    """Refuse somebody whose token was good once.

    Args:
        principal: Who.
        now: Unix seconds.
        skew: Seconds that clocks may be off.

    Raises:
        AuthenticationError: 40235, for a Twilio participant 20104.
    """
    if now <= principal.expires_at + skew:
        return
    is_twilio = principal.kind is PrincipalKind.TWILIO
    raise refused(
        "The token has expired.",
        _TWILIO_TOKEN_EXPIRED if is_twilio else _ACCESS_TOKEN_EXPIRED,
        "Issue a new one and connect again.",
    )


# ---------------------------------------------------------------- identities


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token.

    Attributes:
        expires_at: Unix seconds.
    """

    token: str
    expires_at: float

    def __repr__(self) -> str:
        return f"IssuedToken(expires_at={self.expires_at})"


class IdentityRegistry:
    """Creates users, issues their tokens, and takes both back.

    A user that the registry does not know may still hold a valid token, made elsewhere with the
    same key (the command line does that); only marks of revocation and deletion refuse.
    """

    def __init__(
        self,
        *,
        access_key: bytes,
        resource_id: str,
        store: IdentityStore | None = None,
        shortest_lifetime: float = SHORTEST_LIFETIME,
    ) -> None:
        self._access_key = access_key
        self._resource_id = resource_id
        self._store = store if store is not None else MemoryIdentityStore()
        self._shortest = shortest_lifetime

    def create(self, *, now: float, user_id: str | None = None) -> str:
        """Make a user; return its raw id.

        Args:
            now: Unix seconds.
            user_id: UUID text; a random one when not given.
        """
        raw_id = f"8:acs:{self._resource_id}_{user_id or uuid.uuid4()}"
        self._store.put(IdentityRecord(raw_id, created_at=now))
        return raw_id

    def admit_teams_user(self, user_id: str, *, now: float, cloud: Cloud = Cloud.PUBLIC) -> str:
        """Let a Teams user call here, also one that was deleted; return its raw id.

        Args:
            user_id: Object id in the directory.
            now: Unix seconds.
            cloud: Where the user lives.

        Raises:
            InvalidArgumentError: 422/44006, an unusable object id.
        """
        raw_id = MicrosoftTeamsUserIdentifier(user_id, cloud=cloud).raw_id
        record = self._store.get(raw_id)
        if record is None:
            self._store.put(IdentityRecord(raw_id, created_at=now))
        elif record.is_deleted:
            # Who comes back has the id of before, and none of the tokens.
            self._store.put(replace(record, created_at=now, is_deleted=False))
        return raw_id

    def issue(
        self,
        raw_id: str,
        scopes: Collection[str],
        *,
        now: float,
        lifetime: float = LONGEST_LIFETIME,
    ) -> IssuedToken:
        """Make a token for a user.

        Args:
            raw_id: Of a user made by `create` or `admit_teams_user`.
            scopes: Of `SCOPES`; at least one.
            now: Unix seconds.
            lifetime: Seconds, one hour to one day.

        Raises:
            ServiceError: 404, no such user.
            InvalidArgumentError: No or unknown scopes, or a lifetime out of range.
        """
        self._known(raw_id)
        if not self._shortest <= lifetime <= LONGEST_LIFETIME:
            raise InvalidArgumentError(
                "A token must be valid for 60 to 1440 minutes.", stage=Stage.ARGUMENT
            )
        return issue_token(
            raw_id,
            scopes,
            access_key=self._access_key,
            resource_id=self._resource_id,
            now=now,
            lifetime=lifetime,
        )

    def revoke(self, raw_id: str, *, now: float) -> None:
        """Void every token issued until now.

        Raises:
            ServiceError: 404, no such user.
        """
        self._store.put(replace(self._known(raw_id), revoked_at=now))

    def delete(self, raw_id: str, *, now: float) -> None:
        """Forget a user and void its tokens.

        Raises:
            ServiceError: 404, no such user.
        """
        self._store.put(replace(self._known(raw_id), revoked_at=now, is_deleted=True))

    def accepts(self, raw_id: str, *, issued_at: float) -> bool:
        """Whether tokens of that moment, unix seconds, are good: not revoked, user not deleted."""
        record = self._store.get(raw_id)
        if record is None:
            return True
        if record.is_deleted:
            return False
        return record.revoked_at is None or issued_at > record.revoked_at

    def _known(self, raw_id: str) -> IdentityRecord:
        record = self._store.get(raw_id)
        if record is None or record.is_deleted:
            raise ServiceError(
                "There is no such user.",
                code=404,
                stage=Stage.TOKEN,
                next_step="Create the user first.",
            )
        return record


# ---------------------------------------------------------------- tokens


def issue_token(
    raw_id: str,
    scopes: Collection[str],
    *,
    access_key: bytes,
    resource_id: str,
    now: float,
    lifetime: float = LONGEST_LIFETIME,
) -> IssuedToken:
    """Make an ACS user token without asking who exists; the command line's way.

    Args:
        raw_id: `8:acs:<resource_id>_<user>`, or of a Teams user.
        scopes: Of `SCOPES`; at least one.
        access_key: The resource's key, decoded.
        resource_id: The resource of the service that will verify the token.
        now: Unix seconds.
        lifetime: Seconds, at most one day.

    Raises:
        InvalidArgumentError: No or unknown scopes, a lifetime out of range, or a user of another
            resource.
    """
    if not scopes or not SCOPES.issuperset(scopes):
        raise InvalidArgumentError(
            "Scopes must be one or more of " + ", ".join(sorted(SCOPES)) + ".",
            stage=Stage.ARGUMENT,
        )
    if not 0 < lifetime <= LONGEST_LIFETIME:
        raise InvalidArgumentError("A token is valid for at most 24 hours.", stage=Stage.ARGUMENT)
    if not _is_user_of(raw_id, resource_id):
        raise InvalidArgumentError("The user is not of this resource.", stage=Stage.ARGUMENT)
    expires_at = float(int(now + lifetime))
    claims = {
        "skypeid": raw_id.removeprefix("8:"),
        "acsScope": ",".join(sorted(scopes)),
        "resourceId": resource_id,
        "resourceLocation": "local",
        # With its fraction (RFC 7519 section 2 allows it): a token issued in the second in which
        # another was revoked is told from it.
        "iat": now,
        "exp": int(expires_at),
    }
    return IssuedToken(sign({}, claims, access_key), expires_at)


class AcsTokenVerifier:
    """Believes ACS user tokens of one resource."""

    def __init__(
        self,
        *,
        access_key: bytes,
        resource_id: str,
        registry: IdentityRegistry | None = None,
        skew: float = DEFAULT_SKEW,
    ) -> None:
        self._access_key = access_key
        self._resource_id = resource_id
        self._registry = registry
        self._skew = skew

    def recognizes(self, token: str) -> bool:
        """A token without a content type; Twilio's name one."""
        try:
            return "cty" not in split(token).header()
        except AuthenticationError:
            return False

    def verify(self, token: str, *, now: float) -> Principal:
        """Who the token is about.

        Raises:
            AuthenticationError: 44117 unreadable; 0 signed by another key, not yet valid, or
                revoked; 40235 expired; 44113 and 44114 scope; 44115 resource; 44116 user.
        """
        signed = split(token)
        signed.header()
        claims = signed.claims()
        if not signed.is_signed_with(self._access_key):
            raise refused(
                "The token was signed with another key.",
                next_step="Issue it with this service's access key.",
            )
        expires_at = self._check_dates(claims, now)
        scopes = _scopes(claims)
        if text_claim(claims, "resourceId") != self._resource_id:
            raise refused("The token is not of this resource.", _RESOURCE_NOT_FOUND)
        raw_id = f"8:{text_claim(claims, 'skypeid')}"
        if not _is_user_of(raw_id, self._resource_id):
            raise refused("The token does not name a user of its resource.", _USER_NOT_FOUND)
        self._check_registry(raw_id, claims)
        return Principal(raw_id, PrincipalKind.ACS, expires_at, scopes=scopes)

    def _check_dates(self, claims: dict[str, object], now: float) -> float:
        match validity(claims, now=now, longest=LONGEST_LIFETIME, skew=self._skew):
            case Validity.EXPIRED:
                raise refused(
                    "The token has expired.",
                    _ACCESS_TOKEN_EXPIRED,
                    "Issue a new one, or give the credential a token_refresher.",
                )
            case Validity.NOT_YET_VALID:
                raise refused(
                    "The token is not valid yet.",
                    next_step="Compare the clocks of the issuer and of the service.",
                )
            case Validity.TOO_LONG | Validity.INVALID:
                raise refused("The token's dates are not acceptable.", _PARSE_TOKEN_FAIL)
            case Validity.VALID:
                return date_claim(claims, "exp") or 0.0

    def _check_registry(self, raw_id: str, claims: dict[str, object]) -> None:
        if self._registry is None:
            return
        issued_at = date_claim(claims, "iat")
        if issued_at is None:
            raise refused("The token does not say when it was issued.", _PARSE_TOKEN_FAIL)
        if not self._registry.accepts(raw_id, issued_at=issued_at):
            raise refused("The token was revoked.", next_step="Issue a new one.")


def _scopes(claims: dict[str, object]) -> frozenset[str]:
    value = claims.get("acsScope", "")
    if not isinstance(value, str):
        raise refused("acsScope is not text.", _INVALID_SCOPE_FORMAT)
    scopes = frozenset(part.strip() for part in value.split(","))
    if not scopes & CALLING_SCOPES:
        raise refused(
            "The token does not allow calling.",
            _INVALID_SCOPE,
            "Issue it with scope voip.",
        )
    return scopes & SCOPES


def _is_user_of(raw_id: str, resource_id: str) -> bool:
    if _is_teams_user(raw_id):
        return True
    user = raw_id.removeprefix(f"8:acs:{resource_id}_")
    return user != raw_id and bool(user) and user.isprintable() and ":" not in user


def _is_teams_user(raw_id: str) -> bool:
    """A user of a directory; guests without an account have no tokens."""
    try:
        identifier = parse_raw_id(raw_id)
    except InvalidArgumentError:
        return False
    return isinstance(identifier, MicrosoftTeamsUserIdentifier) and not identifier.is_anonymous
