"""What `CqrsModule.for_root` is given is built by the container and put around the buses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.common import Injectable, Module, Scope
from cqrs_nest.cqrs import (
    Behaviour,
    Command,
    CommandBus,
    CommandHandler,
    CommandInput,
    CommandModel,
    CommandService,
    CqrsModule,
    EventBus,
    EventsHandler,
    HandlerSetupError,
    ICommandHandler,
    IEventHandler,
    IQueryHandler,
    Next,
    Query,
    QueryBus,
    QueryHandler,
    RetryOnVersionConflict,
)
from cqrs_nest.testing import Test


class Log(list[str]):
    """What happened, in order."""


@Module(providers=[Log], exports=[Log])
class LogModule: ...


class Injected(Behaviour):
    def __init__(self, log: Log, events: EventBus) -> None:
        self._log = log
        self._events = events

    async def handle(self, message: Any, next: Next) -> Any:
        self._log.append(f"before {type(message).__name__}")
        return await next(message)


class Finished(Behaviour):
    def __init__(self, name: str, log: list[str]) -> None:
        self._name, self._log = name, log

    async def handle(self, message: Any, next: Next) -> Any:
        self._log.append(f"{self._name} before {type(message).__name__}")
        return await next(message)


class Do(Command[str]): ...


class Ask(Query[str]): ...


class Happened: ...


@CommandHandler(Do)
class DoHandler(ICommandHandler[Do, str]):
    async def execute(self, command: Do) -> str:
        return "done"


@QueryHandler(Ask)
class AskHandler(IQueryHandler[Ask, str]):
    async def execute(self, query: Ask) -> str:
        return "answer"


@EventsHandler(Happened)
class HappenedHandler(IEventHandler[Happened]):
    async def handle(self, event: Happened) -> None: ...


async def test_each_bus_has_its_behaviours_in_their_order() -> None:
    log: list[str] = []
    root = CqrsModule.for_root(
        command_behaviours=[Finished("one", log), Injected, Finished("two", log)],
        query_behaviours=[Injected],
        event_behaviours=[Finished("three", log)],
        imports=[LogModule],
    )
    builder = Test.create_testing_module(imports=[root], providers=[DoHandler, AskHandler, HappenedHandler])
    async with await builder.override_provider(Log).use_value(log).compile() as module:
        await module.initialize()
        assert await module.get(CommandBus).execute(Do()) == "done"
        assert await module.get(QueryBus).execute(Ask()) == "answer"
        await module.get(EventBus).publish(Happened())
    assert log == [
        *("one before Do", "before Do", "two before Do"),
        *("before Ask", "three before Happened"),
    ]


async def test_a_behaviour_can_be_replaced_in_a_test() -> None:
    log: list[str] = []
    root = CqrsModule.for_root(command_behaviours=[Injected], imports=[LogModule])
    builder = Test.create_testing_module(imports=[root], providers=[DoHandler])
    fake = Finished("fake", log)
    async with await builder.override_provider(Injected).use_value(fake).compile() as module:
        await module.initialize()
        await module.get(CommandBus).execute(Do())
    assert log == ["fake before Do"]


async def test_a_request_scoped_behaviour_is_refused_at_start() -> None:
    @Injectable(scope=Scope.REQUEST)
    class Scoped(Behaviour):
        async def handle(self, message: Any, next: Next) -> Any:
            return await next(message)

    root = CqrsModule.for_root(command_behaviours=[Scoped])
    module = await Test.create_testing_module(imports=[root]).compile()
    with pytest.raises(
        HandlerSetupError, match=r"Scoped in CqrsOptionsModule .* is request-scoped, but runs"
    ):
        await module.initialize()


@dataclass(frozen=True)
class AddLine(Command[CommandModel | None]):
    line: str


@CommandHandler(AddLine)
class AddLineHandler(ICommandHandler[AddLine, CommandModel | None]):
    def __init__(self, commands: CommandService) -> None:
        self._commands = commands

    async def execute(self, command: AddLine) -> CommandModel | None:
        latest = await self._commands.get_latest_item(pk="LIST#acme", sk="L1")
        lines = [*(latest.attributes["lines"] if latest else []), command.line]
        version = latest.version if latest else 0
        return await self._commands.publish_sync(
            CommandInput(pk="LIST#acme", sk="L1", version=version, attributes={"lines": lines})
        )


async def test_writers_who_meet_all_get_through_in_the_end(start: Any) -> None:
    retry = RetryOnVersionConflict(messages=(AddLine,), attempts=50, pause=0.001)
    service = await start(AddLineHandler, root=CqrsModule.for_root(command_behaviours=[retry]))
    bus = service.module.get(CommandBus)
    await asyncio.gather(*(bus.execute(AddLine(str(number))) for number in range(6)))
    latest = await service.module.get(CommandService).get_latest_item(pk="LIST#acme", sk="L1")
    assert latest.version == 6
    assert sorted(latest.attributes["lines"]) == [str(number) for number in range(6)]
