from collections.abc import Sequence
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Table, event, insert

from cqrs_nest.common import BadRequestException
from cqrs_nest.read_models import SearchResult, SqlDatabase, search, search_after
from tests.read_models.conftest import TODOS

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = ["Milk", "milkshake", "100% juice", "bread", "Butter", "100 candles"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def database(shared_database: SqlDatabase) -> SqlDatabase:
    """With the rows that all tests of this file read."""
    values: list[dict[str, Any]] = [
        {"pk": "TODO#a", "sk": str(i), "name": name, "priority": i % 2, "version": 1}
        for i, name in enumerate(NAMES)
    ]
    async with shared_database.begin() as connection:
        await connection.execute(insert(TODOS), values)
    return shared_database


async def find(database: SqlDatabase, todos: Table, **options: Any) -> SearchResult:
    orderable = {"name": todos.c.name, "priority": todos.c.priority}
    async with database.connect() as connection:
        return await search(connection, todos, keyword_columns=[todos.c.name], orderable=orderable, **options)


def names(result: SearchResult) -> Sequence[str]:
    return [row["name"] for row in result.items]


async def test_a_keyword_is_found_in_any_case_and_taken_literally(
    database: SqlDatabase, todos: Table
) -> None:
    assert names(await find(database, todos, keyword="MILK")) == ["Milk", "milkshake"]
    assert names(await find(database, todos, keyword="100%")) == ["100% juice"]
    assert names(await find(database, todos, keyword="_")) == []
    assert names(await find(database, todos, keyword="'; DROP TABLE todos; --")) == []


@pytest.mark.parametrize(
    "keyword", ["\\", "%%", "/", "a\\", "[a-z]", "\N{PARTY POPPER}", "k" * 1000, "\N{KELVIN SIGN}" * 1000]
)
async def test_any_keyword_is_text(database: SqlDatabase, todos: Table, keyword: str) -> None:
    assert names(await find(database, todos, keyword=keyword)) == []


@pytest.mark.parametrize("keyword", ["a\0", "\0", "\ud800", "Milk\udfff", "k" * 1001, "%" * 60_000])
async def test_what_no_database_takes_is_a_bad_request(
    database: SqlDatabase, todos: Table, keyword: str
) -> None:
    async with database.connect() as connection:
        for find_in in (search, search_after):
            with pytest.raises(BadRequestException, match="keyword must be text of at most 1000 characters"):
                await find_in(connection, todos, keyword=keyword, keyword_columns=[todos.c.name])


async def test_a_keyword_without_columns_finds_nothing(database: SqlDatabase, todos: Table) -> None:
    async with database.connect() as connection:
        assert (await search(connection, todos, keyword="Milk")).total == 0


async def test_filters_order_and_pages(database: SqlDatabase, todos: Table) -> None:
    result = await find(
        database, todos, filters=[todos.c.priority == 0], order_by="-name", page=2, page_size=2
    )
    assert (names(result), result.total) == (["100% juice"], 3)


async def test_several_names_order_one_after_the_other(database: SqlDatabase, todos: Table) -> None:
    by_text = names(await find(database, todos, order_by="priority, -name"))
    by_list = names(await find(database, todos, order_by=["priority", "-name"]))
    assert by_text == by_list == ["Milk", "Butter", "100% juice", "milkshake", "bread", "100 candles"]


async def test_pages_neither_repeat_nor_leave_out_rows_of_equal_order(
    database: SqlDatabase, todos: Table
) -> None:
    pages = [await find(database, todos, order_by="priority", page=n, page_size=1) for n in range(1, 7)]
    assert sorted(name for page in pages for name in names(page)) == sorted(NAMES)


async def test_only_listed_names_can_be_ordered_by(database: SqlDatabase, todos: Table) -> None:
    with pytest.raises(BadRequestException) as caught:
        await find(database, todos, order_by="-version")
    assert caught.value.body()["message"] == "orderBys may name each of these once: name, priority"


@pytest.mark.parametrize(("page", "page_size"), [(0, 10), (1, 0), (-1, 5), (2**62, 2), (1, 2**63)])
async def test_impossible_pages_are_refused(
    database: SqlDatabase, todos: Table, page: int, page_size: int
) -> None:
    with pytest.raises(BadRequestException):
        await find(database, todos, page=page, page_size=page_size)


@pytest.mark.parametrize(("page_size", "statements"), [(10, 1), (2, 2)])
async def test_it_takes_at_most_two_statements(
    database: SqlDatabase, todos: Table, page_size: int, statements: int
) -> None:
    seen: list[str] = []
    event.listen(
        database.engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: seen.append(statement),
    )
    result = await find(database, todos, page_size=page_size)
    assert result.total == 6
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == statements
