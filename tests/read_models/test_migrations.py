"""Migrations: written from the declarations, applied, taken back, and none of other services' tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, Connection, MetaData, String, inspect, text

from cqrs_nest.read_models import SqlDatabase
from cqrs_nest.read_models.migrations import MigrationError, Migrations
from tests.read_models.conftest import PROJECTED, TASKS
from tests.read_models.projections import TaskProjection, command, contents


@pytest.fixture
def declared() -> MetaData:
    """The tables of the projection, to be changed."""
    metadata = MetaData()
    for table in PROJECTED.tables.values():
        table.to_metadata(metadata)
    return metadata


@pytest.fixture
async def database(database_url: str, declared: MetaData) -> AsyncIterator[SqlDatabase]:
    database = SqlDatabase(database_url, declared)
    yield database
    await database.on_application_shutdown()


@pytest.fixture
def migrations(database: SqlDatabase, tmp_path: Path) -> Migrations:
    return Migrations(database, tmp_path / "migrations")


async def tables(database: SqlDatabase) -> list[str]:
    def names(connection: Connection) -> list[str]:
        return sorted(inspect(connection).get_table_names())

    async with database.connect() as connection:
        return await connection.run_sync(names)


async def test_what_is_declared_is_what_the_database_has(
    migrations: Migrations, database: SqlDatabase
) -> None:
    written = await migrations.generate("first tables")
    assert written is not None
    assert "KeyText(100)" in written.read_text()
    assert (await migrations.check())[0].startswith("the database is at no revision")
    revision = await migrations.apply()
    assert revision is not None
    assert written.name.startswith(revision)
    assert await tables(database) == ["alembic_version", "task_tags", "tasks", "tasks_versions"]
    assert await migrations.check() == []
    assert await migrations.generate("nothing") is None
    await TaskProjection(database).up(command("A", 1))
    assert "CREATE TABLE task_tags" in await migrations.sql()
    assert await migrations.undo("base") is None
    assert await tables(database) == ["alembic_version"]


async def test_a_change_keeps_the_rows(
    migrations: Migrations, database: SqlDatabase, declared: MetaData
) -> None:
    await migrations.generate("first tables")
    await migrations.apply()
    await TaskProjection(database).up(command("A", 1))
    before = await contents(database)
    tasks = declared.tables["tasks"]
    tasks.append_column(Column("is_done", Boolean))
    tasks.c.code.type = String(80)
    problems = await migrations.check()
    assert "not in a migration yet: add column tasks is_done" in problems
    await migrations.generate("done")
    await migrations.apply()
    assert await migrations.check() == []
    assert await contents(database) == before
    await migrations.undo()
    assert (await migrations.check())[0].startswith("the database is at ")


async def test_tables_of_other_services_are_left_alone(migrations: Migrations, database: SqlDatabase) -> None:
    async with database.begin() as connection:
        await connection.execute(text("CREATE TABLE theirs (id INTEGER PRIMARY KEY)"))
    written = await migrations.generate("first tables")
    assert written is not None
    assert "theirs" not in written.read_text()
    await migrations.apply()
    assert "theirs" in await tables(database)
    assert await migrations.check() == []


async def test_refusals_name_the_cause(
    migrations: Migrations, database: SqlDatabase, declared: MetaData
) -> None:
    await migrations.generate("first tables")
    with pytest.raises(MigrationError, match="Alembic refused: Can't locate revision"):
        await migrations.apply("nowhere")
    with pytest.raises(MigrationError, match=r"SqlModule.register\(metadata\)"):
        Migrations(SqlDatabase("sqlite+aiosqlite://"), Path("migrations"))
    async with database.begin() as connection:
        await connection.execute(text("CREATE TABLE tasks (id INTEGER PRIMARY KEY)"))
    with pytest.raises(MigrationError, match="The database refused"):
        await migrations.apply()
    assert TASKS.name in await tables(database)
