"""The table of webhook deliveries: what is to be told, to whom, and how far that is."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table, Text, func, or_, select
from sqlalchemy.sql import Delete, Select, Update

from acs_core.service.store.database import METADATA

__all__ = [
    "DELIVERIES",
    "REPLAYS",
    "deliveries_about",
    "deliveries_of_state",
    "delivery_of",
    "newest_deliveries",
    "old_deliveries",
    "progress_of",
    "sequences",
]

REPLAYS: Final = "replay of "
"""How the group of a delivery begins that repeats another one; the other's id follows."""

DELIVERIES: Final = Table(
    "webhook_deliveries",
    METADATA,
    Column("id", String(32), primary_key=True),
    # What belongs together is told in the order of `sequence`, from 0.
    Column("group_id", String(128), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("event", String(128), nullable=False),
    Column("url", Text, nullable=False),
    Column("method", String(8), nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", Text, nullable=False),
    # Text that the answer must have in it; usually empty.
    Column("expected", Text, nullable=False),
    Column("replay_of", String(32)),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Float, nullable=False),
    # Of the last attempt: HTTP status, and what was wrong.
    Column("status", Integer),
    Column("error", Text),
    Column("created_at", Float, nullable=False),
    Column("delivered_at", Float),
    Index("ix_webhook_deliveries_group", "group_id", "sequence"),
    Index("ix_webhook_deliveries_state", "state", "created_at"),
    Index("ix_webhook_deliveries_created", "created_at"),
)


def deliveries_of_state(state: str) -> Select[Any]:
    """The rows in a state, each group in its order, which clocks that are set do not change."""
    order = (DELIVERIES.c.sequence, DELIVERIES.c.created_at)
    return select(DELIVERIES).where(DELIVERIES.c.state == state).order_by(*order)


def deliveries_about(text: str, *, group: str) -> Select[Any]:
    """Rows of a group, and of replays of whatever, that have a text in their body or URL."""
    is_replay = DELIVERIES.c.group_id.between(REPLAYS, f"{REPLAYS}g")  # hex digits follow
    has_text = [
        column.contains(text, autoescape=True) for column in (DELIVERIES.c.body, DELIVERIES.c.url)
    ]
    return select(DELIVERIES).where(or_(DELIVERIES.c.group_id == group, is_replay), or_(*has_text))


def newest_deliveries(*, state: str, group: str, before: float | None, most: int) -> Select[Any]:
    """The newest rows, newest first.

    Args:
        state: Only these; empty for all.
        group: Likewise.
        before: Only those that were made before, Unix seconds.
        most: So many at most.
    """
    query = select(DELIVERIES)
    if state:
        query = query.where(DELIVERIES.c.state == state)
    if group:
        query = query.where(DELIVERIES.c.group_id == group)
    if before is not None:
        query = query.where(DELIVERIES.c.created_at < before)
    order = (DELIVERIES.c.created_at.desc(), DELIVERIES.c.sequence.desc())
    return query.order_by(*order).limit(most)


def delivery_of(delivery_id: str) -> Select[Any]:
    """One row."""
    return select(DELIVERIES).where(DELIVERIES.c.id == delivery_id)


def progress_of(delivery_id: str) -> Update:
    """The statement that changes one row; its `values` are to be given."""
    return DELIVERIES.update().where(DELIVERIES.c.id == delivery_id)


def sequences(*, most: int) -> Select[Any]:
    """The last sequence of each group, as `group_id` and `last`; the newest groups first.

    Args:
        most: So many groups at most.
    """
    group, last = DELIVERIES.c.group_id, func.max(DELIVERIES.c.sequence).label("last")
    newest = func.max(DELIVERIES.c.created_at).desc()
    return select(group, last).group_by(group).order_by(newest).limit(most)


def old_deliveries(state: str, *, before: float) -> Delete:
    """The statement that forgets old rows, except those in a state.

    Args:
        state: That of the rows to keep.
        before: Unix seconds.
    """
    is_old = DELIVERIES.c.created_at < before
    return DELIVERIES.delete().where(is_old, DELIVERIES.c.state != state)
