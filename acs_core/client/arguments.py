"""Refuses arguments of a wrong type where the application hands them in."""

from __future__ import annotations

from acs_core.errors import InvalidArgumentError

__all__ = ["check_type"]


def check_type(value: object, kind: type | tuple[type, ...], what: str, sub_code: int = 0) -> None:
    """Refuse a value that is of none of these types.

    Args:
        value: What the application gave.
        kind: What it may be.
        what: Its name, with which the message begins.
        sub_code: ACS's, where it has one.

    Raises:
        InvalidArgumentError: 400: it is of another type.
    """
    if isinstance(value, kind):
        return
    kinds = kind if isinstance(kind, tuple) else (kind,)
    names = " or ".join(item.__name__ for item in kinds)
    raise InvalidArgumentError(
        f"{what} is {names}, not {type(value).__name__}.",
        sub_code=sub_code,
        next_step="Correct the argument; a type checker finds more of its kind.",
    )
