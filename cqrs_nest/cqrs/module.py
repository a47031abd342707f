"""`CqrsModule`: one import that supplies the buses and, for a table, everything around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from cqrs_nest.aws import AwsModule, AwsResources, TableResource
from cqrs_nest.buses import (
    Behaviour,
    BusExplorer,
    BusOptions,
    CommandBus,
    EventBus,
    EventBusOptions,
    EventPublisher,
    ICommandPublisher,
    IEventPublisher,
    IQueryPublisher,
    MessageContext,
    QueryBus,
    UnhandledExceptionBus,
)
from cqrs_nest.commands import CommandModule, EventsMode
from cqrs_nest.common.modules import DynamicModule, Import, Module
from cqrs_nest.common.providers import Provider, Scope, provide
from cqrs_nest.common.tokens import InjectionToken, Token
from cqrs_nest.core import DiscoveryService, ModuleNode
from cqrs_nest.core.tracing import Tracing, TracingOptions
from cqrs_nest.cqrs.idempotency import IdempotencyBehaviour
from cqrs_nest.cqrs.idempotency_stores import (
    STORE_CALLS,
    STORE_TABLE,
    DynamoDbIdempotencyStore,
    IdempotencyStore,
)
from cqrs_nest.cqrs.incoming_events import IncomingEventFactory, IncomingEventHandler
from cqrs_nest.cqrs.message_context import current_message_context
from cqrs_nest.cqrs.tracing import TracingBehaviour

Behaviours: TypeAlias = Sequence[type[Behaviour] | Behaviour]
"""Classes that the container builds, or finished objects; the first is the outermost."""


_BUSES = (CommandBus, QueryBus, EventBus, EventPublisher, UnhandledExceptionBus)


@Module(
    providers=[
        *_BUSES,
        BusExplorer,
        IncomingEventFactory,
        IncomingEventHandler,
        provide(MessageContext, use_factory=current_message_context, scope=Scope.REQUEST),
    ],
    exports=[*_BUSES, MessageContext],
)
class CqrsModule:
    """Supplies `CommandBus`, `QueryBus`, `EventBus`, `EventPublisher` and `UnhandledExceptionBus`.

    Handlers and sagas of all modules are found and checked when the application starts.
    """

    def __init__(
        self, explorer: BusExplorer, incoming: IncomingEventHandler, discovery: DiscoveryService
    ) -> None:
        self._explorer = explorer
        self._incoming = incoming
        self._discovery = discovery

    def on_application_bootstrap(self) -> None:
        """Connect the handlers of all modules with the buses, and later those of modules that are loaded."""
        self._explorer.start()
        self._incoming.load()
        self._discovery.watch(self._connect)

    def _connect(self, modules: Sequence[ModuleNode]) -> None:
        self._explorer.connect(modules)
        self._incoming.load()

    @classmethod
    def for_root(
        cls,
        *,
        rethrow_unhandled: bool = False,
        drain_seconds: float = 20.0,
        on_duplicate: Literal["error", "last"] = "error",
        command_behaviours: Behaviours = (),
        query_behaviours: Behaviours = (),
        event_behaviours: Behaviours = (),
        command_publisher: type[ICommandPublisher] | ICommandPublisher | None = None,
        query_publisher: type[IQueryPublisher] | IQueryPublisher | None = None,
        event_publisher: type[IEventPublisher] | IEventPublisher | None = None,
        tracing: bool = False,
        imports: Sequence[Import] = (),
    ) -> DynamicModule:
        """The buses for every module, configured; import it once, in the root module.

        There is one set of buses, whether modules import `CqrsModule`, `register` or nothing at all.

        `rethrow_unhandled`: `EventBus.publish` raises its handlers' errors as an ExceptionGroup.
        `drain_seconds`: how long an answer in Lambda, and closing the application, wait for events that were
        published in the background before they are cancelled with an UnfinishedEventsError.
        `on_duplicate`: what two handlers of one command or query mean.
        `..._behaviours`: what runs around every handler; see `Behaviour`.
        `command_publisher`, `query_publisher`: see every message before its handler. `event_publisher`:
        takes the events in the handlers' place.
        `tracing`: spans of OpenTelemetry around requests, messages, calls and events of AWS, and projections;
        raises TracingNotInstalledError at start without the extra `otel`.
        `imports`: the modules whose exports the classes given here need; those of AWS are there.
        """
        providers: list[Provider] = []
        spans = [TracingBehaviour] if tracing else []
        options = BusOptions(
            on_duplicate,
            [_token(each, providers) for each in (*spans, *command_behaviours)],
            [_token(each, providers) for each in (*spans, *query_behaviours)],
            [_token(each, providers) for each in (*spans, *event_behaviours)],
            _token(command_publisher, providers),
            _token(query_publisher, providers),
            _token(event_publisher, providers),
        )
        return DynamicModule(
            module=CqrsOptionsModule,
            is_global=True,
            imports=[cls, AwsModule, *imports],
            providers=[
                provide(EventBusOptions, use_value=EventBusOptions(rethrow_unhandled, drain_seconds)),
                provide(BusOptions, use_value=options),
                provide(TracingOptions, use_factory=_tracing_on if tracing else TracingOptions, inject=()),
                provide(IdempotencyStore, use_class=DynamoDbIdempotencyStore),
                provide(AwsResources, use_value=_resources(command_behaviours)),
                *providers,
            ],
            exports=[cls, EventBusOptions, BusOptions, TracingOptions],
        )

    @staticmethod
    def register(
        *,
        table_name: str,
        data_sync_handlers: Sequence[type[Any]] = (),
        disable_default_handler: bool = False,
        events: EventsMode = "inline",
        legacy_status_codes: bool = False,
        imports: Sequence[Any] = (),
    ) -> DynamicModule:
        """The buses together with the services of one table; see `CommandModule.register` for the options."""
        table = CommandModule.register(
            table_name=table_name,
            data_sync_handlers=data_sync_handlers,
            disable_default_handler=disable_default_handler,
            events=events,
            legacy_status_codes=legacy_status_codes,
            imports=imports,
        )
        return DynamicModule(module=CqrsTableModule, imports=[CqrsModule, table], exports=[CqrsModule, table])


def _tracing_on() -> TracingOptions:
    return TracingOptions(Tracing())


def _resources(behaviours: Behaviours) -> AwsResources:
    classes = [each if isinstance(each, type) else type(each) for each in behaviours]
    is_kept = any(issubclass(each, IdempotencyBehaviour) for each in classes)
    return AwsResources(tables=[TableResource(STORE_TABLE, calls=STORE_CALLS)] if is_kept else [])


def _token(given: object, providers: list[Provider]) -> Token | None:
    """The token of a class or an object, which joins the providers of the options' module."""
    if given is None:
        return None
    if isinstance(given, type):
        providers.append(given)
        return given
    token = InjectionToken[Any](type(given).__name__)
    providers.append(provide(token, use_value=given))
    return token


@Module()
class CqrsOptionsModule:
    """The options of the buses, as `CqrsModule.for_root` gives them."""


@Module()
class CqrsTableModule:
    """The buses and the services of one table, as `CqrsModule.register` puts them together."""
