from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cqrs_nest.events import (
    CommandStatusEvent,
    DomainEvent,
    DynamoDbStreamEvent,
    EventBridgeEvent,
    EventSource,
    KinesisEvent,
    NotificationEvent,
    S3Event,
    SnsEvent,
    SqsEvent,
    StepFunctionsEvent,
    UnknownEventSourceError,
    detect_source,
)
from cqrs_nest.events.notifications import as_notification
from cqrs_nest.events.records import resource_name

Batch = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("source", list(EventSource))
def test_every_source_is_recognised(source: EventSource, samples: dict[str, Any]) -> None:
    assert detect_source(samples[source.name]) is source


def test_an_event_of_eventbridge_that_lacks_a_field_is_told_so(samples: dict[str, Any]) -> None:
    event = {name: value for name, value in samples["EVENT_BRIDGE"].items() if name != "detail-type"}
    with pytest.raises(UnknownEventSourceError, match="an event of EventBridge without 'detail-type'"):
        detect_source(event)


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({}, "Its fields are []"),
        ({"password": "hunter2"}, "Its fields are ['password']"),
        ({"Records": [{"eventSource": "aws:ses"}]}, "Its records come from 'aws:ses'"),
        ({"Records": [{"cf": {}}]}, "Its records come from None"),
        ({"context": {"Execution": {}}, "input": 1}, "Its fields are ['context', 'input']"),
    ],
)
def test_an_unknown_source_is_an_error_that_shows_no_contents(event: dict[str, Any], found: str) -> None:
    with pytest.raises(UnknownEventSourceError, match="Unable to determine event source") as raised:
        detect_source(event)
    assert found in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:sns:r:1:main-sns", "main-sns"),
        ("arn:aws:dynamodb:r:1:table/a-command/stream/2024-01-01T00:00:00.000", "a-command"),
        ("arn:aws:dynamodb:r:undefined:local-demo-todo-command", "local-demo-todo-command"),
        ("arn:aws:kinesis:r:1:stream/clicks", "clicks"),
        ("arn:aws:states:r:1:stateMachine:command", "command"),
    ],
)
def test_the_name_in_an_arn(arn: str, name: str) -> None:
    assert resource_name(arn) == name


def test_an_sqs_message(sqs: Batch) -> None:
    event = SqsEvent(sqs('{"n": 1}')["Records"][0])
    assert (event.message_id, event.queue_name, event.json()) == ("m1", "demo-notification-queue", {"n": 1})
    assert event.message_attributes == {"kind": "raw"}
    assert event.ordering_key is None
    for queue, key in (("orders.fifo", "g"), ("orders", None)):
        grouped = sqs("x", groups=("g",), queue=f"arn:aws:sqs:r:1:{queue}")
        assert SqsEvent(grouped["Records"][0]).ordering_key == key


def test_an_sqs_message_in_an_envelope(sqs: Batch, envelope: Callable[[str], str]) -> None:
    event = SqsEvent(sqs(envelope("plain text"))["Records"][0])
    assert event.body == "plain text"
    assert event.message_attributes == {"action": "command-status"}


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '{"Type": "Notification"}', "text"])
def test_a_body_that_is_no_envelope_is_left_alone(body: str, sqs: Batch) -> None:
    event = as_notification(SqsEvent(sqs(body)["Records"][0]))
    assert type(event) is SqsEvent
    assert event.body == body


def test_a_stream_record(stream: Batch) -> None:
    event = DynamoDbStreamEvent(stream(("A#t", "x@1"))["Records"][0])
    assert (event.event_name, event.table_name) == ("INSERT", "local-demo-todo-command")
    assert event.keys == {"pk": "A#t", "sk": "x@1"}
    assert event.new_image == {"pk": "A#t", "sk": "x@1", "n": 1, "b": b"\x00\xff"}
    assert event.old_image is None
    assert event.sequence_number == "100001"


def test_versions_of_a_row_belong_together(stream: Batch) -> None:
    records = stream(("A#t", "x@1"), ("A#t", "x@12"), ("A#t", "y@1"), ("B#t", "x@1"))["Records"]
    keys = [DynamoDbStreamEvent(record).ordering_key for record in records]
    assert keys[0] == keys[1]
    assert len({*keys}) == 3


def test_binary_values_inside_a_stream_record() -> None:
    image = {"m": {"M": {"l": {"L": [{"B": "AA=="}]}}}, "s": {"BS": ["AA==", "AQ=="]}, "raw": {"B": b"\x02"}}
    event = DynamoDbStreamEvent({"dynamodb": {"NewImage": image}})
    assert event.new_image == {"m": {"l": [b"\x00"]}, "s": {b"\x00", b"\x01"}, "raw": b"\x02"}


def test_the_other_sources(samples: dict[str, Any]) -> None:
    sns = SnsEvent(samples["SNS"]["Records"][0])
    assert (sns.topic_name, sns.subject, sns.json(), sns.message_id) == ("alarm-sns", "alarm", {"n": 1}, "s1")
    assert sns.message_attributes == {"action": "sfn-alarm"}
    s3 = S3Event(samples["S3"]["Records"][0])
    assert (s3.bucket, s3.key, s3.size) == ("uploads", "in/a b+日.csv", 1024)
    assert (s3.event_name, s3.source) == ("ObjectCreated:Put", "arn:aws:s3:::uploads")
    kinesis = KinesisEvent(samples["KINESIS"]["Records"][0])
    assert (kinesis.stream_name, kinesis.json(), kinesis.ordering_key) == ("clicks", {"n": 1}, "p1")
    bridge = EventBridgeEvent(samples["EVENT_BRIDGE"])
    assert (bridge.source, bridge.detail_type, bridge.detail) == ("aws.events", "Scheduled Event", {"n": 1})
    states = StepFunctionsEvent(samples["STEP_FUNCTIONS"])
    assert (states.state_name, states.state_machine_name) == ("check_version", "command")
    assert (states.input, states.execution_input, states.task_token) == ({"result": 0}, {"a": 1}, "AAAA")
    assert states.execution_id == "arn:aws:states:r:1:execution:command:x"


STATUS = {
    "action": "command-status",
    "pk": "TODO#tenant01",
    "sk": "A1@1",
    "table": "local-demo-todo-command",
    "id": "req-0001",
    "tenantCode": "tenant01",
    "content": {"status": "finish:FINISHED", "source": "s"},
}


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_notification_is_understood_raw_and_in_an_envelope(
    wrapped: bool, sqs: Batch, envelope: Callable[[str], str]
) -> None:
    text = json.dumps(STATUS)
    event = as_notification(SqsEvent(sqs(envelope(text) if wrapped else text)["Records"][0]))
    assert isinstance(event, CommandStatusEvent)
    assert event.notification == STATUS
    assert (event.action, event.id, event.table) == ("command-status", "req-0001", "local-demo-todo-command")
    assert (event.pk, event.sk, event.tenant_code) == ("TODO#tenant01", "A1@1", "tenant01")
    assert event.status == "finish:FINISHED"


@pytest.mark.parametrize(
    ("action", "expected"), [("domain-event", DomainEvent), ("task-status", NotificationEvent)]
)
def test_the_action_decides_the_class(action: str, expected: type[SqsEvent], sqs: Batch) -> None:
    event = as_notification(SqsEvent(sqs(json.dumps({"action": action}))["Records"][0]))
    assert type(event) is expected


def test_an_action_that_is_no_text_is_no_notification(sqs: Batch) -> None:
    assert type(as_notification(SqsEvent(sqs('{"action": 1}')["Records"][0]))) is SqsEvent
