"""A handler that ends with a cancellation of its own fails; the caller's cancellation ends all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.buses import Command, HandlerCancelledError
from tests.buses.application import Buses


class Happened: ...


@dataclass(frozen=True)
class React(Command[None]): ...


async def await_something_cancelled(message: object) -> None:
    work = asyncio.create_task(asyncio.Event().wait())
    work.cancel()
    await work


async def cancel_itself(message: object) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize("others", [0, 2])
async def test_the_others_run_and_the_caller_goes_on(others: int) -> None:
    buses = Buses()
    buses.listen("cancelled", Happened, does=await_something_cancelled)
    for _ in range(others):
        buses.listen("good", Happened)
    await buses.events.publish_all([Happened(), Happened()])
    assert buses.seen == ["cancelled", *["good"] * others] * 2
    for info in buses.unhandled:
        assert isinstance(info.exception, HandlerCancelledError)
        assert isinstance(info.exception.__cause__, asyncio.CancelledError)
        assert str(info.exception).startswith("cancelled was not done with Happened")
    assert len(buses.unhandled) == 2


async def test_one_of_several_that_cancels_its_own_task_does_not_cancel_the_others() -> None:
    buses = Buses()
    buses.listen("cancelled", Happened, does=cancel_itself)
    buses.listen("good", Happened)
    await buses.events.publish(Happened())
    assert buses.seen == ["cancelled", "good"]
    assert [info.source for info in buses.unhandled] == ["cancelled"]


async def test_sagas_their_commands_and_the_background_are_isolated_too() -> None:
    buses = Buses(rethrow_unhandled=True)
    buses.commands.register(React, await_something_cancelled)

    async def react(event: Happened) -> React:
        return React()

    buses.saga(Happened, react)
    buses.saga(Happened, await_something_cancelled)
    with pytest.raises(ExceptionGroup) as raised:
        await buses.events.publish(Happened())
    assert [type(error) for error in raised.value.exceptions] == [HandlerCancelledError] * 2
    buses.events.publish_soon(Happened())
    await buses.events.drain()
    (info,) = buses.unhandled
    assert isinstance(info.exception, ExceptionGroup)


@pytest.mark.parametrize("others", [0, 1])
async def test_the_callers_cancellation_reaches_every_handler_and_the_caller(others: int) -> None:
    buses, stopped = Buses(), []
    waiting = asyncio.Barrier(2 + others)

    async def wait(event: Any) -> None:
        await waiting.wait()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(event)
            raise

    for _ in range(1 + others):
        buses.listen("waiting", Happened, does=wait)
    publication = asyncio.create_task(buses.events.publish(Happened()))
    await waiting.wait()
    await asyncio.sleep(0)
    publication.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publication
    assert len(stopped) == 1 + others
    assert buses.unhandled == []


async def test_a_timeout_of_the_caller_is_his_cancellation() -> None:
    buses = Buses()

    async def wait(event: Any) -> None:
        await asyncio.Event().wait()

    buses.listen("waiting", Happened, does=wait)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await buses.events.publish(Happened())
    assert buses.unhandled == []


async def test_a_cancelled_caller_goes_on_when_the_slowest_handler_has_ended() -> None:
    buses = Buses()
    waiting, may_end = asyncio.Barrier(3), asyncio.Event()

    async def stop_at_once(event: Any) -> None:
        await waiting.wait()
        await asyncio.Event().wait()

    async def fail_to_tidy_up(event: Any) -> None:
        await waiting.wait()
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            raise ValueError("not tidy")

    buses.listen("quick", Happened, does=stop_at_once)
    buses.listen("slow", Happened, does=fail_to_tidy_up)
    publication = asyncio.create_task(buses.events.publish(Happened()))
    await waiting.wait()
    publication.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not publication.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await publication
    assert [(info.source, str(info.exception)) for info in buses.unhandled] == [("slow", "not tidy")]
