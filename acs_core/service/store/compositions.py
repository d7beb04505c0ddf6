"""Tables of compositions and of the hooks that make them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, String, Table, Text

from acs_core.service.store.database import METADATA

__all__ = ["COMPOSITIONS", "COMPOSITION_HOOKS"]

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
