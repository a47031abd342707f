"""Commands of todos, sent over the real bus to the real handlers."""

from dataclasses import dataclass

import pytest

from cqrs_nest.common import ConflictException, NotFoundException
from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import CommandBus, CommandModel, QueryBus
from cqrs_nest.testing import TestingModule
from sample_app.tests.in_memory_items import InMemoryItems
from sample_app.todo.commands.complete_todo_command import CompleteTodoCommand
from sample_app.todo.commands.create_todo_command import CreateTodoCommand
from sample_app.todo.commands.delete_todo_command import DeleteTodoCommand
from sample_app.todo.commands.update_todo_command import UpdateTodoCommand
from sample_app.todo.dto.create_todo_dto import CreateTodoDto
from sample_app.todo.dto.todo_key_dto import TodoKeyDto
from sample_app.todo.dto.update_todo_dto import UpdateTodoDto
from sample_app.todo.queries.get_todo_history_query import GetTodoHistoryQuery
from sample_app.todo.queries.get_todo_query import GetTodoQuery

MILK = CreateTodoDto(name="Buy milk", priority=2, tags=["shop"])


@dataclass(frozen=True)
class Todo:
    """A todo that was created in a test."""

    key: TodoKeyDto
    command: CommandModel


@pytest.fixture
def command_bus(module: TestingModule) -> CommandBus:
    return module.get(CommandBus)


@pytest.fixture
def query_bus(module: TestingModule) -> QueryBus:
    return module.get(QueryBus)


@pytest.fixture
async def milk(command_bus: CommandBus, alice: Invoke) -> Todo:
    command = await command_bus.execute(CreateTodoCommand(MILK, alice))
    assert command is not None
    return Todo(TodoKeyDto(pk=command.pk, sk=command.sk), command)


async def test_a_todo_belongs_to_the_tenant_of_its_creator(milk: Todo) -> None:
    command = milk.command
    assert command.pk == "TODO#acme"
    assert command.tenant_code == "acme"
    assert command.id == f"TODO#acme#{command.code}"
    assert command.sk == f"{command.code}@1"
    assert command.seq == 1
    assert command.created_by == "alice"
    assert command.source == "[todo]:TodoController.create"
    assert command.attributes == {"done": False, "priority": 2, "tags": ["shop"]}


async def test_a_chosen_ulid_can_be_used_once(
    command_bus: CommandBus, alice: Invoke, todos: InMemoryItems
) -> None:
    command = CreateTodoCommand(MILK, alice, sk="01J9Z3K7Q8V5W2X4Y6Z8A0B2C4")
    await command_bus.execute(command)
    with pytest.raises(ConflictException):
        await command_bus.execute(command)
    assert len(todos.published) == 1


async def test_an_update_changes_only_what_was_sent(
    command_bus: CommandBus, milk: Todo, alice: Invoke
) -> None:
    change = UpdateTodoDto.model_validate({"version": 1, "priority": 5})
    command = await command_bus.execute(UpdateTodoCommand(milk.key, change, alice))
    assert command.version == 2
    assert command.name == "Buy milk"
    assert command.attributes == {"done": False, "priority": 5, "tags": ["shop"]}


async def test_a_stale_version_is_refused(
    command_bus: CommandBus, milk: Todo, alice: Invoke, todos: InMemoryItems
) -> None:
    await command_bus.execute(CompleteTodoCommand(milk.key, 1, alice))
    with pytest.raises(ConflictException, match="at version 2, not at 1"):
        await command_bus.execute(CompleteTodoCommand(milk.key, 1, alice))
    assert len(todos.published) == 2


async def test_completing_marks_the_todo_as_done(command_bus: CommandBus, milk: Todo, alice: Invoke) -> None:
    command = await command_bus.execute(CompleteTodoCommand(milk.key, 1, alice))
    assert command.attributes["done"] is True


async def test_a_deleted_todo_cannot_be_found_or_changed(
    command_bus: CommandBus, query_bus: QueryBus, milk: Todo, alice: Invoke
) -> None:
    await command_bus.execute(DeleteTodoCommand(milk.key, 1, alice))
    with pytest.raises(NotFoundException):
        await query_bus.execute(GetTodoQuery(milk.key))
    with pytest.raises(NotFoundException):
        await command_bus.execute(CompleteTodoCommand(milk.key, 2, alice))


async def test_history_shows_the_newest_version_first(
    command_bus: CommandBus, query_bus: QueryBus, milk: Todo, alice: Invoke
) -> None:
    await command_bus.execute(DeleteTodoCommand(milk.key, 1, alice))
    history = await query_bus.execute(GetTodoHistoryQuery(milk.key))
    assert [(item.version, item.is_deleted, item.updated_by) for item in history.items] == [
        (2, True, "alice"),
        (1, False, "alice"),
    ]
