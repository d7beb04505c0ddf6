"""The table of the recordings of whole calls, as Call Automation starts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import JSON, Column, Delete, Float, String, Table, Text, delete

from acs_core.service.store.database import METADATA

__all__ = ["CALL_RECORDINGS", "forget_call_recordings"]

CALL_RECORDINGS: Final = Table(
    "call_recordings",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("call_id", String(32), nullable=False, index=True),
    Column("content", String(16), nullable=False),
    Column("channels", String(16), nullable=False),
    Column("format", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("stopped_at", Float),
    Column("pauses", JSON, nullable=False),
    Column("callback_uri", Text, nullable=False),
    Column("participants", JSON, nullable=False),
)
"""`pauses` are pairs of Unix seconds, the last one's end null while it lasts; `participants` are
raw ids in the order of the channels of an unmixed recording."""


def forget_call_recordings(call_ids: Sequence[str]) -> Delete:
    """Remove what is known of the recordings of calls; their files stay."""
    return delete(CALL_RECORDINGS).where(CALL_RECORDINGS.c.call_id.in_(call_ids))
