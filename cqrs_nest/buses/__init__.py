"""The command bus, the query bus and the event bus."""

from cqrs_nest.buses.aggregate import AggregateRoot, EventPublisher
from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import (
    CommandHandlerNotFoundException,
    HandlerSetupError,
    QueryHandlerNotFoundException,
    SagaLoopError,
)
from cqrs_nest.buses.event_bus import EventBus, EventBusOptions
from cqrs_nest.buses.explorer import BusExplorer, BusOptions
from cqrs_nest.buses.handlers import (
    CommandHandler,
    EventsHandler,
    ICommandHandler,
    IEventHandler,
    IQueryHandler,
    QueryHandler,
    Saga,
)
from cqrs_nest.buses.messages import Command, Query
from cqrs_nest.buses.query_bus import QueryBus
from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionBus, UnhandledExceptionInfo

__all__ = [
    "AggregateRoot",
    "BusExplorer",
    "BusOptions",
    "Command",
    "CommandBus",
    "CommandHandler",
    "CommandHandlerNotFoundException",
    "EventBus",
    "EventBusOptions",
    "EventPublisher",
    "EventsHandler",
    "HandlerSetupError",
    "ICommandHandler",
    "IEventHandler",
    "IQueryHandler",
    "Query",
    "QueryBus",
    "QueryHandler",
    "QueryHandlerNotFoundException",
    "Saga",
    "SagaLoopError",
    "UnhandledExceptionBus",
    "UnhandledExceptionInfo",
]
