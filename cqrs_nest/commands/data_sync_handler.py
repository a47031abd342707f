"""`@DataSyncHandler`: classes that carry a table's commands on to other stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from cqrs_nest.commands.models import CommandModel
from cqrs_nest.common.metadata import MetadataKey, define_metadata

ClassT = TypeVar("ClassT", bound=type)


class IDataSyncHandler(Protocol):
    """Projects commands: `up` applies one, `down` takes it back.

    `up` is called at least once for each version, in order for each item; it must be safe to repeat.
    """

    def up(self, command: CommandModel) -> Awaitable[Any]: ...

    def down(self, command: CommandModel) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class DataSyncHandlerOptions:
    table_name: str
    name: str


DATA_SYNC_HANDLER = MetadataKey[DataSyncHandlerOptions]("data_sync_handler")


def DataSyncHandler(table_name: str, *, name: str | None = None) -> Callable[[ClassT], ClassT]:
    """Make a provider take part in applying the commands of a table, named as in `register`.

    `name` stands for the handler in executions of the Step Functions pipeline; it is the class's name
    unless given, and must stay the same while executions run.

    >>> @DataSyncHandler("todo")
    ... class TodoProjection:
    ...     async def up(self, command: CommandModel) -> None: ...
    ...     async def down(self, command: CommandModel) -> None: ...
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, DATA_SYNC_HANDLER, DataSyncHandlerOptions(table_name, name or cls.__name__))
        return cls

    return decorate
