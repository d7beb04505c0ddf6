"""Brings the tables of a database up to date, whatever version of this program wrote it.

Each file below `versions/` is one step. Whoever changes a table of the package `store` adds one::

    python -m acs_core.service.store.migrations "add a color to rooms"

writes it from the difference between the steps so far and `METADATA`; read it, correct what cannot
be guessed, such as a column that was renamed, and let `make format` have it. A test fails while
they differ. Steps that were published are not changed any more. There is no way down: whoever goes
back to an older version takes the backup of then along.

Source: alembic's cookbook, "Programmatic API use".
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from acs_core.errors import ServiceError, Stage

__all__ = ["load_tables", "make_config", "upgrade"]

FOLDER: Final = Path(__file__).parent
HEAD: Final = "head"


def load_tables() -> None:
    """Import every module of the package `store`, so that `METADATA` has all tables."""
    for module in pkgutil.iter_modules([str(FOLDER.parent)], "acs_core.service.store."):
        importlib.import_module(module.name)


def make_config(connection: Connection) -> Config:
    """What alembic is to know.

    Args:
        connection: To the database, in a transaction.
    """
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    # Modules of Python cannot be named after numbers only.
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Take all steps that the database has not taken, or none.

    Args:
        connection: In a transaction, which the caller commits.

    Raises:
        ServiceError: 503: the database was written by a newer version of this program.
    """
    if connection.dialect.name == "sqlite":
        # Python's module begins transactions before changes of data only, not of tables.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = make_config(connection)
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise ServiceError(
            f"The database has version {', '.join(sorted(unknown))}, which this program is too old "
            "to know.",
            code=503,
            stage=Stage.SIGNALING,
            next_step="Install the version of twilio-compat that wrote it, or use another one.",
        )
    command.upgrade(config, HEAD)
