"""Whatever statement passes the check says nothing of other tenants' rows, and changes none of them.

Random statements run on two databases that differ in another tenant's rows only: a caller must not notice.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from cqrs_nest.common import ForbiddenException
from cqrs_nest.read_models.engine import create_engine
from tests.databases import KINDS, empty_database
from tests.read_models.test_tenant_check import act_as_acme

pytestmark = pytest.mark.asyncio(loop_scope="module")
METADATA = MetaData()
Text = String(50)
todos = Table("todos", METADATA, Column("pk", Text), Column("sk", Text), Column("name", Text))
tags = Table("tags", METADATA, Column("pk", Text), Column("sk", Text), Column("name", Text))
notes = Table(
    "notes",
    METADATA,
    Column("sk", Text, primary_key=True),
    Column("tenant_code", Text),
    Column("name", Text),
)
colours = Table("colours", METADATA, Column("sk", Text), Column("name", Text))
TABLES = (todos, tags, notes, colours)
OWNED = {"todos": "pk", "tags": "pk", "notes": "tenant_code"}


@asynccontextmanager
async def database(kind: str, directory: Path, *tenants: str) -> AsyncIterator[AsyncConnection]:
    async with empty_database(kind, directory) as url:
        engine = create_engine(url, [METADATA])
        async with engine.connect() as connection:
            await connection.run_sync(METADATA.create_all)
            for number, tenant in enumerate(tenants, 1):
                for table in (todos, tags):
                    rows = [
                        {"pk": f"TODO#{tenant}", "sk": sk, "name": f"{sk} of {tenant}"} for sk in ("1", "2")
                    ]
                    await connection.execute(insert(table), rows)
                note = {"sk": str(number), "tenant_code": tenant, "name": f"1 of {tenant}"}
                await connection.execute(insert(notes), [note])
            await connection.execute(insert(colours), [{"sk": "1", "name": "red"}])
            await connection.commit()
            yield connection
        await engine.dispose()


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=KINDS)
async def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[AsyncConnection, AsyncConnection]]:
    first, second = (tmp_path_factory.mktemp("database") for _ in range(2))
    async with (
        database(request.param, first, "acme", "common") as alone,
        database(request.param, second, "acme", "common", "umbrella") as among_others,
    ):
        yield alone, among_others


class Grammar:
    """Makes statements that mostly hold their tables to a tenant, in one of the ways that there are."""

    def __init__(self, seed: int, dialect: str) -> None:
        self.dialect = dialect
        self.random = random.Random(seed)
        self.names = iter(f"x{number}" for number in range(1000))

    def chance(self, likely: float) -> bool:
        return self.random.random() < likely

    def pick(self, *choices: Callable[[], Any]) -> Any:
        return self.random.choice(choices)()

    def value(self, column: str, others: int = 1) -> str:
        tenant = self.random.choices(("acme", "common", "umbrella"), (12, 2, others))[0]
        return f"TODO#{tenant}" if column == "pk" else tenant

    def source(self, depth: int) -> tuple[Any, str | None]:
        """Something to read from, and the column that says whose its rows are."""
        table = self.random.choice(TABLES)
        name = next(self.names)
        if depth and self.chance(0.3):
            query = self.query(depth - 1)
            return self.pick(lambda: query.subquery(name), lambda: query.cte(name)), None
        return table.alias(name) if self.chance(0.7) else table, OWNED.get(table.name)

    def holding(self, source: Any, column: str, around: Sequence[tuple[Any, str | None]]) -> Any:
        own = source.c[column]
        others = [each.c[column] for each, owner in around if owner == column and each is not source]
        return self.pick(
            lambda: own == self.value(column),
            lambda: own.in_([self.value(column) for _ in range(self.random.randrange(3))]),
            lambda: own == self.random.choice(others) if others else own == self.value(column),
            lambda: tuple_(own, source.c.sk).in_([(self.value(column), "1")]),
            lambda: and_(own == self.value(column), source.c.sk != "9"),
        )

    def condition(self, sources: Sequence[tuple[Any, str | None]], depth: int) -> Any:
        source, column = self.random.choice(sources)
        other, _ = self.random.choice(sources)
        inner = depth and self.chance(0.6)
        return self.pick(
            lambda: source.c.sk == other.c.sk,
            lambda: source.c.name.like("%o%"),
            lambda: self.holding(source, column, sources) if column else source.c.sk == "1",
            lambda: not_(source.c.sk == other.c.name),
            lambda: not_(self.holding(source, column, sources)) if column else source.c.sk != "1",
            lambda: or_(self.condition(sources, 0), self.condition(sources, depth - 1 if depth else 0)),
            lambda: and_(self.condition(sources, 0), self.condition(sources, 0)),
            lambda: exists(self.query(depth - 1, sources)) if inner else source.c.sk != "2",
            lambda: source.c.sk.in_(self.query(depth - 1, sources, ("sk",))) if inner else source.c.sk < "2",
            lambda: text("1 = 1") if self.chance(0.5) else text("1 = 1 OR 1 = 1"),
        )

    def query(
        self,
        depth: int,
        around: Sequence[tuple[Any, str | None]] = (),
        columns: Sequence[str] = ("sk", "name"),
    ) -> Any:
        if depth and self.chance(0.1):
            return union_all(self.query(depth - 1, around, columns), self.query(depth - 1, around, columns))
        sources = [self.source(depth)]
        start = sources[0][0]
        for _ in range(self.random.randrange(3)):
            source = self.source(depth)
            if any(each is source[0] for each, _ in sources):
                continue
            sources.append(source)
            on = self.condition(sources, 0)
            if source[1] and self.chance(0.5):
                on = and_(self.holding(*source, sources), on)
            left, owner = sources[0]
            if owner and self.chance(0.2):
                on = and_(self.holding(left, owner, sources), on)
            start = start.join(source[0], on, isouter=self.chance(0.4), full=self.chance(0.2))
        shown = [self.random.choice(sources)[0].c[name].label(name) for name in columns]
        if depth and self.chance(0.3):
            shown[-1] = self.pick(
                lambda: self.name(depth - 1, sources).label(columns[-1]),
                lambda: func.count(sources[0][0].c.sk).over().label(columns[-1]),
                lambda: literal_column("(SELECT max(name) FROM todos)").label(columns[-1]),
            )
        found = select(*shown).select_from(start)
        for source, column in sources:
            if column and self.chance(0.75):
                found = found.where(self.holding(source, column, [*sources, *around]))
        if self.chance(0.5):
            found = found.where(self.condition([*sources, *around], depth))
        if self.chance(0.15):
            found = found.correlate(None)
        if self.chance(0.1):
            found = found.order_by(self.name(0, sources))
        return found.distinct() if self.chance(0.2) else found

    def name(self, depth: int, around: Sequence[tuple[Any, str | None]] = ()) -> Any:
        """A query for one name, the same one on every database."""
        return (
            self.query(depth, around, ("name",))
            .order_by(None)
            .order_by(literal_column("1"))
            .limit(1)
            .scalar_subquery()
        )

    def statement(self) -> Any:
        return self.pick(lambda: self.query(2), lambda: self.query(2), self.change, self.insertion)

    def change(self) -> Any:
        table = self.random.choice(TABLES)
        column = OWNED.get(table.name)
        of_table = [(table, column)]
        values: dict[str, Any] = {"name": self.pick(lambda: "new", lambda: self.name(0, of_table))}
        if column and self.chance(0.3):
            values[column] = self.value(column, others=12)
        changed = self.pick(lambda: update(table).values(values), lambda: delete(table))
        if column and self.chance(0.85):
            changed = changed.where(self.holding(table, column, of_table))
        if self.chance(0.5):
            changed = changed.where(self.condition(of_table, 1))
        return changed.returning(table.c.name) if self.chance(0.3) else changed

    def insertion(self) -> Any:
        table = self.random.choice((*TABLES, notes, notes))
        column = OWNED.get(table.name)
        row: dict[str, Any] = {"sk": self.random.choice("139"), "name": "new"}
        if column and self.chance(0.9):
            row[column] = self.value(column, others=4)
        if self.chance(0.2):
            row["name"] = self.name(0)
        if table is not notes:
            return insert(table).values(row)
        if self.dialect == "mysql":
            values = mysql.insert(table).values(row)
            return self.pick(
                lambda: values, lambda: values.on_duplicate_key_update(name=values.inserted.name)
            )
        conflicting = {"sqlite": sqlite, "postgresql": postgresql}[self.dialect].insert(table).values(row)
        excluded = conflicting.excluded
        where = self.pick(
            lambda: None, lambda: table.c.tenant_code == excluded.tenant_code, lambda: table.c.sk > "0"
        )
        updated = conflicting.on_conflict_do_update(
            index_elements=["sk"], set_={"name": excluded.name}, where=where
        )
        return self.pick(lambda: updated, lambda: conflicting.on_conflict_do_nothing(), lambda: conflicting)


def others(connection: Connection) -> list[Any]:
    """The rows that are not of the caller's tenant nor common, past the check."""
    cursor = connection.connection.cursor()
    rows = []
    for table, column in OWNED.items():
        cursor.execute(f"SELECT * FROM {table} WHERE {column} LIKE '%umbrella' ORDER BY 1, 2, 3")
        rows.append(cursor.fetchall())
    return rows


def outcome(connection: Connection, statement: Any) -> tuple[Any, bool]:
    """What a caller learns of a statement, and whether another tenant's rows are as they were."""
    before = others(connection)
    try:
        result = connection.execute(statement)
        learnt: Any = sorted(map(repr, result.all())) if result.returns_rows else result.rowcount
        same = others(connection) == before
    except ForbiddenException:
        learnt, same = "refused", others(connection) == before
    except DBAPIError:
        learnt, same = "failed", True  # PostgreSQL takes nothing more before the rollback
    finally:
        connection.rollback()
    return learnt, same


passed: dict[str, set[str]] = {}


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
async def test_nothing_is_learnt_of_other_tenants(
    databases: tuple[AsyncConnection, AsyncConnection], seed: int
) -> None:
    act_as_acme()
    alone, among_others = databases
    dialect = alone.dialect.name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        statement = Grammar(seed, dialect).statement()
        try:
            first, _ = await alone.run_sync(outcome, statement)
        except SQLAlchemyError:
            return  # it cannot even be written down
        second, same = await among_others.run_sync(outcome, statement)
    assert same, str(statement)
    # That a key is taken already is the one thing that an insert cannot hide.
    if "failed" not in (first, second) and not isinstance(statement, Insert):
        assert first == second, str(statement)
    if first not in ("refused", "failed"):
        passed.setdefault(dialect, set()).add(str(statement).split()[0])


async def test_statements_of_every_kind_have_passed() -> None:
    """Or else the test before might have shown nothing."""
    for dialect, kinds in passed.items():
        assert {"SELECT", "UPDATE", "DELETE", "INSERT"} <= kinds, dialect
