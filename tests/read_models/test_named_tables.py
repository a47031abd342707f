"""Tables that are given by their names: found when they are needed, outside of Lambda at the start."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Integer, MetaData, String, Table, inspect, select
from sqlalchemy.orm import DeclarativeBase

from cqrs_nest.commands import CommandModel
from cqrs_nest.read_models import InvalidProjectionError, Projection, SqlDatabase, SqlProjection, SqlRow
from cqrs_nest.read_models.columns import KeyText
from cqrs_nest.read_models.declared_metadata import UnknownMetadataError
from cqrs_nest.read_models.engine import TablesNotCreatedError
from cqrs_nest.read_models.migrations import Migrations
from tests.read_models.projections import PK, command

NAMED = "tests_named_tables:metadata"


@Projection("task", table="jobs", details=["job_tags"])
class JobProjection(SqlProjection):
    """Keeps jobs and their tags, and knows no table but by its name."""

    def details(self, command: CommandModel) -> Mapping[str, Sequence[SqlRow]]:
        return {"job_tags": [{"tag": tag} for tag in command.attributes["tags"]]}


@Projection("task", table="jobs")
class OtherJobProjection(SqlProjection):
    """Wants the same table."""


def declare() -> MetaData:
    metadata = MetaData()
    key = (Column("pk", KeyText(100), primary_key=True), Column("sk", KeyText(100), primary_key=True))
    version, name = Column("version", Integer, nullable=False), Column("name", String(100), nullable=False)
    Table("jobs", metadata, *key, version, name)
    key = (Column("pk", KeyText(100), primary_key=True), Column("sk", KeyText(100), primary_key=True))
    tag = Column("tag", String(50), primary_key=True)
    Table("job_tags", metadata, *key, tag, ForeignKeyConstraint(["pk", "sk"], ["jobs.pk", "jobs.sk"]))
    return metadata


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that can be imported, with a MetaData and something that is none."""
    module = ModuleType("tests_named_tables")
    vars(module).update(metadata=declare(), number=1)
    monkeypatch.setitem(sys.modules, "tests_named_tables", module)
    return module


@pytest.fixture
async def database(database_url: str, module: ModuleType) -> AsyncIterator[SqlDatabase]:
    database = SqlDatabase(database_url, NAMED, create_tables=True)
    yield database
    await database.on_application_shutdown()


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")


async def names(database: SqlDatabase) -> list[str]:
    async with database.connect() as connection:
        return sorted(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def rows(database: SqlDatabase, name: str) -> list[tuple[object, ...]]:
    table = database.table(name)
    assert table is not None
    async with database.connect() as connection:
        return [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]


async def test_rows_go_to_the_tables_that_are_named(database: SqlDatabase) -> None:
    projection = JobProjection(database)
    await database.on_module_init()
    assert await names(database) == ["job_tags", "jobs", "jobs_versions"]

    await projection.up(command("A", 1))
    await projection.up(command("A", 2))
    assert await rows(database, "jobs") == [(PK, "A", 2, "A in version 2")]
    assert await rows(database, "job_tags") == [(PK, "A", "all"), (PK, "A", "v2")]

    await projection.up(command("A", 3, isDeleted=True))
    assert await rows(database, "jobs") == await rows(database, "job_tags") == []


async def test_one_class_keeps_tables_of_several_databases(tmp_path: Path, module: ModuleType) -> None:
    first, second = (SqlDatabase(f"sqlite+aiosqlite:///{tmp_path / name}", NAMED) for name in "ab")
    assert JobProjection(first).tables == JobProjection(second).tables
    third = SqlDatabase("sqlite+aiosqlite://", declare())
    assert JobProjection(third).tables.table is third.table("jobs")


async def test_migrations_know_what_projections_add(
    database_url: str, module: ModuleType, tmp_path: Path
) -> None:
    database = SqlDatabase(database_url, [NAMED])
    JobProjection(database)
    migrations = Migrations(database, tmp_path)
    written = await migrations.generate("first")
    assert written is not None
    assert "jobs_versions" in written.read_text()
    await migrations.apply()
    assert await migrations.check() == []
    await migrations.undo("base")
    await database.on_application_shutdown()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tests_named_tables", "that is not the name of one"),
        (":metadata", "that is not the name of one"),
        (".tables:metadata", "that is not the name of one"),
        ("tests_named_tables:Base.tables", "tests_named_tables has no such name"),
        ("nowhere.tables:metadata", "there is no module nowhere"),
        ("tests.nowhere:metadata", "there is no module tests.nowhere"),
        ("tests_named_tables:tables", "tests_named_tables has no such name"),
        ("tests_named_tables:number", "tests_named_tables has a int of that name"),
    ],
)
async def test_a_wrong_name_stops_the_start(module: ModuleType, name: str, reason: str) -> None:
    database = SqlDatabase("sqlite+aiosqlite://", [name])
    with pytest.raises(UnknownMetadataError) as raised:
        await database.on_module_init()
    assert str(raised.value).startswith(f"SqlModule was given {name!r} for a MetaData, and {reason}.\nFix: ")


async def test_what_a_module_of_tables_lacks_is_said_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tables_that_lack.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        await SqlDatabase("sqlite+aiosqlite://", "tables_that_lack:metadata").on_module_init()


async def test_a_table_that_nobody_declares_stops_the_start() -> None:
    database = SqlDatabase("sqlite+aiosqlite://", MetaData())
    JobProjection(database)
    with pytest.raises(InvalidProjectionError, match=r"is in no MetaData .* given \(there are: none\)"):
        await database.on_module_init()


async def test_the_metadata_of_mapped_classes_has_a_name_too(module: ModuleType) -> None:
    class Base(DeclarativeBase):
        metadata = declare()

    vars(module).update(Base=Base)
    database = SqlDatabase("sqlite+aiosqlite://", "tests_named_tables:Base.metadata")
    assert JobProjection(database).tables.table is Base.metadata.tables["jobs"]


async def test_rows_of_a_table_that_is_not_kept_are_refused(database: SqlDatabase) -> None:
    class Misspelt(JobProjection):
        def details(self, command: CommandModel) -> Mapping[str, Sequence[SqlRow]]:
            return {"job_tag": []}

    projection = Misspelt(database)
    await database.on_module_init()
    with pytest.raises(InvalidProjectionError, match=r"job_tag is not one .* which are: jobs, job_tags\."):
        await projection.up(command("A", 1))


async def test_two_projections_of_one_table_stop_the_start(module: ModuleType) -> None:
    database = SqlDatabase("sqlite+aiosqlite://", NAMED)
    JobProjection(database), OtherJobProjection(database)
    for _ in range(2):  # and so at every further attempt
        with pytest.raises(InvalidProjectionError, match="kept by two projections"):
            await database.on_module_init()


@pytest.mark.usefixtures("in_lambda")
async def test_a_function_opens_the_database_when_it_is_first_used(
    tmp_path: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[SqlDatabase] = []
    create = SqlDatabase._create_missing

    async def counted(self: SqlDatabase) -> None:
        attempts.append(self)
        await create(self)

    monkeypatch.setattr(SqlDatabase, "_create_missing", counted)
    file = tmp_path / "jobs.sqlite3"
    database = SqlDatabase(f"sqlite+aiosqlite:///{file}", NAMED, create_tables=True)
    projection = JobProjection(database)
    await database.on_module_init()
    assert not file.exists()

    # At once: the tables are created by one of them, and the others wait for it.
    await asyncio.gather(*(projection.up(command(sk, 1)) for sk in "ABCDE"))
    assert [row[1] for row in await rows(database, "jobs")] == list("ABCDE")
    assert attempts == [database]
    await database.on_application_shutdown()


@pytest.mark.usefixtures("in_lambda")
async def test_a_function_says_what_is_wrong_at_the_first_use_and_tries_again(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    database = SqlDatabase(f"sqlite+aiosqlite:///{folder / 'jobs.sqlite3'}", declare(), create_tables=True)
    await database.on_module_init()
    with pytest.raises(TablesNotCreatedError, match="a folder that is there"):
        await names(database)
    folder.mkdir()
    assert await names(database) == ["job_tags", "jobs"]
    await database.on_application_shutdown()

    wrong = SqlDatabase("sqlite+aiosqlite://", MetaData())
    projection = JobProjection(wrong)
    await wrong.on_module_init()
    with pytest.raises(InvalidProjectionError, match="is in no MetaData"):
        await projection.up(command("A", 1))


async def test_a_projection_that_comes_after_the_start_finds_its_tables(database: SqlDatabase) -> None:
    await database.on_module_init()
    assert await names(database) == ["job_tags", "jobs"]
    await JobProjection(database).up(command("A", 1))
    assert await names(database) == ["job_tags", "jobs", "jobs_versions"]


async def test_a_projection_that_comes_while_tables_are_created_gets_its_own(
    database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = SqlDatabase._create_missing

    async def create_and_add(self: SqlDatabase) -> None:
        await create(self)
        monkeypatch.setattr(SqlDatabase, "_create_missing", create)
        JobProjection(self)

    monkeypatch.setattr(SqlDatabase, "_create_missing", create_and_add)
    await database.on_module_init()
    assert await names(database) == ["job_tags", "jobs", "jobs_versions"]


@pytest.mark.usefixtures("in_lambda")
@pytest.mark.parametrize("kind", ["provisioned-concurrency", "snap-start"])
async def test_a_function_that_starts_before_it_is_called_reads_the_declarations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    file = tmp_path / "jobs.sqlite3"
    database = SqlDatabase(f"sqlite+aiosqlite:///{file}", MetaData(), create_tables=True)
    await database.on_module_init()
    assert not file.exists()  # a snapshot holds no connections
    JobProjection(database)
    with pytest.raises(InvalidProjectionError):
        await database.on_module_init()


async def test_tools_create_no_tables(database: SqlDatabase) -> None:
    """They run no start hooks: migrations have to see what is missing."""
    JobProjection(database)
    assert await names(database) == []
