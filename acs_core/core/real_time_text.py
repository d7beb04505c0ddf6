"""Rules of real-time text, which the client shows and the service enforces."""

from __future__ import annotations

from typing import Final

from acs_core.errors import InvalidArgumentError, Stage

__all__ = ["TEXT_LIMIT", "check_text"]

TEXT_LIMIT: Final = 2000
"""Characters of one message; ours, ACS refuses long ones without saying where that begins."""

_TOO_LONG: Final = 46552


def check_text(text: str) -> None:
    """Refuse a message that is too long; an empty one takes back what was typed.

    Raises:
        InvalidArgumentError: 400/46552.
    """
    if len(text) > TEXT_LIMIT:
        raise InvalidArgumentError(
            f"A real-time text has at most {TEXT_LIMIT} characters, not {len(text)}.",
            sub_code=_TOO_LONG,
            stage=Stage.ARGUMENT,
            next_step="Finish the message, and go on in the next one.",
        )
