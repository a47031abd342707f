"""`CommandTable`: which table a module's services work on, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from cqrs_nest.aws.dynamodb import TableType, table_name
from cqrs_nest.config import Environment

EventsMode: TypeAlias = Literal["inline", "stream", "off"]
"""Who sends domain events: the publish itself, the command table's stream, or nobody.

With "stream" it also sends the status of a synchronous publish, which "inline" and "off" send themselves.
"""


@dataclass(frozen=True)
class CommandTableOptions:
    """What `CommandModule.register` was told."""

    name: str
    handlers: tuple[type[Any], ...] = ()
    disable_default_handler: bool = False
    events: EventsMode = "inline"
    legacy_status_codes: bool = False


@dataclass(frozen=True)
class CommandTable:
    """One registered table: its options and the physical names of its three tables.

    >>> env = Environment(node_env="dev", app_name="order")
    >>> CommandTable.of(CommandTableOptions("todo"), env).command
    'dev-order-todo-command'
    """

    options: CommandTableOptions
    command: str
    data: str
    history: str

    @classmethod
    def of(cls, options: CommandTableOptions, environment: Environment) -> CommandTable:
        """The table of a module in a service."""
        names = {type: table_name(environment, options.name, type) for type in TableType}
        return cls(options, names[TableType.COMMAND], names[TableType.DATA], names[TableType.HISTORY])

    @property
    def name(self) -> str:
        """The module's name for it, as in `register(table_name=...)`."""
        return self.options.name

    def physical_name(self, type: TableType) -> str:
        """The physical name of one of the three tables."""
        return {TableType.COMMAND: self.command, TableType.DATA: self.data, TableType.HISTORY: self.history}[
            type
        ]
