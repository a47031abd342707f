"""Nothing runs away and nothing is lost: loops that branch, commits that overlap, events after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from cqrs_nest.buses import AggregateRoot, Command, SagaLoopError, UnhandledExceptionBus
from cqrs_nest.buses.saga_chain import SAGA_COMMAND_LIMIT
from tests.buses.application import Buses


@dataclass(frozen=True)
class Happened:
    number: int


@dataclass(frozen=True)
class Later:
    pass


@dataclass(frozen=True)
class React(Command[None]):
    number: int


async def test_a_saga_loop_that_branches_is_bounded_too() -> None:
    buses = Buses()
    executed: list[int] = []

    async def react(command: React) -> None:
        executed.append(command.number)
        await buses.events.publish(Happened(command.number))

    async def saga(event: Happened) -> Sequence[React]:
        return [React(event.number + 1), React(event.number + 1)]

    buses.commands.register(React, react)
    buses.saga(Happened, saga)
    with pytest.raises(SagaLoopError, match=r"Loop\.saga was reached through"):
        await buses.events.publish(Happened(0))
    assert len(executed) == SAGA_COMMAND_LIMIT


async def test_events_after_one_that_loops_are_published() -> None:
    buses = Buses()
    seen: list[object] = []

    async def react(command: React) -> None:
        await buses.events.publish(Happened(command.number))

    async def saga(event: Happened) -> React:
        return React(event.number)

    async def see(event: object) -> None:
        seen.append(event)

    buses.commands.register(React, react)
    buses.saga(Happened, saga)
    buses.listen("later", Later, does=see)
    with pytest.raises(ExceptionGroup) as raised:
        await buses.events.publish_all([Happened(0), Later()])
    assert isinstance(raised.value.exceptions[0], SagaLoopError)
    assert seen == [Later()]


async def test_overlapping_commits_publish_each_event_once() -> None:
    saved: list[Sequence[Any]] = []
    release = asyncio.Event()

    async def save(events: Sequence[Any]) -> None:
        saved.append(events)
        await release.wait()

    aggregate = AggregateRoot[Happened]()
    aggregate.apply(Happened(1))
    first = asyncio.create_task(aggregate.commit_with(save))
    await asyncio.sleep(0)
    aggregate.apply(Happened(2))
    second = asyncio.create_task(aggregate.commit_with(save))
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(first, second)
    assert saved == [(Happened(1),), (Happened(2),)]
    assert aggregate.get_uncommitted_events() == []


async def test_an_event_applied_while_a_commit_fails_comes_after_those_of_the_commit() -> None:
    aggregate = AggregateRoot[Happened]()

    async def fail(events: Sequence[Any]) -> None:
        aggregate.apply(Happened(2))
        raise OSError("down")

    aggregate.apply(Happened(1))
    with pytest.raises(OSError, match="down"):
        await aggregate.commit_with(fail)
    assert aggregate.get_uncommitted_events() == [Happened(1), Happened(2)]


def test_an_async_subscriber_is_refused_because_nobody_would_wait_for_it() -> None:
    async def alert(info: object) -> None: ...

    with pytest.raises(TypeError, match="is async"):
        UnhandledExceptionBus().subscribe(alert)
