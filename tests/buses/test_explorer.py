from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.buses import (
    BusExplorer,
    BusOptions,
    Command,
    CommandBus,
    CommandHandler,
    CommandHandlerNotFoundException,
    EventBus,
    EventsHandler,
    HandlerSetupError,
    ICommandHandler,
    IEventHandler,
    IQueryHandler,
    Query,
    QueryBus,
    QueryHandler,
    Saga,
    UnhandledExceptionBus,
)
from cqrs_nest.common import DynamicModule, Injectable, Module, Scope, provide
from cqrs_nest.core import Container


@dataclass(frozen=True)
class CreateTodo(Command[str]):
    name: str


@dataclass(frozen=True)
class FindTodo(Query[int]):
    number: int


@dataclass(frozen=True)
class TodoCreated:
    name: str


@Module(
    providers=[CommandBus, QueryBus, EventBus, UnhandledExceptionBus, BusExplorer],
    exports=[CommandBus, QueryBus, EventBus],
)
class BusModule:
    def __init__(self, explorer: BusExplorer) -> None:
        self._explorer = explorer

    def on_application_bootstrap(self) -> None:
        self._explorer.start()


@Module()
class TodoModule:
    pass


async def start(*providers: Any, options: BusOptions | None = None) -> Container:
    """An application whose TodoModule imports the buses and provides these handlers."""
    imports: list[Any] = [BusModule]
    if options is not None:
        configured = [provide(BusOptions, use_value=options)]
        imports.append(
            DynamicModule(OptionsModule, providers=configured, exports=[BusOptions], is_global=True)
        )
    container = await Container.create(DynamicModule(TodoModule, imports=imports, providers=providers))
    await container.initialize()
    return container


@Module()
class OptionsModule:
    pass


class Clock:
    def now(self) -> str:
        return "noon"


@CommandHandler(CreateTodo)
class CreateTodoHandler(ICommandHandler[CreateTodo, str]):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def execute(self, command: CreateTodo) -> str:
        return f"{command.name} at {self._clock.now()}"


@QueryHandler(FindTodo)
class FindTodoHandler(IQueryHandler[FindTodo, int]):
    async def execute(self, query: FindTodo) -> int:
        return query.number


async def test_handlers_are_built_by_the_container_and_found() -> None:
    container = await start(Clock, CreateTodoHandler, FindTodoHandler)
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "milk at noon"
    assert await container.get(QueryBus).execute(FindTodo(3)) == 3


async def test_event_handlers_and_sagas_are_found() -> None:
    seen: list[str] = []

    @EventsHandler(TodoCreated)
    class LogHandler(IEventHandler[TodoCreated]):
        async def handle(self, event: TodoCreated) -> None:
            seen.append(f"log {event.name}")

    class TodoSagas:
        @Saga(TodoCreated)
        async def follow_up(self, event: TodoCreated) -> CreateTodo | None:
            seen.append("saga")
            return CreateTodo("follow up") if event.name == "milk" else None

    container = await start(Clock, CreateTodoHandler, LogHandler, TodoSagas)
    await container.get(EventBus).publish(TodoCreated("milk"))
    assert seen == ["log milk", "saga"]


async def test_a_request_scoped_handler_is_new_for_each_command() -> None:
    built: list[object] = []

    @Injectable(scope=Scope.REQUEST)
    class Basket:
        def __init__(self) -> None:
            built.append(self)

    @CommandHandler(CreateTodo)
    class BasketHandler(ICommandHandler[CreateTodo, str]):
        def __init__(self, basket: Basket) -> None:
            self._basket = basket

        async def execute(self, command: CreateTodo) -> str:
            return command.name

    container = await start(Basket, BasketHandler)
    assert built == []
    bus = container.get(CommandBus)
    assert [await bus.execute(CreateTodo(name)) for name in "ab"] == ["a", "b"]
    assert len(built) == 2


async def test_a_substitute_answers_for_the_handler_it_stands_in_for() -> None:
    class Fake:
        async def execute(self, command: CreateTodo) -> str:
            return "fake"

    container = await start(provide(CreateTodoHandler, use_value=Fake()))  # type: ignore[call-overload]
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "fake"


@CommandHandler(CreateTodo)
class SecondHandler(ICommandHandler[CreateTodo, str]):
    async def execute(self, command: CreateTodo) -> str:
        return "second"


async def test_two_handlers_for_a_command_are_an_error_at_start() -> None:
    with pytest.raises(HandlerSetupError) as raised:
        await start(Clock, CreateTodoHandler, SecondHandler)
    text = str(raised.value)
    assert text.startswith("Two handlers for the command CreateTodo:\n  1. CreateTodoHandler in TodoModule (")
    assert "\n  2. SecondHandler in TodoModule (" in text
    assert "Remove one of them from its module's providers" in text


async def test_the_last_handler_wins_on_request() -> None:
    container = await start(Clock, CreateTodoHandler, SecondHandler, options=BusOptions(on_duplicate="last"))
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "second"


class Undecorated(ICommandHandler[CreateTodo, str]):
    async def execute(self, command: CreateTodo) -> str:
        return ""


@CommandHandler(str)  # type: ignore[arg-type]
class ForNoCommand(ICommandHandler[str, str]):
    async def execute(self, command: str) -> str:
        return ""


@CommandHandler(CreateTodo)
class OtherResult(ICommandHandler[CreateTodo, int]):
    async def execute(self, command: CreateTodo) -> int:
        return 1


class OtherCommand(Command[str]):
    pass


@CommandHandler(OtherCommand)
class ForAnotherCommand(ICommandHandler[CreateTodo, str]):
    async def execute(self, command: CreateTodo) -> str:
        return ""


@CommandHandler(CreateTodo)
class NotAsync:
    def execute(self, command: CreateTodo) -> str:
        return ""


@EventsHandler(TodoCreated)
class WithoutHandle:
    pass


class AnnotatedOtherResult:
    @CreateTodo.handler  # type: ignore[arg-type]
    async def create(self, command: CreateTodo) -> int:
        return 1


@CommandHandler(CreateTodo)
class AnnotatedOtherCommand:
    async def execute(self, command: OtherCommand) -> str:
        return ""


@CommandHandler(CreateTodo)
class BareInterface(ICommandHandler):  # type: ignore[type-arg]
    async def execute(self, command: OtherCommand) -> str:
        return ""


@EventsHandler()
class ForNoEvent:
    async def handle(self, event: TodoCreated) -> None: ...


class SagaForNoClass:
    @Saga("todo.created")  # type: ignore[arg-type]
    async def follow(self, event: TodoCreated) -> CreateTodo | None:
        return None


class SagaForAnotherEvent:
    @Saga(TodoCreated)  # type: ignore[arg-type]
    async def follow(self, event: OtherCommand) -> CreateTodo | None:
        return None


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (Undecorated, "Undecorated in TodoModule .* does not say for what.\nAdd @CommandHandler"),
        (ForNoCommand, "handles <class 'str'>, which is no command"),
        (OtherResult, r"gives int, but CreateTodo is declared as Command\[str\]"),
        (ForAnotherCommand, r"decorated for OtherCommand, but execute\(\) is declared for CreateTodo"),
        (NotAsync, r"execute\(\) is not async.\nWrite `async def execute`"),
        (WithoutHandle, r"has no method handle\(\)"),
        (AnnotatedOtherResult, r"gives int, but CreateTodo is declared as Command\[str\]"),
        (AnnotatedOtherCommand, r"decorated for CreateTodo, but execute\(\) is declared for OtherCommand"),
        (BareInterface, r"decorated for CreateTodo, but execute\(\) is declared for OtherCommand"),
        (SagaForAnotherEvent, r"decorated for TodoCreated, but follow\(\) is declared for OtherCommand"),
        (ForNoEvent, r"names no event\.\nWrite @EventsHandler\(TheEventClass\)"),
        (SagaForNoClass, r"names 'todo\.created', which is no class\.\nWrite @Saga"),
    ],
)
async def test_a_wrong_handler_is_an_error_at_start(handler: type[Any], text: str) -> None:
    with pytest.raises(HandlerSetupError, match=text):
        await start(handler)


class Todos:
    """The second form: methods that say what they handle."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @CreateTodo.handler
    async def create(self, command: CreateTodo) -> str:
        return f"{command.name} at {self._clock.now()}"

    @FindTodo.handler
    async def find(self, query: FindTodo) -> int:
        return query.number


async def test_methods_handle_messages() -> None:
    container = await start(Clock, Todos)
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "milk at noon"
    assert await container.get(QueryBus).execute(FindTodo(3)) == 3


async def test_a_handler_may_have_methods_for_other_messages() -> None:
    @CommandHandler(CreateTodo)
    class Both(ICommandHandler[CreateTodo, str], IEventHandler[TodoCreated]):
        async def execute(self, command: CreateTodo) -> str:
            return command.name

        async def handle(self, event: TodoCreated) -> None: ...

        @OtherCommand.handler
        async def other(self, command: OtherCommand) -> str:
            return "other"

        @Saga(CreateTodo)
        async def follow(self, event: CreateTodo) -> OtherCommand:
            return OtherCommand()

    bus = (await start(Both)).get(CommandBus)
    assert await bus.execute(CreateTodo("milk")) == "milk"
    assert await bus.execute(OtherCommand()) == "other"


async def test_a_handler_may_mark_its_execute_method() -> None:
    class Handler(ICommandHandler[CreateTodo, str]):
        @CreateTodo.handler
        async def execute(self, command: CreateTodo) -> str:
            return "done"

    container = await start(Handler)
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "done"


async def test_methods_and_classes_are_told_apart_as_duplicates() -> None:
    with pytest.raises(HandlerSetupError, match=r"1\. Todos in TodoModule (.|\n)*2\. CreateTodoHandler"):
        await start(Clock, Todos, CreateTodoHandler)


async def test_a_subclass_that_replaces_a_marked_method_takes_its_mark_off() -> None:
    class OnlyFinds(Todos):
        async def create(self, command: CreateTodo) -> str:
            return "not on the bus"

    container = await start(Clock, OnlyFinds, SecondHandler)
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "second"
    assert await container.get(QueryBus).execute(FindTodo(3)) == 3


async def test_a_class_that_a_handler_refers_to_is_not_its_method() -> None:
    class Refers:
        handler_class = SecondHandler

    container = await start(Refers, Clock, CreateTodoHandler)
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "milk at noon"


async def test_an_undecorated_fake_stands_in_for_its_handler() -> None:
    class Fake(ICommandHandler[CreateTodo, str]):
        async def execute(self, command: CreateTodo) -> str:
            return "fake"

    container = await start(provide(CreateTodoHandler, use_class=Fake))
    assert await container.get(CommandBus).execute(CreateTodo("milk")) == "fake"


async def test_a_scoped_handler_is_named_where_it_is_meant() -> None:
    @Injectable(scope=Scope.REQUEST)
    @CommandHandler(CreateTodo)
    class Scoped(ICommandHandler[CreateTodo, str]):
        async def execute(self, command: CreateTodo) -> str:
            return ""

    class CreateTodoo(Command[str]): ...

    container = await start(Scoped)
    with pytest.raises(CommandHandlerNotFoundException, match=r"Scoped\.execute handles it"):
        container.get(CommandBus).execute(CreateTodoo())


async def test_an_event_handler_for_other_events_than_it_is_declared_for_stops_the_start() -> None:
    class Renamed: ...

    @EventsHandler(TodoCreated, Renamed)
    class Mixed(IEventHandler[TodoCreated]):
        async def handle(self, event: TodoCreated) -> None: ...

    @EventsHandler(TodoCreated, Renamed)
    class Both(IEventHandler[TodoCreated | Renamed]):
        async def handle(self, event: TodoCreated | Renamed) -> None: ...

    await start(Both)
    with pytest.raises(
        HandlerSetupError, match=r"Mixed in .* is decorated for .*Renamed, but handle\(\) is declared for"
    ):
        await start(Mixed)
