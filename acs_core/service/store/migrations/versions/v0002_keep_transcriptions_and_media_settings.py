"""Keep transcriptions and media settings."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "media_settings",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("aws_credentials_sid", sa.String(), nullable=True),
        sa.Column("aws_s3_url", sa.String(), nullable=True),
        sa.Column("encryption_key_sid", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_media_settings")),
    )
    op.create_table(
        "transcriptions",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_transcriptions")),
    )
    with op.batch_alter_table("transcriptions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transcriptions_finished_at"), ["finished_at"], unique=False
        )
