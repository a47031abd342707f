from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from cqrs_nest.buses import Command, CommandBus, CommandHandlerNotFoundException, Query, QueryBus
from cqrs_nest.buses.errors import QueryHandlerNotFoundException


@dataclass(frozen=True)
class CreateTodo(Command[str]):
    name: str


class RenameTodo(BaseModel, Command[str]):
    name: str


class ImportTodo(CreateTodo):
    pass


async def create(command: CreateTodo) -> str:
    return f"created {command.name}"


@pytest.fixture
def bus() -> CommandBus:
    bus = CommandBus()
    bus.register(CreateTodo, create)
    return bus


async def test_gives_the_handlers_result(bus: CommandBus) -> None:
    assert await bus.execute(CreateTodo("milk")) == "created milk"


async def test_a_pydantic_model_is_a_command(bus: CommandBus) -> None:
    async def rename(command: RenameTodo) -> str:
        return command.name

    bus.register(RenameTodo, rename)
    assert await bus.execute(RenameTodo(name="bread")) == "bread"


async def test_a_subclass_goes_to_the_handler_of_its_base_until_it_has_its_own(bus: CommandBus) -> None:
    assert await bus.execute(ImportTodo("milk")) == "created milk"

    async def import_(command: ImportTodo) -> str:
        return f"imported {command.name}"

    bus.register(ImportTodo, import_)
    assert await bus.execute(ImportTodo("milk")) == "imported milk"
    assert await bus.execute(CreateTodo("milk")) == "created milk"


async def test_errors_arrive_unchanged(bus: CommandBus) -> None:
    error = ValueError("no milk")

    async def fail(command: CreateTodo) -> str:
        raise error

    bus.register(CreateTodo, fail)
    with pytest.raises(ValueError, match="no milk") as raised:
        await bus.execute(CreateTodo("milk"))
    assert raised.value is error


def test_an_unknown_command_names_the_nearest_one(bus: CommandBus) -> None:
    class CreateTodos(Command[None]):
        pass

    with pytest.raises(
        CommandHandlerNotFoundException,
        match=r'command: "CreateTodos"\. Did you mean CreateTodo of .*\? create handles it',
    ):
        bus.execute(CreateTodos())


async def test_an_unknown_query_says_what_to_write() -> None:
    class FindTodo(Query[str]):
        pass

    class CountLists(Query[int]):
        pass

    async def count(query: CountLists) -> int:
        return 0

    bus = QueryBus()
    with pytest.raises(QueryHandlerNotFoundException, match=r"No handler is known yet"):
        bus.execute(FindTodo())
    bus.register(CountLists, count)
    with pytest.raises(
        QueryHandlerNotFoundException,
        match=r'No handler found for the query: "FindTodo"\. Mark a class with @QueryHandler\(FindTodo\)',
    ):
        bus.execute(FindTodo())


def test_a_class_in_the_place_of_a_command_is_told_apart(bus: CommandBus) -> None:
    with pytest.raises(CommandHandlerNotFoundException, match="What was sent is a class: make an object"):
        bus.execute(CreateTodo)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
