"""The tables of calls and visits: what was and is where, and who was there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    Delete,
    Float,
    Index,
    Select,
    String,
    Table,
    Update,
    delete,
    exists,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from acs_core.service.store.database import METADATA

__all__ = [
    "CALLS",
    "VISITS",
    "VisitFilter",
    "Window",
    "are_old",
    "end_open_visits",
    "ended_calls",
    "forget_calls",
    "forget_visits",
    "had_visits",
    "in_window",
    "newest_visit_of",
    "rename_visit",
    "visits_of",
]

CALLS: Final = Table(
    "calls",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("type", String, nullable=False),
    Column("room_id", String(32)),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("recording_rules", JSON, nullable=False),
    Index("ix_calls_started_at", "started_at", "id"),
    # One in progress is found without reading all that ended.
    Index("ix_calls_ended_at", "ended_at", "started_at", "id"),
    Index("ix_calls_room_id", "room_id"),
)
"""Calls. `type` is a `CallType`; `room_id` is null for group, dialed and other calls that have no
room; `ended_at` is null while it goes on; `recording_rules` are those in force."""

VISITS: Final = Table(
    "visits",
    METADATA,
    Column("call_id", String(32), primary_key=True),
    Column("id", String, primary_key=True),
    Column("identity", String, nullable=False),
    Column("arrived_at", Float, nullable=False),
    Column("left_at", Float),
)
"""Visits: an endpoint (`id`) was in a call. `left_at` is null while it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which rows of an ordered result are wanted.

    Attributes:
        limit: Rows at most.
        offset: Rows that are passed over.
        after: Instead of an offset: time and id of the row before the first one. Rows that come or
            go meanwhile neither repeat nor hide others then.
    """

    limit: int
    offset: int = 0
    after: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFilter:
    """Which visits of a call are wanted.

    Attributes:
        identity: Of this identity; None for all.
        is_over: Whether the endpoint has left; None for all.
        ids: Of these endpoints; None for all.
        after: Arrived then or later, Unix seconds.
        before: Arrived then or earlier.
    """

    identity: str | None = None
    is_over: bool | None = None
    ids: Collection[str] | None = None
    after: float | None = None
    before: float | None = None


def in_window(
    statement: Select[Any],
    window: Window,
    time: ColumnElement[float],
    id_: ColumnElement[str],
    *,
    newest_first: bool,
) -> Select[Any]:
    """Order by time, then id, and keep the rows of a window."""
    if window.after is not None:
        here, there = tuple_(time, id_), tuple_(*window.after)
        statement = statement.where(here < there if newest_first else here > there)
    order = (time.desc(), id_.desc()) if newest_first else (time.asc(), id_.asc())
    return statement.order_by(*order).limit(window.limit).offset(window.offset)


def visits_of(call_id: str, wanted: VisitFilter, window: Window) -> Select[Any]:
    """Visits of a call, in order of arrival."""
    visit = VISITS.c
    statement = select(VISITS).where(visit.call_id == call_id)
    if wanted.identity is not None:
        statement = statement.where(visit.identity == wanted.identity)
    if wanted.ids is not None:
        statement = statement.where(visit.id.in_(list(wanted.ids)))
    if wanted.is_over is not None:
        is_over = visit.left_at.is_not(None) if wanted.is_over else visit.left_at.is_(None)
        statement = statement.where(is_over)
    if wanted.after is not None:
        statement = statement.where(visit.arrived_at >= wanted.after)
    if wanted.before is not None:
        statement = statement.where(visit.arrived_at <= wanted.before)
    return in_window(statement, window, visit.arrived_at, visit.id, newest_first=False)


def newest_visit_of(call_id: str, identity: str) -> Select[Any]:
    """The visit of an identity that began last."""
    visit = VISITS.c
    return (
        select(VISITS)
        .where(visit.call_id == call_id, visit.identity == identity)
        .order_by(visit.arrived_at.desc(), visit.id.desc())
        .limit(1)
    )


def rename_visit(call_id: str, visit_id: str, identity: str) -> Update:
    """Give a visit another identity."""
    return (
        update(VISITS)
        .where(VISITS.c.call_id == call_id, VISITS.c.id == visit_id)
        .values(identity=identity)
    )


# ---------------------------------------------------------------- after a restart


def end_open_visits(*, now: float) -> Update:
    """End the visits of all calls that have not ended.

    Args:
        now: Unix seconds.
    """
    open_calls = select(CALLS.c.id).where(CALLS.c.ended_at.is_(None))
    return (
        update(VISITS)
        .where(VISITS.c.call_id.in_(open_calls), VISITS.c.left_at.is_(None))
        .values(left_at=now)
    )


def had_visits() -> ColumnElement[bool]:
    """Whether anybody was in the call of a row, as column `had_visits`."""
    return exists().where(VISITS.c.call_id == CALLS.c.id).label("had_visits")


# ---------------------------------------------------------------- forgetting


def ended_calls(*, before: float, most: int) -> Select[Any]:
    """Ids of calls that ended, the first ones first.

    Args:
        before: Unix seconds.
        most: Rows.
    """
    return (
        select(CALLS.c.id).where(CALLS.c.ended_at < before).order_by(CALLS.c.ended_at).limit(most)
    )


def are_old(call_id: Column[str], *, before: float) -> ColumnElement[bool]:
    """Whether the calls of rows ended earlier, or are forgotten already.

    Args:
        call_id: The column that has the id of the call.
        before: Unix seconds.
    """
    is_over_since = or_(CALLS.c.ended_at.is_(None), CALLS.c.ended_at >= before)
    return ~exists().where(CALLS.c.id == call_id, is_over_since)


def forget_visits(call_ids: Sequence[str]) -> Delete:
    """Remove the visits of calls."""
    return delete(VISITS).where(VISITS.c.call_id.in_(call_ids))


def forget_calls(call_ids: Sequence[str]) -> Delete:
    """Remove calls; their visits must be gone before."""
    return delete(CALLS).where(CALLS.c.id.in_(call_ids))
