"""The event bus: what has happened, told to everybody who listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cqrs_nest.buses.behaviours import Behaviour
from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import EventBusClosedError, SagaLoopError
from cqrs_nest.buses.event_delivery import EventDelivery, EventSubscriber
from cqrs_nest.buses.observers import Observer
from cqrs_nest.buses.publishers import IEventPublisher
from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionBus, UnhandledExceptionInfo
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE


@dataclass(frozen=True, slots=True)
class EventBusOptions:
    """`rethrow_unhandled`: `publish` raises the handlers' errors as an ExceptionGroup."""

    rethrow_unhandled: bool = False


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule to the imports of {module}")
class EventBus:
    """Publishes events and waits for everybody who listens.

    The handlers of an event start in the order of their registration and run side by side; then come the
    sagas and the commands they give, then those who subscribed. A failing handler does not stop the others:
    its error goes to the UnhandledExceptionBus or, with `rethrow_unhandled`, to the caller as an
    ExceptionGroup. An event without handlers is silent.
    """

    def __init__(
        self,
        command_bus: CommandBus,
        unhandled_exceptions: UnhandledExceptionBus,
        options: EventBusOptions = EventBusOptions(),
    ) -> None:
        self._delivery = EventDelivery(command_bus)
        self._unhandled_exceptions = unhandled_exceptions
        self._rethrow = options.rethrow_unhandled
        self._publisher: IEventPublisher | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def publish(self, event: object, context: object = None, *, background: bool = False) -> Any:
        """Publish an event; returns when everybody is done.

        `background=True` returns at once; the Lambda handler before its answer, and closing the application,
        wait for what is still running. Errors go to the UnhandledExceptionBus. `context` is the aggregate
        that the event comes from, for a custom publisher, whose result is given back.
        """
        if background:
            self._start(self.publish(event, context), event)
            return None
        if self._publisher is not None:
            return await self._publisher.publish(event, context)
        return await self.deliver(event)

    async def publish_all(
        self, events: Iterable[object], context: object = None, *, background: bool = False
    ) -> list[Any]:
        """Publish one event after the other, all of them even if handlers fail; one result for each.

        With a publisher its own `publish_all` decides, which stops at the first that it cannot send.

        In the background there are no results to wait for, and the list is empty.
        """
        events = tuple(events)
        if background:
            self._start(self.publish_all(events, context), events)
            return []
        if self._publisher is not None:
            return await self._publisher.publish_all(events, context)
        errors: list[Exception] = []
        for event in events:
            try:
                await self.deliver(event)
            except ExceptionGroup as group:
                errors.extend(group.exceptions)
            except SagaLoopError as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("event handlers failed", errors)
        return [None] * len(events)

    def publish_soon(self, event: object, context: object = None) -> None:
        """`publish(event, context, background=True)` for code that is not async, in a running event loop."""
        self._start(self.publish(event, context), event)

    async def deliver(self, event: object, *, rethrow: bool | None = None) -> None:
        """Bring the event to this process' own handlers, sagas and subscribers, whatever the publisher.

        `rethrow` decides for this event what `rethrow_unhandled` decides for all.
        """
        failures = await self._delivery.deliver(event)
        if not failures:
            return
        loop = next((each for each in failures if isinstance(each.exception, SagaLoopError)), None)
        if loop is None and (self._rethrow if rethrow is None else rethrow):
            errors = [failure.exception for failure in failures]
            raise ExceptionGroup(f"handlers of {type(event).__name__} failed", errors)
        for failure in failures:
            if failure is not loop:
                self._unhandled_exceptions.publish(failure)
        if loop is not None:
            raise loop.exception

    def register(self, events: Sequence[type[Any]], handler: EventSubscriber) -> None:
        """Let `handler` react to these classes of events."""
        self._delivery.add_handler(events, handler)

    def register_saga(self, events: Sequence[type[Any]], saga: EventSubscriber) -> None:
        """Let `saga` turn these classes of events, and their subclasses, into commands."""
        self._delivery.add_saga(events, saga)

    def use(self, *behaviours: Behaviour) -> None:
        """Put behaviours around every handler and saga, inside of those that are there."""
        self._delivery.use(*behaviours)

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Show every event to `observer` after its handlers; the result ends the subscription."""
        return self._delivery.observers.add(observer)

    def publish_with(self, publisher: IEventPublisher) -> None:
        """Hand events to `publisher` instead of the handlers."""
        self._publisher = publisher

    def handled(self) -> set[type[Any]]:
        """The classes of events that handlers and sagas listen to."""
        return self._delivery.events()

    async def drain(self) -> None:
        """Wait for everything in the background, and for what that publishes in turn."""
        while self._background:
            await asyncio.wait(self._background)

    async def before_application_shutdown(self, signal: str | None = None) -> None:
        """Drain while connections are still open."""
        await self.drain()
        self._is_closed = True

    def _start(self, publication: Coroutine[Any, Any, Any], cause: object) -> None:
        if self._is_closed:
            publication.close()
            raise EventBusClosedError(
                "An event was published in the background of an application that has closed: nobody would "
                "wait for it. Write `await event_bus.publish(event)`."
            )
        task = asyncio.create_task(self._run(publication, cause))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _run(self, publication: Coroutine[Any, Any, Any], cause: object) -> None:
        try:
            await publication
        except Exception as error:  # noqa: BLE001 nobody awaits it
            self._unhandled_exceptions.publish(UnhandledExceptionInfo(cause, error, "EventBus.publish"))
