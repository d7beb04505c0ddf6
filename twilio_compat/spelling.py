"""A second spelling for what a record holds.

Methods and properties are aliased by assignment; the fields of a frozen record are no attributes of
its class, so this takes the place of the assignment.
"""

from __future__ import annotations

from typing import Generic, TypeVar, final

__all__ = ["Spelling"]

_Value = TypeVar("_Value")


@final
class Spelling(Generic[_Value]):
    """Another name of a field: `bytes_sent = Spelling[int | None]("bytesSent")`."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __get__(self, record: object, _kind: type) -> _Value:
        """Read the field."""
        value: _Value = getattr(record, self._field)
        return value
