"""Paging by cursor: every row once, in the order of the search, whatever happens between the pages."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Uuid,
    delete,
    event,
    insert,
)
from sqlalchemy import Enum as EnumType

from cqrs_nest.common import BadRequestException
from cqrs_nest.read_models import SqlDatabase, search, search_after
from cqrs_nest.read_models.columns import KeyText, UtcDateTime

pytestmark = pytest.mark.asyncio(loop_scope="module")
METADATA = MetaData()
NOTES = Table(
    "notes",
    METADATA,
    Column("pk", KeyText(50), primary_key=True),
    Column("sk", KeyText(50), primary_key=True),
    Column("title", String(50), nullable=False),
    Column("rank", Integer),
    Column("price", Numeric(10, 2)),
    Column("at", UtcDateTime),
)


class Mood(Enum):
    SAD = "sad"
    GLAD = "glad"


TYPED = Table(
    "typed",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("mood", EnumType(Mood, name="mood"), nullable=False),
    Column("day", Date, nullable=False),
    Column("ratio", Float, nullable=False),
    Column("done", Boolean, nullable=False),
)
ORDERABLE = {name: NOTES.c[name] for name in ("title", "rank", "price", "at")}
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def notes(shared_database_url: str) -> AsyncIterator[SqlDatabase]:
    database = SqlDatabase(shared_database_url, METADATA, create_tables=True)
    await database.on_module_init()
    yield database
    await database.on_application_shutdown()


def note(sk: str, rank: int | None = None) -> dict[str, Any]:
    at = None if rank is None else START + timedelta(seconds=rank, microseconds=rank)
    return {"pk": "NOTE#a", "sk": sk, "title": f"t{rank}", "rank": rank, "price": rank, "at": at}


async def fill(database: SqlDatabase, rows: list[dict[str, Any]]) -> None:
    async with database.begin() as connection:
        await connection.execute(delete(NOTES))
        if rows:
            await connection.execute(insert(NOTES), rows)


async def page(database: SqlDatabase, **options: Any) -> Any:
    async with database.connect() as connection:
        return await search_after(connection, NOTES, orderable=ORDERABLE, **options)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ranks=st.lists(st.none() | st.integers(-3, 3), max_size=12),
    order=st.lists(st.sampled_from(["title", "rank", "price", "at"]), max_size=3, unique=True),
    descending=st.lists(st.booleans(), min_size=3, max_size=3),
    page_size=st.integers(1, 5),
)
async def test_the_pages_are_the_search_cut_up(
    notes: SqlDatabase, ranks: list[int | None], order: list[str], descending: list[bool], page_size: int
) -> None:
    await fill(notes, [note(f"{number:02}", rank) for number, rank in enumerate(ranks)])
    order_by = [f"{'-' if down else ''}{name}" for name, down in zip(order, descending, strict=False)]
    async with notes.connect() as connection:
        whole = await search(connection, NOTES, orderable=ORDERABLE, order_by=order_by, page_size=100)
    found: list[Any] = []
    cursor: str | None = None
    while True:
        part = await page(notes, order_by=order_by, cursor=cursor, page_size=page_size)
        found += part.items
        cursor = part.next_cursor
        if cursor is None:
            break
        assert len(part.items) == page_size
    assert found == whole.items


async def test_rows_that_come_and_go_shift_nothing(notes: SqlDatabase) -> None:
    await fill(notes, [note(sk, 1) for sk in ("b", "d", "f")])
    first = await page(notes, page_size=2)
    async with notes.begin() as connection:
        await connection.execute(delete(NOTES).where(NOTES.c.sk == "d"))
        await connection.execute(insert(NOTES), [note("a", 1), note("e", 1)])
    rest = await page(notes, page_size=2, cursor=first.next_cursor)
    assert [row["sk"] for row in (*first.items, *rest.items)] == ["b", "d", "e", "f"]


async def test_it_takes_one_statement(notes: SqlDatabase) -> None:
    await fill(notes, [note(str(number), number) for number in range(9)])
    seen: list[str] = []
    listened = notes.engine.sync_engine
    event.listen(listened, "before_cursor_execute", lambda _c, _r, text, *_: seen.append(text))
    await page(notes, page_size=3)
    assert len([text for text in seen if text.startswith("SELECT")]) == 1


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


FORGED = {
    "rank": [
        "",
        "?",
        "é",
        "x" * 5000,
        *map(encoded, ("[]", "{}", "1", '"rank,pk,sk"', "[" * 2000)),
        encoded('["title,pk,sk", "a", "b", "c"]'),
        encoded('["rank,pk,sk", "one", "b", "c"]'),
        encoded('["rank,pk,sk", 1, null, "c"]'),
        encoded('["rank,pk,sk", 1, {"a": 1}, "c"]'),
        encoded('["rank,pk,sk", 1]'),
        *(
            encoded(f'["rank,pk,sk", {value}, "b", "c"]')
            for value in ("true", "1.5", 2**63, -(2**63) - 1, 10**30)
        ),
    ],
    "title": [encoded(f'["title,pk,sk", {value}, "b", "c"]') for value in ('"a\\u0000"', '"\\ud800"', "1")],
    "price": [
        encoded(f'["price,pk,sk", {value}, "b", "c"]')
        for value in ('"NaN"', '"sNaN"', '"Infinity"', '"1E+999999"', '"one"', "[1]", '""')
    ],
    "at": [
        encoded(f'["at,pk,sk", {value}, "b", "c"]')
        for value in (
            '"2026-01-01"',
            '"2026-01-01T00:00:00"',
            '"0001-01-01T00:00:00+14:00"',
            '"9999-12-31T23:59:59-14:00"',
            '"now"',
            "5",
        )
    ],
}


async def test_a_forged_or_truncated_cursor_is_refused(notes: SqlDatabase) -> None:
    await fill(notes, [note(str(number), number) for number in range(3)])
    for order_by, cursors in FORGED.items():
        genuine = (await page(notes, order_by=order_by, page_size=1)).next_cursor
        for cursor in (*cursors, *(genuine[:end] for end in range(len(genuine) - 1))):
            with pytest.raises(BadRequestException, match="cursor"):
                await page(notes, order_by=order_by, cursor=cursor)


async def test_a_number_has_the_bits_of_its_column(notes: SqlDatabase) -> None:
    cursor = encoded(f'["rank,pk,sk", {2**31}, "b", "c"]')
    if notes.engine.dialect.name == "sqlite":  # its whole numbers have 64 bits in every column
        assert (await page(notes, order_by="rank", cursor=cursor)).items == []
        return
    with pytest.raises(BadRequestException, match="cursor"):
        await page(notes, order_by="rank", cursor=cursor)


async def test_any_type_of_column_can_be_paged_by(shared_database_url: str) -> None:
    database = SqlDatabase(shared_database_url, TYPED.metadata, create_tables=True)
    await database.on_module_init()
    rows = [
        {
            "id": UUID(int=number),
            "mood": mood,
            "day": date(2026, 1, number),
            "ratio": number / 2,
            "done": number > 1,
        }
        for number, mood in enumerate(Mood, start=1)
    ]
    async with database.begin() as connection:
        await connection.execute(insert(TYPED), rows)
    for name in ("mood", "day", "ratio", "done", "id"):
        found: list[Any] = []
        cursor: str | None = None
        while not found or cursor:
            async with database.connect() as connection:
                part = await search_after(
                    connection, TYPED, order_by=name, orderable=TYPED.c, cursor=cursor, page_size=1
                )
            found += (row["id"] for row in part.items)
            cursor = part.next_cursor
        assert sorted(found) == [row["id"] for row in rows], name
    await database.on_application_shutdown()


@pytest.mark.parametrize("page_size", [0, -1, 2**31, 2**63])
async def test_a_page_has_some_rows(notes: SqlDatabase, page_size: int) -> None:
    with pytest.raises(BadRequestException, match="pageSize must be 1 or more"):
        await page(notes, page_size=page_size)
