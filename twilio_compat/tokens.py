"""Twilio access tokens as a client has them: made from an API key.

Source: Twilio access tokens, version `twilio-fpa;v=1`, as written by the `twilio` helper library
9.13. `verifier.py` believes them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.signed_token import sign

__all__ = ["CONTENT_TYPE", "LONGEST_TTL", "AccessToken"]

CONTENT_TYPE: Final = "twilio-fpa;v=1"
# Twilio: the maximum allowed ttl of an access token is 24 hours.
LONGEST_TTL: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a participant shows to enter a room.

    Attributes:
        account_sid: `AC...`.
        api_key_sid: `SK...`; names the secret.
        api_key_secret: Signs the token; its UTF-8 text is the key.
        identity: Who the participant is; unique in a room.
        room: The only room, by name or SID, that the token opens; None for all.
        ttl: Seconds, at most 86400.

    Raises:
        InvalidArgumentError: Something is empty, or the ttl out of range.
    """

    account_sid: str
    api_key_sid: str
    api_key_secret: str = field(repr=False)
    identity: str
    room: str | None = None
    ttl: int = 3600

    def __post_init__(self) -> None:
        for name in ("account_sid", "api_key_sid", "api_key_secret", "identity"):
            if not getattr(self, name):
                raise InvalidArgumentError(f"{name} must not be empty.", stage=Stage.ARGUMENT)
        if not 0 < self.ttl <= LONGEST_TTL:
            raise InvalidArgumentError(
                f"ttl must be between 1 and {LONGEST_TTL} seconds.", stage=Stage.ARGUMENT
            )

    def to_jwt(self, *, now: float | None = None) -> str:
        """The token as text, valid from now on.

        Args:
            now: Unix seconds; the clock's when not given.
        """
        issued = int(time.time() if now is None else now)
        claims = {
            "jti": f"{self.api_key_sid}-{issued}",
            "grants": {
                "identity": self.identity,
                "video": {"room": self.room} if self.room else {},
            },
            "iss": self.api_key_sid,
            "sub": self.account_sid,
            "nbf": issued,
            "exp": issued + self.ttl,
        }
        return sign({"cty": CONTENT_TYPE}, claims, self.api_key_secret.encode("utf-8"))
