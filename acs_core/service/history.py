"""What is remembered of calls: who was there and when, also after a call has ended.

Kept in memory and bounded: the oldest is forgotten first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from acs_core.service.rooms import RoomRecord

__all__ = ["CallRecord", "History", "Visit"]

VISITS: Final = 1000
"""Visits that are remembered of one call."""
CALLS: Final = 1000
"""Ended calls that are remembered."""


@dataclass(slots=True, eq=False)
class Visit:
    """That an endpoint was in a call.

    Attributes:
        id: The endpoint's.
        identity: For a Twilio participant its identity, else the raw id.
        arrived_at: Unix seconds.
        left_at: Unix seconds; None while it is there.
    """

    id: str
    identity: str
    arrived_at: float
    left_at: float | None = None


@dataclass(slots=True, eq=False)
class CallRecord:
    """One call.

    Attributes:
        id: The call's; with `RM` Twilio's room SID.
        room: Where it took place, or None for a group call.
        started_at: Unix seconds.
        ended_at: Unix seconds; None while it goes on.
    """

    id: str
    room: RoomRecord | None
    started_at: float
    ended_at: float | None = None
    _visits: dict[str, Visit] = field(default_factory=dict)

    @property
    def visits(self) -> Mapping[str, Visit]:
        """Visits by endpoint id, in order of arrival."""
        return MappingProxyType(self._visits)

    def arrived(self, endpoint_id: str, identity: str, *, now: float) -> None:
        """An endpoint came."""
        # Anew at the end: an id is the client's choice and may come again.
        self._visits.pop(endpoint_id, None)
        self._visits[endpoint_id] = Visit(endpoint_id, identity, now)
        if len(self._visits) > VISITS:
            over = (key for key, visit in self._visits.items() if visit.left_at is not None)
            oldest = next(over, None)
            if oldest is not None:
                del self._visits[oldest]

    def left(self, endpoint_id: str, *, now: float) -> None:
        """An endpoint went."""
        visit = self._visits.get(endpoint_id)
        if visit is not None:
            visit.left_at = now


class History:
    """Ended calls, newest first when iterated."""

    def __init__(self, *, size: int = CALLS) -> None:
        self._size = size
        self._records: dict[str, CallRecord] = {}

    def add(self, record: CallRecord) -> None:
        """Remember a call that ended."""
        self._records[record.id] = record
        if len(self._records) > self._size:
            del self._records[next(iter(self._records))]

    def discard(self, call_id: str) -> None:
        """Forget a call."""
        self._records.pop(call_id, None)

    def find(self, call_id: str) -> CallRecord | None:
        """A call by id, or None when it never was or is forgotten."""
        return self._records.get(call_id)

    def __iter__(self) -> Iterator[CallRecord]:
        """Newest first."""
        return reversed(list(self._records.values()))
