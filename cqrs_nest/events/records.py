"""One class for each kind of AWS record: typed access to what the service sent."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast
from urllib.parse import unquote_plus

import orjson

from cqrs_nest.aws.dynamodb.attribute_values import deserialize_item
from cqrs_nest.aws.sqs import is_fifo

_VERSION_SUFFIX = re.compile(r"@\d+$")


def resource_name(arn: str) -> str:
    """The name of the queue, topic, table, stream or state machine that an ARN stands for.

    >>> resource_name("arn:aws:sqs:eu-west-1:123456789012:orders")
    'orders'
    >>> resource_name("arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2024-01-01T00:00:00.000")
    'orders'
    """
    resource = arn.split(":", 5)[-1]
    parts = re.split("[/:]", resource)
    return parts[1] if parts[0] in ("table", "stream", "stateMachine") and len(parts) > 1 else parts[-1]


def json_object(text: str) -> Mapping[str, Any] | None:
    """The JSON object that `text` holds; None if it holds anything else."""
    try:
        document: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return cast(dict[str, Any], document) if isinstance(document, dict) else None


class AwsEvent:
    """What every event has: the record as AWS sent it."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record

    def __repr__(self) -> str:
        return f"{type(self).__name__}(source={self.source!r})"

    @property
    def source(self) -> str:
        """The ARN (for EventBridge the name) of what sent the event."""
        return str(self.record.get("eventSourceARN", ""))

    @property
    def ordering_key(self) -> str | None:
        """Events of one batch with the same key are handled one after another; None: no order is kept."""
        return None

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context that the event brings along."""
        return None


class SqsEvent(AwsEvent):
    """One message of a queue.

    >>> SqsEvent({"messageId": "m1", "body": '{"n": 1}', "eventSourceARN": "arn:aws:sqs:r:1:orders"}).json()
    {'n': 1}
    """

    def __repr__(self) -> str:
        return f"message {self.message_id} of {resource_name(self.source)}"

    @property
    def message_id(self) -> str:
        """The id that SQS gave the message."""
        return str(self.record["messageId"])

    @property
    def queue_name(self) -> str:
        """The name of the queue, without region and account."""
        return resource_name(self.source)

    @property
    def receive_count(self) -> int:
        """How often the message was delivered, this time included."""
        attributes: Mapping[str, Any] = self.record.get("attributes") or {}
        return int(attributes.get("ApproximateReceiveCount", 1))

    @cached_property
    def _envelope(self) -> Mapping[str, Any] | None:
        """The SNS envelope around the message; None when the topic delivers raw or no topic is involved."""
        document = json_object(str(self.record["body"]))
        if document is None or document.get("Type") != "Notification" or "TopicArn" not in document:
            return None
        return document

    @property
    def body(self) -> str:
        """The message's text; of a message that came through a topic, the text that was published."""
        return str(self.record["body"] if self._envelope is None else self._envelope["Message"])

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError if it is none."""
        return orjson.loads(self.body)

    @cached_property
    def message_attributes(self) -> Mapping[str, str]:
        """The text values of the message's attributes, those of the topic's message where there is one."""
        if self._envelope is not None:
            return {
                name: str(item["Value"]) for name, item in self._envelope.get("MessageAttributes", {}).items()
            }
        attributes: Mapping[str, Any] = self.record.get("messageAttributes") or {}
        return {name: item["stringValue"] for name, item in attributes.items() if "stringValue" in item}

    @property
    def traceparent(self) -> str | None:
        """The message attribute of this name."""
        return self.message_attributes.get("traceparent")

    @property
    def ordering_key(self) -> str | None:
        """The message group of a FIFO queue; in any other queue a group is for fairness, and has no order."""
        if not is_fifo(self.source):
            return None
        group: str | None = self.record.get("attributes", {}).get("MessageGroupId")
        return group


class SnsEvent(AwsEvent):
    """One message of a topic that calls the Lambda function directly."""

    @property
    def source(self) -> str:
        """The ARN of the topic."""
        return str(self.record["Sns"]["TopicArn"])

    @property
    def message_id(self) -> str:
        """The id that SNS gave the message."""
        return str(self.record["Sns"]["MessageId"])

    @property
    def topic_name(self) -> str:
        """The name of the topic, without region and account."""
        return resource_name(self.source)

    @property
    def subject(self) -> str | None:
        """The subject, if the publisher gave one."""
        subject: str | None = self.record["Sns"].get("Subject")
        return subject

    @property
    def message(self) -> str:
        """The text that was published."""
        return str(self.record["Sns"]["Message"])

    def json(self) -> Any:
        """The message read as JSON. Raises ValueError if it is none."""
        return orjson.loads(self.message)

    @cached_property
    def message_attributes(self) -> Mapping[str, str]:
        """The values of the message's attributes."""
        attributes: Mapping[str, Any] = self.record["Sns"].get("MessageAttributes") or {}
        return {name: str(item["Value"]) for name, item in attributes.items()}

    @property
    def traceparent(self) -> str | None:
        """The message attribute of this name."""
        return self.message_attributes.get("traceparent")


class DynamoDbStreamEvent(AwsEvent):
    """One change of a table; the images are plain Python values."""

    @property
    def event_name(self) -> str:
        """`INSERT`, `MODIFY` or `REMOVE`."""
        return str(self.record["eventName"])

    @property
    def table_name(self) -> str:
        """The physical name of the table."""
        return resource_name(self.source)

    @property
    def sequence_number(self) -> str:
        """The place of the change in its shard."""
        return str(self.record["dynamodb"]["SequenceNumber"])

    def __repr__(self) -> str:
        # As they came, since one that cannot be read must have a name in errors too.
        keys = (str(value) for key in self.record["dynamodb"]["Keys"].values() for value in key.values())
        return f"{self.event_name} of {self.table_name} {' '.join(keys)}"

    @cached_property
    def keys(self) -> Mapping[str, Any]:
        """The key of the row."""
        return _plain_row(self.record["dynamodb"]["Keys"])

    @cached_property
    def new_image(self) -> Mapping[str, Any] | None:
        """The row after the change; None if it was removed or the stream does not carry it."""
        return self._image("NewImage")

    @cached_property
    def old_image(self) -> Mapping[str, Any] | None:
        """The row before the change; None if there was none or the stream does not carry it."""
        return self._image("OldImage")

    @property
    def traceparent(self) -> str | None:
        """The attribute of this name in the row after the change."""
        value = (self.new_image or {}).get("traceparent")
        return value if isinstance(value, str) else None

    @property
    def ordering_key(self) -> str | None:
        """The row's key, without the version that command and history rows carry behind `@`."""
        parts = (_VERSION_SUFFIX.sub("", str(self.keys[name])) for name in sorted(self.keys))
        return "\n".join([self.source, *parts])

    def _image(self, name: str) -> Mapping[str, Any] | None:
        image = self.record["dynamodb"].get(name)
        return None if image is None else _plain_row(image)


def _plain_row(image: Mapping[str, Any]) -> Mapping[str, Any]:
    return deserialize_item({name: _binary_decoded(value) for name, value in image.items()})


def _binary_decoded(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A Lambda event is JSON: it carries binary values as base64 text."""
    ((kind, content),) = value.items()
    match kind, content:
        case "B", str():
            return {"B": base64.b64decode(content)}
        case "BS", _:
            return {"BS": [_binary_decoded({"B": item})["B"] for item in content]}
        case "M", _:
            return {"M": {name: _binary_decoded(item) for name, item in content.items()}}
        case "L", _:
            return {"L": [_binary_decoded(item) for item in content]}
        case _:
            return value


class KinesisEvent(AwsEvent):
    """One record of a data stream."""

    @cached_property
    def data(self) -> bytes:
        """What the producer put in."""
        return base64.b64decode(self.record["kinesis"]["data"])

    def json(self) -> Any:
        """The data read as JSON. Raises ValueError if it is none."""
        return orjson.loads(self.data)

    @property
    def partition_key(self) -> str:
        """The key that decides the shard."""
        return str(self.record["kinesis"]["partitionKey"])

    @property
    def sequence_number(self) -> str:
        """The place of the record in its shard."""
        return str(self.record["kinesis"]["sequenceNumber"])

    @property
    def stream_name(self) -> str:
        """The name of the stream."""
        return resource_name(self.source)

    @property
    def ordering_key(self) -> str | None:
        """The partition key."""
        return self.partition_key


class S3Event(AwsEvent):
    """One change of an object in a bucket."""

    @property
    def source(self) -> str:
        """The ARN of the bucket."""
        return str(self.record["s3"]["bucket"]["arn"])

    @property
    def event_name(self) -> str:
        """For example `ObjectCreated:Put`."""
        return str(self.record["eventName"])

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return str(self.record["s3"]["bucket"]["name"])

    @property
    def key(self) -> str:
        """The key of the object, decoded (`a+b%2B.txt` is sent for `a b+.txt`)."""
        return unquote_plus(self.record["s3"]["object"]["key"])

    @property
    def size(self) -> int | None:
        """Bytes; None when an object was deleted."""
        size: int | None = self.record["s3"]["object"].get("size")
        return size


class EventBridgeEvent(AwsEvent):
    """One event of an event bus or a schedule."""

    @property
    def source(self) -> str:
        """The name of what sent the event, for example `aws.scheduler`."""
        return str(self.record["source"])

    @property
    def detail_type(self) -> str:
        """What kind of event it is."""
        return str(self.record["detail-type"])

    @property
    def detail(self) -> Mapping[str, Any]:
        """The content, also when a schedule sends it as a text."""
        detail: Mapping[str, Any] | str = self.record["detail"]
        return json_object(detail) or {} if isinstance(detail, str) else detail


class StepFunctionsEvent(AwsEvent):
    """One state of a state machine that calls with `{input, context, taskToken?}`."""

    @property
    def source(self) -> str:
        """The ARN of the state machine."""
        return str(self.record["context"]["StateMachine"]["Id"])

    @property
    def state_name(self) -> str:
        """The state that is being run."""
        return str(self.record["context"]["State"]["Name"])

    @property
    def state_machine_name(self) -> str:
        """The name of the state machine."""
        return str(self.record["context"]["StateMachine"]["Name"])

    @property
    def execution_id(self) -> str:
        """The ARN of the execution."""
        return str(self.record["context"]["Execution"]["Id"])

    @property
    def execution_input(self) -> Mapping[str, Any]:
        """What the execution was started with."""
        started_with: Mapping[str, Any] = self.record["context"]["Execution"]["Input"]
        return started_with

    @property
    def traceparent(self) -> str | None:
        """That of the stream record that the execution was started with, if it was one."""
        started_with = self.execution_input
        return DynamoDbStreamEvent(started_with).traceparent if "dynamodb" in started_with else None

    @property
    def input(self) -> Any:
        """What the state before handed over."""
        return self.record.get("input")

    @property
    def task_token(self) -> str | None:
        """What the state machine waits for, in a `.waitForTaskToken` state."""
        token: str | None = self.record.get("taskToken")
        return token
