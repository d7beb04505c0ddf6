"""Connects to the databases that there may be: SQLite, and PostgreSQL with a lock.

Two services on one database would each believe to know all rooms, and end each other's calls. From
a file in a data directory the directory's lock keeps a second one away. In PostgreSQL the lock
belongs to the connection for writing, and goes with it: a service that was killed holds nobody up,
and one whose machine is gone does so for half a minute, until the server misses its answers.

Source: PostgreSQL, section 13.3.5 "Advisory Locks"; they do not work through a proxy that gives
connections away between transactions.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Final

from sqlalchemy import URL, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from acs_core.errors import InvalidArgumentError, Stage

__all__ = ["LockedError", "engines", "is_in_memory"]

CONNECT_DEADLINE: Final = 10.0
STATEMENT_DEADLINE: Final = 60.0
DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
LOCK: Final = int.from_bytes(b"calling")
"""A number that nothing else takes such locks by in the same database."""
LOCK_NOT_AVAILABLE: Final = "55P03"
# A service that was killed just now is seen for a moment longer.
_LOCKING: Final = (
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 4",
    "SET lock_timeout = '1s'",
    f"SELECT pg_advisory_lock({LOCK})",
    "SET lock_timeout = 0",
)


class LockedError(Exception):
    """Another service writes into the database."""


def engines(url: str, connections: int) -> tuple[AsyncEngine, AsyncEngine]:
    """What connects for reading, and what for writing; of SQLite they are the same.

    Connecting for writing raises `LockedError` while another service does.

    Args:
        url: As SQLAlchemy writes it; the driver may be left out.
        connections: To PostgreSQL at a time, at most; at least 2, one of which is for writing.

    Raises:
        InvalidArgumentError: The URL is none, or of another kind of database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _wrong_url("This is no URL of a database.") from error
    driver = DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise _wrong_url(f"Databases of {parsed.get_backend_name()} are not supported.")
    parsed = parsed.set(drivername=driver)
    try:
        if driver.startswith("postgresql"):
            return _postgresql(parsed, connections - 1), _postgresql(parsed, 1, has_lock=True)
        engine = _sqlite(parsed)
    except (ImportError, NoSuchModuleError) as error:
        raise InvalidArgumentError(
            f"The driver of this database is not installed: {error}.",
            stage=Stage.ARGUMENT,
            next_step="Install twilio-compat[postgres].",
        ) from error
    return engine, engine


def is_in_memory(url: URL) -> bool:
    """Whether a database is nowhere but in this process."""
    is_nowhere = url.database in (None, "", ":memory:")
    return is_nowhere and url.get_backend_name() == "sqlite"


def _postgresql(url: URL, connections: int, *, has_lock: bool = False) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"timeout": CONNECT_DEADLINE, "command_timeout": STATEMENT_DEADLINE},
    )
    if has_lock:
        event.listen(engine.sync_engine, "connect", _take_lock)
    return engine


def _take_lock(connection: Any, _: object) -> None:
    """Take the lock for as long as a new connection lasts."""
    cursor = connection.cursor()
    try:
        for statement in _LOCKING:
            cursor.execute(statement)
        connection.commit()
    except Exception as error:
        connection.close()
        if getattr(error, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise LockedError("another service uses it") from error
        raise
    finally:
        cursor.close()


def _sqlite(url: URL) -> AsyncEngine:
    options: dict[str, Any] = {"poolclass": StaticPool}
    if not is_in_memory(url):
        options = {}
        _make_private(str(url.database))
    engine = create_async_engine(url, **options)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _make_private(file: str) -> None:
    """Make a file that only its owner may read, where there is none; SQLite would ask nobody.

    The files that it puts beside it have the rights of this one.
    """
    # What is wrong with the place, SQLite tells.
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _wrong_url(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        message,
        stage=Stage.ARGUMENT,
        next_step="Write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.",
    )
