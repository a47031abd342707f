"""Finds the handlers of all modules at start, checks them and connects them with the buses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from cqrs_nest.buses.behaviours import Execute
from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.declarations import Declaration, DeclarationReader
from cqrs_nest.buses.errors import HandlerSetupError
from cqrs_nest.buses.event_bus import EventBus
from cqrs_nest.buses.event_delivery import EventSubscriber
from cqrs_nest.buses.handler_checks import (
    async_method,
    check_event_method,
    check_events,
    check_message,
    check_undecorated,
    place,
)
from cqrs_nest.buses.handlers import EVENTS_HANDLER, ICommandHandler, IQueryHandler
from cqrs_nest.buses.message_bus import MessageBus
from cqrs_nest.buses.messages import COMMAND_HANDLER, QUERY_HANDLER, Command, Query
from cqrs_nest.buses.options import BusOptions
from cqrs_nest.buses.query_bus import QueryBus
from cqrs_nest.common.logger import Logger
from cqrs_nest.common.tokens import Token
from cqrs_nest.core import Binding, DiscoveryService, ModuleNode, RequestScope, current_request_scope

Registration: TypeAlias = tuple[Callable[[Any, Any], None], Any, Any]
"""How a bus learns of a handler: the bus' own method, the message or messages, and the handler."""


class _MessageKind(NamedTuple):
    """Commands or queries: their bus, and what they and their handlers extend."""

    bus: MessageBus
    register: Callable[[type[Any], Execute], None]
    base: type[Any]
    interface: type[Any]


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
        self._kinds = {
            COMMAND_HANDLER: _MessageKind(command_bus, command_bus.register, Command, ICommandHandler),
            QUERY_HANDLER: _MessageKind(query_bus, query_bus.register, Query, IQueryHandler),
        }
        self._event_bus = event_bus
        self._options = options
        self._owners: dict[type[Any], Binding] = {}
        self._logger = Logger("BusExplorer")

    def start(self) -> None:
        """Set the buses up as the options say and register all handlers and sagas.

        Raises HandlerSetupError for two handlers of one message, a handler without its decorator, a message
        of the wrong kind, a result that is not the message's, or a method that is not async.
        """
        self._apply_options()
        self.connect(self._discovery.modules())

    def connect(self, modules: Sequence[ModuleNode]) -> None:
        """Register the handlers and sagas of `modules`, all or, when one of them is wrong, none."""
        reader, owners = DeclarationReader(), self._owners.copy()
        providers = [each for module in modules for each in module.providers if not each.is_alias]
        try:
            registrations = [each for binding in providers for each in self._registrations(binding, reader)]
        except Exception:
            self._owners = owners
            raise
        for register, messages, handler in registrations:
            register(messages, handler)

    def _apply_options(self) -> None:
        options = self._options
        nothing: dict[Token, Binding] = {}
        own = next((each.own for each in self._discovery.modules() if _provides(each, options)), nothing)
        self._command_bus.use(*(_static(own[token]) for token in options.command_behaviours))
        self._query_bus.use(*(_static(own[token]) for token in options.query_behaviours))
        self._event_bus.use(*(_static(own[token]) for token in options.event_behaviours))
        if options.command_publisher is not None:
            self._command_bus.subscribe(_static(own[options.command_publisher]).publish)
        if options.query_publisher is not None:
            self._query_bus.subscribe(_static(own[options.query_publisher]).publish)
        if options.event_publisher is not None:
            self._event_bus.publish_with(_static(own[options.event_publisher]))

    def _registrations(self, binding: Binding, reader: DeclarationReader) -> list[Registration]:
        # A substitute declares nothing itself: it stands in for the class that is its token.
        classes = [cls for cls in {binding.cls: None, binding.token: None} if isinstance(cls, type)]
        for cls in classes:
            declarations = reader.read(cls)
            if declarations:
                return [self._checked(binding, cls, declaration) for declaration in declarations]
        for cls in classes:
            check_undecorated(binding, cls)
        return []

    def _checked(self, binding: Binding, cls: type[Any], declaration: Declaration) -> Registration:
        """What is left to be done for a declaration once it is found to be right."""
        key, messages, method, _ = declaration
        kind = self._kinds.get(key)
        if kind is not None:
            check_message(binding, cls, messages, method, kind.base, kind.interface)
            self._claim(kind.bus, messages, binding)
            return kind.register, messages, _method(binding, cls, method)
        if key is EVENTS_HANDLER:
            check_events(binding, messages, "EventsHandler")
            check_event_method(binding, cls, messages, method)
            handler = EventSubscriber(cls.__qualname__, _method(binding, cls, method))
            return self._event_bus.register, messages, handler
        check_events(binding, messages, "Saga")
        check_event_method(binding, cls, messages, method)
        saga = EventSubscriber(f"{cls.__qualname__}.{method}", _method(binding, cls, method))
        return self._event_bus.register_saga, messages, saga

    def _claim(self, bus: MessageBus, message: type[Any], binding: Binding) -> None:
        """Note who handles a message, if its behaviours allow it, and refuse or report a second one."""
        bus.check(message)
        earlier = self._owners.get(message)
        self._owners[message] = binding
        if earlier is None:
            return
        both = f"  1. {place(earlier)}\n  2. {place(binding)}"
        if self._options.on_duplicate == "error":
            raise HandlerSetupError(
                f"Two handlers for the {bus.kind} {message.__qualname__}:\n{both}\n"
                f"A {bus.kind} has one handler. Remove one of them from its module's providers."
            )
        self._logger.warn(
            "Two handlers for the %s %s, the second is used:\n%s", bus.kind, message.__qualname__, both
        )


def _provides(module: ModuleNode, options: BusOptions) -> bool:
    binding = module.own.get(BusOptions)
    return binding is not None and binding.instance is options


def _static(binding: Binding) -> Any:
    if not binding.is_static:
        raise HandlerSetupError(
            f"{place(binding)} is request-scoped, but runs for all messages.\n"
            "Give it, and what it depends on, the default scope; what belongs to one request can be taken "
            "from a ContextVar."
        )
    return binding.instance


def _method(binding: Binding, cls: type[Any], name: str) -> Execute:
    """The handler's method: bound once for a singleton, on a fresh instance for each call otherwise."""
    if binding.is_static:
        return async_method(binding, binding.instance, name)
    async_method(binding, cls, name)

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

    call.__qualname__ = f"{cls.__qualname__}.{name}"
    return call
