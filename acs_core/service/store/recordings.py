"""The table of recordings: one row per track and period of being recorded."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Select,
    String,
    Table,
    Text,
    Update,
    select,
    update,
)

from acs_core.service.store.calls import are_old
from acs_core.service.store.database import METADATA

__all__ = ["RECORDINGS", "old_recordings", "rename_recordings"]

RECORDINGS: Final = Table(
    "recordings",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("call", String(32), nullable=False),
    Column("room", Text),
    Column("endpoint", String(32), nullable=False),
    Column("identity", Text, nullable=False),
    Column("publication", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("codec", String(8), nullable=False),
    Column("container", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("offset_ms", BigInteger, nullable=False),
    Column("duration", Float(53)),
    Column("size", BigInteger),
    Column("is_damaged", Boolean, nullable=False),
    Column("failure", Text, nullable=False),
    Index("ix_recordings_call", "call"),
    Index("ix_recordings_created_at", "created_at"),
    Index("ix_recordings_status", "status"),
)
"""Times are Unix seconds, `offset_ms` milliseconds on the service's clock, `duration` seconds."""


def rename_recordings(call_id: str, endpoint_id: str, identity: str) -> Update:
    """Give the recordings of an endpoint another identity."""
    return (
        update(RECORDINGS)
        .where(RECORDINGS.c.call == call_id, RECORDINGS.c.endpoint == endpoint_id)
        .values(identity=identity)
    )


def old_recordings(*, ended_before: float, except_as: str) -> Select[Any]:
    """Rows of recordings of calls without a room that ended earlier, or are forgotten.

    Args:
        ended_before: Unix seconds.
        except_as: Not those of this status.
    """
    columns = RECORDINGS.c
    return select(RECORDINGS).where(
        columns.room.is_(None),
        columns.status != except_as,
        are_old(columns.call, before=ended_before),
    )
