from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from cqrs_nest.buses import (
    CommandBus,
    EventBus,
    EventBusClosedError,
    EventBusOptions,
    EventSubscriber,
    IEventPublisher,
    UnhandledExceptionBus,
    UnhandledExceptionInfo,
)


class Happened:
    def __init__(self, name: str = "") -> None:
        self.name = name


class Application:
    def __init__(self, handle: Callable[[Any], Awaitable[None]], **options: bool) -> None:
        self.unhandled: list[UnhandledExceptionInfo] = []
        exceptions = UnhandledExceptionBus()
        exceptions.subscribe(self.unhandled.append)
        self.events = EventBus(CommandBus(), exceptions, EventBusOptions(**options))

        async def run(event: Any) -> None:
            await handle(event)

        self.events.register([Happened], EventSubscriber("handler", run))


async def test_background_returns_at_once_and_draining_waits() -> None:
    log: list[str] = []
    gate = asyncio.Event()

    async def handle(event: Happened) -> None:
        await gate.wait()
        log.append(event.name)
        if event.name == "first":
            await app.events.publish(Happened("from the background"), background=True)

    app = Application(handle)
    assert await app.events.publish(Happened("first"), background=True) is None
    assert await app.events.publish_all([Happened("second"), Happened("third")], background=True) == []
    assert log == []
    gate.set()
    await app.events.drain()
    assert sorted(log) == ["first", "from the background", "second", "third"]
    assert log.index("second") < log.index("third")


async def test_shutdown_drains_and_nothing_starts_afterwards() -> None:
    log: list[str] = []

    async def handle(event: Happened) -> None:
        await asyncio.sleep(0)
        log.append(event.name)

    app = Application(handle)
    app.events.publish_soon(Happened("in time"))
    await app.events.before_application_shutdown()
    assert log == ["in time"]
    with pytest.raises(EventBusClosedError, match=r"Write `await event_bus\.publish\(event\)`"):
        await app.events.publish(Happened("late"), background=True)
    await app.events.publish(Happened("awaited"))
    assert log == ["in time", "awaited"]


@pytest.mark.parametrize("rethrow", [False, True])
async def test_errors_in_the_background_are_reported(rethrow: bool) -> None:
    async def fail(event: Happened) -> None:
        raise ValueError("broken")

    app = Application(fail, rethrow_unhandled=rethrow)
    event = Happened()
    await app.events.publish(event, background=True)
    await app.events.drain()
    (info,) = app.unhandled
    error = info.exception.exceptions[0] if isinstance(info.exception, ExceptionGroup) else info.exception
    assert (info.cause, str(error)) == (event, "broken")


async def test_what_is_behind_a_publisher_runs_in_the_background_too() -> None:
    sent: list[tuple[str, object]] = []

    class Publisher(IEventPublisher):
        async def publish(self, event: Any, context: Any = None) -> None:
            await asyncio.sleep(0)
            sent.append((event.name, context))

    async def handle(event: Happened) -> None:
        raise AssertionError("a publisher takes the handlers' place")

    app = Application(handle)
    app.events.publish_with(Publisher())
    await app.events.publish(Happened("one"), "context", background=True)
    await app.events.publish_all([Happened("two")], background=True)
    await app.events.drain()
    assert sent == [("one", "context"), ("two", None)]


async def test_context_variables_follow_into_the_background() -> None:
    request: ContextVar[str] = ContextVar("request")
    seen: list[str] = []

    async def handle(event: Happened) -> None:
        seen.append(request.get())

    app = Application(handle)
    token = request.set("r1")
    await app.events.publish(Happened(), background=True)
    request.reset(token)
    await app.events.drain()
    assert seen == ["r1"]
