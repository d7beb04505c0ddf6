from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from acs_core.errors import InvalidArgumentError, ServiceError
from acs_core.service.store.calls import CALLS, VISITS
from acs_core.service.store.database import Database
from acs_core.service.store.identities import IDENTITIES
from tests.support.disks import fill, small_disk
from tests.support.events import until


def user(name: str, **changes: Any) -> dict[str, Any]:
    return {"raw_id": name, "created_at": 1.0, "revoked_at": None, "is_deleted": False, **changes}


async def names(database: Database) -> list[str]:
    rows = await database.all(select(IDENTITIES.c.raw_id).order_by(IDENTITIES.c.created_at))
    return [row.raw_id for row in rows]


@pytest.fixture(params=["memory", "file"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    is_file = request.param == "file"
    opened = await Database.open(f"sqlite:///{tmp_path}/db" if is_file else "sqlite://")
    yield opened
    await opened.close()


async def test_what_was_written_is_read_at_once(database: Database) -> None:
    assert await names(database) == []
    database.put(IDENTITIES, user("anna"))
    database.put(IDENTITIES, user("ben", created_at=2.0))
    assert await names(database) == ["anna", "ben"]
    assert await database.first(select(IDENTITIES).where(IDENTITIES.c.raw_id == "eve")) is None


async def test_writes_are_carried_out_in_order(database: Database) -> None:
    for number in range(50):
        database.put(IDENTITIES, user("anna", created_at=float(number)))
        database.write(delete(IDENTITIES).where(IDENTITIES.c.created_at < number))
    database.write(update(IDENTITIES).values(revoked_at=7.0))
    row = await database.first(select(IDENTITIES))
    assert row is not None
    assert (row.created_at, row.revoked_at) == (49.0, 7.0)


async def test_columns_that_are_not_named_keep_what_they_have(database: Database) -> None:
    database.put(IDENTITIES, user("anna", revoked_at=5.0))
    row = user("anna", created_at=2.0)
    del row["revoked_at"]
    database.put(IDENTITIES, row)
    found = await database.first(select(IDENTITIES))
    assert found is not None
    assert (found.created_at, found.revoked_at) == (2.0, 5.0)


async def test_rows_of_several_tables_and_shapes_come_out_as_if_written_one_by_one(
    database: Database,
) -> None:
    visit = {"call_id": "c", "id": "e", "identity": "anna", "arrived_at": 1.0}
    for number in range(5):
        database.put(VISITS, visit | {"arrived_at": float(number), "left_at": 9.0})
        database.put(IDENTITIES, user("anna", created_at=float(number)))
        database.put(VISITS, visit | {"identity": f"anna{number}"})
        database.put(VISITS, visit | {"id": f"{number}", "left_at": None})
    (found,) = await database.all(select(VISITS).where(VISITS.c.id == "e"))
    assert (found.identity, found.arrived_at, found.left_at) == ("anna4", 1.0, 9.0)
    assert len(await database.all(select(VISITS))) == 6
    assert (await database.all(select(IDENTITIES.c.created_at)))[0][0] == 4.0


async def test_the_same_statement_twice_is_carried_out_twice(database: Database) -> None:
    database.put(IDENTITIES, user("anna"))
    later = update(IDENTITIES).values(created_at=IDENTITIES.c.created_at + 1)
    database.write(later)
    database.write(later)
    row = await database.first(select(IDENTITIES))
    assert row is not None
    assert row.created_at == 3.0


async def test_a_statement_that_can_never_work_holds_up_no_other(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.put(IDENTITIES, user("anna"))
    database.write(insert(IDENTITIES), user("anna"))  # is there already
    database.write(insert(IDENTITIES), user("eve", is_deleted="perhaps"))  # no Boolean
    database.write(text("INSERT INTO nowhere VALUES (1)"))
    row = {"id": "c", "type": "room", "started_at": 1.0, "recording_rules": object()}
    database.put(CALLS, row)  # no JSON
    database.put(IDENTITIES, user("ben", created_at=2.0))
    with caplog.at_level(logging.ERROR), pytest.raises(ServiceError, match="see the log"):
        await database.flush()
    await database.flush()
    assert await names(database) == ["anna", "ben"]
    assert len([line for line in caplog.messages if "cannot be stored" in line]) == 4
    # What is stored is about people.
    assert "perhaps" not in caplog.text


async def test_a_change_that_was_lost_while_its_block_waited_for_others_is_refused(
    tmp_path: Path,
) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/db", most_waiting=2)

    async def change(*rows: dict[str, Any]) -> None:
        async with database.durable():
            for row in rows:
                database.put(IDENTITIES, row)
            # Somebody who reads waits for all that was written.
            await names(database)

    for rows in ([user("eve", is_deleted="perhaps")], [user("anna"), user("ben"), user("tom")]):
        with pytest.raises(ServiceError, match="cannot be stored"):
            await change(*rows)
    await change(user("tom", created_at=2.0))
    assert await names(database) == ["anna", "ben", "tom"]
    await database.close()


async def test_flush_waits_for_what_was_written_before_it(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/db")
    for number in range(2000):
        database.put(IDENTITIES, user(f"{number}"))
    await database.flush()
    with sqlite3.connect(tmp_path / "db") as other:
        assert other.execute("SELECT count(*) FROM identities").fetchone() == (2000,)
    other.close()
    await database.close()


async def test_a_file_is_its_owners_wherever_it_is(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/db")
    modes = {name: os.stat(tmp_path / name).st_mode & 0o777 for name in os.listdir(tmp_path)}
    assert modes == {"db": 0o600, "db-wal": 0o600, "db-shm": 0o600}
    await database.close()


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/db")
    database.put(IDENTITIES, user("anna"))
    await database.close()
    again = await Database.open(f"sqlite:///{tmp_path}/db")
    assert await names(again) == ["anna"]
    await again.close()


async def test_a_database_that_somebody_holds_is_refused_and_written_later(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/db", retry_interval=0.01)
    other = sqlite3.connect(tmp_path / "db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    database.put(IDENTITIES, user("anna"))
    with pytest.raises(ServiceError) as refused:
        await database.flush(deadline=0.2)
    assert refused.value.code == 503
    other.execute("ROLLBACK")
    other.close()
    assert await names(database) == ["anna"]
    await database.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as place:
        yield place


async def test_a_full_disk_is_told_and_what_waits_is_written_when_there_is_room(disk: Path) -> None:
    database = await Database.open(f"sqlite:///{disk}/db", retry_interval=0.01)
    database.put(IDENTITIES, user("anna"))
    await database.flush()
    fill(disk / "ballast")
    with pytest.raises(ServiceError) as refused:
        await put_many(database)
    assert (refused.value.code, "full" in refused.value.message) == (503, True)
    with pytest.raises(ServiceError):
        database.check_writable()
    with pytest.raises(ServiceError):
        await database.durable().__aenter__()
    (disk / "ballast").unlink()
    await until(lambda: not is_refused(database))
    written = await names(database)
    assert written[0] == "anna"
    assert written[1:] == [f"{number}" for number in range(len(written) - 1)]
    await database.close()


async def put_many(database: Database) -> None:
    for number in range(1000):
        database.put(IDENTITIES, user(f"{number}", created_at=2.0))
        await database.flush()


def is_refused(database: Database) -> bool:
    try:
        database.check_writable()
    except ServiceError:
        return True
    return False


async def test_more_than_can_wait_is_refused_until_there_is_room(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/db", most_waiting=3)
    for number in range(5):
        database.put(IDENTITIES, user(f"{number}", created_at=float(number)))
    with pytest.raises(ServiceError, match="too many"):
        await database.flush()
    database.put(IDENTITIES, user("later", created_at=9.0))
    await database.flush()
    assert await names(database) == ["0", "1", "2", "later"]
    await database.close()


async def test_another_driver_of_a_database_is_replaced_by_the_one_we_have() -> None:
    database = await Database.open("sqlite+pysqlite://")
    assert await names(database) == []
    await database.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://root@host/db"])
async def test_what_is_no_database_of_ours_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError):
        await Database.open(url)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"no database" * 1000)
    for path in (tmp_path / "db", tmp_path / "missing" / "db"):
        with pytest.raises(ServiceError) as refused:
            await Database.open(f"sqlite:///{path}")
        assert refused.value.code == 503
    # The driver's threads answer the loop once more after a failure.
    await until(lambda: not any("_connection_worker" in one.name for one in threading.enumerate()))


async def test_a_server_that_is_not_there_is_refused() -> None:
    with pytest.raises(ServiceError) as refused:
        await Database.open("postgresql://nobody@127.0.0.1:1/nothing")
    assert refused.value.code == 503


async def test_reads_and_writes_at_once_do_not_disturb_each_other(database: Database) -> None:
    async def work(name: str) -> None:
        for number in range(20):
            database.put(IDENTITIES, user(f"{name}{number}"))
            await database.flush()
            assert f"{name}{number}" in await names(database)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for name in ("a", "b", "c"):
            group.create_task(work(name))


# ---------------------------------------------------------------- PostgreSQL


async def test_postgresql_keeps_the_same(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    for number in range(300):
        database.put(IDENTITIES, user(f"{number:03}", created_at=float(number)))
    database.put(IDENTITIES, user("007", created_at=7.0, revoked_at=5.0))
    rules = [{"is_include": True, "kind": None}]
    call = {"id": "c", "type": "room", "room_id": None, "started_at": 1.5, "ended_at": None}
    database.put(CALLS, call | {"recording_rules": rules})
    assert len(await names(database)) == 300
    row = await database.first(select(IDENTITIES).where(IDENTITIES.c.revoked_at.is_not(None)))
    assert row is not None
    assert row.raw_id == "007"
    kept = await database.first(select(CALLS))
    assert kept is not None
    assert (kept.started_at, kept.recording_rules) == (1.5, rules)
    await database.close()


async def test_postgresql_drops_what_can_never_work_and_goes_on_after_a_lost_connection(
    postgres_url: str,
) -> None:
    database = await Database.open(postgres_url, retry_interval=0.01)
    database.put(IDENTITIES, user("a\0b"))
    database.put(IDENTITIES, user("carl"))
    with pytest.raises(ServiceError):
        await database.flush()
    others = "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    await database.all(text(f"SELECT pg_terminate_backend(pid) FROM {others}"))
    database.put(IDENTITIES, user("dora"))
    await until(lambda: not database._waiting)
    found = set(await names(database))
    assert {"carl", "dora"} <= found
    await database.close()


async def test_postgresql_is_for_one_service_at_a_time(postgres_url: str) -> None:
    first = await Database.open(postgres_url, retry_interval=0.01)
    with pytest.raises(ServiceError, match="another service uses it") as refused:
        await Database.open(postgres_url)
    assert refused.value.code == 503
    # One that has lost its connection has lost its right to write.
    others = "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    await first.all(text(f"SELECT pg_terminate_backend(pid) FROM {others}"))
    second = await Database.open(postgres_url)
    first.put(IDENTITIES, user("first"))
    with pytest.raises(ServiceError, match="another service uses it"):
        await first.flush()
    await second.close()
    await until(lambda: not is_refused(first))
    assert "first" in await names(first)
    await first.close()
