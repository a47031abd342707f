"""`CqrsModule`: one import that supplies the buses and, for a table, everything around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from cqrs_nest.buses import (
    BusExplorer,
    BusOptions,
    CommandBus,
    EventBus,
    EventBusOptions,
    EventPublisher,
    QueryBus,
    UnhandledExceptionBus,
)
from cqrs_nest.commands import CommandModule, EventsMode
from cqrs_nest.common.modules import DynamicModule, Module
from cqrs_nest.common.providers import provide


@Module(
    providers=[CommandBus, QueryBus, EventBus, EventPublisher, UnhandledExceptionBus, BusExplorer],
    exports=[CommandBus, QueryBus, EventBus, EventPublisher, UnhandledExceptionBus],
)
class CqrsModule:
    """Supplies `CommandBus`, `QueryBus`, `EventBus`, `EventPublisher` and `UnhandledExceptionBus`.

    Handlers and sagas of all modules are found and checked when the application starts.
    """

    def __init__(self, explorer: BusExplorer) -> None:
        self._explorer = explorer

    def on_application_bootstrap(self) -> None:
        """Connect the handlers of all modules with the buses."""
        self._explorer.register_handlers()

    @classmethod
    def for_root(
        cls, *, rethrow_unhandled: bool = False, on_duplicate: Literal["error", "last"] = "error"
    ) -> DynamicModule:
        """The buses for every module, configured; import it once, in the root module.

        There is one set of buses, whether modules import `CqrsModule`, `register` or nothing at all.

        `rethrow_unhandled`: `EventBus.publish` raises its handlers' errors as an ExceptionGroup.
        `on_duplicate`: what two handlers of one command or query mean.
        """
        return DynamicModule(
            module=CqrsOptionsModule,
            is_global=True,
            imports=[cls],
            providers=[
                provide(EventBusOptions, use_value=EventBusOptions(rethrow_unhandled)),
                provide(BusOptions, use_value=BusOptions(on_duplicate)),
            ],
            exports=[cls, EventBusOptions, BusOptions],
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


@Module()
class CqrsOptionsModule:
    """The options of the buses, as `CqrsModule.for_root` gives them."""


@Module()
class CqrsTableModule:
    """The buses and the services of one table, as `CqrsModule.register` puts them together."""
