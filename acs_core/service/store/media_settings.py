"""The table of media settings: where recordings and compositions are kept, as somebody asked."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Select, String, Table, select

from acs_core.service.store.database import METADATA

__all__ = ["MEDIA_SETTINGS", "settings_of"]

MEDIA_SETTINGS: Final = Table(
    "media_settings",
    METADATA,
    Column("kind", String, primary_key=True),
    Column("friendly_name", String, nullable=False),
    Column("aws_credentials_sid", String),
    Column("aws_s3_url", String),
    Column("encryption_key_sid", String),
)
"""One row per kind of media (`recordings`, `compositions`) whose settings were ever made."""


def settings_of(kind: str) -> Select[Any]:
    """The row of a kind of media; none where nobody made its settings."""
    return select(MEDIA_SETTINGS).where(MEDIA_SETTINGS.c.kind == kind)
