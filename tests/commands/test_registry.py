"""Mistakes with tables and handlers are found when the application starts."""

from __future__ import annotations

from typing import Any

import pytest

from cqrs_nest.commands import (
    CommandModel,
    CommandModule,
    CommandService,
    CommandTableRegistry,
    DataSyncHandler,
)
from cqrs_nest.commands.registry import InvalidCommandTableError
from cqrs_nest.common import Injectable, Module, Scope
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.cqrs import CqrsModule

ENVIRONMENT = Environment(node_env="local", app_name="test")


class Plain:
    async def up(self, command: CommandModel) -> None: ...


@DataSyncHandler("todo")
class Projection:
    async def up(self, command: CommandModel) -> None: ...


@DataSyncHandler("todo", name="Projection")
class OtherProjection:
    async def up(self, command: CommandModel) -> None: ...


@DataSyncHandler("todo-command")
class WrongName:
    async def up(self, command: CommandModel) -> None: ...


@DataSyncHandler("note")
class Unknown:
    async def up(self, command: CommandModel) -> None: ...


@DataSyncHandler("todo")
class WithoutUp:
    async def down(self, command: CommandModel) -> None: ...


@Injectable(scope=Scope.REQUEST)
@DataSyncHandler("todo")
class OfARequest:
    async def up(self, command: CommandModel) -> None: ...


@Module()
class TodoModule:
    """The application's own module."""


async def start(*imports: Any, providers: tuple[Any, ...] = ()) -> CommandTableRegistry:
    todo = DynamicModule(TodoModule, imports=imports, providers=providers)
    root = DynamicModule(Root, imports=[ConfigModule.for_root(ENVIRONMENT), todo])
    container = await Container.create(root)
    await container.initialize()
    return container.get(CommandTableRegistry)


@Module()
class OtherModule:
    """Another one."""


@Module()
class Root:
    """The root."""


def todo_table(**options: Any) -> DynamicModule:
    return CommandModule.register(table_name="todo", **options)


async def test_handlers_of_register_come_first_and_each_runs_once() -> None:
    registry = await start(todo_table(data_sync_handlers=[Plain, Projection]), providers=(Projection,))
    assert registry.table_names == ("todo",)
    assert [handler.name for handler in registry.handlers("todo")] == ["Plain", "Projection"]


async def test_a_table_is_found_by_its_physical_name_with_its_own_services() -> None:
    registry = await start(todo_table(), CommandModule.register(table_name="note"))
    todo, note = registry.table("todo"), registry.table("local-test-note-command")
    assert todo is not None
    assert note is not None
    assert todo.get(CommandService).table_name == "todo"
    assert note.get(CommandService).table_name == "note"
    assert registry.table("nothing") is None


@pytest.mark.parametrize(
    ("provider", "texts"),
    [
        (
            Unknown,
            ['Unknown in TodoModule is a @DataSyncHandler("note")', 'registered: "todo"', "Fix: import"],
        ),
        (WrongName, ['@DataSyncHandler("todo-command")', 'Fix: write @DataSyncHandler("todo")']),
        (WithoutUp, ["WithoutUp in TodoModule", "has no method `up`", "Fix: add"]),
        (OfARequest, ["OfARequest in TodoModule", "request-scoped", "Fix: give it"]),
    ],
)
async def test_a_wrong_handler_is_named_with_the_fix(provider: type, texts: list[str]) -> None:
    with pytest.raises(InvalidCommandTableError) as caught:
        await start(todo_table(), providers=(provider,))
    for text in texts:
        assert text in str(caught.value)


async def test_two_handlers_of_one_name_are_named() -> None:
    with pytest.raises(InvalidCommandTableError, match="two data sync handlers named Projection"):
        await start(todo_table(), providers=(Projection, OtherProjection))


def other_module(*imports: Any, providers: tuple[Any, ...] = ()) -> DynamicModule:
    return DynamicModule(OtherModule, imports=imports, providers=providers)


async def test_a_table_registered_twice_with_other_options_is_an_error_that_names_both() -> None:
    other = other_module(CqrsModule.register(table_name="todo", events="off", data_sync_handlers=[Plain]))
    with pytest.raises(InvalidCommandTableError) as caught:
        await start(CqrsModule.register(table_name="todo"), other)
    for text in (
        "Root > TodoModule > CqrsTableModule > CommandModule",
        "Root > TodoModule > OtherModule > CqrsTableModule > CommandModule",
        "handlers [] and [Plain], events 'inline' and 'off'",
        "Fix: keep the register(...) call in a variable",
    ):
        assert text in str(caught.value)


async def test_a_table_registered_twice_with_the_same_options_is_one() -> None:
    options = {"data_sync_handlers": [Plain], "events": "stream"}
    registry = await start(todo_table(**options), other_module(todo_table(**options)))
    assert registry.table_names == ("todo",)
    assert [handler.name for handler in registry.handlers("todo")] == ["Plain"]


class Consumer:
    def __init__(self, commands: CommandService) -> None:
        self.table_name = commands.table_name


async def test_a_service_of_one_of_several_tables_is_not_guessed() -> None:
    note = CqrsModule.register(table_name="note")
    with pytest.raises(InvalidCommandTableError) as caught:
        await start(CqrsModule.register(table_name="todo"), note, providers=(Consumer,))
    assert "Consumer in TodoModule asks for CommandService" in str(caught.value)
    assert 'TodoModule imports several tables: "todo", "note"' in str(caught.value)


async def test_several_tables_without_a_consumer_and_one_table_twice_are_clear() -> None:
    other = other_module(todo_table(), todo_table(), providers=(Consumer,))
    registry = await start(CommandModule.register(table_name="note"), todo_table(), other)
    assert registry.table_names == ("note", "todo")
