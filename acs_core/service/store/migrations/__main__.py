"""`python -m acs_core.service.store.migrations MESSAGE`: writes the next step."""

from __future__ import annotations

import sys

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from acs_core.service.store.migrations import load_tables, make_config, upgrade

__all__ = ["main"]


def main(message: str) -> None:
    """Write what the tables have that the steps so far have not.

    Args:
        message: What changes, as an imperative.
    """
    load_tables()
    with create_engine("sqlite://").connect() as connection:
        upgrade(connection)
        config = make_config(connection)
        steps = list(ScriptDirectory.from_config(config).walk_revisions())
        command.revision(config, message, autogenerate=True, rev_id=f"{len(steps) + 1:04}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {__doc__}")
    main(sys.argv[1])
