"""A caller's statements write rows of his tenant only, and mapped classes are read and written likewise."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    ForeignKeyConstraint,
    String,
    delete,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)

from cqrs_nest.common import ForbiddenException
from cqrs_nest.read_models import SqlDatabase, upsert_newer
from tests.read_models.test_tenant_check import MINE, OTHERS, act_as_acme

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Base(DeclarativeBase): ...


class Order(Base):
    __tablename__ = "orders"
    pk: Mapped[str] = mapped_column(String(100), primary_key=True)
    sk: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(default=1)
    lines: Mapped[list[Line]] = relationship(back_populates="order")
    loose: Mapped[list[Line]] = relationship(primaryjoin="Order.sk == foreign(Line.order_sk)", viewonly=True)


class Line(Base):
    __tablename__ = "lines"
    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    pk: Mapped[str] = mapped_column(String(100))
    order_sk: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(default=1)
    order: Mapped[Order] = relationship(back_populates="lines")
    __table_args__ = (ForeignKeyConstraint(["pk", "order_sk"], ["orders.pk", "orders.sk"]),)


class Remark(Base):
    __tablename__ = "remarks"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    pk: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(String(100))


orders: Any = Order.__table__
lines: Any = Line.__table__
own_line = {"id": "n", "pk": MINE, "order_sk": "A1", "text": "new"}
own_order = {"pk": MINE, "sk": "A1", "name": "new"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def empty(shared_database_url: str) -> Any:
    database = SqlDatabase(shared_database_url, Base.metadata, create_tables=True)
    await database.on_module_init()
    yield database
    await database.on_application_shutdown()


@pytest_asyncio.fixture(loop_scope="module")
async def database(empty: SqlDatabase) -> Any:
    """With a row of the caller's tenant and one of another in each table."""
    async with empty.begin() as connection:
        for table in (lines, orders, Remark.__table__):
            await connection.execute(delete(table))
        for pk in (MINE, OTHERS):
            await connection.execute(insert(orders), [{"pk": pk, "sk": "A1", "name": f"of {pk}"}])
            line = {"id": f"line of {pk}", "pk": pk, "order_sk": "A1", "text": f"of {pk}"}
            await connection.execute(insert(lines), [line])
    return empty


def upserted(table: Any, row: dict[str, Any], keys: list[str], **update: Any) -> dict[str, Any]:
    """The statement that each kind of database has for it."""
    standard = {
        name: dialect.insert(table).values(row).on_conflict_do_update(index_elements=keys, **update)
        for name, dialect in STANDARD.items()
    }
    return {**standard, "mysql": mysql.insert(table).values(row).on_duplicate_key_update(update["set_"])}


STANDARD: dict[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}
ALLOWED: dict[str, Any] = {
    "a row": insert(orders).values(pk=MINE, sk="A2", name="new"),
    "rows": insert(orders).values([{**own_order, "sk": "A2"}, {**own_order, "sk": "A3"}]),
    "a row that is given back": insert(orders).values(pk=MINE, sk="A2", name="n").returning(orders.c.name),
    "an update": update(orders).where(orders.c.pk == MINE).values(name="new"),
    "an update of the key to itself": update(orders).where(orders.c.pk == MINE).values(pk=MINE),
    "a deletion": delete(lines).where(lines.c.pk == MINE).returning(lines.c.text),
}
REPLACING: dict[str, Any] = {
    "a row that is there": upserted(orders, own_order, ["pk", "sk"], set_={"name": "new"}),
    "a row that is left": {
        **{
            name: dialect.insert(orders).values(own_order).on_conflict_do_nothing()
            for name, dialect in STANDARD.items()
        },
        "mysql": insert(orders).values(own_order).prefix_with("IGNORE"),
    },
    "a row that is there under a condition": upserted(
        lines,
        {**own_line, "id": f"line of {OTHERS}"},
        ["id"],
        set_={"text": "new"},
        where=lines.c.pk == literal_column("excluded.pk"),
    ),
}
REFUSED: dict[str, Any] = {
    "another's row": insert(orders).values(pk=OTHERS, sk="A2", name="new"),
    "another's among rows": insert(orders).values([own_order, {**own_order, "pk": OTHERS}]),
    "a common row": insert(orders).values(pk="TODO#common", sk="A2", name="new"),
    "a row of nobody": insert(lines).values(id="x", text="x"),
    "a key that is computed": insert(orders).values(pk=literal("TODO#") + "umbrella", sk="A2", name="new"),
    "a name that is read": insert(orders).values(
        pk=MINE, sk="A2", name=select(orders.c.name).where(orders.c.pk == OTHERS).scalar_subquery()
    ),
    "rows of a query": insert(orders).from_select(
        ["pk", "sk", "name"], select(literal(MINE), orders.c.sk, orders.c.name).where(orders.c.pk == OTHERS)
    ),
    "an update of all": update(orders).values(name="new"),
    "an update of another's": update(orders).where(orders.c.pk == OTHERS).values(name="new"),
    "an update of common rows": update(orders).where(orders.c.pk == "TODO#common").values(name="new"),
    "an update to another's": update(orders).where(orders.c.pk == MINE).values(pk=OTHERS),
    "an update to what is computed": update(orders).where(orders.c.pk == MINE).values(pk=orders.c.name),
    "an update with what is read": update(orders)
    .where(orders.c.pk == MINE)
    .values(name=select(lines.c.text).limit(1).scalar_subquery()),
    "an update by another table": update(orders)
    .where(orders.c.pk == MINE, lines.c.order_sk == orders.c.sk)
    .values(name=lines.c.text),
    "an update that gives back": update(orders)
    .where(orders.c.pk == MINE)
    .values(name="x")
    .returning(select(lines.c.text).limit(1).scalar_subquery()),
    "a deletion of all": delete(orders),
    "a deletion of another's": delete(orders).where(orders.c.pk == OTHERS),
    "a deletion by a query": delete(orders).where(orders.c.sk.in_(select(lines.c.order_sk))),
    "a deletion in a query": select(
        delete(orders).where(orders.c.pk == MINE).returning(orders.c.sk).cte("gone")
    ),
    "a row in the place of another's": insert(lines).values(own_line).prefix_with("OR REPLACE"),
    "a row that is there, another's perhaps": upserted(lines, own_line, ["id"], set_={"text": "new"}),
    "a row that takes another's key": upserted(orders, own_order, ["pk", "sk"], set_={"pk": OTHERS}),
    "a row that takes another's name": upserted(
        orders,
        own_order,
        ["pk", "sk"],
        set_={"name": select(lines.c.text).where(lines.c.pk == OTHERS).scalar_subquery()},
    ),
    "text": text("UPDATE orders SET name = 'x'"),
}


def written_for(database: SqlDatabase, statement: Any) -> Any:
    """The statement in the words of the database."""
    return statement[database.engine.dialect.name] if isinstance(statement, dict) else statement


async def others(database: SqlDatabase) -> list[str]:
    """Another tenant's rows, as the system sees them."""
    async with database.connect(allow_cross_tenant=True) as connection:
        found = [
            (await connection.execute(select(table).where(table.c.pk == OTHERS))).all()
            for table in (orders, lines)
        ]
    return [str(rows) for rows in found]


@pytest.mark.parametrize("name", ALLOWED)
async def test_own_rows_are_written(database: SqlDatabase, name: str) -> None:
    before = await others(database)
    act_as_acme()
    async with database.begin() as connection:
        result = await connection.execute(ALLOWED[name])
        assert not result.returns_rows or "umbrella" not in str(result.all())
    assert await others(database) == before


@pytest.mark.parametrize("name", REPLACING)
async def test_own_rows_are_replaced(database: SqlDatabase, name: str) -> None:
    """Not by MySQL's own statement: a clash on any unique key would do. `upsert_newer` is for that."""
    before = await others(database)
    act_as_acme()
    refused = pytest.raises(ForbiddenException) if database.engine.dialect.name == "mysql" else nullcontext()
    async with database.begin() as connection:
        with refused:
            await connection.execute(written_for(database, REPLACING[name]))
    assert await others(database) == before


@pytest.mark.parametrize("name", REFUSED)
async def test_no_row_of_another_is_written(database: SqlDatabase, name: str) -> None:
    before = await others(database)
    act_as_acme()
    with pytest.raises(ForbiddenException):
        async with database.begin() as connection:
            await connection.execute(written_for(database, REFUSED[name]))
    assert await others(database) == before


async def test_each_of_many_rows_is_checked(database: SqlDatabase) -> None:
    act_as_acme()
    rows = [{**own_order, "sk": f"B{number}"} for number in range(5)]
    async with database.begin() as connection:
        await connection.execute(insert(orders), rows)
        returned = await connection.execute(insert(orders).returning(orders.c.sk), [{**own_order, "sk": "C"}])
        assert returned.scalars().all() == ["C"]
        for statement in (insert(orders), insert(orders).returning(orders.c.sk)):
            with pytest.raises(ForbiddenException):
                await connection.execute(statement, [*rows, {**own_order, "pk": OTHERS, "sk": "B9"}])


async def test_an_upsert_keeps_to_the_tenants_row(database: SqlDatabase) -> None:
    """Also where the primary key does not say whose it is."""
    before = await others(database)
    act_as_acme()
    async with database.begin() as connection:
        assert await upsert_newer(connection, lines, {**own_line, "version": 1})
        assert await upsert_newer(connection, lines, {**own_line, "version": 2})
        assert not await upsert_newer(
            connection, lines, {**own_line, "id": f"line of {OTHERS}", "version": 9}
        )
    assert await others(database) == before


@pytest.mark.parametrize("load", [joinedload, selectinload])
async def test_mapped_classes_are_read_with_what_belongs_to_them(database: SqlDatabase, load: Any) -> None:
    act_as_acme()
    async with database.session() as session:
        own = select(Order).where(Order.pk == MINE)
        [order] = (await session.scalars(own.options(load(Order.lines)))).unique().all()
        assert [line.text for line in order.lines] == [f"of {MINE}"]
        session.expunge_all()
        with pytest.raises(ForbiddenException):
            await session.scalars(own.options(load(Order.loose)))
    async with database.session() as session:
        with pytest.raises(ForbiddenException):
            await session.scalars(select(Order).options(load(Order.lines)))


async def test_mapped_classes_are_written(database: SqlDatabase) -> None:
    before = await others(database)
    act_as_acme()
    async with database.session() as session:
        order = await session.get_one(Order, (MINE, "A1"))
        order.name = "changed"
        session.add(Line(**own_line))
    # By a primary key that does not say whose the row is.
    with pytest.raises(ForbiddenException):
        await rewrite_line(database)
    with pytest.raises(ForbiddenException):
        async with database.session() as session:
            await session.get(Order, (OTHERS, "A1"))
    with pytest.raises(ForbiddenException):
        async with database.session() as session:
            session.add(Order(pk=OTHERS, sk="A9", name="x"))
    with pytest.raises(ForbiddenException):
        async with database.session() as session:
            await session.get(Line, f"line of {OTHERS}")
    assert await others(database) == before


async def test_mapped_rows_get_their_keys_of_the_database(database: SqlDatabase) -> None:
    before = await others(database)
    act_as_acme()
    async with database.session() as session:
        own = [Remark(pk=MINE, text=f"remark {number}") for number in range(3)]
        session.add_all(own)
        await session.flush()
        assert len({remark.id for remark in own}) == 3
    with pytest.raises(ForbiddenException):
        async with database.session() as session:
            session.add_all([Remark(pk=MINE, text="mine"), Remark(pk=OTHERS, text="another's")])
    async with database.session() as session:
        found = await session.scalars(select(Remark.text).where(Remark.pk == MINE))
        assert set(found) == {"remark 0", "remark 1", "remark 2"}
    assert await others(database) == before


async def rewrite_line(database: SqlDatabase) -> None:
    async with database.session() as session:
        [line] = await session.scalars(select(Line).where(Line.pk == MINE, Line.id == "n"))
        line.text = "changed"
