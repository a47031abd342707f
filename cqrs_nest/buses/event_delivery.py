"""Brings an event to everybody in this process who listens to it: its handlers, then its sagas."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cqrs_nest.buses.behaviours import Behaviour, Execute, surround
from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import SagaLoopError
from cqrs_nest.buses.failures import Failures
from cqrs_nest.buses.handlers import SagaResult
from cqrs_nest.buses.messages import Command
from cqrs_nest.buses.observers import Observers
from cqrs_nest.buses.saga_chain import (
    SAGA_COMMAND_LIMIT,
    SAGA_DEPTH_LIMIT,
    SagaChain,
    current_saga_chain,
    within_saga_chain,
)


@dataclass(frozen=True, slots=True)
class EventSubscriber:
    """One handler or saga method: what it is called, and how to call it."""

    name: str
    handle: Execute


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

    async def deliver(self, event: object, failures: Failures) -> None:
        """Run the handlers side by side, then each saga with the commands that it gives."""
        cls = type(event)
        handlers, sagas = self._compiled.get(cls) or self._compile(cls)
        if len(handlers) == 1:
            await _run(handlers[0], event, failures)
        elif handlers:
            # Not `gather`, which gives up on the slower ones as soon as one of them is cancelled.
            async with asyncio.TaskGroup() as group:
                for handler in handlers:
                    group.create_task(_run(handler, event, failures))
        for saga in sagas:
            await self._run_saga(saga, event, failures)
        if self.observers:
            await _run(EventSubscriber("a subscriber", self.observers.notify), event, failures)

    def _compile(self, cls: type[Any]) -> tuple[list[EventSubscriber], list[EventSubscriber]]:
        if issubclass(cls, type):
            raise TypeError("A class was published in the place of an event: make an object of it.")
        handlers = next((self._handlers[base] for base in cls.__mro__ if base in self._handlers), ())
        sagas = [saga for base in cls.__mro__ for saga in self._sagas.get(base, ())]
        return self._compiled.setdefault(cls, (self._surround(handlers, cls), self._surround(sagas, cls)))

    def _surround(self, subscribers: Iterable[EventSubscriber], cls: type[Any]) -> list[EventSubscriber]:
        return [
            EventSubscriber(each.name, surround(each.handle, self._behaviours, cls)) for each in subscribers
        ]

    async def _run_saga(self, saga: EventSubscriber, event: object, failures: Failures) -> None:
        chain = current_saga_chain()
        commands: Sequence[Command[Any] | None] = ()
        with failures.noting(event, saga.name):
            if chain.depth >= SAGA_DEPTH_LIMIT:
                raise SagaLoopError(_loop(saga, event, chain.depth))
            commands = _as_sequence(await saga.handle(event))
        with within_saga_chain(chain.next()):
            for command in commands:
                if command is not None:
                    with failures.noting(command, saga.name):
                        await self._execute(command, saga, chain)

    async def _execute(self, command: Command[Any], saga: EventSubscriber, chain: SagaChain) -> None:
        if chain.left[0] <= 0:
            raise SagaLoopError(_loop(saga, command, SAGA_COMMAND_LIMIT))
        chain.left[0] -= 1
        await self._command_bus.execute(command)


async def _run(handler: EventSubscriber, event: object, failures: Failures) -> None:
    with failures.noting(event, handler.name):
        await handler.handle(event)


def _as_sequence(returned: SagaResult) -> Sequence[Command[Any] | None]:
    return returned if isinstance(returned, Sequence) else [returned]


def _loop(saga: EventSubscriber, message: object, count: int) -> str:
    return (
        f"{saga.name} was reached through {count} commands in a row, the last by "
        f"{type(message).__name__}. Sagas and commands trigger each other in a circle: let the saga "
        "return None once its work is done."
    )
