"""Who may call the REST API: HTTP Basic, an account with its token or an API key with its secret.

Source: RFC 7617; Twilio answers wrong credentials with 401 and code 20003.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

from acs_core.errors import AuthenticationError, Stage
from twilio_compat.verifier import ApiKey

__all__ = ["RestCredentials"]


class RestCredentials:
    """Knows the passwords of the REST API.

    Args:
        account_sid: The account.
        auth_token: Its token; None: API keys only.
        keys: API keys by SID. A key that opens certain rooms only does not manage rooms.
    """

    def __init__(
        self, account_sid: str, auth_token: str | None, keys: Mapping[str, ApiKey]
    ) -> None:
        self._passwords = {sid: key.secret for sid, key in keys.items() if key.rooms is None}
        if auth_token is not None:
            self._passwords[account_sid] = auth_token

    def check(self, header: str | None) -> None:
        """Believe the value of an `Authorization` header.

        Raises:
            AuthenticationError: 401/20003, it is absent, unreadable or wrong.
        """
        user, password = _read(header)
        known = self._passwords.get(user)
        # The comparison takes as long for an unknown user.
        is_right = hmac.compare_digest(password.encode(), (known or "").encode())
        if known is None or not is_right:
            raise AuthenticationError(
                "Authenticate",
                sub_code=20003,
                stage=Stage.TOKEN,
                next_step="Pass an Account SID with its auth token, or an API key with its secret.",
            )


def _read(header: str | None) -> tuple[str, str]:
    """User and password; empty when there is nothing to be read."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "", ""
    user, _, password = text.partition(":")
    return user, password
