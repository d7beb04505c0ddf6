"""What a caller sends along with a call: a few headers, within the limits of telephone networks.

Headers are for the callee's application and for telephone exchanges; nothing here reads them. SIP
headers reach telephones, VoIP headers reach users only. The *user-to-user* value is the SIP header
of that name.

Source: ACS, "Pass user-to-user information (UUI) data in a header" for the limits, the characters
and that calls to several people carry none; RFC 7433 for User-to-User.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from acs_core.errors import InvalidArgumentError, Stage

__all__ = ["CustomContext", "Header", "check_context", "sip_headers_of"]

MOST_SIP_HEADERS: Final = 5
MOST_VOIP_HEADERS: Final = 1000
KEY_LENGTH: Final = 64
SIP_VALUE_LENGTH: Final = 256
VOIP_VALUE_LENGTH: Final = 1024
PREFIX: Final = "X-MS-Custom-"
USER_TO_USER: Final = "User-To-User"

_SIP_KEY: Final = re.compile(r"[A-Za-z0-9.!%*_+~-]+")
_SIP_VALUE: Final = re.compile(r"[A-Za-z0-9=;.!%*_+~-]*")


class Header(Struct, frozen=True, kw_only=True):
    """One header; its name is unique among those of its kind, whatever its case."""

    key: str
    value: str


class CustomContext(Struct, frozen=True, kw_only=True):
    """Everything that is sent along with a call; empty for most calls."""

    user_to_user: str = ""
    sip_headers: tuple[Header, ...] = ()
    voip_headers: tuple[Header, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is sent along."""
        return not (self.user_to_user or self.sip_headers or self.voip_headers)


def check_context(context: CustomContext) -> None:
    """Refuse headers that are too many, too long or unprintable in SIP.

    Raises:
        InvalidArgumentError: 400: which, and what the limit is.
    """
    _check_value("User-To-User", context.user_to_user)
    sip_keys = [_prefixed(header.key) for header in context.sip_headers]
    _check_count("SIP", sip_keys, MOST_SIP_HEADERS)
    _check_count("VoIP", [header.key for header in context.voip_headers], MOST_VOIP_HEADERS)
    for header in context.sip_headers:
        _check_key(_prefixed(header.key))
        if _SIP_KEY.fullmatch(header.key) is None:
            raise _refused(
                f"The name of a SIP header holds letters, digits and .!%*_+~-: {header.key!r}."
            )
        _check_value(header.key, header.value)
    for header in context.voip_headers:
        _check_key(header.key)
        if len(header.value) > VOIP_VALUE_LENGTH:
            raise _refused(f"VoIP header {header.key} is longer than {VOIP_VALUE_LENGTH}.")


def sip_headers_of(context: CustomContext) -> tuple[tuple[str, str], ...]:
    """The headers of the SIP INVITE with which a telephone is called: name and value."""
    own = [(_prefixed(header.key), header.value) for header in context.sip_headers]
    if context.user_to_user:
        own.insert(0, (USER_TO_USER, context.user_to_user))
    return tuple(own)


def _prefixed(key: str) -> str:
    return key if key.lower().startswith(PREFIX.lower()) else PREFIX + key


def _check_count(kind: str, keys: Sequence[str], most: int) -> None:
    if len(keys) > most:
        raise _refused(f"A call carries at most {most} {kind} headers.")
    if len({key.lower() for key in keys}) != len(keys):
        raise _refused(f"A {kind} header is given twice.")


def _check_key(key: str) -> None:
    if not 0 < len(key) <= KEY_LENGTH:
        raise _refused(f"The name of a header has 1 to {KEY_LENGTH} characters: {key!r}.")


def _check_value(key: str, value: str) -> None:
    if len(value) > SIP_VALUE_LENGTH:
        raise _refused(f"SIP header {key} is longer than {SIP_VALUE_LENGTH}.")
    if _SIP_VALUE.fullmatch(value) is None:
        raise InvalidArgumentError(
            f"SIP header {key} may hold letters, digits and =;.!%*_+~- only, not {value!r}.",
            stage=Stage.ARGUMENT,
            next_step="Encode other characters, for instance by urllib.parse.quote.",
        )


def _refused(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        message, stage=Stage.ARGUMENT, next_step="Send a key with the call, and look the rest up."
    )
