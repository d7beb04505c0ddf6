"""The table of rooms, and what is asked of rooms and the calls in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
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
    update,
)

from acs_core.service.store.calls import CALLS, Window, had_visits, in_window
from acs_core.service.store.database import METADATA

__all__ = [
    "ROOMS",
    "ROOM_COLUMN",
    "RoomFilter",
    "calls_in_rooms",
    "calls_to_resume",
    "end_other_calls",
    "existing_rooms",
    "forget_rooms",
    "one_call",
    "retire_rooms",
]

ROOM_COLUMN: Final = "of_room_"
"""Before the names of the columns of `ROOMS` where a row has those of `CALLS`, too."""

ROOMS: Final = Table(
    "rooms",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("unique_name", String),
    Column("members", JSON(none_as_null=True)),
    Column("options", JSON, nullable=False),
    Column("is_session", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("valid_from", Float, nullable=False),
    Column("valid_until", Float, nullable=False),
    Column("deleted_at", Float),
    Index("ix_rooms_unique_name", "unique_name"),
    Index("ix_rooms_deleted_at", "deleted_at"),
)
"""Rooms. `members` has roles by raw id, or null where everybody may enter; `options` the fields of
`RoomOptions`; `deleted_at` is null while the room exists: of a deleted one the row stays as long as
its calls are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomFilter:
    """Which calls in rooms are wanted.

    Attributes:
        is_over: Whether the call has ended; None for all.
        name: The room's unique name, or of an unnamed room `RM` with the call's id; None for all.
        after: Started then or later, Unix seconds.
        before: Started then or earlier.
    """

    is_over: bool | None = None
    name: str | None = None
    after: float | None = None
    before: float | None = None


def existing_rooms() -> Select[Any]:
    """Rooms that are for more than one call, and were not deleted, in order of creation."""
    room = ROOMS.c
    existing = select(ROOMS).where(room.deleted_at.is_(None), room.is_session.is_(False))
    return existing.order_by(room.created_at, room.id)


def one_call(call_id: str) -> Select[Any]:
    """A call, with the columns of its room; these are null where it has none."""
    room_columns = (column.label(ROOM_COLUMN + column.name) for column in ROOMS.c)
    joined = CALLS.outerjoin(ROOMS, ROOMS.c.id == CALLS.c.room_id)
    return select(*CALLS.c, *room_columns).select_from(joined).where(CALLS.c.id == call_id)


def calls_in_rooms(wanted: RoomFilter, window: Window) -> Select[Any]:
    """Calls in rooms with the columns of their rooms, newest first."""
    call = CALLS.c
    statement = _in_rooms()
    if wanted.is_over is not None:
        is_over = call.ended_at.is_not(None) if wanted.is_over else call.ended_at.is_(None)
        statement = statement.where(is_over)
    if wanted.name is not None:
        is_unnamed = ROOMS.c.unique_name.is_(None)
        sid = wanted.name.removeprefix("RM")
        has_sid = is_unnamed & (call.id == sid) if sid != wanted.name else None
        is_named = ROOMS.c.unique_name == wanted.name
        statement = statement.where(is_named if has_sid is None else or_(is_named, has_sid))
    if wanted.after is not None:
        statement = statement.where(call.started_at >= wanted.after)
    if wanted.before is not None:
        statement = statement.where(call.started_at <= wanted.before)
    return in_window(statement, window, call.started_at, call.id, newest_first=True)


def _in_rooms() -> Select[Any]:
    room_columns = (column.label(ROOM_COLUMN + column.name) for column in ROOMS.c)
    joined = CALLS.join(ROOMS, ROOMS.c.id == CALLS.c.room_id)
    return select(*CALLS.c, *room_columns).select_from(joined)


# ---------------------------------------------------------------- after a restart


def end_other_calls(*, now: float) -> Update:
    """End the calls that go on, but for those whose rooms were made for them.

    Args:
        now: Unix seconds.
    """
    own_room = exists().where(
        ROOMS.c.id == CALLS.c.room_id, ROOMS.c.is_session.is_(True), ROOMS.c.deleted_at.is_(None)
    )
    return update(CALLS).where(CALLS.c.ended_at.is_(None), ~own_room).values(ended_at=now)


def calls_to_resume() -> Select[Any]:
    """Calls that go on, with the columns of their rooms and `had_visits`, in order of start."""
    goes_on = _in_rooms().where(CALLS.c.ended_at.is_(None))
    return goes_on.add_columns(had_visits()).order_by(CALLS.c.started_at, CALLS.c.id)


def retire_rooms(*, now: float) -> Update:
    """Delete rooms that were made for one call, and have none that goes on.

    Args:
        now: Unix seconds.
    """
    goes_on = exists().where(CALLS.c.room_id == ROOMS.c.id, CALLS.c.ended_at.is_(None))
    return (
        update(ROOMS)
        .where(ROOMS.c.is_session.is_(True), ROOMS.c.deleted_at.is_(None), ~goes_on)
        .values(deleted_at=now)
    )


# ---------------------------------------------------------------- forgetting


def forget_rooms(*, deleted_before: float, most: int) -> Delete:
    """Remove rows of deleted rooms, none of whose calls is remembered.

    Args:
        deleted_before: Unix seconds.
        most: Rows.
    """
    is_remembered = exists().where(CALLS.c.room_id == ROOMS.c.id)
    chosen = select(ROOMS.c.id).where(ROOMS.c.deleted_at < deleted_before, ~is_remembered)
    return delete(ROOMS).where(ROOMS.c.id.in_(chosen.limit(most)))
