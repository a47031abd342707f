import asyncio
from itertools import permutations
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, select
from sqlalchemy.exc import IntegrityError

from cqrs_nest.read_models import SqlDatabase, UnsupportedDatabaseError, upsert_newer
from cqrs_nest.read_models.upsert import _on_conflict

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROWS: list[dict[str, Any]] = [
    {"pk": "TODO#a", "sk": "1", "name": "one", "is_deleted": False, "version": 1},
    {"pk": "TODO#a", "sk": "1", "name": "two", "is_deleted": False, "version": 2},
    {"pk": "TODO#a", "sk": "1", "name": "two", "is_deleted": True, "version": 3},
]


@pytest_asyncio.fixture(loop_scope="module")
async def database(shared_database: SqlDatabase, todos: Table) -> SqlDatabase:
    async with shared_database.begin() as connection:
        await connection.execute(delete(todos))
    return shared_database


async def apply(database: SqlDatabase, table: Table, row: dict[str, Any]) -> bool:
    return await database.in_transaction(lambda connection: upsert_newer(connection, table, row))


async def stored(database: SqlDatabase, table: Table) -> list[tuple[str, bool, int]]:
    columns = (table.c.name, table.c.is_deleted, table.c.version)
    async with database.connect() as connection:
        return [tuple(row) for row in await connection.execute(select(*columns))]


async def test_it_says_whether_the_row_was_newer(database: SqlDatabase, todos: Table) -> None:
    first, second, _ = ROWS
    assert await apply(database, todos, second)
    assert not await apply(database, todos, second)
    assert not await apply(database, todos, first)
    assert await stored(database, todos) == [("two", False, 2)]


async def test_columns_that_are_not_given_keep_their_value(database: SqlDatabase, todos: Table) -> None:
    await apply(database, todos, {**ROWS[0], "priority": 5})
    await apply(database, todos, ROWS[1])
    async with database.connect() as connection:
        assert await connection.scalar(select(todos.c.priority)) == 5


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_every_order_ends_in_the_same_row(
    database: SqlDatabase, todos: Table, order: tuple[int, ...]
) -> None:
    for index in order:
        await apply(database, todos, ROWS[index])
    assert await stored(database, todos) == [("two", True, 3)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=st.lists(st.integers(0, 2), min_size=1, max_size=8))
async def test_repeated_and_concurrent_rows_end_in_the_newest(
    database: SqlDatabase, todos: Table, arrivals: list[int]
) -> None:
    async with database.begin() as connection:
        await connection.execute(delete(todos))

    await asyncio.gather(*(apply(database, todos, ROWS[index]) for index in arrivals))

    newest = ROWS[max(arrivals)]
    assert await stored(database, todos) == [(newest["name"], newest["is_deleted"], newest["version"])]


async def test_another_database_is_refused_by_name(todos: Table) -> None:
    with pytest.raises(UnsupportedDatabaseError, match="not to oracle"):
        _on_conflict("oracle", todos, ROWS[0], (), None)


async def test_a_clash_on_another_unique_key_touches_no_other_row(database: SqlDatabase) -> None:
    """MySQL's own upsert overwrites the row that it clashes with."""
    metadata = MetaData()
    codes = Table(
        "codes",
        metadata,
        Column("pk", String(20), primary_key=True),
        Column("code", String(20), unique=True),
        Column("version", Integer),
    )
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await upsert_newer(connection, codes, {"pk": "a", "code": "x", "version": 1})

    async def clash() -> None:
        async with database.begin() as connection:
            await upsert_newer(connection, codes, {"pk": "b", "code": "x", "version": 2})

    with pytest.raises(IntegrityError):
        await clash()
    async with database.connect() as connection:
        assert [tuple(row) for row in await connection.execute(select(codes))] == [("a", "x", 1)]


async def test_insert_only_columns_keep_what_they_were_inserted_with(
    database: SqlDatabase, todos: Table
) -> None:
    async with database.begin() as connection:
        for row, priority in zip(ROWS, (1, 2, 3), strict=True):
            given = {**row, "priority": priority}
            assert await upsert_newer(connection, todos, given, insert_only=["priority"])
        assert await connection.scalar(select(todos.c.priority)) == 1
        assert await connection.scalar(select(todos.c.version)) == 3
