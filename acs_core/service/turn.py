"""Time-limited credentials for a TURN server that shares a secret with the service; pure.

Source: draft-uberti-behave-turn-rest-00, which coturn knows as `use-auth-secret`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from acs_core import wire
from acs_core.errors import InvalidArgumentError, Stage

__all__ = ["TURN_LIFETIME", "TurnCredentials", "turn_urls"]

TURN_LIFETIME: Final = 4 * 3600
"""Seconds: a participant of a Twilio room stays for no longer unless the room says otherwise, and a
client makes all its allocations, those after a change of networks too, with its first credentials.
"""
_URL: Final = re.compile(r"turns?:[^\s/,]+")


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    """Makes the credentials.

    Attributes:
        urls: `turn:` and `turns:` URIs of one server, the preferred one first (RFC 7065).
        secret: Shared with the server, its `static-auth-secret`.
        lifetime: Seconds for which credentials open new allocations; those that exist stay.
    """

    urls: tuple[str, ...]
    secret: str = field(repr=False)
    lifetime: int = TURN_LIFETIME

    def issue(self, user: str, *, now: float) -> wire.IceServer:
        """What a client needs to use the server.

        Args:
            user: Whom the server counts allocations for.
            now: Unix seconds.
        """
        name = f"{int(now) + self.lifetime}:{user}"
        digest = hmac.new(self.secret.encode(), name.encode(), hashlib.sha1)
        password = base64.b64encode(digest.digest()).decode()
        return wire.IceServer(urls=self.urls, username=name, credential=password)


def turn_urls(text: str) -> tuple[str, ...]:
    """Read comma-separated URIs.

    Raises:
        InvalidArgumentError: One of them is no `turn:` or `turns:` URI.
    """
    urls = tuple(part.strip() for part in text.split(","))
    if not all(_URL.fullmatch(url) for url in urls):
        raise InvalidArgumentError(
            "These are no URIs of a TURN server.",
            stage=Stage.ARGUMENT,
            next_step="Write them like turn:host:3478?transport=udp, with commas between.",
        )
    return urls
