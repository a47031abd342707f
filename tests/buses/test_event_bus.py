from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.buses import (
    Command,
    SagaLoopError,
    UnhandledExceptionBus,
    UnhandledExceptionInfo,
)
from tests.buses.application import Buses


@dataclass(frozen=True)
class TodoCreated:
    name: str


class TodoImported(TodoCreated):
    pass


@dataclass(frozen=True)
class Remind(Command[None]):
    name: str


async def fail(event: Any) -> None:
    raise ValueError("broken")


async def test_publish_waits_for_all_handlers_which_start_in_order() -> None:
    app, done = Buses(), asyncio.Event()

    async def wait(event: Any) -> None:
        await done.wait()
        app.seen.append("first ended")

    async def release(event: Any) -> None:
        done.set()

    app.listen("first", TodoCreated, does=wait)
    app.listen("second", TodoCreated, does=release)
    await app.events.publish(TodoCreated("milk"))
    assert app.seen == ["first", "second", "first ended"]


async def test_an_event_without_handlers_is_silent() -> None:
    await Buses().events.publish(TodoCreated("milk"))


async def test_a_class_in_the_place_of_an_event_is_not() -> None:
    with pytest.raises(TypeError, match="A class was published in the place of an event"):
        await Buses().events.publish(TodoCreated)


async def test_a_subclass_goes_to_the_nearest_class_with_handlers() -> None:
    app = Buses()
    app.listen("base", TodoCreated)
    await app.events.publish(TodoImported("milk"))
    app.listen("own", TodoImported)
    await app.events.publish(TodoImported("milk"))
    assert app.seen == ["base", "own"]


async def test_a_failing_handler_stops_nobody_and_is_reported_with_its_name() -> None:
    app = Buses()
    app.listen("broken handler", TodoCreated, does=fail)
    app.listen("good", TodoCreated)
    event = TodoCreated("milk")
    await app.events.publish_all([event, TodoCreated("bread")])
    assert app.seen == ["broken handler", "good"] * 2
    assert [(info.source, str(info.exception)) for info in app.unhandled] == [
        ("broken handler", "broken")
    ] * 2
    assert app.unhandled[0].cause is event


async def test_rethrow_gives_the_caller_all_errors() -> None:
    app = Buses(rethrow_unhandled=True)
    app.listen("one", TodoCreated, does=fail)
    app.listen("two", TodoCreated, does=fail)
    with pytest.raises(ExceptionGroup) as raised:
        await app.events.publish_all([TodoCreated("milk"), TodoCreated("bread")])
    assert len(raised.value.exceptions) == 4
    assert app.unhandled == []


async def test_a_saga_runs_after_the_handlers_and_its_commands_are_executed() -> None:
    app = Buses()

    async def remind(command: Remind) -> None:
        app.seen.append(f"remind {command.name}")

    async def saga(event: TodoCreated) -> list[Remind | None]:
        app.seen.append("saga")
        return [Remind(event.name), None, Remind("again")]

    app.commands.register(Remind, remind)
    app.listen("handler", TodoCreated)
    app.saga(TodoCreated, saga)
    await app.events.publish(TodoImported("milk"))
    assert app.seen == ["handler", "saga", "remind milk", "remind again"]


async def test_a_failing_saga_or_command_is_reported_and_the_saga_lives_on() -> None:
    app = Buses()

    async def saga(event: TodoCreated) -> Remind:
        if event.name == "bad":
            raise ValueError("saga")
        return Remind(event.name)

    app.saga(TodoCreated, saga)
    await app.events.publish(TodoCreated("bad"))
    await app.events.publish(TodoCreated("good"))
    assert [type(info.exception).__name__ for info in app.unhandled] == [
        "ValueError",
        "CommandHandlerNotFoundException",
    ]
    assert isinstance(app.unhandled[1].cause, Remind)


@pytest.mark.parametrize("rethrow", [False, True])
async def test_sagas_that_trigger_each_other_end_with_a_clear_error(rethrow: bool) -> None:
    app = Buses(rethrow_unhandled=rethrow)

    async def remind(command: Remind) -> None:
        await app.events.publish(TodoCreated(command.name))

    async def saga(event: TodoCreated) -> Remind:
        return Remind(event.name)

    app.commands.register(Remind, remind)
    app.saga(TodoCreated, saga)
    app.listen("broken handler", TodoCreated, does=fail)
    with pytest.raises(SagaLoopError, match=r"Loop\.saga was reached through 32 commands in a row"):
        await app.events.publish(TodoCreated("milk"))
    assert [str(info.exception) for info in app.unhandled] == ["broken"] * 33, "of each round, and no loop"


async def test_subscribers_come_last_and_their_errors_count_as_those_of_handlers() -> None:
    app = Buses()
    app.listen("handler", TodoCreated)
    unsubscribe = app.events.subscribe(lambda event: app.seen.append("subscriber"))
    app.events.subscribe(fail)
    await app.events.publish(TodoCreated("milk"))
    unsubscribe()
    await app.events.publish(TodoCreated("milk"))
    assert app.seen == ["handler", "subscriber", "handler"]
    assert [info.source for info in app.unhandled] == ["a subscriber", "a subscriber"]


async def test_a_failing_listener_of_errors_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bus, told = UnhandledExceptionBus(), []

    def broken(info: UnhandledExceptionInfo) -> None:
        raise RuntimeError("listener")

    bus.subscribe(broken)
    bus.subscribe(told.append, KeyError)
    for error in (KeyError("k"), ValueError("v")):
        bus.publish(UnhandledExceptionInfo("cause", error, "Handler"))
    assert [str(info.exception) for info in told] == ["'k'"]
    assert sum("a subscriber failed" in record.getMessage() for record in caplog.records) == 2
