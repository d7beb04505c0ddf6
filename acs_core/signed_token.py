"""Access tokens as signed text: the one strict reader and writer of JWTs with HS256.

Reading is split into steps because vendors prescribe different orders of checks and different
codes for each: `split`, then `header`, `claims`, `is_signed_with` and `validity`. Nothing in the
token chooses the algorithm or the key (RFC 8725 sections 3.1 and 3.10), and a token with a repeated
member is refused (RFC 7519 section 4), which general JWT libraries let pass.

Pure: no clock; keys and times are arguments.

Source: RFC 7515 section 7.1 (compact serialization), RFC 7519, RFC 8725.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Never

from acs_core.errors import AuthenticationError, Stage

__all__ = [
    "DEFAULT_SKEW",
    "TOKEN_LIMIT",
    "SignedToken",
    "Validity",
    "date_claim",
    "refused",
    "sign",
    "split",
    "text_claim",
    "validity",
]

TOKEN_LIMIT: Final = 8 * 1024
DEFAULT_SKEW: Final = 60.0
# Year 9999; what is later is not a date but an attack on arithmetic.
_LATEST: Final = 253_402_300_800.0
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+")
_PARSE_TOKEN_FAIL: Final = 44117


def refused(message: str, sub_code: int = 0, next_step: str = "") -> AuthenticationError:
    """The error for a token that is not accepted; `message` must not quote the token."""
    return AuthenticationError(message, sub_code=sub_code, stage=Stage.TOKEN, next_step=next_step)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """The parts of a token, decoded and not yet believed.

    Attributes:
        signing_input: What was signed.
        header_json: UTF-8 text, hopefully.
        claims_json: UTF-8 text, hopefully.
        signature: 32 bytes if it is one.
    """

    signing_input: bytes
    header_json: bytes
    claims_json: bytes
    signature: bytes

    def header(self) -> dict[str, object]:
        """The header, of which `alg` is known to be HS256.

        Raises:
            AuthenticationError: 401/44117, not a JSON object, another algorithm, another type of
                token, or an extension that must be understood (`crit`, RFC 7515 section 4.1.11).
        """
        header = _read_object(self.header_json, "header")
        if header.get("alg") != "HS256":
            raise refused("The token is not signed with HS256.", _PARSE_TOKEN_FAIL)
        if str(header.get("typ", "JWT")).upper() != "JWT" or "crit" in header:
            raise refused("The token's header asks for what is not spoken.", _PARSE_TOKEN_FAIL)
        return header

    def claims(self) -> dict[str, object]:
        """The claims; believe them only after `is_signed_with`.

        Raises:
            AuthenticationError: 401/44117, not a JSON object or a member twice.
        """
        return _read_object(self.claims_json, "claims")

    def is_signed_with(self, key: bytes) -> bool:
        """Whether this key made the signature; takes the same time either way."""
        return hmac.compare_digest(_mac(key, self.signing_input), self.signature)


def split(token: str) -> SignedToken:
    """Cut a token into its parts.

    Raises:
        AuthenticationError: 401/44117, longer than `TOKEN_LIMIT`, not three segments, or not
            base64url without padding.
    """
    if len(token) > TOKEN_LIMIT:
        raise refused(f"The token is longer than {TOKEN_LIMIT} characters.", _PARSE_TOKEN_FAIL)
    segments = token.split(".")
    if len(segments) != 3:
        raise refused("The token does not have three segments.", _PARSE_TOKEN_FAIL)
    header, claims, signature = (_decode(segment) for segment in segments)
    signing_input = token.rpartition(".")[0].encode("ascii")
    return SignedToken(signing_input, header, claims, signature)


def sign(header: Mapping[str, object], claims: Mapping[str, object], key: bytes) -> str:
    """Write a token; `alg` and `typ` are added to the header.

    Args:
        header: Further members of the header.
        claims: What is said, JSON values only.
        key: HMAC key.
    """
    full = {"typ": "JWT", "alg": "HS256", **header}
    signing_input = f"{_encode_object(full)}.{_encode_object(claims)}"
    return f"{signing_input}.{_encode(_mac(key, signing_input.encode('ascii')))}"


class Validity(Enum):
    """What the dates in a token say about it at one moment."""

    VALID = auto()
    EXPIRED = auto()
    NOT_YET_VALID = auto()
    TOO_LONG = auto()
    INVALID = auto()


def validity(
    claims: Mapping[str, object], *, now: float, longest: float, skew: float = DEFAULT_SKEW
) -> Validity:
    """Judge `exp`, `nbf` and `iat`.

    Args:
        claims: `exp` is required, the others are not; unix seconds.
        now: Unix seconds.
        longest: The most seconds that a token may be valid, from `iat`, or else `nbf`.
        skew: How many seconds the issuer's clock may be off.

    Source: RFC 7519 sections 4.1.4 to 4.1.6.
    """
    dates = {name: date_claim(claims, name) for name in ("exp", "nbf", "iat")}
    expires = dates["exp"]
    if expires is None or any(dates[name] is None for name in dates.keys() & claims.keys()):
        return Validity.INVALID
    starts = [start for start in (dates["iat"], dates["nbf"]) if start is not None]
    if any(start > now + skew for start in starts):
        return Validity.NOT_YET_VALID
    # Without a start the token is taken to start now.
    if expires - (starts[0] if starts else now + skew) > longest:
        return Validity.TOO_LONG
    return Validity.EXPIRED if now >= expires + skew else Validity.VALID


def date_claim(claims: Mapping[str, object], name: str) -> float | None:
    """A claim that is a NumericDate (RFC 7519 section 2) in unix seconds, or None."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Also refuses infinities, and integers of a thousand digits, before any arithmetic.
    return float(value) if 0 <= value <= _LATEST else None


def text_claim(claims: Mapping[str, object], name: str) -> str:
    """A claim that is text, or nothing: anything else counts as absent."""
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _encode_object(value: Mapping[str, object]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode("utf-8"))


def _decode(segment: str) -> bytes:
    # The library's decoder skips foreign characters; RFC 7515 appendix C has none.
    if not _SEGMENT.fullmatch(segment):
        raise refused("The token is not base64url.", _PARSE_TOKEN_FAIL)
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error as error:
        raise refused("The token is not base64url.", _PARSE_TOKEN_FAIL) from error
    # Unused low bits would give one signature several spellings.
    if _encode(data) != segment:
        raise refused("The token is not canonical base64url.", _PARSE_TOKEN_FAIL)
    return data


def _read_object(data: bytes, what: str) -> dict[str, object]:
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        # Not chained: the parser's message quotes what it read.
        raise refused(f"The token's {what} cannot be read.", _PARSE_TOKEN_FAIL) from None
    if not isinstance(value, dict):
        raise refused(f"The token's {what} is not an object.", _PARSE_TOKEN_FAIL)
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member occurs twice")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")
