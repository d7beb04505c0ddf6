"""What alembic runs for each of its commands: connects it with the database and the tables."""

from __future__ import annotations

from alembic import context

from acs_core.service.store.database import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite cannot change columns; alembic copies the table instead.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
