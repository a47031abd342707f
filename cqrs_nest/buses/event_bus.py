"""The event bus: every handler of an event, then the sagas that listen to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import SagaLoopError
from cqrs_nest.buses.handlers import SagaResult
from cqrs_nest.buses.messages import Command
from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionBus, UnhandledExceptionInfo

SAGA_DEPTH_LIMIT = 32
"""How many commands may follow from one another through sagas before it counts as a loop."""

_saga_depth: ContextVar[int] = ContextVar("saga_depth", default=0)


@dataclass(frozen=True, slots=True)
class EventSubscriber:
    """One handler or saga method: what it is called, and how to call it."""

    name: str
    handle: Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class EventBusOptions:
    """`rethrow_unhandled`: `publish` raises the handlers' errors as an ExceptionGroup."""

    rethrow_unhandled: bool = False


class EventBus:
    """Publishes events inside the process and waits for everybody who listens."""

    def __init__(
        self,
        command_bus: CommandBus,
        unhandled_exceptions: UnhandledExceptionBus,
        options: EventBusOptions = EventBusOptions(),
    ) -> None:
        self._command_bus = command_bus
        self._unhandled_exceptions = unhandled_exceptions
        self._options = options
        self._handlers: dict[type[Any], list[EventSubscriber]] = {}
        self._sagas: dict[type[Any], list[EventSubscriber]] = {}

    def register(self, events: Sequence[type[Any]], handler: EventSubscriber) -> None:
        """Let `handler` react to these classes of events."""
        for event in events:
            self._handlers.setdefault(event, []).append(handler)

    def register_saga(self, events: Sequence[type[Any]], saga: EventSubscriber) -> None:
        """Let `saga` turn these classes of events, and their subclasses, into commands."""
        for event in events:
            self._sagas.setdefault(event, []).append(saga)

    async def publish(self, event: object) -> None:
        """Run the event's handlers side by side, then its sagas and the commands they give.

        Returns when all are done: in AWS Lambda, work that is left behind is frozen. A failing
        handler does not stop the others; its error goes to the UnhandledExceptionBus or, with
        `rethrow_unhandled`, to the caller as an ExceptionGroup. An event without handlers is silent.
        """
        errors = await self._run_all(self._handlers_of(type(event)), event)
        for saga in self._sagas_of(type(event)):
            errors += await self._run_saga(saga, event)
        if errors:
            raise ExceptionGroup(f"handlers of {type(event).__name__} failed", errors)

    async def publish_all(self, events: Iterable[object]) -> None:
        """Publish one event after the other; all are published even if some fail."""
        errors: list[Exception] = []
        for event in events:
            try:
                await self.publish(event)
            except ExceptionGroup as group:
                errors.extend(group.exceptions)
        if errors:
            raise ExceptionGroup("handlers failed", errors)

    def _handlers_of(self, cls: type[Any]) -> Sequence[EventSubscriber]:
        return next((self._handlers[base] for base in cls.__mro__ if base in self._handlers), ())

    def _sagas_of(self, cls: type[Any]) -> Iterable[EventSubscriber]:
        return (saga for base in cls.__mro__ for saga in self._sagas.get(base, ()))

    async def _run_all(self, subscribers: Sequence[EventSubscriber], event: object) -> list[Exception]:
        if len(subscribers) == 1:
            return await self._run(subscribers[0], event)
        outcomes = await asyncio.gather(*(self._run(subscriber, event) for subscriber in subscribers))
        return [error for errors in outcomes for error in errors]

    async def _run(self, subscriber: EventSubscriber, event: object) -> list[Exception]:
        try:
            await subscriber.handle(event)
        except Exception as error:  # noqa: BLE001 one failing handler must not stop the others
            return self._failed(event, error, subscriber)
        return []

    async def _run_saga(self, saga: EventSubscriber, event: object) -> list[Exception]:
        depth = _saga_depth.get()
        if depth >= SAGA_DEPTH_LIMIT:
            raise SagaLoopError(
                f"{saga.name} was reached through {depth} commands in a row, the last by the event "
                f"{type(event).__name__}. Sagas and commands trigger each other in a circle: let the saga "
                "return None once its work is done."
            )
        try:
            commands = _as_sequence(await saga.handle(event))
        except Exception as error:  # noqa: BLE001 an error in one event must not end the saga
            return self._failed(event, error, saga)
        errors: list[Exception] = []
        token = _saga_depth.set(depth + 1)
        try:
            for command in commands:
                if command is not None:
                    errors += await self._execute(command, saga)
        finally:
            _saga_depth.reset(token)
        return errors

    async def _execute(self, command: Any, saga: EventSubscriber) -> list[Exception]:
        try:
            await self._command_bus.execute(command)
        except SagaLoopError:
            raise
        except Exception as error:  # noqa: BLE001 a failing command must not end the saga
            return self._failed(command, error, saga)
        return []

    def _failed(self, cause: object, error: Exception, source: EventSubscriber) -> list[Exception]:
        if isinstance(error, SagaLoopError):
            raise error
        if self._options.rethrow_unhandled:
            return [error]
        self._unhandled_exceptions.publish(UnhandledExceptionInfo(cause, error, source.name))
        return []


def _as_sequence(returned: SagaResult) -> Sequence[Command[Any] | None]:
    return returned if isinstance(returned, Sequence) else [returned]
