"""Commands, queries and how their handlers are found."""

from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.common import Injectable, Module, Scope
from cqrs_nest.core import RequestScope, UnresolvedDependencyError, current_request_scope
from cqrs_nest.cqrs import (
    Command,
    CommandBus,
    CommandHandler,
    CommandHandlerNotFoundException,
    CqrsModule,
    EventBus,
    EventsHandler,
    HandlerSetupError,
    ICommandHandler,
    IEventHandler,
    IQueryHandler,
    Query,
    QueryBus,
    QueryHandler,
    QueryHandlerNotFoundException,
)
from tests.buses.application import start, unhandled_of

case = pytest.mark.case


@dataclass(frozen=True)
class Double(Command[int]):
    number: int


@dataclass(frozen=True)
class Ask(Query[int]):
    number: int


@CommandHandler(Double)
class DoubleHandler(ICommandHandler[Double, int]):
    async def execute(self, command: Double) -> int:
        if command.number < 0:
            raise ValueError("cmd-fail")
        return command.number * 2


@QueryHandler(Ask)
class AskHandler(IQueryHandler[Ask, int]):
    async def execute(self, query: Ask) -> int:
        return query.number


class Unknown(Command[None]): ...


class UnknownQuery(Query[None]): ...


@case("CQ-01")
async def test_a_command_gives_its_handlers_result_or_error(caplog: pytest.LogCaptureFixture) -> None:
    async with await start(DoubleHandler) as module:
        bus = module.get(CommandBus)
        unhandled = unhandled_of(module)
        assert await bus.execute(Double(3)) == 6
        with pytest.raises(ValueError, match="cmd-fail"):
            await bus.execute(Double(-1))
        with pytest.raises(
            CommandHandlerNotFoundException, match='No handler found for the command: "Unknown"'
        ):
            bus.execute(Unknown())
        with pytest.raises(
            CommandHandlerNotFoundException, match='No handler found for the command: "object"'
        ):
            bus.execute(object())  # type: ignore[arg-type]
        assert unhandled == []
        assert caplog.records == []


@case("CQ-06")
async def test_a_query_gives_its_handlers_answer() -> None:
    async with await start(AskHandler) as module:
        bus = module.get(QueryBus)
        assert await bus.execute(Ask(1)) == 1
        with pytest.raises(
            QueryHandlerNotFoundException, match='No handler found for the query: "UnknownQuery"'
        ):
            bus.execute(UnknownQuery())


@case("CQ-03")
async def test_two_handlers_for_one_message_stop_the_start(caplog: pytest.LogCaptureFixture) -> None:
    @CommandHandler(Double)
    class Second(ICommandHandler[Double, int]):
        async def execute(self, command: Double) -> int:
            return 0

    @QueryHandler(Ask)
    class SecondAsk(IQueryHandler[Ask, int]):
        async def execute(self, query: Ask) -> int:
            return 0

    with pytest.raises(HandlerSetupError, match="Two handlers for the command Double") as raised:
        await start(DoubleHandler, Second)
    assert "1. DoubleHandler in RootTestModule" in str(raised.value)
    assert "Second in RootTestModule" in str(raised.value)

    last_wins = [CqrsModule.for_root(on_duplicate="last")]
    async with await start(DoubleHandler, Second, AskHandler, SecondAsk, imports=last_wins) as module:
        assert await module.get(CommandBus).execute(Double(3)) == 0
        assert await module.get(QueryBus).execute(Ask(3)) == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 2
    assert "Second in" in warnings[0]
    assert "SecondAsk in" in warnings[1]


@case("CQ-04")
async def test_identity_decides_not_the_name() -> None:
    def create(result: str) -> tuple[type[Command[str]], type[Any]]:
        class Create(Command[str]): ...

        @CommandHandler(Create)
        class Handler(ICommandHandler[Create, str]):
            async def execute(self, command: Create) -> str:
                return result

        return Create, Handler

    (first, first_handler), (second, second_handler) = create("A"), create("B")
    async with await start(first_handler, second_handler) as module:
        bus = module.get(CommandBus)
        assert [await bus.execute(first()), await bus.execute(second())] == ["A", "B"]


@case("CQ-07")
async def test_a_handler_is_found_in_a_module_that_knows_no_buses() -> None:
    @Module(providers=[DoubleHandler])
    class Feature: ...

    async with await start(imports=[CqrsModule, Feature]) as module:
        assert await module.get(CommandBus).execute(Double(2)) == 4


@case("CQ-09")
async def test_handlers_are_there_from_bootstrap_on() -> None:
    results: list[object] = []

    class Eager:
        def __init__(self, bus: CommandBus) -> None:
            self._bus = bus

        async def on_module_init(self) -> None:
            with pytest.raises(CommandHandlerNotFoundException, match=r'"Double"\. No handler is known yet'):
                self._bus.execute(Double(1))
            results.append("too early")

        async def on_application_bootstrap(self) -> None:
            results.append(await self._bus.execute(Double(1)))

    async with await start(DoubleHandler, Eager):
        assert results == ["too early", 2]


@case("CQ-30")
async def test_there_is_one_set_of_buses_however_it_is_imported() -> None:
    class Sender:
        def __init__(self, bus: CommandBus, events: EventBus) -> None:
            self.bus, self.events = bus, events

    @Module(providers=[Sender])
    class WithoutImport: ...

    @Module(imports=[CqrsModule], providers=[Sender])
    class WithImport: ...

    with pytest.raises(UnresolvedDependencyError, match=r"Sender \(\?, EventBus\)(.|\n)*WithoutImport"):
        await start(imports=[CqrsModule, WithoutImport])

    async with await start(
        DoubleHandler, imports=[CqrsModule.for_root(), WithImport, WithoutImport]
    ) as module:
        first, second = module.container.get_all(Sender)
        assert first.bus is second.bus is module.get(CommandBus)
        assert first.events is second.events
        assert await first.bus.execute(Double(1)) == 2


@case("CQ-31")
async def test_a_command_handler_without_execute_stops_the_start() -> None:
    @CommandHandler(Double)
    class Empty: ...

    with pytest.raises(HandlerSetupError, match=r"Empty in RootTestModule .* has no method execute\(\)"):
        await start(Empty)


class Seen: ...


@pytest.fixture
def scoped() -> tuple[list[int], list[Any]]:
    """What request-scoped handlers of a command, a query and an event saw: the number of their basket."""
    seen: list[int] = []
    numbers = iter(range(1, 100))

    @Injectable(scope=Scope.REQUEST)
    class Basket:
        def __init__(self) -> None:
            self.number = next(numbers)

    @CommandHandler(Double)
    class ScopedDouble(ICommandHandler[Double, int]):
        def __init__(self, basket: Basket) -> None:
            self._basket = basket

        async def execute(self, command: Double) -> int:
            seen.append(self._basket.number)
            return self._basket.number

    @QueryHandler(Ask)
    class ScopedAsk(IQueryHandler[Ask, int]):
        def __init__(self, basket: Basket) -> None:
            self._basket = basket

        async def execute(self, query: Ask) -> int:
            seen.append(self._basket.number)
            return self._basket.number

    class OnSeen:
        def __init__(self, basket: Basket) -> None:
            self._basket = basket

        async def handle(self, event: Seen) -> None:
            seen.append(self._basket.number)

    @EventsHandler(Seen)
    class First(OnSeen, IEventHandler[Seen]): ...

    @EventsHandler(Seen)
    class Second(OnSeen, IEventHandler[Seen]): ...

    return seen, [Basket, ScopedDouble, ScopedAsk, First, Second]


@case("CQ-28")
async def test_scoped_handlers_share_a_scope_where_there_is_one(scoped: tuple[list[int], list[Any]]) -> None:
    seen, providers = scoped
    async with await start(*providers) as module:
        commands, queries, events = module.get(CommandBus), module.get(QueryBus), module.get(EventBus)
        assert [await commands.execute(Double(0)), await commands.execute(Double(0))] == [1, 2]
        await events.publish(Seen())
        assert seen == [1, 2, 3, 4]

        seen.clear()
        token = current_request_scope.set(RequestScope("the request"))
        try:
            await commands.execute(Double(0))
            await queries.execute(Ask(0))
            await events.publish(Seen())
        finally:
            current_request_scope.reset(token)
        assert seen == [5, 5, 5, 5]
