"""What commands make of the tables of a projection, whenever and however often they come."""

from __future__ import annotations

import asyncio
import importlib
import linecache
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, event, insert, select, update

from cqrs_nest.commands import CommandModel
from cqrs_nest.read_models import (
    InvalidProjectionError,
    Projection,
    ProjectionTarget,
    SqlDatabase,
    SqlProjection,
)
from cqrs_nest.read_models.columns import KeyText
from cqrs_nest.read_models.rebuild import plan_of
from tests.read_models.conftest import TASK_TAGS, TASKS
from tests.read_models.projections import (
    PK,
    START,
    TaskProjection,
    clear,
    command,
    contents,
    create_tables,
)


@pytest.fixture
async def projection(database_url: str) -> AsyncIterator[TaskProjection]:
    database = SqlDatabase(database_url)
    await create_tables(database)
    yield TaskProjection(database)
    await database.on_application_shutdown()


async def test_columns_take_properties_and_attributes_of_their_names(projection: TaskProjection) -> None:
    await projection.up(command("A", 1))
    found = await contents(projection.database)
    [row] = found["tasks"]
    assert row == {
        "pk": PK,
        "sk": "A",
        "version": 1,
        "name": "A in version 1",
        "code": "A",
        "tenant_code": "acme",
        "due_date": "2030-01-01",
        "attributes": {"dueDate": "2030-01-01", "tags": ["v1", "all"]},
        "created_at": command("A", 1).created_at,
        "created_by": "user 1",
        "updated_at": command("A", 1).updated_at,
    }
    assert [row["tag"] for row in found["task_tags"]] == ["all", "v1"]


async def test_a_later_command_replaces_all_but_who_created_the_item(projection: TaskProjection) -> None:
    for version in (1, 2):
        await projection.up(command("A", version))
    found = await contents(projection.database)
    [row] = found["tasks"]
    assert (row["version"], row["name"], row["created_by"]) == (2, "A in version 2", "user 1")
    assert [row["tag"] for row in found["task_tags"]] == ["all", "v2"]


async def test_a_deleted_item_leaves_no_rows_and_does_not_come_back(projection: TaskProjection) -> None:
    for late in (command("A", 2, isDeleted=True), command("A", 1), command("A", 2, isDeleted=True)):
        await projection.up(late)
        found = await contents(projection.database)
        assert (found["tasks"], found["task_tags"]) == ([], [])


async def test_an_item_made_anew_keeps_its_first_creator(projection: TaskProjection) -> None:
    for each in (command("A", 1), command("A", 2, isDeleted=True), command("A", 3)):
        await projection.up(each)
    [row] = (await contents(projection.database))["tasks"]
    assert (row["version"], row["created_by"], row["created_at"]) == (3, "user 1", command("A", 1).created_at)


async def test_down_forgets_the_item(projection: TaskProjection) -> None:
    await projection.up(command("A", 2))
    await projection.down(command("A", 2))
    assert not any((await contents(projection.database)).values())
    await projection.up(command("A", 1))
    assert [row["version"] for row in (await contents(projection.database))["tasks"]] == [1]


async def test_all_tables_or_none(projection: TaskProjection) -> None:
    await projection.up(command("A", 1))
    before = await contents(projection.database)
    with pytest.raises(Exception, match=r"(?i)null"):
        await projection.up(command("A", 2, attributes={"tags": [None]}))
    assert await contents(projection.database) == before


async def test_keys_differ_in_case_and_trailing_space(projection: TaskProjection) -> None:
    for sk in ("b", "B", "b ", "é"):
        await projection.up(command(sk, 1))
    assert [row["sk"] for row in (await contents(projection.database))["tasks"]] == ["B", "b", "b ", "é"]


VERSIONS = [(sk, version) for sk in ("A", "B") for version in range(1, 6)]


@st.composite
def deliveries(draw: st.DrawFn) -> list[CommandModel]:
    """All commands of two items, some of which delete, in any order, some of them several times."""
    deleting = draw(st.sets(st.sampled_from(VERSIONS)))
    repeated = draw(st.lists(st.sampled_from(VERSIONS), max_size=5))
    order = draw(st.permutations([*VERSIONS, *repeated]))
    return [command(sk, version, isDeleted=(sk, version) in deleting) for sk, version in order]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=deliveries(), at_once=st.integers(1, 5))
async def test_any_delivery_ends_in_the_same_rows(
    projection: TaskProjection, commands: list[CommandModel], at_once: int
) -> None:
    await clear(projection.database)
    for each in sorted({each.sk: each for each in commands}.values(), key=lambda each: each.version):
        await projection.up(each)
    expected = await contents(projection.database)

    await clear(projection.database)
    for start in range(0, len(commands), at_once):
        await asyncio.gather(*(projection.up(each) for each in commands[start : start + at_once]))
    assert await contents(projection.database) == expected


@pytest.mark.parametrize(
    ("sk", "version", "statements"),
    [
        pytest.param("B", 1, {"sqlite": 4, "postgresql": 4, "mysql": 6}, id="new"),
        pytest.param("A", 2, {"sqlite": 5, "postgresql": 5, "mysql": 5}, id="newer"),
        pytest.param("A", 1, {"sqlite": 2, "postgresql": 2, "mysql": 5}, id="repeated"),
    ],
)
async def test_the_number_of_statements_does_not_depend_on_the_rows(
    projection: TaskProjection, sk: str, version: int, statements: dict[str, int]
) -> None:
    """The version, who created the item, the tags that go, the row, and in one the tags that come."""
    await projection.up(command("A", 1, attributes={"tags": ["a", "b", "c"]}))
    seen: list[str] = []
    engine = projection.database.engine
    event.listen(engine.sync_engine, "before_cursor_execute", lambda _c, _r, text, *_: seen.append(text))
    await projection.up(command(sk, version, attributes={"tags": [f"tag {n}" for n in range(30)]}))
    written = [text for text in seen if not text.startswith("BEGIN")]
    assert len(written) == statements[engine.dialect.name]


class Counting(SqlProjection):
    """Written by hand: how many commands of each kind there were."""

    async def apply(self, target: ProjectionTarget, command: CommandModel) -> None:
        counts = target[COUNTS]
        statement = update(counts).where(counts.c.sk == command.name).values(times=counts.c.times + 1)
        if not (await target.connection.execute(statement)).rowcount:
            row = {"pk": command.pk, "sk": command.name, "times": 1}
            await target.connection.execute(insert(counts).values(row))


COUNTS = Table(
    "counts",
    MetaData(),
    Column("pk", KeyText(), primary_key=True),
    Column("sk", KeyText(), primary_key=True),
    Column("times", Integer, nullable=False),
)
Projection("task", table=COUNTS)(Counting)


async def test_a_projection_written_by_hand_gets_each_version_once(database_url: str) -> None:
    database = SqlDatabase(database_url, COUNTS.metadata, create_tables=True)
    await database.on_module_init()
    counting = Counting(database)
    for version in (1, 2, 2, 1, 3):
        await counting.up(command("A", version, name="changed"))
    async with database.connect() as connection:
        assert await connection.scalar(select(COUNTS.c.times)) == 3
    await database.on_application_shutdown()


def table(name: str, *columns: Column[Any], metadata: MetaData | None = None) -> Table:
    return Table(name, metadata or MetaData(), *columns)


@pytest.mark.parametrize(
    ("kept", "details", "message"),
    [
        (lambda: table("t", Column("id", Integer, primary_key=True)), (), "has no column pk and no sk"),
        (
            lambda: table(
                "t", Column("pk", KeyText()), Column("sk", KeyText()), Column("id", Integer, primary_key=True)
            ),
            (),
            "must hold one row for each item",
        ),
        (
            lambda: table(
                "t", Column("pk", KeyText(), primary_key=True), Column("sk", String(9), primary_key=True)
            ),
            (),
            "sk of the table t must be KeyText",
        ),
        (lambda: TASKS, (), "is kept by two projections"),
    ],
)
def test_tables_that_cannot_be_kept_are_refused(kept: Any, details: Any, message: str) -> None:
    with pytest.raises(InvalidProjectionError, match=message):
        Projection("task", table=kept(), details=details)(type("Wrong", (SqlProjection,), {}))


def test_a_projection_without_tables_says_so() -> None:
    with pytest.raises(InvalidProjectionError, match="put @Projection"):
        _ = SqlProjection(SqlDatabase("sqlite+aiosqlite://")).options


async def test_a_table_that_was_not_named_is_refused(projection: TaskProjection) -> None:
    async with projection.database.begin() as connection:
        target = ProjectionTarget(connection, projection.tables)
        assert target[TASK_TAGS] is TASK_TAGS
        with pytest.raises(InvalidProjectionError, match="details="):
            _ = target[COUNTS]


def test_moments_need_a_zone() -> None:
    assert START.tzinfo is not None
    with pytest.raises(ValueError, match="has no time zone"):
        TASKS.c.created_at.type.process_bind_param(START.replace(tzinfo=None), None)


def test_a_projection_that_was_corrected_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`inspect` reads what is in the file now."""
    monkeypatch.syspath_prepend(tmp_path)
    plans: list[str] = []
    for value in ("1", "10"):
        (tmp_path / "corrected.py").write_text(
            "from tests.read_models.projections import TaskProjection\n"
            f"class Corrected(TaskProjection):\n    value = {value}\n"
        )
        linecache.checkcache()
        corrected = importlib.import_module("corrected").Corrected(SqlDatabase("sqlite+aiosqlite://"))
        plans += {plan_of(corrected, "data", 4), plan_of(corrected, "data", 4)}
    assert len(set(plans)) == len(plans) == 2
