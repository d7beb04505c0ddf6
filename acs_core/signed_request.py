"""HTTP requests that are signed with the access key of a communication resource.

Both ends are here: `signed_headers` for clients, `check_signature` for the service, which judges a
request before it reads the body: the signature covers the body's hash. Pure: time is an argument.
A connection string, ``endpoint=https://...;accesskey=...``, holds what a client needs.

Source: "Sign an HTTP request" of the ACS documentation, RFC 2104; the Azure clients for Python,
which sign the path raw or decoded and the host with or without a trailing slash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from acs_core.errors import AuthenticationError, InvalidArgumentError, Stage

__all__ = [
    "AccessKeyCredential",
    "EndpointCredential",
    "SignedRequest",
    "check_signature",
    "parse_connection_string",
    "signed_headers",
]

CLOCK_SKEW: Final = 300.0
"""Seconds that the two clocks may be apart; an older request may have been recorded."""
SIGNATURE_SCHEME: Final = "HMAC-SHA256"
_SCHEME: Final = f"{SIGNATURE_SCHEME} SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="


@dataclass(frozen=True, slots=True)
class AccessKeyCredential:
    """The access key of a resource, in base64."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndpointCredential:
    """Where a resource is and the key to it.

    Attributes:
        endpoint: URL without a trailing slash.
    """

    endpoint: str
    credential: AccessKeyCredential


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the holder of the key has signed.

    Attributes:
        signature: In base64; the same for every request that says the same in the same second.
        signed_at: Unix seconds, whole ones.
        content_hash: Of the body, in base64.
    """

    signature: str = field(repr=False)
    signed_at: float
    content_hash: str

    def check_body(self, body: bytes) -> None:
        """Refuse another body than the one that was signed.

        Raises:
            AuthenticationError: 401.
        """
        if not _is_same(self.content_hash, _content_hash(body)):
            raise _refused("The body is not what was signed.")


def parse_connection_string(connection_string: str) -> EndpointCredential:
    """Read a connection string; the order of its parts and the case of their names do not matter.

    Raises:
        InvalidArgumentError: A part is missing, given twice or unknown, the endpoint is no http URL
            or the key no base64.
    """
    parts = [part.partition("=") for part in connection_string.split(";") if part.strip()]
    fields = {name.strip().lower(): value.strip() for name, _, value in parts}
    if len(fields) != len(parts) or set(fields) != {"endpoint", "accesskey"}:
        raise _unusable("It must have one endpoint and one accesskey.")
    endpoint = fields["endpoint"].rstrip("/")
    try:
        url = urlsplit(endpoint)
        is_url = url.scheme in ("http", "https") and bool(url.hostname)
    except ValueError:
        is_url = False
    if not is_url:
        raise _unusable("Its endpoint is no http or https URL.")
    _decoded(fields["accesskey"])
    return EndpointCredential(endpoint, AccessKeyCredential(fields["accesskey"]))


def signed_headers(
    credential: AccessKeyCredential,
    method: str,
    url: str,
    body: bytes,
    *,
    now: float,
    request_id: str = "",
) -> dict[str, str]:
    """The headers that sign a request.

    Args:
        credential: The resource's key.
        method: Upper case.
        url: Whole, with its query.
        body: Empty when there is none.
        now: Unix seconds.
        request_id: Another one for each request. It is not signed; without it the service takes
            the second of two requests that say the same in the same second for a replay.

    Raises:
        InvalidArgumentError: The key is no base64.
    """
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    date = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)
    content = _content_hash(body)
    signature = _signature(_decoded(credential.key), method, target, date, parts.netloc, content)
    headers = {
        "x-ms-date": date,
        "x-ms-content-sha256": content,
        "Authorization": f"{_SCHEME}{signature}",
    }
    return headers | ({"x-ms-client-request-id": request_id} if request_id else {})


def check_signature(
    key: bytes, method: str, target: str, headers: Mapping[str, str], *, now: float
) -> SignedRequest:
    """Believe a request, as far as its body is the one that was signed; or refuse it.

    Args:
        key: The resource's key, decoded.
        method: Upper case.
        target: Path and query as they were sent.
        headers: Names as `signed_headers` writes them, and `Host`; a mapping may ignore case.
        now: Unix seconds.

    Raises:
        AuthenticationError: 401: not signed, signed with another key, changed on the way, too old.
    """
    date, host = headers.get("x-ms-date", ""), headers.get("Host", "")
    content, given = headers.get("x-ms-content-sha256", ""), headers.get("Authorization", "")
    if not given.startswith(_SCHEME):
        raise _refused("The request is not signed.")
    signature = given.removeprefix(_SCHEME)
    # All are compared, so that the time tells nothing about them.
    matches = [
        _is_same(signature, _signature(key, method, spelling, date, name, content))
        for spelling in _spellings(target)
        for name in (host, f"{host}/")
    ]
    if not any(matches):
        raise _refused("The signature does not fit the request.")
    try:
        signed_at = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        raise _refused("The date cannot be read.") from None
    if abs(now - signed_at) > CLOCK_SKEW:
        raise _refused("The request was signed too long ago, or the clocks differ.")
    return SignedRequest(signature, signed_at, content)


def _spellings(target: str) -> Iterable[str]:
    """What a client may have signed when it sent this target."""
    path, mark, query = target.partition("?")
    # The asynchronous client of Call Automation signs raw ids encoded, and its transport decodes
    # their colons; it is the same resource, segment by segment.
    encoded = "/".join(quote(unquote(segment), safe="") for segment in path.split("/"))
    spellings = [target, f"{encoded}{mark}{query}"]
    decoded = unquote(target)
    # Of what can be decoded further nobody knows whether it was signed raw for another resource.
    if unquote(decoded) == decoded:
        spellings.append(decoded)
    return dict.fromkeys(spellings)


def _signature(key: bytes, method: str, target: str, date: str, host: str, content: str) -> str:
    text = f"{method}\n{target}\n{date};{host};{content}"
    digest = hmac.new(key, _encoded(text), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _is_same(given: str, right: str) -> bool:
    """Whether two texts are equal; takes the same time either way."""
    return hmac.compare_digest(_encoded(given), _encoded(right))


def _encoded(text: str) -> bytes:
    # Headers may hold any bytes, which arrive here as surrogates.
    return text.encode("utf-8", "surrogatepass")


def _content_hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _decoded(key: str) -> bytes:
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded:
        raise _unusable("Its access key is no base64.")
    return decoded


def _unusable(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"This is no connection string. {message}",
        stage=Stage.TOKEN,
        next_step="Write it as endpoint=https://...;accesskey=...",
    )


def _refused(message: str) -> AuthenticationError:
    return AuthenticationError(
        message,
        stage=Stage.TOKEN,
        next_step="Sign the request with the resource's access key, with a clock that is right.",
    )
