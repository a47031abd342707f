"""The projection and the search, on SQLite."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cqrs_nest.common import BadRequestException
from cqrs_nest.cqrs import CommandModel
from cqrs_nest.read_models import SqlModule
from cqrs_nest.testing import Test, TestingModule
from sample_app.todo.dto.todo_search_dto import SearchTodosDto
from sample_app.todo.projection.todo_projection import TodoProjection
from sample_app.todo.projection.todo_search import TodoSearch
from sample_app.todo.projection.todo_tables import metadata


@pytest.fixture
async def read_model() -> AsyncIterator[TestingModule]:
    builder = Test.create_testing_module(
        imports=[SqlModule.register(metadata, create_tables=True)], providers=[TodoProjection, TodoSearch]
    )
    async with await builder.compile() as module:
        await module.initialize()
        yield module


@pytest.fixture
def projection(read_model: TestingModule) -> TodoProjection:
    return read_model.get(TodoProjection)


@pytest.fixture
def search(read_model: TestingModule) -> TodoSearch:
    return read_model.get(TodoSearch)


def command(sk: str, version: int = 1, *, pk: str = "TODO#acme", **fields: Any) -> CommandModel:
    row: dict[str, Any] = {"pk": pk, "sk": f"{sk}@{version}", "id": f"{pk}#{sk}", "version": version}
    return CommandModel.from_row({**row, "name": sk, "attributes": {}, **fields})


async def names(search: TodoSearch, pk: str = "TODO#acme", **query: Any) -> list[str]:
    dto = SearchTodosDto.model_validate(query)
    return [todo.name for todo in (await search.find(pk, dto, dto.page_size)).items]


async def test_a_command_becomes_a_row_with_its_tags(projection: TodoProjection, search: TodoSearch) -> None:
    await projection.up(command("A", attributes={"tags": ["b", "a"], "priority": 3, "dueDate": "2030-01-31"}))
    [todo] = (await search.find("TODO#acme", SearchTodosDto(), 10)).items
    assert (todo.sk, todo.version, todo.tags, todo.priority, todo.due_date, todo.done) == (
        "A", 1, ["a", "b"], 3, "2030-01-31", False
    )  # fmt: skip


async def test_late_and_repeated_commands_change_nothing(
    projection: TodoProjection, search: TodoSearch
) -> None:
    new = command("A", 2, name="new", attributes={"tags": ["new"]})
    for late in (new, command("A", 1, name="old", attributes={"tags": ["old"]}), new):
        await projection.up(late)
    assert await names(search, tag="new") == ["new"]
    assert await names(search, tag="old") == []


async def test_a_deleted_todo_is_not_found_and_does_not_come_back(
    projection: TodoProjection, search: TodoSearch
) -> None:
    await projection.up(command("A", 2, isDeleted=True))
    await projection.up(command("A", 1))
    assert await names(search) == []


async def test_search_narrows_orders_and_pages(projection: TodoProjection, search: TodoSearch) -> None:
    await projection.up(command("A", name="100% milk", attributes={"priority": 1, "done": True}))
    await projection.up(command("B", name="bread", attributes={"priority": 2, "description": "with Milk"}))
    await projection.up(command("C", name="1000 nails", attributes={"priority": 2}))
    await projection.up(command("D", name="milk of another tenant", pk="TODO#umbrella"))

    assert await names(search, keyword="MILK") == ["100% milk", "bread"]
    assert await names(search, keyword="100%") == ["100% milk"]
    assert await names(search, done=True) == ["100% milk"]
    assert await names(search, orderBys=["-priority,name"]) == ["1000 nails", "bread", "100% milk"]
    assert await names(search, orderBys=["-priority", "name"], page=2, pageSize=2) == ["100% milk"]
    with pytest.raises(BadRequestException):
        await names(search, orderBys=["pk"])


async def test_todos_are_ordered_by_the_moment_they_are_due(
    projection: TodoProjection, search: TodoSearch
) -> None:
    due = {
        "third": "2030-01-31T12:00:00Z",
        "second": "2030-01-31T20:59:59.5+09:00",
        "first": "2030-01-31",
        "last": "2030-01-31T12:00:00.5",
        "end of time": "9999-12-31T23:59:59-09:00",
    }
    for sk, moment in due.items():
        await projection.up(command(sk, attributes={"dueDate": moment}))
    assert await names(search, orderBys=["dueDate"]) == ["first", "second", "third", "last", "end of time"]


async def test_down_forgets_a_todo(projection: TodoProjection, search: TodoSearch) -> None:
    todo = command("A", attributes={"tags": ["a"]})
    await projection.up(todo)
    await projection.down(todo)
    assert await names(search) == []
