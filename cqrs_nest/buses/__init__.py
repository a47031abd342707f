"""The command bus, the query bus and the event bus."""

from cqrs_nest.buses.aggregate import AggregateRoot, EventPublisher
from cqrs_nest.buses.behaviours import Behaviour, Next
from cqrs_nest.buses.built_in_behaviours import (
    LoggingBehaviour,
    RetryBehaviour,
    TimingBehaviour,
    TransactionBehaviour,
)
from cqrs_nest.buses.command_bus import CommandBus
from cqrs_nest.buses.errors import (
    CommandHandlerNotFoundException,
    EventBusClosedError,
    HandlerSetupError,
    QueryHandlerNotFoundException,
    SagaLoopError,
    UnfinishedEventsError,
)
from cqrs_nest.buses.event_bus import EventBus, EventBusOptions
from cqrs_nest.buses.event_delivery import EventSubscriber
from cqrs_nest.buses.event_messages import (
    EVENT,
    MessageContext,
    context_of,
    event_message,
    outgoing_traceparent,
    valid_traceparent,
)
from cqrs_nest.buses.event_types import EventType, EventTypes, encode_event
from cqrs_nest.buses.explorer import BusExplorer
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
from cqrs_nest.buses.options import BusOptions
from cqrs_nest.buses.publishers import ICommandPublisher, IEventPublisher, IQueryPublisher
from cqrs_nest.buses.query_bus import QueryBus
from cqrs_nest.buses.saga_chain import saga_chain_of, saga_depth, within_saga_chain
from cqrs_nest.buses.unhandled_exceptions import UnhandledExceptionBus, UnhandledExceptionInfo
from cqrs_nest.core.errors import HandlerCancelledError

__all__ = [
    "EVENT",
    "AggregateRoot",
    "Behaviour",
    "BusExplorer",
    "BusOptions",
    "Command",
    "CommandBus",
    "CommandHandler",
    "CommandHandlerNotFoundException",
    "EventBus",
    "EventBusClosedError",
    "EventBusOptions",
    "EventPublisher",
    "EventSubscriber",
    "EventType",
    "EventTypes",
    "EventsHandler",
    "HandlerCancelledError",
    "HandlerSetupError",
    "ICommandHandler",
    "ICommandPublisher",
    "IEventHandler",
    "IEventPublisher",
    "IQueryHandler",
    "IQueryPublisher",
    "LoggingBehaviour",
    "MessageContext",
    "Next",
    "Query",
    "QueryBus",
    "QueryHandler",
    "QueryHandlerNotFoundException",
    "RetryBehaviour",
    "Saga",
    "SagaLoopError",
    "TimingBehaviour",
    "TransactionBehaviour",
    "UnfinishedEventsError",
    "UnhandledExceptionBus",
    "UnhandledExceptionInfo",
    "context_of",
    "encode_event",
    "event_message",
    "outgoing_traceparent",
    "saga_chain_of",
    "saga_depth",
    "valid_traceparent",
    "within_saga_chain",
]
