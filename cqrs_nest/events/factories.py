"""`@EventFactory`: turns records into the events that handlers are written for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from cqrs_nest.common.metadata import MetadataKey, define_metadata
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.core import Binding, DiscoveryService, RequestScope
from cqrs_nest.events.errors import InvalidEventHandlerError
from cqrs_nest.events.instances import instance_of
from cqrs_nest.events.notifications import as_notification
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
from cqrs_nest.events.schedules import as_scheduled

ClassT = TypeVar("ClassT", bound=type)

EVENT_FACTORY = MetadataKey[bool]("event_factory")

_TRANSFORMS: Mapping[type[AwsEvent], str] = {
    SqsEvent: "transform_sqs",
    SnsEvent: "transform_sns",
    DynamoDbStreamEvent: "transform_dynamodb_stream",
    KinesisEvent: "transform_kinesis",
    S3Event: "transform_s3",
    EventBridgeEvent: "transform_event_bridge",
    StepFunctionsEvent: "transform_step_function",
}


def EventFactory() -> Callable[[ClassT], ClassT]:
    """Make a provider turn records into events of your own.

    Each method is optional, sync or async, and is given one record: `transform_sqs(SqsEvent)`,
    `transform_sns(SnsEvent)`, `transform_dynamodb_stream(DynamoDbStreamEvent)`,
    `transform_kinesis(KinesisEvent)`, `transform_s3(S3Event)`, `transform_event_bridge(EventBridgeEvent)`,
    `transform_step_function(StepFunctionsEvent)`. It returns the events that the record stands for (an
    empty list: nothing is to be done) or None when the record is not its business.

    All factories of the application are asked. A record that none of them takes is delivered as it is,
    or as a `NotificationEvent` or `ScheduledEvent` when it is one.

    >>> class OrderPlaced(SqsEvent): ...
    >>> @EventFactory()
    ... class OrderEvents:
    ...     def transform_sqs(self, record: SqsEvent) -> list[OrderPlaced] | None:
    ...         return [OrderPlaced(record.record)] if record.queue_name.endswith("orders") else None
    """

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, EVENT_FACTORY, True)
        return cls

    return decorate


class EventFactories:
    """All factories of the application, asked as one."""

    def __init__(self, discovery: DiscoveryService) -> None:
        self._discovery = discovery
        self._by_method: dict[str, list[Binding]] = {}

    def load(self) -> None:
        """Find the factories of all modules.

        Raises InvalidEventHandlerError for a factory with a `transform_...` method that nobody would call.
        """
        self._by_method = {method: [] for method in _TRANSFORMS.values()}
        for binding, _ in self._discovery.providers_with(EVENT_FACTORY):
            for method in _transform_methods(binding):
                self._by_method[method].append(binding)

    async def events_of(self, record: AwsEvent, scope: RequestScope) -> Sequence[object]:
        """The events that a record stands for, those of the first registered factory first."""
        method = _TRANSFORMS[type(record)]
        events: list[object] = []
        taken = False
        for binding in self._by_method[method]:
            transformed = getattr(await instance_of(binding, scope), method)(record)
            if inspect.isawaitable(transformed):
                transformed = await transformed
            if transformed is not None:
                taken = True
                events.extend(transformed)
        if taken:
            return events
        return [_as_sent(record)]


def _as_sent(record: AwsEvent) -> AwsEvent:
    """The record that nobody transforms, by the class that says the most about it."""
    match record:
        case SqsEvent():
            return as_notification(record)
        case EventBridgeEvent():
            return as_scheduled(record)
        case _:
            return record


def _transform_methods(binding: Binding) -> list[str]:
    methods = [name for name in dir(binding.cls) if name.startswith("transform_")]
    known = list(_TRANSFORMS.values())
    unknown = [name for name in methods if name not in known]
    if unknown or not methods:
        raise InvalidEventHandlerError(
            f"@EventFactory {describe_token(binding.token)} of {binding.module.name} "
            + (f"has {', '.join(unknown)}, which nobody calls." if unknown else "transforms nothing.")
            + f"\n  Its methods may be {', '.join(known)}."
        )
    return methods
