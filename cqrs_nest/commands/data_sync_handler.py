"""`@DataSyncHandler`: classes that carry a table's commands on to other stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from cqrs_nest.commands.models import CommandModel
from cqrs_nest.commands.retry_policy import DEFAULT_RETRY, RetryPolicy
from cqrs_nest.common.metadata import MetadataKey, define_metadata, find_metadata

ClassT = TypeVar("ClassT", bound=type)


class IDataSyncHandler(Protocol):
    """Projects commands: `up` applies one, `down` takes it back.

    `up` is called at least once for each version, in order for each item; it must be safe to repeat.
    """

    def up(self, command: CommandModel) -> Awaitable[Any]: ...

    def down(self, command: CommandModel) -> Awaitable[Any]: ...


@runtime_checkable
class IReplayable(Protocol):
    """A handler that can write an item anew which it has written before."""

    def replay(self, command: CommandModel) -> Awaitable[Any]: ...


def replay_of(handler: IDataSyncHandler) -> Callable[[CommandModel], Awaitable[Any]]:
    """What gives a handler the newest state of an item again: its `replay`, or `up` where it has none."""
    return handler.replay if isinstance(handler, IReplayable) else handler.up


@dataclass(frozen=True, slots=True)
class DataSyncHandlerOptions:
    table_name: str
    name: str
    retry: RetryPolicy


DATA_SYNC_HANDLER = MetadataKey[DataSyncHandlerOptions]("data_sync_handler")


def DataSyncHandler(
    table_name: str, *, name: str | None = None, retry: RetryPolicy = DEFAULT_RETRY
) -> Callable[[ClassT], ClassT]:
    """Make a provider take part in applying the commands of a table, named as in `register`.

    `name` stands for the handler in executions of the Step Functions pipeline; it is the class's name
    unless given, and must stay the same while executions run. `retry` says how often the pipeline tries it.

    >>> @DataSyncHandler("todo", retry=RetryPolicy(attempts=5))
    ... class TodoProjection:
    ...     async def up(self, command: CommandModel) -> None: ...
    ...     async def down(self, command: CommandModel) -> None: ...
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(
            cls, DATA_SYNC_HANDLER, DataSyncHandlerOptions(table_name, name or cls.__name__, retry)
        )
        return cls

    return decorate


def handler_name(cls: type[Any]) -> str:
    """The name under which a class takes part in applying commands."""
    options = find_metadata(cls, DATA_SYNC_HANDLER)
    return options.name if options else cls.__name__
