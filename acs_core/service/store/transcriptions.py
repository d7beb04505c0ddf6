"""The table of rooms' transcriptions: that what is said in a room is written down, since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import JSON, Column, Delete, Float, Select, String, Table, delete, select

from acs_core.service.store.database import METADATA

__all__ = [
    "TRANSCRIPTIONS",
    "forget_transcriptions",
    "transcription_of",
    "unfinished_transcriptions",
]

TRANSCRIPTIONS: Final = Table(
    "transcriptions",
    METADATA,
    Column("call_id", String(32), primary_key=True),
    Column("status", String, nullable=False),
    Column("configuration", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("seconds", Float, nullable=False),
    Column("finished_at", Float, index=True),
)
"""At most one per call. The columns are those of `TranscriptionRecord`; `finished_at` is null until
the call ended."""


def transcription_of(call_id: str) -> Select[Any]:
    """The row of a call; none where it was never transcribed."""
    return select(TRANSCRIPTIONS).where(TRANSCRIPTIONS.c.call_id == call_id)


def unfinished_transcriptions() -> Select[Any]:
    """The rows of calls that have not ended, or of which that was not written down."""
    return select(TRANSCRIPTIONS).where(TRANSCRIPTIONS.c.finished_at.is_(None))


def forget_transcriptions(call_ids: Sequence[str]) -> Delete:
    """Remove the transcriptions of calls."""
    return delete(TRANSCRIPTIONS).where(TRANSCRIPTIONS.c.call_id.in_(call_ids))
