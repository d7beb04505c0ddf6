"""Believing Twilio access tokens: the service's side.

Source: the codes 20101 to 20107 and their order (parse, issuer, signature and dates, grants), as
Twilio documents and its clients expect them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acs_core.errors import AuthenticationError, CallingError, InvalidArgumentError, Stage
from acs_core.identifiers import acs_raw_id
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.signed_token import (
    DEFAULT_SKEW,
    SignedToken,
    Validity,
    date_claim,
    refused,
    split,
    text_claim,
    validity,
)
from twilio_compat.error_details import DETAILS
from twilio_compat.tokens import CONTENT_TYPE, LONGEST_TTL

__all__ = ["ApiKey", "TwilioTokenVerifier"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as the service knows it.

    Attributes:
        secret: Its UTF-8 text is the key of tokens' signatures.
        rooms: The only rooms that its tokens may open; None for all.
    """

    secret: str = field(repr=False)
    rooms: frozenset[str] | None = None

    def __post_init__(self) -> None:
        # Anybody can sign with an empty key.
        if not self.secret:
            raise InvalidArgumentError("An API key needs a secret.", stage=Stage.ARGUMENT)


class TwilioTokenVerifier:
    """Believes Twilio access tokens of one account.

    Args:
        keys: API keys by SID; the only choice of a key that a token has.
        account_sid: The account that tokens must be of.
        resource_id: The communication resource, for the raw ids of identities.
        skew: Seconds that clocks may be off.
    """

    def __init__(
        self,
        keys: Mapping[str, ApiKey],
        account_sid: str,
        *,
        resource_id: str,
        skew: float = DEFAULT_SKEW,
    ) -> None:
        self._keys = dict(keys)
        self._account_sid = account_sid
        self._resource_id = resource_id
        self._skew = skew

    def recognizes(self, token: str) -> bool:
        """A token whose content type is Twilio's, whatever version."""
        try:
            return text_claim(split(token).header(), "cty").startswith("twilio-fpa")
        except AuthenticationError:
            return False

    def verify(self, token: str, *, now: float) -> Principal:
        """Who the token is about.

        Raises:
            AuthenticationError: 401 with Twilio's code as sub code: 20101 unreadable, 20102 header,
                20103 issuer or account, 20107 signature, 20104 expired or over 24 hours, 20105 not
                yet valid, 20106 no identity, no video grant, or a room that the key may not open.
        """
        signed, claims = _read(token)
        key = self._key(claims)
        if not signed.is_signed_with(key.secret.encode("utf-8")):
            raise _refused(20107)
        expires_at = self._check_dates(claims, now)
        identity, room = _grants(claims)
        try:
            raw_id = acs_raw_id(self._resource_id, identity)
        except CallingError as error:
            raise _refused(20106) from error
        return Principal(
            raw_id,
            PrincipalKind.TWILIO,
            expires_at,
            display_name=identity,
            rooms=_rooms(room, key.rooms),
        )

    def _key(self, claims: dict[str, object]) -> ApiKey:
        key = self._keys.get(text_claim(claims, "iss"))
        if key is None or text_claim(claims, "sub") != self._account_sid:
            raise _refused(20103)
        return key

    def _check_dates(self, claims: dict[str, object], now: float) -> float:
        match validity(claims, now=now, longest=LONGEST_TTL, skew=self._skew):
            case Validity.NOT_YET_VALID:
                raise _refused(20105)
            case Validity.EXPIRED | Validity.TOO_LONG | Validity.INVALID:
                raise _refused(20104)
            case Validity.VALID:
                return date_claim(claims, "exp") or 0.0


def _read(token: str) -> tuple[SignedToken, dict[str, object]]:
    try:
        signed = split(token)
        claims = signed.claims()
    except AuthenticationError as error:
        raise _refused(20101) from error
    try:
        header = signed.header()
    except AuthenticationError as error:
        raise _refused(20102) from error
    if header.get("cty") != CONTENT_TYPE:
        raise _refused(20102)
    return signed, claims


def _grants(claims: dict[str, object]) -> tuple[str, str | None]:
    grants = claims.get("grants")
    if not isinstance(grants, dict):
        raise _refused(20106)
    identity, video = grants.get("identity"), grants.get("video")
    if not isinstance(identity, str) or not isinstance(video, dict):
        raise _refused(20106)
    room = video.get("room")
    # An empty room is none, as with Twilio's helper library.
    if room is not None and not isinstance(room, str):
        raise _refused(20106)
    return identity, room or None


def _rooms(granted: str | None, allowed: frozenset[str] | None) -> frozenset[str] | None:
    if granted is None:
        return allowed
    if allowed is not None and granted not in allowed:
        raise _refused(20106)
    return frozenset({granted})


def _refused(code: int) -> AuthenticationError:
    details = DETAILS[code]
    return refused(f"{details.message}: {details.explanation}", code, details.solutions[0])
