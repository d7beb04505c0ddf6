"""Who may ask the Azure interfaces: whoever signs with the access key, or brings an operator token.

A request is judged by its headers, before its body is read. Operator tokens are for clients that
are made with a token credential instead of the key: JWTs with HS256 under the access key, for the
audience of `OPERATOR_AUDIENCE`. Tokens of users are signed with the same key and are no operator's:
they have no audience.

Source: RFC 6750 section 2.1; RFC 7519 section 4.1.3; the scope for which Azure's clients ask their
credentials, ``https://communication.azure.com//.default``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.rest.replays import Replays
from acs_core.signed_request import SignedRequest, check_signature
from acs_core.signed_token import Validity, date_claim, refused, sign, split, validity

__all__ = ["OPERATOR_AUDIENCE", "Gate", "Pass", "issue_operator_token"]

OPERATOR_AUDIENCE: Final = "https://communication.azure.com"
LONGEST_LIFETIME: Final = 24 * 3600.0
_BEARER: Final = "bearer "


def issue_operator_token(access_key: bytes, *, now: float, lifetime: float = 3600.0) -> str:
    """A token that opens the Azure interfaces of the service that has this key.

    Args:
        access_key: The resource's key, decoded.
        now: Unix seconds.
        lifetime: Seconds, at most one day.

    Raises:
        InvalidArgumentError: The lifetime is out of range.
    """
    if not 0 < lifetime <= LONGEST_LIFETIME:
        raise InvalidArgumentError("A token is valid for at most 24 hours.", stage=Stage.ARGUMENT)
    claims = {"aud": OPERATOR_AUDIENCE, "iat": int(now), "exp": int(now + lifetime)}
    return sign({}, claims, access_key)


class Pass:
    """What one request was let in with.

    Args:
        signed: What was signed; None with an operator token.
        request_id: What the client calls its request.
        replays: Where it is remembered.
    """

    def __init__(self, signed: SignedRequest | None, request_id: str, replays: Replays) -> None:
        self._signed = signed
        self._request_id = request_id
        self._replays = replays

    def check_body(self, body: bytes) -> None:
        """Refuse another body than the one that was signed.

        Raises:
            AuthenticationError: 401.
        """
        if self._signed is not None:
            self._signed.check_body(body)

    def use(self, *, is_harmless: bool, now: float) -> None:
        """Let it in, once; see `Replays.enter`.

        Raises:
            AuthenticationError: 401, it was used before.
        """
        if self._signed is not None:
            self._replays.enter(self._signed, self._request_id, is_harmless=is_harmless, now=now)

    def give_back(self) -> None:
        """Let it in once more: nothing was done."""
        if self._signed is not None:
            self._replays.forget(self._signed, self._request_id)


class Gate:
    """Lets genuine requests in.

    Args:
        access_key: The resource's key, decoded.
        skew: Seconds that clocks of issuers of operator tokens may be off.
        replays: Instead of a new memory of requests.
    """

    def __init__(
        self, access_key: bytes, *, skew: float = 60.0, replays: Replays | None = None
    ) -> None:
        self._key = access_key
        self._skew = skew
        self._replays = replays or Replays()

    def admit(self, method: str, target: str, headers: Mapping[str, str], *, now: float) -> Pass:
        """Believe a request, as far as its headers go.

        Args:
            method: Upper case.
            target: Path and query as they were sent.
            headers: Must ignore case.
            now: Unix seconds.

        Raises:
            AuthenticationError: 401, it is not signed or its token is not good.
        """
        given = headers.get("Authorization", "")
        signed = None
        if given[: len(_BEARER)].lower() == _BEARER:
            self._check_token(given[len(_BEARER) :].strip(), now)
        else:
            signed = check_signature(self._key, method, target, headers, now=now)
        return Pass(signed, headers.get("x-ms-client-request-id", ""), self._replays)

    def _check_token(self, token: str, now: float) -> None:
        signed = split(token)
        signed.header()
        claims = signed.claims()
        if not signed.is_signed_with(self._key):
            raise refused("The token was signed with another key.")
        if claims.get("aud") != OPERATOR_AUDIENCE or date_claim(claims, "iat") is None:
            raise refused("The token is not an operator's.")
        if validity(claims, now=now, longest=LONGEST_LIFETIME, skew=self._skew) is not (
            Validity.VALID
        ):
            raise refused("The token has expired, or is not valid yet.")
