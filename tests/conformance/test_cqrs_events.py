"""Events, sagas, aggregates and publishers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.common import Module
from cqrs_nest.cqrs import (
    AggregateRoot,
    Command,
    CommandBus,
    CommandHandler,
    CqrsModule,
    EventBus,
    EventPublisher,
    EventsHandler,
    ICommandHandler,
    ICommandPublisher,
    IEventHandler,
    IEventPublisher,
    IQueryHandler,
    IQueryPublisher,
    Query,
    QueryBus,
    QueryHandler,
    Saga,
)
from tests.buses.application import start, unhandled_of

case = pytest.mark.case


@dataclass(frozen=True)
class Happened:
    number: int = 0


@dataclass(frozen=True)
class Other:
    number: int = 0


class Special(Happened): ...


@dataclass(frozen=True)
class Do(Command[None]):
    number: int


def on(*events: type[Any], does: Callable[[Any], Any]) -> type[Any]:
    """A handler class of these events."""

    @EventsHandler(*events)
    class Handler(IEventHandler[Any]):
        async def handle(self, event: Any) -> None:
            result = does(event)
            if asyncio.iscoroutine(result):
                await result

    return Handler


@case("CQ-10")
async def test_publish_starts_handlers_in_order_and_waits_for_them() -> None:
    log: list[str] = []
    second_began = asyncio.Event()

    async def slow(event: Happened) -> None:
        log.append(f"first begins {event.number}")
        await second_began.wait()
        log.append(f"first ends {event.number}")

    def quick(event: Happened) -> None:
        log.append(f"second {event.number}")
        second_began.set()

    async with await start(on(Happened, does=slow), on(Happened, does=quick)) as module:
        bus = module.get(EventBus)
        assert await bus.publish(Happened(1)) is None
        log.append("after publish")
        assert await bus.publish(Other()) is None
        assert await bus.publish_all([]) == []
        assert await bus.publish_all([Other(), Other()]) == [None, None]
    assert log == ["first begins 1", "second 1", "first ends 1", "after publish"]


def failing(text: str) -> Callable[[Any], Any]:
    def fail(event: Any) -> None:
        raise ValueError(text)

    return fail


@case("CQ-12")
async def test_a_failing_handler_stops_nobody_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    log: list[int] = []

    async def fail_later(event: Happened) -> None:
        await asyncio.sleep(0)
        raise ValueError("async-bad")

    good = on(Happened, does=lambda event: log.append(event.number))
    async with await start(
        on(Happened, does=failing("sync-bad")), on(Happened, does=fail_later), good
    ) as module:
        unhandled = unhandled_of(module)
        await module.get(EventBus).publish(Happened(1))
        await module.get(EventBus).publish(Happened(2))
    assert log == [1, 2]
    assert [str(info.exception) for info in unhandled] == ["sync-bad", "async-bad"] * 2
    assert unhandled[0].cause == Happened(1)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 4
    assert "on.<locals>.Handler failed on Happened" in errors[0].getMessage()


@case("CQ-13")
async def test_rethrow_gives_the_error_to_the_caller_and_to_nobody_else() -> None:
    log: list[int] = []
    good = on(Happened, does=lambda event: log.append(event.number))
    root = CqrsModule.for_root(rethrow_unhandled=True)
    async with await start(on(Happened, does=failing("bad")), good, imports=[root]) as module:
        unhandled = unhandled_of(module)
        for number in (1, 2):
            with pytest.raises(ExceptionGroup) as raised:
                await module.get(EventBus).publish(Happened(number))
            assert [str(error) for error in raised.value.exceptions] == ["bad"]
    assert log == [1, 2]
    assert unhandled == []


@case("CQ-15")
async def test_one_handler_for_two_events_and_the_nearest_class_for_a_subclass() -> None:
    log: list[str] = []
    base = on(Happened, does=lambda event: log.append(f"base got {type(event).__name__}"))
    multi = on(Special, Other, does=lambda event: log.append(f"multi got {type(event).__name__}"))
    async with await start(base, multi) as module:
        await module.get(EventBus).publish_all([Happened(), Special(), Other()])
    assert log == ["base got Happened", "multi got Special", "multi got Other"]


@case("CQ-16")
async def test_a_handler_that_is_listed_twice_is_called_twice() -> None:
    log: list[str] = []
    in_two_modules = on(Happened, does=lambda event: log.append("two modules"))

    @Module(providers=[in_two_modules])
    class First: ...

    @Module(providers=[in_two_modules])
    class Second: ...

    named_twice = on(Other, Other, does=lambda event: log.append("named twice"))
    async with await start(named_twice, imports=[CqrsModule, First, Second]) as module:
        await module.get(EventBus).publish_all([Happened(), Other()])
    assert log == ["two modules", "two modules", "named twice", "named twice"]


class Log(list[str]):
    """What happened, in order."""


@CommandHandler(Do)
class DoHandler(ICommandHandler[Do, None]):
    def __init__(self, log: Log) -> None:
        self._log = log

    async def execute(self, command: Do) -> None:
        self._log.append(f"command {command.number}")
        if command.number == 99:
            raise ValueError("command 99")


class Sagas:
    def __init__(self, log: Log) -> None:
        self._log = log

    @Saga(Happened)
    async def follow(self, event: Happened) -> Do | list[Do | None] | None:
        self._log.append(f"saga {event.number}")
        if event.number == 50:
            raise ValueError("saga 50")
        if event.number < 0:
            return None
        return [Do(100), None, Do(101)] if event.number == 0 else Do(event.number)


@case("CQ-18")
async def test_a_saga_turns_events_into_commands_and_outlives_errors() -> None:
    async with await start(Log, DoHandler, Sagas) as module:
        unhandled, log, bus = unhandled_of(module), module.get(Log), module.get(EventBus)
        await bus.publish_all([Happened(number) for number in (1, -1, 0, 99, 50, 2)])
    assert log == [
        *("saga 1", "command 1", "saga -1", "saga 0", "command 100", "command 101"),
        *("saga 99", "command 99", "saga 50", "saga 2", "command 2"),
    ]
    assert [(info.cause, str(info.exception)) for info in unhandled] == [
        (Do(99), "command 99"),
        (Happened(50), "saga 50"),
    ]
    assert unhandled[1].source == "Sagas.follow"


@case("CQ-19")
async def test_a_sagas_command_without_handler_is_reported_each_time() -> None:
    async with await start(Log, Sagas) as module:
        unhandled = unhandled_of(module)
        await module.get(EventBus).publish(Happened(1))
        await module.get(EventBus).publish(Happened(1))
    assert [info.cause for info in unhandled] == [Do(1), Do(1)]
    assert 'No handler found for the command: "Do"' in str(unhandled[0].exception)


@case("CQ-21")
async def test_handlers_come_before_sagas() -> None:
    @EventsHandler(Happened)
    class Handler(IEventHandler[Happened]):
        def __init__(self, log: Log) -> None:
            self._log = log

        async def handle(self, event: Happened) -> None:
            self._log.append("handler")

    async with await start(Log, Sagas, DoHandler, Handler) as module:
        log = module.get(Log)
        module.get(EventBus).subscribe(lambda event: log.append("subscriber"))
        await module.get(EventBus).publish(Happened(1))
    assert log == ["handler", "saga 1", "command 1", "subscriber"]


class Counter(AggregateRoot[Happened | Other]):
    def __init__(self) -> None:
        self.state = 0

    def on_happened(self, event: Happened) -> None:
        self.state += event.number


@case("CQ-22")
async def test_an_aggregate_queues_commits_and_forgets() -> None:
    seen: list[Any] = []
    async with await start(on(Happened, Other, does=seen.append)) as module:
        publisher = module.get(EventPublisher)
        counter = Counter()
        assert publisher.merge_object_context(counter) is counter
        counter.apply(Happened(1))
        counter.apply(Other(2))
        assert (counter.state, counter.get_uncommitted_events(), seen) == (1, [Happened(1), Other(2)], [])
        await counter.commit()
        await counter.commit()
        assert (seen, counter.get_uncommitted_events()) == ([Happened(1), Other(2)], [])

        counter.apply(Happened(3))
        counter.uncommit()
        await counter.commit()
        assert len(seen) == 2

        counter.load_from_history([Happened(10), Happened(20)])
        assert (counter.state, counter.get_uncommitted_events()) == (34, [])
        counter.apply(Happened(5), skip_handler=True)
        assert (counter.state, counter.get_uncommitted_events()) == (34, [Happened(5)])
        counter.apply(Happened(3), from_history=True)
        assert (counter.state, counter.get_uncommitted_events()) == (37, [Happened(5)])

        merged = publisher.merge_class_context(Counter)()
        merged.apply(Happened(8))
        await merged.commit()
        assert isinstance(merged, Counter)
        assert seen[-1] == Happened(8)

    lonely = Counter()
    lonely.apply(Happened(1))
    await lonely.commit()
    assert lonely.get_uncommitted_events() == []


@case("CQ-24")
async def test_auto_commit_publishes_at_once_and_queues_nothing() -> None:
    seen: list[tuple[int, int]] = []
    counter = Counter()
    counter.auto_commit = True
    handler = on(Happened, does=lambda event: seen.append((event.number, counter.state)))
    async with await start(handler) as module:
        module.get(EventPublisher).merge_object_context(counter)
        counter.apply(Happened(7))
        assert (counter.state, counter.get_uncommitted_events()) == (7, [])
    assert seen == [(7, 7)], "closing waits for what was published"


class BrokenPublisher(IEventPublisher):
    async def publish(self, event: Any, context: Any = None) -> Any:
        raise ConnectionError("pub")


@case("CQ-25")
async def test_events_stay_queued_when_publishing_fails() -> None:
    async with await start(imports=[CqrsModule.for_root(event_publisher=BrokenPublisher)]) as module:
        counter = module.get(EventPublisher).merge_object_context(Counter())
        counter.apply(Happened(1))
        with pytest.raises(ConnectionError, match="pub"):
            await counter.commit()
        assert counter.get_uncommitted_events() == [Happened(1)]


class Ask(Query[str]): ...


@case("CQ-27")
async def test_message_publishers_observe_and_the_event_publisher_delivers() -> None:
    log: list[str] = []

    class Commands(ICommandPublisher):
        async def publish(self, command: Any) -> None:
            log.append(f"command publisher {type(command).__name__}")

    class Queries(IQueryPublisher):
        async def publish(self, query: Any) -> None:
            log.append(f"query publisher {type(query).__name__}")

    class Events(IEventPublisher):
        def __init__(self, bus: EventBus) -> None:
            self._bus = bus

        async def publish(self, event: Any, context: Any = None) -> str:
            log.append(f"event publisher {event.number} {type(context).__name__}")
            if event.number == 4:
                await self._bus.deliver(event)
            return f"sent {event.number}"

    @CommandHandler(Do)
    class Executes(ICommandHandler[Do, None]):
        async def execute(self, command: Do) -> None:
            log.append("execute")

    @QueryHandler(Ask)
    class Answers(IQueryHandler[Ask, str]):
        async def execute(self, query: Ask) -> str:
            return "answer"

    root = CqrsModule.for_root(command_publisher=Commands, query_publisher=Queries(), event_publisher=Events)
    handler = on(Happened, does=lambda event: log.append(f"handler {event.number}"))
    async with await start(Executes, Answers, handler, imports=[root]) as module:
        await module.get(CommandBus).execute(Do(1))
        assert await module.get(QueryBus).execute(Ask()) == "answer"
        bus = module.get(EventBus)
        assert await bus.publish(Happened(1)) == "sent 1"
        assert await bus.publish_all([Happened(2), Happened(3)]) == ["sent 2", "sent 3"]
        counter = module.get(EventPublisher).merge_object_context(Counter())
        counter.apply(Happened(4))
        await counter.commit()
    assert log == [
        *("command publisher Do", "execute", "query publisher Ask"),
        *(f"event publisher {number} NoneType" for number in (1, 2, 3)),
        *("event publisher 4 Counter", "handler 4"),
    ]
