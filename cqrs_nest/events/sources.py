"""Tells from the shape of a Lambda event which AWS service sent it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from cqrs_nest.events.errors import UnknownEventSourceError


class EventSource(Enum):
    """The services whose events are understood; the value is the name that their records carry."""

    SNS = "aws:sns"
    SQS = "aws:sqs"
    DYNAMODB = "aws:dynamodb"
    KINESIS = "aws:kinesis"
    S3 = "aws:s3"
    EVENT_BRIDGE = "aws:events"
    STEP_FUNCTIONS = "aws:states"


_RECORD_SOURCES = {source.value: source for source in EventSource}
_EVENT_BRIDGE_FIELDS = frozenset(
    {"id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
)
_STEP_FUNCTIONS_FIELDS = frozenset({"Execution", "State", "StateMachine"})


def detect_source(event: Mapping[str, Any]) -> EventSource:
    """The service that sent `event`.

    Raises UnknownEventSourceError when none is recognised. Only the names of the event's fields are
    shown, never their contents.

    >>> detect_source({"Records": [{"eventSource": "aws:sqs", "body": "hello"}]})
    <EventSource.SQS: 'aws:sqs'>
    """
    records = event.get("Records")
    if records:
        name = records[0].get("eventSource") or records[0].get("EventSource")
        if name in _RECORD_SOURCES:
            return _RECORD_SOURCES[name]
        raise _unknown(f"Its records come from {name!r}.")
    if event.keys() >= _EVENT_BRIDGE_FIELDS:
        return EventSource.EVENT_BRIDGE
    missing = sorted(_EVENT_BRIDGE_FIELDS.difference(event))
    if len(missing) == 1:
        raise _unknown(f"It is an event of EventBridge without {missing[0]!r}.")
    context = event.get("context")
    if isinstance(context, Mapping) and context.keys() >= _STEP_FUNCTIONS_FIELDS:
        return EventSource.STEP_FUNCTIONS
    raise _unknown(f"Its fields are {sorted(event)}.")


def _unknown(found: str) -> UnknownEventSourceError:
    known = ", ".join(source.name for source in EventSource)
    return UnknownEventSourceError(
        f"Unable to determine event source based on event. {found}\n  Understood are: {known}."
    )
