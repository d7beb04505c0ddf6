"""HTTP requests that are signed with the access key of a communication resource.

Both ends are here: `signed_headers` for clients, `check_signature` for the service. Pure: time is
an argument. A connection string, ``endpoint=https://...;accesskey=...``, holds what a client needs.

Source: "Sign an HTTP request" of the ACS documentation, RFC 2104; the Azure clients for Python,
which sign the path raw or decoded and the host with or without a trailing slash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from acs_core.errors import AuthenticationError, InvalidArgumentError, Stage

__all__ = [
    "AccessKeyCredential",
    "EndpointCredential",
    "check_signature",
    "parse_connection_string",
    "signed_headers",
]

CLOCK_SKEW: Final = 300.0
"""Seconds that the two clocks may be apart; an older request may have been recorded."""
_SCHEME: Final = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="


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
    credential: AccessKeyCredential, method: str, url: str, body: bytes, *, now: float
) -> dict[str, str]:
    """The headers that sign a request.

    Args:
        credential: The resource's key.
        method: Upper case.
        url: Whole, with its query.
        body: Empty when there is none.
        now: Unix seconds.

    Raises:
        InvalidArgumentError: The key is no base64.
    """
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    date = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)
    content = _content_hash(body)
    signature = _signature(_decoded(credential.key), method, target, date, parts.netloc, content)
    return {
        "x-ms-date": date,
        "x-ms-content-sha256": content,
        "Authorization": f"{_SCHEME}{signature}",
    }


def check_signature(
    key: bytes,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
) -> None:
    """Believe a request, or not.

    Args:
        key: The resource's key, decoded.
        method: Upper case.
        target: Path and query as they were sent.
        headers: Names as `signed_headers` writes them, and `Host`; a mapping may ignore case.
        body: What was received.
        now: Unix seconds.

    Raises:
        AuthenticationError: 401: not signed, signed with another key, changed on the way, too old.
    """
    date, host = headers.get("x-ms-date", ""), headers.get("Host", "")
    content, given = headers.get("x-ms-content-sha256", ""), headers.get("Authorization", "")
    if not given.startswith(_SCHEME):
        raise _refused("The request is not signed.")
    if not hmac.compare_digest(content.encode(), _content_hash(body).encode()):
        raise _refused("The body is not what was signed.")
    candidates = [
        _SCHEME + _signature(key, method, spelling, date, name, content)
        for spelling in dict.fromkeys((target, unquote(target)))
        for name in (host, f"{host}/")
    ]
    if not any(hmac.compare_digest(given.encode(), item.encode()) for item in candidates):
        raise _refused("The signature does not fit the request.")
    try:
        signed_at = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        raise _refused("The date cannot be read.") from None
    if abs(now - signed_at) > CLOCK_SKEW:
        raise _refused("The request was signed too long ago, or the clocks differ.")


def _signature(key: bytes, method: str, target: str, date: str, host: str, content: str) -> str:
    text = f"{method}\n{target}\n{date};{host};{content}"
    digest = hmac.new(key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


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
