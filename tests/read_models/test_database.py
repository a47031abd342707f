import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import MetaData, Table, func, insert, select, text

from cqrs_nest.config import Environment
from cqrs_nest.read_models import DatabaseNotConfiguredError, SqlDatabase
from cqrs_nest.read_models.database import database_url

LOCAL = Environment(node_env="local", app_name="demo")


def todo(sk: str, version: int = 1) -> dict[str, object]:
    return {"pk": "TODO#acme", "sk": sk, "name": sk, "version": version}


async def count(database: SqlDatabase, table: Table) -> int:
    async with database.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


def test_importing_the_package_does_not_import_sqlalchemy() -> None:
    code = "import sys, cqrs_nest.read_models; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_block_that_raises_leaves_nothing(database: SqlDatabase, todos: Table) -> None:
    async def fail_half_way() -> None:
        async with database.begin() as connection:
            await connection.execute(insert(todos), todo("A1"))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        await fail_half_way()

    assert await count(database, todos) == 0


async def test_what_is_read_with_is_not_committed(database: SqlDatabase, todos: Table) -> None:
    async with database.connect() as connection:
        await connection.execute(insert(todos), todo("A1"))
    assert await count(database, todos) == 0


async def test_many_writers_that_read_first_all_get_through(sqlite: SqlDatabase, todos: Table) -> None:
    async def write_after_reading(number: int) -> None:
        async with sqlite.begin() as connection:
            before = (await connection.execute(select(func.count()).select_from(todos))).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(insert(todos), todo(f"A{number:02}", before))

    await asyncio.gather(*(write_after_reading(number) for number in range(20)))

    async with sqlite.connect() as connection:
        seen = (await connection.execute(select(todos.c.version).order_by(todos.c.version))).scalars().all()
    assert seen == list(range(20))


async def test_a_reader_does_not_wait_for_a_writer(database: SqlDatabase, todos: Table) -> None:
    async with database.begin() as connection:
        await connection.execute(insert(todos), todo("A1"))
        assert await count(database, todos) == 0
    assert await count(database, todos) == 1


async def test_in_memory_transactions_are_apart_and_its_file_goes_at_the_end(
    metadata: MetaData, todos: Table
) -> None:
    database = SqlDatabase("sqlite+aiosqlite:///:memory:", metadata, create_tables=True)
    await database.on_module_init()
    async with database.begin() as connection:
        await connection.execute(insert(todos), todo("A1"))
        assert await count(database, todos) == 0
    assert await count(database, todos) == 1
    file = str(database.engine.url.database)
    assert await asyncio.to_thread(os.path.exists, file)

    await database.on_application_shutdown()

    assert not await asyncio.to_thread(os.path.exists, os.path.dirname(file))


async def test_sqlite_is_set_up_for_concurrency(sqlite: SqlDatabase) -> None:
    async with sqlite.connect() as connection:
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await connection.scalar(text("PRAGMA busy_timeout")) == 10000


async def test_tables_are_created_only_when_asked(tmp_path: Path, metadata: MetaData) -> None:
    file = tmp_path / "never.sqlite3"
    database = SqlDatabase(f"sqlite+aiosqlite:///{file}", metadata)
    await database.on_module_init()
    await database.on_application_shutdown()
    assert not file.exists()


def test_the_url_is_the_one_given_then_the_variable_then_a_temporary_one() -> None:
    configured = Environment(node_env="prod", app_name="demo", database_url="postgresql+asyncpg://h/d")
    assert database_url(configured, "sqlite+aiosqlite:///x") == "sqlite+aiosqlite:///x"
    assert database_url(configured, None) == "postgresql+asyncpg://h/d"
    assert database_url(LOCAL, None) == "sqlite+aiosqlite:///:memory:"


def test_outside_development_the_variable_must_be_set() -> None:
    with pytest.raises(DatabaseNotConfiguredError, match="DATABASE_URL is not set"):
        database_url(Environment(node_env="dev", app_name="demo"), None)


async def test_an_error_does_not_show_the_row(database: SqlDatabase, todos: Table) -> None:
    async def insert_twice() -> None:
        async with database.begin() as connection:
            for _ in range(2):
                await connection.execute(insert(todos), {**todo("A1"), "name": "canary"})

    with pytest.raises(Exception, match=r"UNIQUE|duplicate key|Duplicate entry") as caught:
        await insert_twice()
    assert "canary" not in str(caught.value)
