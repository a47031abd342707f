from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.buses import (
    Behaviour,
    Command,
    CommandBus,
    EventBus,
    EventSubscriber,
    LoggingBehaviour,
    Next,
    RetryBehaviour,
    TimingBehaviour,
    TransactionBehaviour,
    UnhandledExceptionBus,
)


@dataclass(frozen=True)
class Add(Command[int]):
    number: int


class AddTwice(Add): ...


class Named(Behaviour):
    def __init__(self, name: str, log: list[str], *messages: type[Any]) -> None:
        self._name, self._log, self._messages = name, log, messages

    def applies_to(self, message: type[Any]) -> bool:
        return not self._messages or message in self._messages

    async def handle(self, message: Any, next: Next) -> Any:
        self._log.append(f"{self._name} begins")
        result = await next(message)
        self._log.append(f"{self._name} ends")
        return result


class Handler:
    """Fails as often as it is told, then gives the number."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.calls = 0

    async def execute(self, command: Add) -> int:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)
        return command.number


def bus_with(handler: Handler, *behaviours: Behaviour) -> CommandBus:
    bus = CommandBus()
    bus.register(Add, handler.execute)
    bus.use(*behaviours)
    return bus


async def test_the_first_behaviour_is_the_outermost() -> None:
    log: list[str] = []
    bus = bus_with(Handler(), Named("one", log), Named("two", log))
    bus.use(Named("three", log))
    assert await bus.execute(Add(5)) == 5
    assert log == [
        *("one begins", "two begins", "three begins"),
        *("three ends", "two ends", "one ends"),
    ]


async def test_a_behaviour_that_does_not_apply_leaves_the_handler_as_it_is() -> None:
    log: list[str] = []
    handler = Handler()
    bus = bus_with(handler, Named("one", log, AddTwice))
    await bus.execute(Add(1))
    assert log == []
    await bus.execute(AddTwice(1))
    assert log == ["one begins", "one ends"]


async def test_a_behaviour_may_answer_itself_or_send_something_else_on() -> None:
    class Capped(Behaviour):
        async def handle(self, message: Any, next: Next) -> Any:
            return 0 if message.number < 0 else await next(Add(min(message.number, 10)))

    bus = bus_with(Handler(), Capped())
    assert [await bus.execute(Add(number)) for number in (-1, 5, 50)] == [0, 5, 10]


async def test_behaviours_run_around_event_handlers_and_sagas() -> None:
    log: list[str] = []

    async def listen(event: object) -> None:
        log.append("listen")

    bus = EventBus(CommandBus(), UnhandledExceptionBus())
    bus.register([Add], EventSubscriber("handler", listen))
    bus.register_saga([Add], EventSubscriber("saga", listen))
    bus.use(Named("one", log))
    await bus.publish(Add(1))
    assert log == ["one begins", "listen", "one ends"] * 2


async def test_an_observer_sees_the_command_first_and_can_be_taken_off() -> None:
    log: list[str] = []

    async def observe(command: Add) -> None:
        log.append(f"observer {command.number}")

    bus = bus_with(Handler(), Named("one", log))
    unsubscribe = bus.subscribe(observe)
    await bus.execute(Add(1))
    unsubscribe()
    await bus.execute(Add(2))
    assert log == ["observer 1", "one begins", "one ends", "one begins", "one ends"]


class Conflict(Exception): ...


async def test_a_conflict_is_tried_again_until_it_works() -> None:
    handler = Handler(Conflict(), Conflict())
    assert await bus_with(handler, RetryBehaviour(Conflict, attempts=3, pause=0)).execute(Add(7)) == 7
    assert handler.calls == 3


async def test_the_last_conflict_comes_through() -> None:
    handler = Handler(*(Conflict(str(number)) for number in range(9)))
    with pytest.raises(Conflict, match="2"):
        await bus_with(handler, RetryBehaviour(Conflict, attempts=3, pause=0)).execute(Add(7))
    assert handler.calls == 3


@pytest.mark.parametrize(
    "behaviour",
    [RetryBehaviour(Conflict, pause=0, messages=(AddTwice,)), RetryBehaviour(KeyError, pause=0)],
)
async def test_other_messages_and_other_errors_are_not_tried_again(behaviour: Behaviour) -> None:
    handler = Handler(Conflict())
    with pytest.raises(Conflict):
        await bus_with(handler, behaviour).execute(Add(7))
    assert handler.calls == 1


async def test_a_log_line_tells_how_it_went_and_nothing_of_the_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "cqrs_nest.Bus")
    bus = bus_with(Handler(ValueError("secret 4711")), LoggingBehaviour())
    with pytest.raises(ValueError, match="secret"):
        await bus.execute(Add(4711))
    await bus.execute(Add(4711))
    failed, done = (record.getMessage() for record in caplog.records)
    assert failed.startswith("Add failed after")
    assert failed.endswith("with ValueError")
    assert done.startswith("Add took")
    assert "4711" not in failed + done


async def test_the_time_is_taken_of_failures_too() -> None:
    taken: list[tuple[type[Any], float]] = []
    timing = TimingBehaviour(lambda message, seconds: taken.append((message, seconds)))
    bus = bus_with(Handler(ValueError()), timing)
    with pytest.raises(ValueError):  # noqa: PT011
        await bus.execute(Add(1))
    await bus.execute(AddTwice(1))
    assert [message for message, _ in taken] == [Add, AddTwice]
    assert all(seconds >= 0 for _, seconds in taken)


async def test_a_transaction_is_committed_or_undone() -> None:
    log: list[str] = []

    class Transaction(TransactionBehaviour):
        def begin(self, message: Any) -> AbstractAsyncContextManager[Any]:
            return self._transaction()

        @asynccontextmanager
        async def _transaction(self) -> AsyncIterator[None]:
            try:
                yield
                log.append("commit")
            except Exception:
                log.append("undo")
                raise

    bus = bus_with(Handler(Conflict()), Transaction())
    with pytest.raises(Conflict):
        await bus.execute(Add(1))
    await bus.execute(Add(1))
    assert log == ["undo", "commit"]


async def test_messages_do_not_meet_in_a_behaviour() -> None:
    log: list[str] = []
    gate = asyncio.Event()

    class Waiting(Behaviour):
        async def handle(self, message: Any, next: Next) -> Any:
            if message.number == 1:
                await gate.wait()
            result = await next(message)
            log.append(f"{message.number} gave {result}")
            gate.set()
            return result

    bus = bus_with(Handler(), Waiting())
    await asyncio.gather(bus.execute(Add(1)), bus.execute(Add(2)))
    assert log == ["2 gave 2", "1 gave 1"]


async def test_a_message_whose_sender_went_away_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cqrs_nest.Bus")
    began = asyncio.Event()

    async def hang(command: Add) -> int:
        began.set()
        return await asyncio.get_running_loop().create_future()

    bus = CommandBus()
    bus.register(Add, hang)
    bus.use(LoggingBehaviour())
    sent = asyncio.create_task(bus.execute(Add(1)))
    await began.wait()
    sent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sent
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("Add failed after")
    assert line.endswith("with CancelledError")


def test_trying_again_after_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="names none"):
        RetryBehaviour(attempts=3)
