"""Paging by cursor: every row once, in the order of the search, whatever happens between the pages."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Numeric, String, Table, delete, event, insert

from cqrs_nest.common import BadRequestException
from cqrs_nest.read_models import SqlDatabase, search, search_after
from cqrs_nest.read_models.columns import KeyText, UtcDateTime

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
ORDERABLE = {name: NOTES.c[name] for name in ("title", "rank", "price", "at")}
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def notes(database_url: str) -> AsyncIterator[SqlDatabase]:
    database = SqlDatabase(database_url, METADATA, create_tables=True)
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


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        "x" * 5000,
        encoded("[]"),
        encoded("{}"),
        encoded("1"),
        encoded('["title,pk,sk", "a", "b", "c"]'),
        encoded('["rank,pk,sk", "one", "b", "c"]'),
        encoded('["rank,pk,sk", 1, null, "c"]'),
        encoded('["rank,pk,sk", 1, {"a": 1}, "c"]'),
        encoded('["rank,pk,sk", 1]'),
    ],
)
async def test_another_cursor_is_refused(notes: SqlDatabase, cursor: str) -> None:
    with pytest.raises(BadRequestException, match="cursor"):
        await page(notes, order_by="rank", cursor=cursor)


async def test_a_page_needs_rows(notes: SqlDatabase) -> None:
    with pytest.raises(BadRequestException, match="pageSize"):
        await page(notes, page_size=0)
