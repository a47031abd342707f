"""Buses: each line that ends in `# wrong` must be refused by both type checkers, and no other line."""

from dataclasses import dataclass
from typing import assert_type

from pydantic import BaseModel

from cqrs_nest.cqrs import (
    AggregateRoot,
    Command,
    CommandBus,
    CommandHandler,
    EventPublisher,
    ICommandHandler,
    IEventHandler,
    Query,
    QueryBus,
    QueryHandler,
    Saga,
)


@dataclass(frozen=True)
class CreateTodo(Command[int]):
    name: str


class RenameTodo(BaseModel, Command[str]):
    name: str


@dataclass(frozen=True)
class FindTodo(Query[str | None]):
    number: int


@dataclass(frozen=True)
class TodoCreated:
    name: str


@dataclass(frozen=True)
class TodoRenamed:
    name: str


async def results(commands: CommandBus, queries: QueryBus) -> None:
    assert_type(await commands.execute(CreateTodo("milk")), int)
    assert_type(await commands.execute(RenameTodo(name="milk")), str)
    assert_type(await queries.execute(FindTodo(1)), str | None)
    text: str = await commands.execute(CreateTodo("milk"))  # wrong
    number: int = await queries.execute(FindTodo(1))  # wrong
    print(text, number)


async def wrong_bus(commands: CommandBus, queries: QueryBus) -> None:
    await commands.execute(FindTodo(1))  # wrong
    await queries.execute(CreateTodo("milk"))  # wrong
    await commands.execute(TodoCreated("milk"))  # wrong
    await commands.execute(CreateTodo(1))  # wrong


@CommandHandler(CreateTodo)
class CreateTodoHandler(ICommandHandler[CreateTodo, int]):
    async def execute(self, command: CreateTodo) -> int:
        return len(command.name)


class WrongResultHandler(ICommandHandler[CreateTodo, int]):
    async def execute(self, command: CreateTodo) -> str:  # wrong
        return command.name


class WrongCommandHandler(ICommandHandler[CreateTodo, int]):
    async def execute(self, command: RenameTodo) -> int:  # wrong
        return 1


class WrongEventHandler(IEventHandler[TodoCreated]):
    async def handle(self, event: TodoRenamed) -> None:  # wrong
        return None


@CommandHandler(FindTodo)  # wrong
class HandlesAQuery(ICommandHandler[FindTodo, str]):
    async def execute(self, command: FindTodo) -> str:
        return ""


@QueryHandler(CreateTodo)  # wrong
class HandlesACommand:
    async def execute(self, query: CreateTodo) -> int:
        return 1


class Todos:
    @CreateTodo.handler
    async def create(self, command: CreateTodo) -> int:
        return len(command.name)

    @FindTodo.handler
    async def find(self, query: FindTodo) -> str | None:
        return None

    @CreateTodo.handler  # wrong
    async def wrong_result(self, command: CreateTodo) -> str:
        return command.name

    @CreateTodo.handler  # wrong
    async def wrong_command(self, command: RenameTodo) -> int:
        return 1

    @CreateTodo.handler  # wrong
    def not_async(self, command: CreateTodo) -> int:
        return 1


class Sagas:
    @Saga(TodoCreated)
    async def follow(self, event: TodoCreated) -> CreateTodo | list[CreateTodo] | None:
        return CreateTodo(event.name)

    @Saga(TodoCreated)  # wrong
    async def other_event(self, event: TodoRenamed) -> CreateTodo | None:
        return None

    @Saga(TodoCreated)  # wrong
    async def no_command(self, event: TodoCreated) -> FindTodo:
        return FindTodo(1)


class Todo(AggregateRoot[TodoCreated]):
    def rename(self) -> None:
        self.apply(TodoCreated("milk"))
        self.apply(TodoRenamed("milk"))  # wrong


def merge(publisher: EventPublisher, todo: Todo) -> None:
    assert_type(publisher.merge_object_context(todo), Todo)
    assert_type(publisher.merge_class_context(Todo), type[Todo])
