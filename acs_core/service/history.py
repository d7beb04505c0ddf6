"""What is remembered of calls: who was there and when, also after a call has ended.

A `CallRecord` is in memory while its call goes on; `archive.py` writes what becomes of it to the
database, from which `History` reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Row, RowMapping

from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.service.rooms import RoomRecord
from acs_core.service.rows import room_from_row
from acs_core.service.store.calls import (
    VisitFilter,
    Window,
    newest_visit_of,
    rename_visit,
    visits_of,
)
from acs_core.service.store.database import Database
from acs_core.service.store.rooms import ROOM_COLUMN, RoomFilter, calls_in_rooms, one_call

__all__ = ["CallRecord", "History", "Visit"]

VISITS: Final = 1000
"""Visits that are remembered in memory of one call."""
SLICE: Final = 20
"""Records that are made in one turn of the loop; it takes about a millisecond."""


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
        end_reason: Why it ended; None while it goes on, and for one that is read.
        is_void: Nobody managed to join: it is to be forgotten.
    """

    id: str
    room: RoomRecord | None
    started_at: float
    ended_at: float | None = None
    end_reason: EndReason | None = None
    is_void: bool = False
    _visits: dict[str, Visit] = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """Whether it ended with the service only, and goes on at the next start: a Twilio room."""
        is_stopping = self.end_reason == endings.SERVICE_STOPPED
        return is_stopping and self.room is not None and self.room.is_session

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

    def rename(self, endpoint_id: str, identity: str) -> None:
        """Give the visit of an endpoint another identity, if it is remembered."""
        visit = self._visits.get(endpoint_id)
        if visit is not None:
            visit.identity = identity


class History:
    """Calls, those that go on and those that ended, as the database has them.

    Args:
        database: Asked for at each question, since this is made before it is open.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def find(self, call_id: str) -> CallRecord | None:
        """A call by id, without its visits, or None when it never was or is forgotten.

        Raises:
            ServiceError: 503, the database cannot be read; here as below.
        """
        if not _may_be_stored(call_id):
            return None
        row = await self._database().first(one_call(call_id))
        return None if row is None else _call(row._mapping)

    async def in_rooms(self, wanted: RoomFilter, window: Window) -> list[CallRecord]:
        """Calls in rooms, newest first, without their visits."""
        if not _may_be_stored(wanted.name, *(window.after or ())[1:]):
            return []
        rows = await self._database().all(calls_in_rooms(wanted, window))
        found = []
        for row in rows:
            found.append(_call(row._mapping))
            if len(found) % SLICE == 0:
                await asyncio.sleep(0)  # packets go first: a list may be long
        return found

    async def visits(self, call_id: str, wanted: VisitFilter, window: Window) -> list[Visit]:
        """Visits of a call, in order of arrival."""
        if not _may_be_stored(wanted.identity, *(wanted.ids or ()), *(window.after or ())[1:]):
            return []
        rows = await self._database().all(visits_of(call_id, wanted, window))
        return [_visit(row) for row in rows]

    async def visit(self, call_id: str, endpoint_id: str) -> Visit | None:
        """The visit of an endpoint, or None."""
        wanted = VisitFilter(ids=[endpoint_id])
        return next(iter(await self.visits(call_id, wanted, Window(limit=1))), None)

    async def newest_visit(self, call_id: str, identity: str) -> Visit | None:
        """The visit of an identity that began last, or None."""
        if not _may_be_stored(identity):
            return None
        row = await self._database().first(newest_visit_of(call_id, identity))
        return None if row is None else _visit(row)

    def rename(self, call_id: str, endpoint_id: str, identity: str) -> None:
        """Give a visit another identity in what is kept; who reads next sees it."""
        self._database().write(rename_visit(call_id, endpoint_id, identity))


def _may_be_stored(*texts: object) -> bool:
    """Whether there can be such texts in the database; PostgreSQL refuses to look for others."""
    return not any("\x00" in text for text in texts if isinstance(text, str))


def _call(row: RowMapping) -> CallRecord:
    has_room = row[f"{ROOM_COLUMN}id"] is not None
    room = room_from_row(row, ROOM_COLUMN) if has_room else None
    return CallRecord(row["id"], room, row["started_at"], row["ended_at"])


def _visit(row: Row[Any]) -> Visit:
    return Visit(row.id, row.identity, row.arrived_at, row.left_at)
