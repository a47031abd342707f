"""Finds the handlers of all modules at start, checks them and connects them with the buses."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import HandlerSetupError
from cqrs_nest.buses.event_bus import EventBus, EventSubscriber
from cqrs_nest.buses.handler_checks import (
    HANDLER_KEYS,
    check_async,
    check_decorated,
    check_message,
    place,
)
from cqrs_nest.buses.handlers import (
    COMMAND_HANDLER,
    EVENTS_HANDLER,
    QUERY_HANDLER,
    SAGA,
    ICommandHandler,
    IQueryHandler,
)
from cqrs_nest.buses.message_bus import MessageBus
from cqrs_nest.buses.messages import Command, Query
from cqrs_nest.buses.query_bus import QueryBus
from cqrs_nest.common.metadata import find_metadata, own_metadata
from cqrs_nest.core import Binding, DiscoveryService, RequestScope, current_request_scope


@dataclass(frozen=True, slots=True)
class BusOptions:
    """`on_duplicate="last"`: of two handlers for one message the later one wins, as in Nest."""

    on_duplicate: Literal["error", "last"] = "error"


class BusExplorer:
    """Connects every decorated provider of the application with the three buses."""

    def __init__(
        self,
        discovery: DiscoveryService,
        command_bus: CommandBus,
        query_bus: QueryBus,
        event_bus: EventBus,
        options: BusOptions = BusOptions(),
    ) -> None:
        self._discovery = discovery
        self._command_bus = command_bus
        self._query_bus = query_bus
        self._event_bus = event_bus
        self._options = options

    def register_handlers(self) -> None:
        """Register all handlers and sagas.

        Raises HandlerSetupError for two handlers of one message, a handler without its decorator,
        a message of the wrong kind, a result that is not the message's, or a method that is not async.
        """
        owners: dict[type[Any], Binding] = {}
        for binding in self._discovery.providers():
            cls = _handler_class(binding)
            if cls is not None and not binding.is_alias:
                self._register_all(binding, cls, owners)

    def _register_all(self, binding: Binding, cls: type[Any], owners: dict[type[Any], Binding]) -> None:
        check_decorated(binding, cls)
        command = find_metadata(cls, COMMAND_HANDLER)
        if command is not None:
            check_message(binding, cls, command, Command, ICommandHandler)
            self._register(self._command_bus, command, binding, cls, owners)
        query = find_metadata(cls, QUERY_HANDLER)
        if query is not None:
            check_message(binding, cls, query, Query, IQueryHandler)
            self._register(self._query_bus, query, binding, cls, owners)
        events = find_metadata(cls, EVENTS_HANDLER)
        if events is not None:
            handle = _method(binding, cls, "handle")
            self._event_bus.register(events, EventSubscriber(cls.__qualname__, handle))
        for name, saga_events in _sagas(cls):
            saga = EventSubscriber(f"{cls.__qualname__}.{name}", _method(binding, cls, name))
            self._event_bus.register_saga(saga_events, saga)

    def _register(
        self,
        bus: MessageBus,
        message: type[Any],
        binding: Binding,
        cls: type[Any],
        owners: dict[type[Any], Binding],
    ) -> None:
        earlier = owners.get(message)
        if earlier is not None and self._options.on_duplicate == "error":
            raise HandlerSetupError(
                f"Two handlers for the {bus.kind} {message.__qualname__}:\n"
                f"  1. {place(earlier)}\n"
                f"  2. {place(binding)}\n"
                f"A {bus.kind} has one handler. Remove one of them from its module's providers."
            )
        owners[message] = binding
        bus.register(message, _method(binding, cls, "execute"))


def _handler_class(binding: Binding) -> type[Any] | None:
    """Where the decorators are: on the class itself or, for a substitute, on the class it stands in for."""
    cls = binding.cls
    if cls is not None and any(find_metadata(cls, key) is not None for key in HANDLER_KEYS):
        return cls
    return binding.token if isinstance(binding.token, type) else cls


def _sagas(cls: type[Any]) -> Iterator[tuple[str, tuple[type[Any], ...]]]:
    # Through vars, as reading an attribute may run code of the class, such as a property of its metaclass.
    members = {name: member for owner in reversed(cls.__mro__) for name, member in vars(owner).items()}
    for name, member in members.items():
        events = own_metadata(member).get(SAGA)
        if events is not None:
            yield name, events


def _method(binding: Binding, cls: type[Any], name: str) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    """The handler's method: bound once for a singleton, on a fresh instance for each call otherwise."""
    if binding.is_static:
        check_async(binding, binding.instance, name)
        method: Callable[[Any], Coroutine[Any, Any, Any]] = getattr(binding.instance, name)
        return method
    check_async(binding, cls, name)

    async def call(message: Any) -> Any:
        scope = current_request_scope.get() or RequestScope(message)
        instance = binding.build(scope)
        if binding.is_async:
            instance = await instance
        token = current_request_scope.set(scope)
        try:
            return await getattr(instance, name)(message)
        finally:
            current_request_scope.reset(token)

    return call
