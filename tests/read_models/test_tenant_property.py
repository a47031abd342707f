"""Whatever statement passes the check says nothing of other tenants' rows, and changes none of them.

Random statements run on two databases that differ in another tenant's rows only: a caller must not notice.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    create_engine,
    delete,
    event,
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
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql.dml import Insert

from cqrs_nest.common import ForbiddenException
from cqrs_nest.read_models.tenant_check import statement_check
from tests.read_models.test_tenant_check import act_as_acme

METADATA = MetaData()
todos = Table("todos", METADATA, Column("pk", String), Column("sk", String), Column("name", String))
tags = Table("tags", METADATA, Column("pk", String), Column("sk", String), Column("name", String))
notes = Table(
    "notes",
    METADATA,
    Column("sk", Integer, primary_key=True),
    Column("tenant_code", String),
    Column("name", String),
)
colours = Table("colours", METADATA, Column("sk", String), Column("name", String))
TABLES = (todos, tags, notes, colours)
OWNED = {"todos": "pk", "tags": "pk", "notes": "tenant_code"}


def database(*tenants: str) -> Engine:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for tenant in tenants:
            key = f"TODO#{tenant}"
            for table in (todos, tags):
                rows = [{"pk": key, "sk": sk, "name": f"{sk} of {tenant}"} for sk in ("1", "2")]
                connection.execute(insert(table), rows)
            connection.execute(insert(notes), [{"tenant_code": tenant, "name": f"1 of {tenant}"}])
        connection.execute(insert(colours), [{"sk": "1", "name": "red"}])
    event.listen(engine, "before_cursor_execute", statement_check([METADATA]))
    return engine


@pytest.fixture(scope="module")
def databases() -> Iterator[tuple[Engine, Engine]]:
    alone, among_others = database("acme", "common"), database("acme", "common", "umbrella")
    yield alone, among_others
    alone.dispose()
    among_others.dispose()


class Grammar:
    """Makes statements that mostly hold their tables to a tenant, in one of the ways that there are."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = iter(f"x{number}" for number in range(1000))

    def chance(self, likely: float) -> bool:
        return self.random.random() < likely

    def pick(self, *choices: Callable[[], Any]) -> Any:
        return self.random.choice(choices)()

    def value(self, column: str) -> str:
        tenant = self.random.choices(("acme", "common", "umbrella"), (12, 2, 1))[0]
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
            start = start.join(source[0], on, isouter=self.chance(0.4), full=self.chance(0.1))
        shown = [self.random.choice(sources)[0].c[name].label(name) for name in columns]
        if depth and self.chance(0.3):
            inner = self.query(depth - 1, sources, ("name",)).limit(1)
            shown[-1] = self.pick(
                lambda: inner.scalar_subquery().label(columns[-1]),
                lambda: func.count(sources[0][0].c.sk).over().label(columns[-1]),
                lambda: literal_column("(SELECT max(name) FROM todos)").label(columns[-1]),
            )
        found = select(*shown).select_from(start)
        for source, column in sources:
            if column and self.chance(0.85):
                found = found.where(self.holding(source, column, [*sources, *around]))
        if self.chance(0.5):
            found = found.where(self.condition([*sources, *around], depth))
        if self.chance(0.15):
            found = found.correlate(None)
        if self.chance(0.1):
            found = found.order_by(self.query(0, sources, ("name",)).limit(1).scalar_subquery())
        return found.distinct() if self.chance(0.2) else found

    def statement(self) -> Any:
        return self.pick(lambda: self.query(2), lambda: self.query(2), self.change, self.insertion)

    def change(self) -> Any:
        table = self.random.choice(TABLES)
        column = OWNED.get(table.name)
        of_table = [(table, column)]
        values: dict[str, Any] = {
            "name": self.pick(
                lambda: "new", lambda: self.query(0, of_table, ("name",)).limit(1).scalar_subquery()
            )
        }
        if column and self.chance(0.2):
            values[column] = self.value(column)
        changed = self.pick(lambda: update(table).values(values), lambda: delete(table))
        if column and self.chance(0.85):
            changed = changed.where(self.holding(table, column, of_table))
        if self.chance(0.5):
            changed = changed.where(self.condition(of_table, 1))
        return changed.returning(table.c.name) if self.chance(0.3) else changed

    def insertion(self) -> Any:
        table = self.random.choice(TABLES)
        column = OWNED.get(table.name)
        row: dict[str, Any] = {"sk": self.random.choice((1, 3, 9)), "name": "new"}
        if column and self.chance(0.9):
            row[column] = self.value(column)
        if self.chance(0.2):
            row["name"] = self.query(0, (), ("name",)).limit(1).scalar_subquery()
        if table is not notes:
            return insert(table).values(row)
        conflicting = sqlite_insert(table).values(row)
        excluded = conflicting.excluded
        where = self.pick(
            lambda: None, lambda: table.c.tenant_code == excluded.tenant_code, lambda: table.c.sk > 0
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
        like = "'%umbrella'"
        rows.append(
            cursor.execute(f"SELECT * FROM {table} WHERE {column} LIKE {like} ORDER BY 1, 2, 3").fetchall()
        )
    return rows


def outcome(engine: Engine, statement: Any) -> tuple[Any, bool]:
    """What a caller learns of a statement, and whether another tenant's rows are as they were."""
    with engine.connect() as connection:
        before = others(connection)
        try:
            result = connection.execute(statement)
            learnt: Any = sorted(map(repr, result.all())) if result.returns_rows else result.rowcount
        except ForbiddenException:
            learnt = "refused"
        except DBAPIError:
            learnt = "failed"
        same = others(connection) == before
        connection.rollback()
        return learnt, same


passed: set[str] = set()


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_nothing_is_learnt_of_other_tenants(databases: tuple[Engine, Engine], seed: int) -> None:
    copy_context().run(examine, databases, Grammar(seed))


def examine(databases: tuple[Engine, Engine], grammar: Grammar) -> None:
    act_as_acme()
    alone, among_others = databases
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        statement = grammar.statement()
        try:
            first, _ = outcome(alone, statement)
        except SQLAlchemyError:
            return  # it cannot even be written down
        second, same = outcome(among_others, statement)
    assert same
    # That a key is taken already is the one thing that an insert cannot hide.
    if "failed" not in (first, second) and not isinstance(statement, Insert):
        assert first == second, str(statement)
    if first not in ("refused", "failed"):
        passed.add(str(statement).split()[0])


def test_statements_of_every_kind_have_passed() -> None:
    """Or else the test before might have shown nothing."""
    assert {"SELECT", "UPDATE", "DELETE", "INSERT"} <= passed
