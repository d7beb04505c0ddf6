"""Methods of VideoSDK that this facade has not: they say what to use in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from mapping.videosdk.errors import Errors, MeetingError

__all__ = ["NotProvidedError", "instead_of", "not_provided"]

_INSTEAD = "__videosdk_instead__"


class NotProvidedError(MeetingError):
    """The facade has no such method; `next_step` names what does the same."""

    default_code = Errors.ERROR_ACTION_NOT_SUPPORTED


def not_provided(name: str, instead: str) -> Callable[..., NoReturn]:
    """A method that refuses.

    Args:
        name: As VideoSDK writes it, with its class.
        instead: What to use; a sentence.
    """

    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise NotProvidedError(f"{name} is not part of this facade.", next_step=instead)

    refuse.__doc__ = f"Not provided. {instead}"
    setattr(refuse, _INSTEAD, instead)
    return refuse


def instead_of(method: object) -> str | None:
    """What to use in place of a method made by `not_provided`; None for any other."""
    instead: str | None = getattr(method, _INSTEAD, None)
    return instead
