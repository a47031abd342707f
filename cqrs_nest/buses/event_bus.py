"""The event bus: what has happened, told to everybody who listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cqrs_nest.buses.behaviours import Behaviour
from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import EventBusClosedError, SagaLoopError, UnfinishedEventsError
from cqrs_nest.buses.event_delivery import EventDelivery, EventSubscriber
from cqrs_nest.buses.failures import Failures
from cqrs_nest.buses.observers import Observer
from cqrs_nest.buses.publishers import IEventPublisher
from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionBus, UnhandledExceptionInfo
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE

_LAST_WORDS = 1.0
"""Seconds that what is cancelled has to end."""


@dataclass(frozen=True, slots=True)
class EventBusOptions:
    """`rethrow_unhandled`: `publish` raises the handlers' errors as an ExceptionGroup.

    `drain_seconds`: how long `drain` waits for what is in the background.
    """

    rethrow_unhandled: bool = False
    drain_seconds: float = 20.0


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
        self._drain_seconds = options.drain_seconds
        self._publisher: IEventPublisher | None = None
        self._background: dict[asyncio.Task[None], Sequence[object]] = {}
        """What runs there, and the events that it brings to their handlers."""
        self._is_closed = False

    async def publish(self, event: object, context: object = None, *, background: bool = False) -> Any:
        """Publish an event; returns when everybody is done.

        `background=True` returns at once; the Lambda handler before its answer, and closing the application,
        wait for what is still running. Errors go to the UnhandledExceptionBus. `context` is the aggregate
        that the event comes from, for a custom publisher, whose result is given back. Raises TypeError for a
        class in the place of an event.
        """
        if background:
            self._start(self.publish(event, context), (event,))
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
        self._start(self.publish(event, context), (event,))

    async def deliver(self, event: object, *, rethrow: bool | None = None) -> None:
        """Bring the event to this process' own handlers, sagas and subscribers, whatever the publisher.

        `rethrow` decides for this event what `rethrow_unhandled` decides for all.
        """
        failures = Failures()
        try:
            await self._delivery.deliver(event, failures)
        except BaseException:
            # Who is cancelled cannot be told of the errors that there were before.
            self._report(failures)
            raise
        if not failures:
            return
        loop = next((each for each in failures if isinstance(each.exception, SagaLoopError)), None)
        if loop is None and (self._rethrow if rethrow is None else rethrow):
            errors = [failure.exception for failure in failures]
            raise ExceptionGroup(f"handlers of {type(event).__name__} failed", errors)
        self._report(failure for failure in failures if failure is not loop)
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

    async def drain(self, within: float | None = None) -> None:
        """Wait for everything in the background, and for what that publishes in turn.

        What still runs after `within` seconds, by default the options' `drain_seconds`, is cancelled. Raises
        UnfinishedEventsError, which names its events.
        """
        seconds = self._drain_seconds if within is None else within
        try:
            async with asyncio.timeout(seconds):
                while self._background:
                    await asyncio.wait(self._background)
        except TimeoutError:
            await self._give_up(seconds)

    async def before_application_shutdown(self, signal: str | None = None) -> None:
        """Drain while connections are still open."""
        try:
            await self.drain()
        finally:
            self._is_closed = True

    async def _give_up(self, seconds: float) -> None:
        unfinished = self._background.copy()
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=_LAST_WORDS)
            names = ", ".join(type(event).__name__ for events in unfinished.values() for event in events)
            raise UnfinishedEventsError(
                f"Published in the background, and cancelled as not handled after {seconds:g} s: {names}. "
                "Await these events, or give them longer: CqrsModule.for_root(drain_seconds=...)."
            )

    def _start(self, publication: Coroutine[Any, Any, Any], events: Sequence[object]) -> None:
        if self._is_closed:
            publication.close()
            raise EventBusClosedError(
                "An event was published in the background of an application that has closed: nobody would "
                "wait for it. Write `await event_bus.publish(event)`."
            )
        task = asyncio.create_task(self._run(publication, events))
        self._background[task] = events
        task.add_done_callback(self._background.pop)

    async def _run(self, publication: Coroutine[Any, Any, Any], events: Sequence[object]) -> None:
        failures = Failures()
        with failures.noting(events[0] if len(events) == 1 else events, "EventBus.publish"):
            await publication
        self._report(failures)

    def _report(self, failures: Iterable[UnhandledExceptionInfo]) -> None:
        for failure in failures:
            self._unhandled_exceptions.publish(failure)
