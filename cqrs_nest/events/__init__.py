"""AWS events: sources, typed events, factories and handlers."""

from cqrs_nest.events.batches import BatchResponse, EarlierRecordFailedError, OutOfTimeError
from cqrs_nest.events.dispatcher import EventHandler
from cqrs_nest.events.errors import (
    EventHandlerNotFoundError,
    InvalidEventHandlerError,
    UnknownEventSourceError,
)
from cqrs_nest.events.factories import EventFactory
from cqrs_nest.events.metrics import EventMetrics
from cqrs_nest.events.module import EventModule
from cqrs_nest.events.notifications import CommandStatusEvent, DomainEvent, NotificationEvent
from cqrs_nest.events.records import (
    AwsEvent,
    DynamoDbStreamEvent,
    EventBridgeEvent,
    KinesisEvent,
    S3Event,
    SnsEvent,
    SqsEvent,
    StepFunctionsEvent,
)
from cqrs_nest.events.schedules import ScheduledEvent
from cqrs_nest.events.service import EventService
from cqrs_nest.events.sources import EventSource, detect_source

__all__ = [
    "AwsEvent",
    "BatchResponse",
    "CommandStatusEvent",
    "DomainEvent",
    "DynamoDbStreamEvent",
    "EarlierRecordFailedError",
    "EventBridgeEvent",
    "EventFactory",
    "EventHandler",
    "EventHandlerNotFoundError",
    "EventMetrics",
    "EventModule",
    "EventService",
    "EventSource",
    "InvalidEventHandlerError",
    "KinesisEvent",
    "NotificationEvent",
    "OutOfTimeError",
    "S3Event",
    "ScheduledEvent",
    "SnsEvent",
    "SqsEvent",
    "StepFunctionsEvent",
    "UnknownEventSourceError",
    "detect_source",
]
