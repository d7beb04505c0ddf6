"""Tables of compositions and of the hooks that make them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Select,
    String,
    Table,
    Text,
    exists,
    or_,
    select,
)

from acs_core.service.store.calls import CALLS, are_old
from acs_core.service.store.database import METADATA
from acs_core.service.store.recordings import RECORDINGS

__all__ = ["COMPOSITIONS", "COMPOSITION_HOOKS", "calls_without", "old_compositions"]

COMPOSITIONS: Final = Table(
    "compositions",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("call", String(32), nullable=False, index=True),
    Column("hook", String(32)),
    Column("hook_name", String(256)),
    Column("state", String(16), nullable=False, index=True),
    Column("order", JSON, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
    Column("completed_at", Float),
    Column("deleted_at", Float),
    Column("duration", Float),
    Column("size", BigInteger),
    Column("failure", Text, nullable=False),
)
"""One row per file that is, was or is to be rendered. `order` is a `CompositionOrder`."""

COMPOSITION_HOOKS: Final = Table(
    "composition_hooks",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(256), nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("order", JSON, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
    Column("updated_at", Float),
)
"""One row per hook. `order` is that of the compositions it makes."""


def calls_without(hook_id: str, *, ended_since: float, recorded_as: str) -> Select[Any]:
    """Id and start of recorded calls in rooms that have no composition of a hook, the first first.

    Args:
        hook_id: Of the hook.
        ended_since: Unix seconds; those that go on are among them as well.
        recorded_as: The status of at least one recording.
    """
    call, recording, made = CALLS.c, RECORDINGS.c, COMPOSITIONS.c
    is_recorded = exists().where(recording.call == call.id, recording.status == recorded_as)
    is_composed = exists().where(made.call == call.id, made.hook == hook_id)
    return (
        select(call.id, call.started_at)
        .where(
            call.room_id.is_not(None),
            or_(call.ended_at.is_(None), call.ended_at >= ended_since),
            is_recorded,
            ~is_composed,
        )
        .order_by(call.started_at, call.id)
    )


def old_compositions(
    purpose: str, *, ended_before: float, except_in: Collection[str]
) -> Select[Any]:
    """Rows of compositions of calls that ended earlier, or are forgotten.

    Args:
        purpose: Only those that were made for this.
        ended_before: Unix seconds.
        except_in: Not those in these states.
    """
    columns = COMPOSITIONS.c
    return select(COMPOSITIONS).where(
        columns.purpose == purpose,
        columns.state.not_in(except_in),
        are_old(columns.call, before=ended_before),
    )
