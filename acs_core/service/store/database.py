"""The database of the service: written behind, in order, and read through SQLAlchemy.

Theory of operation. State that calls need lives in memory; the database follows it. Whoever changes
something calls `put` or `write`, which never wait: a task of the database carries the statements
out in order, all that have come meanwhile in one transaction. Whoever acknowledges a change to a
client makes it in a `durable` block, or awaits `flush` first: what was acknowledged is durable
then. Reads see everything that was written before them. Nothing on the way of media ever awaits
the database.

Where the disk is full or the server gone, statements wait, and are tried again; `flush` refuses
meanwhile, and `durable` before anything was changed. A statement that can never work is logged and
dropped, so that it holds up no other, as are those that are too many to wait; whoever waits for a
flush then is refused, too.

SQLite runs in write-ahead mode and syncs each transaction (`synchronous=FULL`): a transaction that
was committed survives a cut of power, too. PostgreSQL is written through one connection, which
holds the lock of `engines.py`: who has not got it writes nothing, also after a lost connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Executable, MetaData, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import StaticPool

from acs_core.errors import CallingError, ServiceError, Stage
from acs_core.service.store.engines import engines, is_in_memory

__all__ = ["IN_MEMORY", "METADATA", "Database"]

_log = logging.getLogger(__name__)

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables; the modules of this package add theirs."""

IN_MEMORY: Final = "sqlite+aiosqlite://"
BATCH: Final = 500
"""Statements of one transaction at most: others want to read in between."""
MOST_WAITING: Final = 100_000
"""Statements that wait for a database that cannot be written; more are dropped."""
RETRY_INTERVAL: Final = 1.0
FLUSH_DEADLINE: Final = 10.0
READ_DEADLINE: Final = 10.0
CLOSE_DEADLINE: Final = 2.0

# Classes of SQLSTATE that say that the server is at fault (PostgreSQL, appendix A): connection,
# rollback, resources, operator and system; and a transaction that may only read.
SERVER_FAULTS: Final = ("08", "40", "53", "57", "58", "25006")

_Statement: TypeAlias = tuple[Executable, Mapping[str, Any] | None, Table | None]
"""What to execute, with what, and for a row of a table: of which."""


class _RejectedError(Exception):
    """A statement can never work."""


class Database:
    """One open database; `open` makes it, `close` ends it.

    Args:
        engine: Connects to it.
        writing: Connects to it for writing; None: the same.
        retry_interval: Seconds after which a failed attempt to write is repeated.
        most_waiting: Statements that wait at most; further ones are dropped.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        writing: AsyncEngine | None = None,
        retry_interval: float = RETRY_INTERVAL,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._engine = engine
        self._writing = writing or engine
        self._retry_interval = retry_interval
        self._most_waiting = most_waiting
        # Connections to a database in memory are one connection.
        self._alone = asyncio.Lock() if isinstance(engine.pool, StaticPool) else None
        self._waiting: deque[_Statement] = deque()
        self._written = 0  # statements that were queued, ever
        self._done = 0  # of these, those that were carried out or dropped
        self._lost = 0  # those that were dropped
        self._is_full = False
        self._puts: dict[tuple[str, ...], Executable] = {}
        self._failure: Exception | None = None
        self._has_work = asyncio.Event()
        self._progress = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str = IN_MEMORY,
        *,
        connections: int = 5,
        retry_interval: float = RETRY_INTERVAL,
        most_waiting: int = MOST_WAITING,
    ) -> Database:
        """Connect, and bring the tables up to date.

        Args:
            url: As SQLAlchemy writes it, ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``;
                the driver may be left out.
            connections: To PostgreSQL at a time, at most; one of them is for writing.
            retry_interval: As for the class.
            most_waiting: As for the class.

        Raises:
            InvalidArgumentError: The URL is none, or of another kind of database.
            ServiceError: 503, the database cannot be opened, or another service uses it; it says
                why.
        """
        engine, writing = engines(url, connections)
        self = cls(
            engine, writing=writing, retry_interval=retry_interval, most_waiting=most_waiting
        )
        try:
            async with self._connection(writing) as connection:
                await connection.run_sync(_bring_up_to_date)
        except BaseException as error:
            await self._disconnect()
            if isinstance(error, CallingError) or not isinstance(error, Exception):
                raise
            raise _unusable(error) from error
        self._writer = asyncio.create_task(self._write_behind(), name="database writer")
        return self

    async def close(self) -> None:
        """Write what waits, then disconnect."""
        try:
            await self.flush(deadline=CLOSE_DEADLINE)
        except ServiceError as error:
            _log.error("%d changes were not stored: %s", len(self._waiting), error)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer}, timeout=CLOSE_DEADLINE)
        await self._disconnect()

    async def _disconnect(self) -> None:
        # A server that does not answer is left alone.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE):
                await self._engine.dispose()
                await self._writing.dispose()

    # ------------------------------------------------------------ writing

    def put(self, table: Table, row: Mapping[str, Any]) -> None:
        """Write a row, in place of the one with the same primary key.

        Args:
            table: Of `METADATA`.
            row: By name of column, those included that must not be null; others keep what they
                have.
        """
        names = (table.name, *row)
        statement = self._puts.get(names)
        if statement is None:
            statement = self._puts[names] = self._put_statement(table, tuple(row))
        self._queue(statement, row, table)

    def _put_statement(self, table: Table, names: Sequence[str]) -> Executable:
        # Its parameters are named when it is carried out: one statement serves many rows.
        insert = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        keys = [column.name for column in table.primary_key]
        statement = insert(table)
        changed = {name: statement.excluded[name] for name in names if name not in keys}
        if not changed:
            return statement.on_conflict_do_nothing(index_elements=keys)
        return statement.on_conflict_do_update(index_elements=keys, set_=changed)

    def write(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        """Carry out a statement soon, after what was written before it; never waits.

        It may be carried out twice, where a connection is lost before the answer.
        """
        self._queue(statement, parameters, None)

    def _queue(
        self, statement: Executable, parameters: Mapping[str, Any] | None, table: Table | None
    ) -> None:
        if len(self._waiting) >= self._most_waiting:
            if not self._is_full:
                _log.error("the database cannot be written; changes are lost from now on")
            self._is_full = True
            self._lost += 1
            return
        self._waiting.append((statement, parameters, table))
        self._written += 1
        self._has_work.set()

    def check_writable(self) -> None:
        """Refuse a change before it is made, while none can be stored.

        Raises:
            ServiceError: 503: the last attempt to write failed, and no later one succeeded yet.
        """
        if self._failure is not None:
            raise _unusable(self._failure) from self._failure

    async def flush(self, *, deadline: float = FLUSH_DEADLINE) -> None:
        """Return when everything that was written so far is durable.

        Raises:
            ServiceError: 503, it is not; it is tried again all the same.
        """
        is_full, lost = self._is_full, self._lost
        await self._carried_out(deadline)
        if is_full:
            raise _unusable(RuntimeError("too many changes wait"))
        self._check_lost(lost)

    @contextlib.asynccontextmanager
    async def durable(self) -> AsyncIterator[None]:
        """A block of changes: refused while none can be stored, and durable at its end.

        Raises:
            ServiceError: 503, before the block or after it; what it has changed stays so then.
        """
        self.check_writable()
        lost = self._lost
        yield
        await self.flush()
        # What the block waited for in between may have carried its statements out already.
        self._check_lost(lost)

    def _check_lost(self, before: int) -> None:
        if self._lost > before:
            # Perhaps somebody else's; better one refusal too many than a change that is not there.
            raise _unusable(RuntimeError("a change cannot be stored, see the log"))

    async def _carried_out(self, deadline: float) -> None:
        """Return when everything that was written so far has been tried with success or for good.

        Raises:
            ServiceError: 503, it will be tried again.
        """
        wanted = self._written
        try:
            async with asyncio.timeout(deadline):
                while self._done < wanted:
                    self.check_writable()
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError as error:
            raise _unusable(error) from error

    # ------------------------------------------------------------ reading

    async def all(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows of a query.

        Raises:
            ServiceError: 503, the database cannot be read.
        """
        await self._carried_out(FLUSH_DEADLINE)
        try:
            async with asyncio.timeout(READ_DEADLINE), self._connection(self._engine) as connection:
                return (await connection.execute(statement)).all()
        except Exception as error:
            # While it connects, a driver raises errors of its own as well.
            raise _unusable(error) from error

    async def first(self, statement: Executable) -> Row[Any] | None:
        """The first row of a query, or None; see `all`."""
        rows = await self.all(statement)
        return rows[0] if rows else None

    # ------------------------------------------------------------ inside

    @contextlib.asynccontextmanager
    async def _connection(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which is committed at the end of the block."""
        async with self._alone or contextlib.nullcontext(), engine.begin() as connection:
            yield connection

    async def _write_behind(self) -> None:
        while True:
            if not self._waiting:
                self._has_work.clear()
                await self._has_work.wait()
            count = min(len(self._waiting), BATCH)
            batch = [self._waiting[index] for index in range(count)]
            try:
                await self._carry_out(batch)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                _log.warning("the database cannot be written: %s", _reason(error))
                self._tell(failure=error)
                await asyncio.sleep(self._retry_interval)
                continue
            for _ in range(count):
                self._waiting.popleft()
            self._done += count
            self._is_full = False
            self._tell(failure=None)

    async def _carry_out(self, batch: Sequence[_Statement]) -> None:
        try:
            await self._commit(batch)
        except _RejectedError:
            for statement in batch:
                try:
                    await self._commit([statement])
                except _RejectedError as error:
                    self._lost += 1
                    _log.error("a change cannot be stored: %s", error)

    async def _commit(self, batch: Sequence[_Statement]) -> None:
        async with self._connection(self._writing) as connection:
            for statement, rows in _joined(batch):
                try:
                    await connection.execute(statement, rows)
                except Exception as error:
                    if _may_work_later(error):
                        raise
                    raise _RejectedError(_reason(error)) from error

    def _tell(self, *, failure: Exception | None) -> None:
        self._failure = failure
        self._progress.set()


def _joined(
    batch: Sequence[_Statement],
) -> Iterator[tuple[Executable, Sequence[Mapping[str, Any]] | Mapping[str, Any] | None]]:
    """The same statements in an order that does the same, with the rows of each table together.

    One statement for many rows costs a fraction of many statements. Rows of different tables change
    places by this; nothing that was written by `Database.write` does.
    """
    puts: dict[Table, tuple[Executable, list[Mapping[str, Any]]]] = {}
    for statement, parameters, table in batch:
        # Of one table, too, rows with other columns come after those before them.
        if table is None or (table in puts and puts[table][0] is not statement):
            yield from puts.values()
            puts = {}
        if table is None or parameters is None:
            yield statement, parameters
        else:
            puts.setdefault(table, (statement, []))[1].append(parameters)
    yield from puts.values()


def _bring_up_to_date(connection: Connection) -> None:
    """Make or change the tables; those of a database in memory are quicker made at once."""
    if is_in_memory(connection.engine.url):
        METADATA.create_all(connection)
        return
    # Here, since it takes a while, and a service without a database file needs none of it.
    from acs_core.service.store.migrations import upgrade

    upgrade(connection)


def _may_work_later(error: Exception) -> bool:
    """A full disk, a lock, a server that is gone: not the statement's fault."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError)
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(SERVER_FAULTS)
    code = getattr(error.orig, "sqlite_errorcode", None)
    # SQLITE_ERROR is for wrong SQL and for tables that are not there.
    return isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR


def _reason(error: BaseException) -> str:
    """What went wrong, in a line and without values, which are about people."""
    origin = error.orig if isinstance(error, StatementError) and error.orig else error
    if isinstance(origin, ValueError | TypeError):
        # Says which value cannot be converted.
        return type(origin).__name__
    # PostgreSQL tells values, too, in the lines after the first.
    return str(origin).partition("\n")[0] or type(origin).__name__


def _unusable(error: BaseException) -> ServiceError:
    return ServiceError(
        f"The database cannot be used: {_reason(error)}.",
        code=503,
        stage=Stage.SIGNALING,
        next_step="Look at the disk of the data directory, at the database server, or for another "
        "service; then retry.",
    )
