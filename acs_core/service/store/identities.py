"""The table of identities: users, and that tokens of theirs are void."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Delete, Float, String, Table, delete

from acs_core.service.store.database import METADATA

__all__ = ["IDENTITIES", "forget_identities"]

IDENTITIES: Final = Table(
    "identities",
    METADATA,
    Column("raw_id", String, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("is_deleted", Boolean, nullable=False),
)
"""Users. Tokens issued until `revoked_at` are void; a deleted user's row stays as a mark while its
tokens could be valid."""


def forget_identities(*, deleted_before: float) -> Delete:
    """Remove the marks of deleted users.

    Args:
        deleted_before: Unix seconds; a token of then must have expired since.
    """
    is_old = IDENTITIES.c.revoked_at < deleted_before
    return delete(IDENTITIES).where(IDENTITIES.c.is_deleted.is_(True), is_old)
