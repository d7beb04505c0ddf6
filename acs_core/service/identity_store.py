"""What is remembered of the users of the service.

`identity.py` makes users and takes their tokens back, `archive.py` keeps them in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

__all__ = ["IdentityRecord", "IdentityStore", "MemoryIdentityStore"]


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """What is remembered of one user.

    Attributes:
        raw_id: `8:acs:<resource>_<user>`, or of a Teams user.
        created_at: Unix seconds.
        revoked_at: Tokens issued until then, unix seconds, are void; None for all valid.
        is_deleted: Nothing is valid any more; the mark stays, so that old tokens stay void.
    """

    raw_id: str
    created_at: float
    revoked_at: float | None = None
    is_deleted: bool = False


class IdentityStore(Protocol):
    """Where identity records live: in memory, whatever stands behind, since calls wait for it."""

    def get(self, raw_id: str) -> IdentityRecord | None:
        """One record, or None."""
        ...

    def put(self, record: IdentityRecord) -> None:
        """Keep a record, replacing that of the same raw id."""
        ...


class MemoryIdentityStore:
    """An `IdentityStore` that forgets everything with the process.

    Whoever keeps users sets `on_put`, and gives back what was kept by `restore`.
    """

    def __init__(self) -> None:
        self.on_put: Callable[[IdentityRecord], None] | None = None
        self._records: dict[str, IdentityRecord] = {}

    @property
    def records(self) -> Collection[IdentityRecord]:
        """All of them."""
        return self._records.values()

    def restore(self, record: IdentityRecord) -> None:
        """Have a record again that was here before; nobody is told."""
        self._records[record.raw_id] = record

    def discard(self, raw_id: str) -> None:
        """Forget a record, if it is there."""
        self._records.pop(raw_id, None)

    def get(self, raw_id: str) -> IdentityRecord | None:
        """One record, or None."""
        return self._records.get(raw_id)

    def put(self, record: IdentityRecord) -> None:
        """Keep a record, replacing that of the same raw id."""
        self._records[record.raw_id] = record
        if self.on_put is not None:
            self.on_put(record)
