"""`@EventHandler` and the dispatcher that finds the handlers of an event and runs them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from cqrs_nest.common.logger import Logger
from cqrs_nest.common.metadata import MetadataKey, define_metadata
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.core import Binding, DiscoveryService, RequestScope
from cqrs_nest.events.concurrency import gather_all
from cqrs_nest.events.errors import EventHandlerNotFoundError, InvalidEventHandlerError
from cqrs_nest.events.instances import instance_of
from cqrs_nest.events.metrics import EventMetrics
from cqrs_nest.events.records import AwsEvent

ClassT = TypeVar("ClassT", bound=type)

EVENT_HANDLER = MetadataKey[tuple[type[Any], ...]]("event_handler")


def EventHandler(*events: type[Any]) -> Callable[[ClassT], ClassT]:
    """Make a provider handle AWS events with `async def execute(self, event)`.

    Several classes may handle one event: they run concurrently. An event goes to the handlers of its own
    class or, if it has none, to those of the nearest base class that has.

    >>> from cqrs_nest.events import S3Event
    >>> @EventHandler(S3Event)
    ... class UploadHandler:
    ...     async def execute(self, event: S3Event) -> None: ...
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, EVENT_HANDLER, events)
        return cls

    return decorate


class EventDispatcher:
    """Knows the handlers of every module and runs those of an event."""

    def __init__(self, discovery: DiscoveryService, metrics: EventMetrics = EventMetrics()) -> None:
        self._discovery = discovery
        self._metrics = metrics
        self._handlers: dict[type[Any], list[Binding]] = {}
        self._logger = Logger("EventDispatcher")

    def load(self) -> None:
        """Find the handlers of all modules.

        Raises InvalidEventHandlerError for a handler without an async `execute` or without an event class.
        """
        self._handlers = {}
        for binding, events in self._discovery.providers_with(EVENT_HANDLER):
            _check(binding, events)
            for event in events:
                self._register(event, binding)

    async def dispatch(self, event: object, scope: RequestScope) -> list[Any]:
        """Run all handlers of the event at once; their results in the order of registration.

        Every handler runs to its end. Raises EventHandlerNotFoundError, and counts the event, when there
        is none; the error of the handler that failed; an ExceptionGroup when several did.
        """
        bindings = self._handlers_of(event)
        instances = [await instance_of(binding, scope) for binding in bindings]
        return await gather_all([instance.execute(event) for instance in instances])

    def _register(self, event: type[Any], binding: Binding) -> None:
        handlers = self._handlers.setdefault(event, [])
        other = next((handler for handler in handlers if handler.cls is binding.cls), None)
        if other is None:
            handlers.append(binding)
            return
        self._logger.warn(
            "%s handles %s once, although %s and %s both provide it",
            describe_token(binding.token),
            describe_token(event),
            other.module.name,
            binding.module.name,
        )

    def _handlers_of(self, event: object) -> Sequence[Binding]:
        for cls in type(event).__mro__:
            if cls in self._handlers:
                return self._handlers[cls]
        name = type(event).__name__
        self._metrics.unhandled(name, event.source if isinstance(event, AwsEvent) else None)
        raise EventHandlerNotFoundError(
            f'The event handler for the "{name}" event was not found! It was {event!r}.\n'
            f"  Add a class decorated with @EventHandler({name}) to the providers of a module, or let an "
            f"@EventFactory return an empty list for records that are to be ignored."
        )


def _check(binding: Binding, events: tuple[type[Any], ...]) -> None:
    where = f"@EventHandler {describe_token(binding.token)} of {binding.module.name}"
    if not events:
        raise InvalidEventHandlerError(f"{where} names no event.\n  Write @EventHandler(TheEventClass).")
    if not inspect.iscoroutinefunction(getattr(binding.cls, "execute", None)):
        raise InvalidEventHandlerError(
            f"{where} has no async method execute.\n"
            f"  Write `async def execute(self, event: {describe_token(events[0])})`."
        )
