"""Handler interfaces and the decorators that name the messages they answer for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from cqrs_nest.buses.messages import COMMAND_HANDLER, QUERY_HANDLER, Command, Query
from cqrs_nest.common.metadata import MetadataKey, define_metadata

CommandT = TypeVar("CommandT")
QueryT = TypeVar("QueryT")
EventT = TypeVar("EventT")
ResultT = TypeVar("ResultT")
ClassT = TypeVar("ClassT", bound=type)
HostT = TypeVar("HostT")

SagaResult: TypeAlias = Command[Any] | Sequence[Command[Any] | None] | None
"""What a saga gives back: the next command, several, or none."""

EVENTS_HANDLER = MetadataKey[tuple[type[Any], ...]]("events_handler")
SAGA = MetadataKey[tuple[type[Any], ...]]("saga")


class ICommandHandler(ABC, Generic[CommandT, ResultT]):
    """Carries out one kind of command."""

    @abstractmethod
    async def execute(self, command: CommandT) -> ResultT:
        """Carry the command out; the result goes back to the caller of the bus."""


class IQueryHandler(ABC, Generic[QueryT, ResultT]):
    """Answers one kind of query."""

    @abstractmethod
    async def execute(self, query: QueryT) -> ResultT:
        """Answer the query."""


class IEventHandler(ABC, Generic[EventT]):
    """Reacts to one or several kinds of events."""

    @abstractmethod
    async def handle(self, event: EventT) -> None:
        """React to the event."""


def CommandHandler(command: type[Command[Any]]) -> Callable[[ClassT], ClassT]:
    """Mark the class that carries out `command`.

    >>> class Rename(Command[str]): ...
    >>> @CommandHandler(Rename)
    ... class RenameHandler(ICommandHandler[Rename, str]):
    ...     async def execute(self, command: Rename) -> str:
    ...         return "renamed"
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, COMMAND_HANDLER, command)
        return cls

    return decorate


def QueryHandler(query: type[Query[Any]]) -> Callable[[ClassT], ClassT]:
    """Mark the class that answers `query`."""

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, QUERY_HANDLER, query)
        return cls

    return decorate


def EventsHandler(*events: type[Any]) -> Callable[[ClassT], ClassT]:
    """Mark the class that reacts to these events.

    An event goes to the handlers of its own class; if it has none, to those of its nearest base.
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, EVENTS_HANDLER, events)
        return cls

    return decorate


def Saga(
    *events: type[EventT],
) -> Callable[
    [Callable[[HostT, EventT], Awaitable[SagaResult]]],
    Callable[[HostT, EventT], Awaitable[SagaResult]],
]:
    """Mark a provider's method that turns an event into the next command, a list of them, or None.

    It receives the events of these classes and of their subclasses, after the event's handlers.
    """

    def decorate(
        method: Callable[[HostT, EventT], Awaitable[SagaResult]],
    ) -> Callable[[HostT, EventT], Awaitable[SagaResult]]:
        define_metadata(method, SAGA, events)
        return method

    return decorate
