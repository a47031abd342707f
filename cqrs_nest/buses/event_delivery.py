"""Brings an event to everybody in this process who listens to it: its handlers, then its sagas."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from cqrs_nest.buses.behaviours import Behaviour, Execute, surround
from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import SagaLoopError
from cqrs_nest.buses.handlers import SagaResult
from cqrs_nest.buses.messages import Command
from cqrs_nest.buses.observers import Observers
from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionInfo

SAGA_DEPTH_LIMIT = 32
"""How many commands may follow from one another through sagas before it counts as a loop."""

SAGA_COMMAND_LIMIT = 1000
"""How many commands one event may lead to through sagas; a circle that branches outgrows its depth."""


class _Chain(NamedTuple):
    """Where something stands among all that follows from one event."""

    depth: int
    left: list[int]
    """How many commands may still follow: one number, shared by the whole chain."""


_chain: ContextVar[_Chain | None] = ContextVar("saga_chain", default=None)


@dataclass(frozen=True, slots=True)
class EventSubscriber:
    """One handler or saga method: what it is called, and how to call it."""

    name: str
    handle: Execute


Failures: TypeAlias = list[UnhandledExceptionInfo]


class EventDelivery:
    """Knows who listens to which events. A failure of one is noted and never stops the others."""

    def __init__(self, command_bus: CommandBus) -> None:
        self._command_bus = command_bus
        self._handlers: dict[type[Any], list[EventSubscriber]] = {}
        self._sagas: dict[type[Any], list[EventSubscriber]] = {}
        self._behaviours: tuple[Behaviour, ...] = ()
        self.observers = Observers()
        """Those who see every event, after its handlers."""
        self._compiled: dict[type[Any], tuple[list[EventSubscriber], list[EventSubscriber]]] = {}
        """By the class of an event: its handlers and its sagas, with the behaviours around them."""

    def add_handler(self, events: Iterable[type[Any]], handler: EventSubscriber) -> None:
        """Let `handler` react to these classes of events."""
        for event in events:
            self._handlers.setdefault(event, []).append(handler)
        self._compiled.clear()

    def add_saga(self, events: Iterable[type[Any]], saga: EventSubscriber) -> None:
        """Let `saga` turn these classes of events, and their subclasses, into commands."""
        for event in events:
            self._sagas.setdefault(event, []).append(saga)
        self._compiled.clear()

    def use(self, *behaviours: Behaviour) -> None:
        """Put behaviours around every handler and saga, inside of those that are there."""
        self._behaviours += behaviours
        self._compiled.clear()

    def events(self) -> set[type[Any]]:
        """The classes of events that somebody listens to."""
        return {*self._handlers, *self._sagas}

    async def deliver(self, event: object) -> Failures:
        """Run the handlers side by side, then each saga with the commands that it gives."""
        cls = type(event)
        handlers, sagas = self._compiled.get(cls) or self._compile(cls)
        failures = await self._run_all(handlers, event)
        for saga in sagas:
            failures += await self._run_saga(saga, event)
        if self.observers:
            failures += await _run(EventSubscriber("a subscriber", self.observers.notify), event)
        return failures

    def _compile(self, cls: type[Any]) -> tuple[list[EventSubscriber], list[EventSubscriber]]:
        handlers = next((self._handlers[base] for base in cls.__mro__ if base in self._handlers), ())
        sagas = [saga for base in cls.__mro__ for saga in self._sagas.get(base, ())]
        return self._compiled.setdefault(cls, (self._surround(handlers, cls), self._surround(sagas, cls)))

    def _surround(self, subscribers: Iterable[EventSubscriber], cls: type[Any]) -> list[EventSubscriber]:
        return [
            EventSubscriber(each.name, surround(each.handle, self._behaviours, cls)) for each in subscribers
        ]

    async def _run_all(self, handlers: Sequence[EventSubscriber], event: object) -> Failures:
        if len(handlers) == 1:
            return await _run(handlers[0], event)
        outcomes = await asyncio.gather(*(_run(handler, event) for handler in handlers))
        return [failure for failures in outcomes for failure in failures]

    async def _run_saga(self, saga: EventSubscriber, event: object) -> Failures:
        chain = _chain.get() or _Chain(0, [SAGA_COMMAND_LIMIT])
        try:
            if chain.depth >= SAGA_DEPTH_LIMIT:
                raise SagaLoopError(_loop(saga, event, chain.depth))
            commands = _as_sequence(await saga.handle(event))
        except Exception as error:  # noqa: BLE001 an error in one event must not end the saga
            return [UnhandledExceptionInfo(event, error, saga.name)]
        reset = _chain.set(_Chain(chain.depth + 1, chain.left))
        try:
            return [
                failure
                for command in commands
                if command is not None
                for failure in await self._execute(command, saga, chain.left)
            ]
        finally:
            _chain.reset(reset)

    async def _execute(self, command: Command[Any], saga: EventSubscriber, left: list[int]) -> Failures:
        try:
            if left[0] <= 0:
                raise SagaLoopError(_loop(saga, command, SAGA_COMMAND_LIMIT))
            left[0] -= 1
            await self._command_bus.execute(command)
        except Exception as error:  # noqa: BLE001 a failing command must not end the saga
            return [UnhandledExceptionInfo(command, error, saga.name)]
        return []


async def _run(handler: EventSubscriber, event: object) -> Failures:
    try:
        await handler.handle(event)
    except Exception as error:  # noqa: BLE001 one failing handler must not stop the others
        return [UnhandledExceptionInfo(event, error, handler.name)]
    return []


def _as_sequence(returned: SagaResult) -> Sequence[Command[Any] | None]:
    return returned if isinstance(returned, Sequence) else [returned]


def _loop(saga: EventSubscriber, message: object, count: int) -> str:
    return (
        f"{saga.name} was reached through {count} commands in a row, the last by "
        f"{type(message).__name__}. Sagas and commands trigger each other in a circle: let the saga "
        "return None once its work is done."
    )
