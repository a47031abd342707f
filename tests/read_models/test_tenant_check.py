"""A caller's queries read rows of his tenant only, whatever they look like."""

import logging
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    bindparam,
    cast,
    column,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    table,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.common import ForbiddenException
from cqrs_nest.context import Invoke, current_invoke, system_context
from cqrs_nest.read_models import SqlDatabase, search

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:SELECT statement has a cartesian product"),
]

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
notes = Table(
    "notes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_code", String(100)),
    Column("note", String(100)),
)
countries = Table("countries", METADATA, Column("code", String(2), primary_key=True))
again = todos.alias("again")
other_notes = notes.alias("other_notes")
inner = select(tags.c.tag.label("pk")).where(tags.c.pk == MINE).subquery()
counted = select(literal(1).label("n")).cte(recursive=True)
counted = counted.union_all(select(counted.c.n + 1).where(counted.c.n < 3))
mine = select(todos.c.sk).where(todos.c.pk == MINE)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def database(shared_database_url: str) -> Any:
    database = SqlDatabase(shared_database_url, METADATA, create_tables=True)
    await database.on_module_init()
    async with database.begin() as connection:
        for pk in (MINE, COMMON, OTHERS):
            await connection.execute(insert(todos), [{"pk": pk, "sk": "A1", "name": f'["secret of {pk}"]'}])
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
    "by the tenant's code": select(notes).where(notes.c.tenant_code == "Acme"),
    "joined by the code": select(notes.c.note)
    .join(other_notes, other_notes.c.tenant_code == notes.c.tenant_code)
    .where(notes.c.tenant_code.in_(["acme", "common"])),
    "keys of two columns": select(todos).where(tuple_(todos.c.pk, todos.c.sk).in_([(MINE, "A1")])),
    "no keys at all": select(todos).where(todos.c.pk.in_([])),
    "no keys of two columns": select(todos).where(tuple_(todos.c.pk, todos.c.sk).in_([])),
    "a join within a join": select(todos.c.sk)
    .outerjoin(tags.join(again, again.c.pk == tags.c.pk), tags.c.pk == todos.c.pk)
    .where(todos.c.pk == MINE),
    "a recursive query": select(counted.c.n),
    "text": text("SELECT todos.name FROM todos WHERE todos.pk = :key").bindparams(key=MINE),
    "a condition as text": mine.where(text("(1 = 1 OR 1 = 1)")),
    "a literal column": select(literal_column("1 + 1")),
    "a window": select(func.row_number().over(partition_by=todos.c.sk)).where(todos.c.pk == MINE),
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
    "text": text("SELECT * FROM todos WHERE todos.pk = 'TODO#acme' OR 1"),
    "text without the name of the table": text("SELECT * FROM todos WHERE pk = :key").bindparams(key=MINE),
    "text with a comment": text("SELECT * FROM todos /* x */ WHERE todos.pk = :key").bindparams(key=MINE),
    "two statements": text("SELECT todos.sk FROM todos WHERE todos.pk = :key; DELETE FROM todos").bindparams(
        key=MINE
    ),
    "a condition as text without brackets": mine.where(text("1 = 1 OR 1 = 1")),
    "text in a column": select(text("(SELECT max(name) FROM todos)")),
    "a literal column": mine.add_columns(literal_column("(SELECT max(name) FROM todos)")),
    "text in the order": mine.order_by(text("(SELECT max(name) FROM todos)")),
    "a query in the order": mine.order_by(select(func.max(tags.c.tag)).scalar_subquery()),
    "a query in the limit": mine.limit(select(func.count(tags.c.tag)).scalar_subquery()),
    "a prefix": mine.prefix_with("(SELECT max(name) FROM todos),"),
    "a suffix": mine.suffix_with("OR todos.pk > ''"),
    "a table without columns": select(column("name")).select_from(table("todos")),
    "a table that is not declared": select(text("*")).select_from(table("elsewhere")),
    "a literal": select(todos).where(todos.c.pk == bindparam("key", MINE, literal_execute=True)),
    "a key that is cut": select(todos).where(todos.c.pk == cast(bindparam("key", MINE), String(4))),
    "a key in any case": select(todos).where(func.lower(todos.c.pk) == MINE.lower()),
    "an expression that may be true": select(todos).where((todos.c.pk == MINE).op("OR", 100)(true())),
    "a query in the condition of a join": select(todos.c.sk)
    .join(countries, exists(select(tags.c.sk).where(tags.c.tag == countries.c.code)))
    .where(todos.c.pk == MINE),
    "a table that is not correlated": select(
        select(func.max(again.c.name))
        .select_from(tags, again)
        .where(tags.c.pk == MINE)
        .correlate(None)
        .scalar_subquery()
    )
    .select_from(again)
    .where(again.c.pk == MINE),
    "held by another column": select(todos, tags).where(tags.c.pk == todos.c.sk, todos.c.pk == MINE),
    "held by the queries beside": select(todos, inner.c.pk).where(inner.c.pk == todos.c.pk),
    "a query held by the queries around": select(inner.c.pk).where(
        exists(select(todos.c.sk).where(todos.c.pk == inner.c.pk))
    ),
    "a code held by a key": select(notes).where(notes.c.tenant_code == todos.c.pk, todos.c.pk == MINE),
    "a function that is not known": select(func.query_to_xml("SELECT * FROM todos")),
    "rows of a function that is not known": select(func.search_todos("x").table_valued("name")),
    "another's code": select(notes).where(notes.c.tenant_code == "umbrella"),
    "a code that is a key": select(notes).where(notes.c.tenant_code == MINE),
    "a key that is no text": select(notes).where(notes.c.tenant_code == bindparam("code", None)),
    "another among keys of two columns": select(todos).where(
        tuple_(todos.c.pk, todos.c.sk).in_([(MINE, "A1"), (OTHERS, "A1")])
    ),
    "keys in the other column": select(todos).where(tuple_(todos.c.sk, todos.c.pk).in_([(MINE, "A1")])),
    "the other side of a join within a join": select(todos.c.sk)
    .outerjoin(tags.outerjoin(again, tags.c.pk == MINE), tags.c.sk == todos.c.sk)
    .where(todos.c.pk == MINE),
    "the catalogue": text("SELECT sql FROM sqlite_master"),
    "a pragma": text("PRAGMA table_info(todos)"),
    "a definition": text("DROP TABLE todos"),
    "a transaction": text("COMMIT"),
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


async def test_a_function_may_give_rows(database: SqlDatabase) -> None:
    functions = {"sqlite": "json_each(todos.name)", "postgresql": "json_array_elements(todos.name::json)"}
    rows = functions.get(
        database.engine.dialect.name, "JSON_TABLE(todos.name, '$[*]' COLUMNS (value TEXT PATH '$'))"
    )
    act_as_acme()
    async with database.connect() as connection:
        own = text(f"SELECT found.value FROM todos, {rows} AS found WHERE todos.pk = :key").bindparams(
            key=MINE
        )
        assert len((await connection.execute(own)).all()) == 1
        with pytest.raises(ForbiddenException):
            await connection.execute(text(f"SELECT found.value FROM todos, {rows} AS found"))


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


async def test_a_refusal_says_what_to_do(database: SqlDatabase) -> None:
    act_as_acme()
    async with database.connect() as connection:
        with pytest.raises(
            ForbiddenException, match=r"Fix: hold each table to it by table\.pk == key"
        ) as caught:
            await connection.execute(select(todos))
    assert str(caught.value.__cause__) == "it holds todos to no tenant"


async def test_savepoints_are_nobodys_rows(database: SqlDatabase) -> None:
    act_as_acme()
    async with database.begin() as connection:
        async with connection.begin_nested():
            assert len((await connection.execute(mine)).all()) == 1
        nested = await connection.begin_nested()
        await nested.rollback()


async def test_a_search_is_a_query(database: SqlDatabase) -> None:
    act_as_acme()
    async with database.connect() as connection:
        found = await search(connection, todos, filters=[todos.c.pk == MINE], page_size=1)
        assert [row["pk"] for row in found.items] == [MINE]
        for filters in ([], [todos.c.pk == OTHERS]):
            with pytest.raises(ForbiddenException):
                await search(connection, todos, filters=filters)
