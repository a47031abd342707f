"""`CommandTableRegistry`: every registered table with its services and handlers, checked at start."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from cqrs_nest.commands.data_sync_handler import DATA_SYNC_HANDLER, IDataSyncHandler, handler_name
from cqrs_nest.commands.projection_spans import TracedHandler
from cqrs_nest.commands.retry_policy import DEFAULT_RETRY, RetryPolicy
from cqrs_nest.commands.table import CommandTable, CommandTableOptions
from cqrs_nest.common import Injectable, Logger
from cqrs_nest.common.metadata import find_metadata
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.core import Binding, CqrsNestError, DiscoveryService, ModuleNode
from cqrs_nest.core.tracing import TracingOptions

T = TypeVar("T")
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")


class InvalidCommandTableError(CqrsNestError):
    """A mistake with tables: registered in two ways, not clear which is meant, or a wrong handler."""


@dataclass(frozen=True)
class RegisteredHandler:
    """A custom handler under the name that executions know it by."""

    name: str
    instance: IDataSyncHandler
    retry: RetryPolicy


@dataclass(frozen=True)
class RegisteredTable:
    """A table, the first module that registered it, and its custom handlers: those of `register` first."""

    table: CommandTable
    module: ModuleNode
    handlers: tuple[RegisteredHandler, ...]

    def get(self, service: type[T]) -> T:
        """The table's own instance of `CommandService`, `DataService`, `HistoryService` and so on."""
        instance: T = next(binding.instance for binding in self.module.providers if binding.token is service)
        return instance


@Injectable()
class CommandTableRegistry:
    """The tables of the whole application, by the names they were registered under."""

    def __init__(self, discovery: DiscoveryService, tracing: TracingOptions = TracingOptions()) -> None:
        self._discovery = discovery
        self._tracing = tracing.spans
        self._logger = Logger("CommandTableRegistry")

    def on_module_init(self) -> None:
        """Let a mistake be known before the first request."""
        self._logger.debug("command tables: %s", ", ".join(self.table_names) or "none")

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names given to `register(table_name=...)`."""
        return tuple(self._tables)

    @property
    def tables(self) -> tuple[RegisteredTable, ...]:
        """Every registered table."""
        return tuple(self._tables.values())

    def table(self, name: str) -> RegisteredTable | None:
        """The table of a name, or of the physical name of its command table; None for an unknown one."""
        return self._tables.get(name) or next(
            (entry for entry in self._tables.values() if entry.table.command == name), None
        )

    def handlers(self, name: str) -> tuple[RegisteredHandler, ...]:
        """The custom handlers of a table."""
        entry = self._tables.get(name)
        return entry.handlers if entry else ()

    @cached_property
    def _tables(self) -> dict[str, RegisteredTable]:
        bindings = self._discovery.providers()
        registered = [binding for binding in bindings if binding.token is CommandTable]
        tables = self._by_name(registered)
        self._check_that_services_are_clear([*bindings, *self._discovery.controllers()])
        decorated = list(self._decorated(bindings, tables))
        return {
            name: RegisteredTable(
                binding.instance, binding.module, self._table_handlers(binding, bindings, decorated)
            )
            for name, binding in tables.items()
        }

    def _by_name(self, registered: Sequence[Binding]) -> dict[str, Binding]:
        tables: dict[str, Binding] = {}
        for binding in registered:
            name = binding.instance.name
            if not _TABLE_NAME.fullmatch(name):
                raise InvalidCommandTableError(
                    f"{_where(binding.module)} registers the table {name!r}, which is no name in "
                    "DynamoDB.\nFix: CqrsModule.register(table_name=...) of letters, digits, _ . and -."
                )
            first = tables.setdefault(name, binding)
            if differences := _differences(first.instance, binding.instance):
                raise InvalidCommandTableError(
                    f'The table "{name}" is registered by {_where(first.module)} and by '
                    f"{_where(binding.module)} with different options: {differences}.\nFix: keep the "
                    "register(...) call in a variable, or in one module that exports it, and import that "
                    "everywhere."
                )
        return tables

    def _check_that_services_are_clear(self, bindings: Sequence[Binding]) -> None:
        """Refuse what is injected with a table's service in a module that imports several tables."""
        for consumer in bindings:
            for link in consumer.links:
                target, importer = link.target, consumer.module
                if target is None or target.module is importer or not _is_of_table(target.module):
                    continue
                sources = [each for each in importer.imports if target.token in each.exports]
                names = {_table_of(each.exports[target.token].module): None for each in sources}
                if len(names) > 1:
                    raise InvalidCommandTableError(
                        f"{describe_token(consumer.token)} in {importer.name} asks for "
                        f"{describe_token(target.token)}, but {importer.name} imports several tables: "
                        f"{', '.join(names)}.\nFix: a module for each table, which exports what others need."
                    )

    def _decorated(
        self, bindings: Sequence[Binding], tables: dict[str, Binding]
    ) -> Iterator[tuple[str, Binding]]:
        """Every provider with `@DataSyncHandler` and its table."""
        for binding in bindings:
            options = find_metadata(binding.cls, DATA_SYNC_HANDLER) if binding.cls else None
            if options is None or binding.is_alias:
                continue
            if options.table_name not in tables:
                where = _where(binding.module)
                raise InvalidCommandTableError(_unknown_table(binding, where, options.table_name, tables))
            yield options.table_name, binding

    def _table_handlers(
        self, registration: Binding, bindings: Sequence[Binding], decorated: list[tuple[str, Binding]]
    ) -> tuple[RegisteredHandler, ...]:
        table: CommandTable = registration.instance
        own = [
            binding
            for cls in table.options.handlers
            for binding in bindings
            if binding.module is registration.module and binding.token is cls
        ]
        found: dict[str, Binding] = {}
        for binding in [*own, *(binding for name, binding in decorated if name == table.name)]:
            name = _handler_name(binding)
            other = found.setdefault(name, binding)
            if other.cls is not binding.cls:
                raise InvalidCommandTableError(_same_name(name, table.name, other, binding))
            if other is not binding:
                self._logger.warn(
                    "%s handles the table %r once, although %s and %s both provide it",
                    name,
                    table.name,
                    other.module.name,
                    binding.module.name,
                )
        return tuple(
            RegisteredHandler(name, self._traced(name, table, _instance(binding, table)), _retry(binding))
            for name, binding in found.items()
        )

    def _traced(self, name: str, table: CommandTable, handler: IDataSyncHandler) -> IDataSyncHandler:
        return TracedHandler(handler, name, table.name, self._tracing) if self._tracing else handler


def _where(module: ModuleNode) -> str:
    """A module's name; for what `register` gives, which has no name of its own, the way to it."""
    return " > ".join(module.path) if _is_of_table(module) else module.name


def _differences(first: CommandTable, second: CommandTable) -> str:
    """The options in which two registrations of one table are not the same."""
    one, other = _shown_options(first.options), _shown_options(second.options)
    return ", ".join(f"{name} {one[name]} and {other[name]}" for name in one if one[name] != other[name])


def _shown_options(options: CommandTableOptions) -> dict[str, str]:
    handlers = f"[{', '.join(map(describe_token, options.handlers))}]"
    return {name: repr(value) for name, value in vars(options).items()} | {"handlers": handlers}


def _is_of_table(module: ModuleNode) -> bool:
    return any(provider.token is CommandTable for provider in module.providers)


def _table_of(module: ModuleNode) -> str:
    """The name of the table whose module this is; a module's own name for any other."""
    tables = [provider.instance for provider in module.providers if provider.token is CommandTable]
    return f'"{tables[0].name}"' if tables else module.name


def _handler_name(binding: Binding) -> str:
    return handler_name(binding.cls) if binding.cls else repr(binding)


def _retry(binding: Binding) -> RetryPolicy:
    options = find_metadata(binding.cls, DATA_SYNC_HANDLER)
    return options.retry if options else DEFAULT_RETRY


def _instance(binding: Binding, table: CommandTable) -> IDataSyncHandler:
    where = (
        f"{_handler_name(binding)} in {binding.module.name}, a data sync handler of the table {table.name!r},"
    )
    if not callable(getattr(binding.cls, "up", None)):
        raise InvalidCommandTableError(
            f"{where} has no method `up`.\nFix: add `async def up(self, command: CommandModel) -> None`."
        )
    for method in ("up", "down"):
        if callable(found := getattr(binding.cls, method, None)) and not inspect.iscoroutinefunction(found):
            raise InvalidCommandTableError(
                f"{where} has a `{method}` that is not async.\nFix: `async def {method}`."
            )
    if not binding.is_static:
        raise InvalidCommandTableError(
            f"{where} is request-scoped, but commands are applied outside of requests.\n"
            "Fix: give it, and what it depends on, the default scope."
        )
    instance: IDataSyncHandler = binding.instance
    return instance


def _unknown_table(binding: Binding, where: str, table: str, tables: dict[str, Any]) -> str:
    known = ", ".join(f'"{name}"' for name in tables) or "none at all"
    hint = table.removesuffix("-command")
    fix = (
        f'write @DataSyncHandler("{hint}")'
        if hint in tables
        else f'import CqrsModule.register(table_name="{table}"), or correct the name'
    )
    return (
        f'{_handler_name(binding)} in {where} is a @DataSyncHandler("{table}"), '
        f"but no module registers that table (registered: {known}).\nFix: {fix}."
    )


def _same_name(name: str, table: str, first: Binding, second: Binding) -> str:
    return (
        f'The table "{table}" has two data sync handlers named {name}, in {first.module.name} and '
        f'{second.module.name}.\nFix: give one another name: @DataSyncHandler("{table}", name="...").'
    )
