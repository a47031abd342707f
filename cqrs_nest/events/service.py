"""`EventService`: the one door for everything that AWS sends besides HTTP requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from cqrs_nest.common.logger import Logger
from cqrs_nest.core import RequestScope, current_request_scope
from cqrs_nest.core.tracing import TracingOptions
from cqrs_nest.events.batches import BatchRecord, BatchResponse, process_batch
from cqrs_nest.events.concurrency import gather_all
from cqrs_nest.events.dispatcher import EventDispatcher
from cqrs_nest.events.errors import UnknownEventSourceError
from cqrs_nest.events.factories import EventFactories
from cqrs_nest.events.failure_log import FailureLog
from cqrs_nest.events.metrics import EventMetrics
from cqrs_nest.events.records import (
    AwsEvent,
    DynamoDbStreamEvent,
    EventBridgeEvent,
    KinesisEvent,
    S3Event,
    SnsEvent,
    SqsEvent,
    StepFunctionsEvent,
    resource_name,
)
from cqrs_nest.events.sources import EventSource, detect_source
from cqrs_nest.events.time_left import seconds_to_work

_BATCHES: Mapping[EventSource, type[BatchRecord]] = {
    EventSource.SQS: SqsEvent,
    EventSource.DYNAMODB: DynamoDbStreamEvent,
    EventSource.KINESIS: KinesisEvent,
}
_RECORDS: Mapping[EventSource, type[AwsEvent]] = {EventSource.SNS: SnsEvent, EventSource.S3: S3Event}


class EventService:
    """Hands an AWS event to the application's handlers."""

    def __init__(
        self,
        factories: EventFactories,
        dispatcher: EventDispatcher,
        metrics: EventMetrics = EventMetrics(),
        tracing: TracingOptions = TracingOptions(),
    ) -> None:
        self._factories = factories
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._tracing = tracing.spans
        self._failures = FailureLog(Logger("EventService"))

    def on_application_bootstrap(self) -> None:
        """Find factories and handlers once all modules are ready."""
        self._factories.load()
        self._dispatcher.load()

    async def handle(self, event: Mapping[str, Any], context: Any = None) -> Any:
        """Handle one Lambda event; `context` is what request-scoped handlers find behind `REQUEST`.

        Returns what the sender expects: for SQS, DynamoDB streams and Kinesis a `BatchResponse`; for
        Step Functions the handlers' results as JSON values, `[[result, ...]]`; for SNS, S3 and
        EventBridge nothing.
        Raises UnknownEventSourceError for an event of no known source. Outside of batches an event
        without a handler (EventHandlerNotFoundError) and errors of handlers are raised as they are. Events
        that nobody handles are counted by `EventMetrics`.
        """
        if event.get("Event") == "s3:TestEvent":
            # What S3 sends when a notification is set up.
            return None
        source = self._source_of(event)
        if source in _BATCHES:
            return await self._handle_batch(
                [_BATCHES[source](record) for record in event["Records"]], context
            )
        if source is EventSource.STEP_FUNCTIONS:
            return to_jsonable_python(await self._process(StepFunctionsEvent(event), context))
        if source is EventSource.EVENT_BRIDGE:
            await self._process(EventBridgeEvent(event), context)
            return None
        await gather_all([self._process(_RECORDS[source](record), context) for record in event["Records"]])
        return None

    def _source_of(self, event: Mapping[str, Any]) -> EventSource:
        try:
            return detect_source(event)
        except UnknownEventSourceError:
            self._metrics.unhandled("unknown")
            raise

    async def _handle_batch(self, records: Sequence[BatchRecord], context: Any) -> BatchResponse:
        response = await process_batch(
            records, lambda record: self._process(record, context), seconds_to_work(context)
        )
        self._failures.write(records, response)
        return response

    async def _process(self, record: AwsEvent, context: Any) -> list[list[Any]]:
        if self._tracing is None:
            return await self._run(record, context)
        name, attributes = f"process {resource_name(record.source)}", {"cqrs_nest.source": record.source}
        with self._tracing.span(name, "CONSUMER", attributes, record.traceparent):
            return await self._run(record, context)

    async def _run(self, record: AwsEvent, context: Any) -> list[list[Any]]:
        scope = RequestScope(context)
        reset = current_request_scope.set(scope)
        try:
            events = await self._factories.events_of(record, scope)
            return await gather_all([self._dispatcher.dispatch(event, scope) for event in events])
        finally:
            current_request_scope.reset(reset)
