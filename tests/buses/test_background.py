from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest

from cqrs_nest.buses import EventBusClosedError, IEventPublisher, UnfinishedEventsError
from tests.buses.application import Buses


class Happened:
    def __init__(self, name: str = "") -> None:
        self.name = name


def application(handle: Callable[[Any], Awaitable[None]], **options: Any) -> Buses:
    buses = Buses(**options)
    buses.listen("handler", Happened, does=handle)
    return buses


async def test_background_returns_at_once_and_draining_waits() -> None:
    log: list[str] = []
    gate = asyncio.Event()

    async def handle(event: Happened) -> None:
        await gate.wait()
        log.append(event.name)
        if event.name == "first":
            await app.events.publish(Happened("from the background"), background=True)

    app = application(handle)
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

    app = application(handle)
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

    app = application(fail, rethrow_unhandled=rethrow)
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

    app = application(handle)
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

    app = application(handle)
    token = request.set("r1")
    await app.events.publish(Happened(), background=True)
    request.reset(token)
    await app.events.drain()
    assert seen == ["r1"]


async def test_draining_gives_up_what_takes_too_long_and_names_it() -> None:
    log: list[str] = []

    async def handle(event: Happened) -> None:
        if event.name == "slow":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("slow is told to stop")
                raise
        log.append(event.name)

    app = application(handle)
    await app.events.publish(Happened("slow"), background=True)
    await app.events.publish(Happened("quick"), background=True)
    with pytest.raises(
        UnfinishedEventsError, match=r"not handled after 0\.01 s: Happened\. Await .*drain_seconds"
    ):
        await app.events.drain(within=0.01)
    assert log == ["quick", "slow is told to stop"]
    await app.events.drain(within=0)


async def test_what_ignores_that_it_is_given_up_does_not_hold_up_the_shutdown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cqrs_nest.buses.event_bus._LAST_WORDS", 0.01)
    release = asyncio.Event()

    async def stubborn(event: Happened) -> None:
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    app = application(stubborn, drain_seconds=0.01)
    app.events.publish_soon(Happened())
    with pytest.raises(UnfinishedEventsError):
        await app.events.before_application_shutdown()
    with pytest.raises(EventBusClosedError):
        await app.events.publish(Happened("late"), background=True)
    release.set()
    await app.events.drain()


async def test_an_error_before_the_end_of_the_patience_is_reported_all_the_same() -> None:
    async def fail(event: Happened) -> None:
        raise ValueError("broken")

    async def hang(event: Happened) -> None:
        await asyncio.Event().wait()

    app = application(fail)
    app.listen("slow", Happened, does=hang)
    app.events.publish_soon(Happened())
    with pytest.raises(UnfinishedEventsError):
        await app.events.drain(within=0.01)
    assert [(info.source, str(info.exception)) for info in app.unhandled] == [("handler", "broken")]
