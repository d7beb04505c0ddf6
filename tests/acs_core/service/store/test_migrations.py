from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from acs_core.errors import ServiceError
from acs_core.service.store.database import METADATA, Database
from acs_core.service.store.migrations import load_tables, upgrade


def differences(connection: Connection) -> list[object]:
    load_tables()
    return list(compare_metadata(MigrationContext.configure(connection), METADATA))


def test_the_steps_make_the_tables_that_the_program_knows() -> None:
    """Add a step as `acs_core/service/store/migrations` says where this fails."""
    with create_engine("sqlite://").connect() as connection:
        upgrade(connection)
        assert differences(connection) == []
        connection.commit()
    connection.engine.dispose()


async def test_they_do_in_postgresql(postgres_url: str) -> None:
    await (await Database.open(postgres_url)).close()
    engine = create_async_engine(postgres_url.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_database_that_is_up_to_date_stays_as_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db"
    for _ in range(2):
        await (await Database.open(url)).close()
    engine = create_engine(url)
    assert "alembic_version" in inspect(engine).get_table_names()
    engine.dispose()


async def test_a_database_of_a_newer_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db"
    await (await Database.open(url)).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ServiceError, match="9999") as refused:
        await Database.open(url)
    assert refused.value.code == 503
    assert "Install the version" in refused.value.next_step
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()


def test_a_step_that_fails_leaves_nothing_behind() -> None:
    with create_engine("sqlite://").connect() as connection:
        connection.execute(text("CREATE TABLE visits (id INTEGER)"))
        connection.commit()
        with pytest.raises(Exception, match="already exists"):
            upgrade(connection)
        connection.rollback()
        assert inspect(connection).get_table_names() == ["visits"]
    connection.engine.dispose()
