"""A caller's queries read rows of his tenant only, whatever they look like."""

import logging
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    MetaData,
    Select,
    String,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.common import ForbiddenException
from cqrs_nest.context import Invoke, current_invoke, system_context
from cqrs_nest.read_models import SqlDatabase, search

MINE, COMMON, OTHERS = "TODO#acme", "TODO#common", "TODO#umbrella"
METADATA = MetaData()
todos = Table(
    "todos",
    METADATA,
    Column("pk", String(100), primary_key=True),
    Column("sk", String(100), primary_key=True),
    Column("name", String(100)),
)
tags = Table(
    "tags",
    METADATA,
    Column("pk", String(100), primary_key=True),
    Column("sk", String(100), primary_key=True),
    Column("tag", String(100), primary_key=True),
)
countries = Table("countries", METADATA, Column("code", String(2), primary_key=True))
again = todos.alias("again")
mine = select(todos.c.sk).where(todos.c.pk == MINE)


@pytest.fixture
async def database(tmp_path: Any) -> Any:
    database = SqlDatabase(f"sqlite+aiosqlite:///{tmp_path / 'x.sqlite3'}", METADATA, create_tables=True)
    await database.on_module_init()
    async with database.begin() as connection:
        for pk in (MINE, COMMON, OTHERS):
            await connection.execute(insert(todos), [{"pk": pk, "sk": "A1", "name": f"secret of {pk}"}])
            await connection.execute(insert(tags), [{"pk": pk, "sk": "A1", "tag": f"tag of {pk}"}])
    yield database
    await database.on_application_shutdown()


def act_as_acme() -> None:
    """A caller of the tenant acme until the end of the test, which has a context of its own."""
    claims = {"sub": "u1", "custom:tenant": "acme"}
    event = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    current_invoke.set(Invoke(event, {"awsRequestId": "r1"}))


ALLOWED: dict[str, Select[Any] | Any] = {
    "one partition": select(todos).where(todos.c.pk == MINE),
    "the other way round": select(todos).where(literal(MINE) == todos.c.pk),
    "with more conditions": mine.where(or_(todos.c.name == "x", todos.c.sk == "A1")),
    "a list of partitions": select(todos).where(todos.c.pk.in_([MINE, COMMON])),
    "of a join": select(todos, tags.c.tag)
    .join(tags, and_(tags.c.pk == todos.c.pk))
    .where(todos.c.pk == MINE),
    "of a join without its keyword": select(tags).where(tags.c.pk == todos.c.pk, todos.c.pk == MINE),
    "of an outer join": select(todos, tags)
    .outerjoin(tags, tags.c.pk == todos.c.pk)
    .where(todos.c.pk == MINE),
    "in a subquery": select(todos).where(
        todos.c.pk == MINE, todos.c.sk.in_(select(tags.c.sk).where(tags.c.pk == MINE))
    ),
    "in a subquery that refers": select(todos).where(
        todos.c.pk == MINE, exists(select(tags.c.sk).where(tags.c.pk == todos.c.pk))
    ),
    "counted": select(func.count()).select_from(select(todos).where(todos.c.pk == MINE).subquery()),
    "an alias": select(again).where(again.c.pk == MINE),
    "a union": union_all(mine, select(tags.c.sk).where(tags.c.pk == MINE)),
    "a common table expression": select(mine.cte("c")),
    "a table of nobody's": select(countries),
    "no table": select(literal(1)),
}

REFUSED: dict[str, Any] = {
    "another partition": select(todos).where(todos.c.pk == OTHERS),
    "one among the caller's": select(todos).where(todos.c.pk.in_([MINE, OTHERS])),
    "all partitions": select(todos),
    "everything but the caller's": select(todos).where(todos.c.pk != MINE),
    "a pattern": select(todos).where(todos.c.pk.like("TODO#%")),
    "an alternative": select(todos).where(or_(todos.c.pk == MINE, todos.c.sk == "A1")),
    "a negation": select(todos).where(~(todos.c.pk == MINE)),
    "only the joined table is held": select(todos)
    .join(tags, tags.c.sk == todos.c.sk)
    .where(tags.c.pk == MINE),
    "the left side of an outer join": select(todos)
    .outerjoin(tags, todos.c.pk == MINE)
    .where(tags.c.pk == MINE),
    "a full join": select(todos, tags).join(tags, todos.c.pk == MINE, full=True).where(tags.c.pk == MINE),
    "keys of another query": select(todos).where(todos.c.pk.in_(select(tags.c.pk).where(tags.c.pk == MINE))),
    "in a subquery": select(todos).where(todos.c.pk == MINE, todos.c.name.in_(select(tags.c.tag))),
    "in a column": select(select(func.max(tags.c.tag)).scalar_subquery()),
    "in a from": select(select(todos).subquery()),
    "an alias beside the table": select(todos, again).where(todos.c.pk == MINE, again.c.sk == todos.c.sk),
    "half of a union": union_all(mine, select(tags.c.sk)),
    "a common table expression": select(select(todos).cte("c")),
    "a condition as text": mine.where(text("1 = 1 OR 1 = 1")),
    "text": text("SELECT * FROM todos WHERE pk = 'TODO#acme'"),
}


@pytest.mark.parametrize("name", ALLOWED)
async def test_a_callers_own_rows_are_read(database: SqlDatabase, name: str) -> None:
    act_as_acme()
    async with database.connect() as connection:
        rows = (await connection.execute(ALLOWED[name])).all()
    assert OTHERS not in str(rows)


@pytest.mark.parametrize("name", REFUSED)
async def test_a_query_that_reaches_further_is_refused(
    database: SqlDatabase, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    act_as_acme()
    for opened in (database.connect, database.begin):
        caplog.clear()
        async with opened() as connection:
            with caplog.at_level(logging.WARNING), pytest.raises(ForbiddenException) as caught:
                await connection.execute(REFUSED[name])
        [line] = caplog.messages
        assert "'u1'" in line
        assert "umbrella" not in line + str(caught.value.body())


async def test_the_same_statement_is_checked_anew_for_each_value(database: SqlDatabase) -> None:
    act_as_acme()
    prepared = select(todos).where(todos.c.pk == bindparam("key"))
    async with database.connect() as connection:
        for _ in range(2):
            assert len((await connection.execute(prepared, {"key": MINE})).all()) == 1
            with pytest.raises(ForbiddenException):
                await connection.execute(prepared, {"key": OTHERS})
            with pytest.raises(ForbiddenException):
                await connection.execute(select(todos).where(todos.c.pk.in_([MINE, OTHERS])))


async def test_a_driver_statement_is_refused(database: SqlDatabase) -> None:
    act_as_acme()
    async with database.connect() as connection:
        with pytest.raises(ForbiddenException):
            await connection.exec_driver_sql("SELECT * FROM todos")


async def test_code_may_state_the_exception(database: SqlDatabase) -> None:
    act_as_acme()

    async def count(connection: AsyncConnection) -> int:
        return len((await connection.execute(text("SELECT * FROM todos"))).all())

    async with database.connect(allow_cross_tenant=True) as connection:
        assert await count(connection) == 3
    async with database.begin(allow_cross_tenant=True) as connection:
        assert await count(connection) == 3
    with system_context("count-everything"):
        async with database.connect() as connection:
            assert await count(connection) == 3


async def test_the_system_reads_everything(database: SqlDatabase) -> None:
    async with database.connect() as connection:
        assert len((await connection.execute(select(todos))).all()) == 3


async def test_a_projection_writes_within_a_request(database: SqlDatabase) -> None:
    act_as_acme()
    async with database.begin() as connection:
        await connection.execute(insert(todos), [{"pk": MINE, "sk": "A2", "name": "new"}])


async def test_a_search_is_a_query(database: SqlDatabase) -> None:
    act_as_acme()
    async with database.connect() as connection:
        found = await search(connection, todos, filters=[todos.c.pk == MINE], page_size=1)
        assert [row["pk"] for row in found.items] == [MINE]
        for filters in ([], [todos.c.pk == OTHERS]):
            with pytest.raises(ForbiddenException):
                await search(connection, todos, filters=filters)
