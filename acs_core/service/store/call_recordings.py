"""The table of the recordings of whole calls, as Call Automation starts them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Column, Float, String, Table, Text

from acs_core.service.store.database import METADATA

__all__ = ["CALL_RECORDINGS"]

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
