"""Sample events of every source, in the form that AWS documents, through the Lambda handler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest

from cqrs_nest.app.factory import CqrsNest
from cqrs_nest.app.lambda_handler import LambdaFunction
from cqrs_nest.common import Body, Controller, Module, Param, Post, Req, provide
from cqrs_nest.config import Environment
from cqrs_nest.events import (
    AwsEvent,
    CommandStatusEvent,
    DynamoDbStreamEvent,
    EventBridgeEvent,
    EventHandler,
    EventHandlerNotFoundError,
    EventMetrics,
    KinesisEvent,
    S3Event,
    ScheduledEvent,
    SnsEvent,
    SqsEvent,
    StepFunctionsEvent,
    UnknownEventSourceError,
)

EVENTS = Path(__file__).parent / "aws_events"
ENVIRONMENT = Environment(node_env="local", app_name="test", log_level="fatal")


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


class Seen(list[AwsEvent]):
    """What the handlers were given."""


@EventHandler(
    SqsEvent, SnsEvent, DynamoDbStreamEvent, KinesisEvent, S3Event, EventBridgeEvent, StepFunctionsEvent
)
class Recorder:
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def execute(self, event: AwsEvent) -> dict[str, str]:
        self._seen.append(event)
        return {"state": event.state_name} if isinstance(event, StepFunctionsEvent) else {}


@Controller("things")
class ThingController:
    @Post(":name")
    async def echo(
        self,
        name: Annotated[str, Param("name")],
        request: Annotated[Any, Req()],
        body: Annotated[Any, Body()],
    ) -> dict[str, Any]:
        return {
            "name": name,
            "query": request.query_params.multi_items(),
            "multi": request.headers.getlist("x-multi"),
            "cookies": request.cookies,
            "client": request.client.host,
            "url": str(request.url.replace(path="", query="")),
            "body": body,
        }


@Module(providers=[Seen, Recorder], controllers=[ThingController])
class Application: ...


@Module()
class Nobody: ...


@contextmanager
def function(root: type) -> Iterator[tuple[LambdaFunction, Any]]:
    running = LambdaFunction(lambda: CqrsNest.create(root, env=ENVIRONMENT))
    try:
        yield running, running.start()
    finally:
        running.close()


@pytest.fixture
def handler() -> Iterator[tuple[LambdaFunction, Any]]:
    with function(Application) as running:
        yield running


def handled(handler: tuple[LambdaFunction, Any], name: str) -> tuple[Any, list[Any]]:
    """The answer to a sample, and the events that came of it."""
    run, application = handler
    seen = application.get(Seen)
    seen.clear()
    return run(sample(name), None), list(seen)


def test_queues(handler: tuple[LambdaFunction, Any]) -> None:
    answer, (order, text) = handled(handler, "sqs_standard")
    assert answer == {"batchItemFailures": []}
    assert (order.queue_name, order.json(), text.body) == ("orders", {"orderId": 4711}, "plain text")
    assert order.message_attributes == {"kind": "order", "attempt": "1"}
    _, (first,) = handled(handler, "sqs_fifo")
    assert (first.queue_name, first.ordering_key) == ("orders.fifo", "tenant-1")


def test_a_topic_behind_a_queue(handler: tuple[LambdaFunction, Any]) -> None:
    answer, (event,) = handled(handler, "sqs_of_sns")
    assert answer == {"batchItemFailures": []}
    assert isinstance(event, CommandStatusEvent)
    assert (event.status, event.tenant_code) == ("finish:FINISHED", "acme")
    assert event.message_attributes == {"action": "command-status"}


def test_a_topic(handler: tuple[LambdaFunction, Any]) -> None:
    answer, (event,) = handled(handler, "sns")
    assert answer is None
    assert (event.topic_name, event.subject, event.message) == ("alarms", "TestInvoke", "Hello from SNS!")


def test_a_stream_of_a_table(handler: tuple[LambdaFunction, Any]) -> None:
    answer, events = handled(handler, "dynamodb_stream")
    assert answer == {"batchItemFailures": []}
    assert [event.event_name for event in events] == ["INSERT", "MODIFY", "REMOVE"]
    inserted, modified, removed = events
    assert (inserted.table_name, inserted.keys, inserted.old_image) == ("ExampleTable", {"Id": 101}, None)
    assert modified.new_image == {"Id": 101, "Message": "This item has changed", "Tags": {"a", "b"}}
    assert (removed.new_image, removed.old_image["Id"]) == (None, 101)


def test_a_data_stream(handler: tuple[LambdaFunction, Any]) -> None:
    answer, (event,) = handled(handler, "kinesis")
    assert answer == {"batchItemFailures": []}
    assert (event.stream_name, event.data) == ("clicks", b"Hello, this is a test.")


def test_a_bucket(handler: tuple[LambdaFunction, Any]) -> None:
    answer, (put,) = handled(handler, "s3_put")
    assert answer is None
    assert (put.bucket, put.key, put.size) == ("uploads", "in/Happy Face (日).jpg", 1305107)
    _, (delete,) = handled(handler, "s3_delete")
    assert (delete.event_name, delete.size) == ("ObjectRemoved:Delete", None)


@pytest.mark.parametrize(
    ("name", "schedule"), [("eventbridge_schedule", "nightly"), ("eventbridge_scheduler", "hourly")]
)
def test_schedules(handler: tuple[LambdaFunction, Any], name: str, schedule: str) -> None:
    answer, (event,) = handled(handler, name)
    assert answer is None
    assert isinstance(event, ScheduledEvent)
    assert (event.schedule_name, event.detail) == (schedule, {})


def test_an_event_bus(handler: tuple[LambdaFunction, Any]) -> None:
    _, (event,) = handled(handler, "eventbridge_custom")
    assert type(event) is EventBridgeEvent
    assert (event.source, event.detail_type, event.detail) == (
        "com.example.shop",
        "order placed",
        {"orderId": 4711},
    )
    _, (event,) = handled(handler, "eventbridge_s3")
    assert event.detail["object"]["key"] == "in/a b.jpg"


def test_a_state_machine(handler: tuple[LambdaFunction, Any]) -> None:
    answer, (event,) = handled(handler, "step_functions")
    assert answer == [[{"state": "approve"}]]
    assert (event.state_machine_name, event.execution_input) == ("jobs", {"job": 7})
    assert event.task_token.startswith("AQCE")


HTTP = ["http_api_v2", "rest_api_v1", "function_url", "load_balancer", "load_balancer_multi_value"]


@pytest.mark.parametrize("name", HTTP)
def test_requests(handler: tuple[LambdaFunction, Any], name: str) -> None:
    run, _ = handler
    answer = run(sample(name), None)
    assert answer["statusCode"] == 201, answer
    seen = json.loads(answer["body"])
    assert seen["name"] == "a/b c"
    assert seen["query"][-1] == ["name", "é"]
    assert [value for key, value in seen["query"] if key == "q"][-1] == "2"
    assert seen["multi"] in (["a", "b"], ["a,b"], ["b"])
    assert seen["cookies"] == {"one": "1", "two": "2"}
    assert seen["client"] == "198.51.100.7"
    assert seen["url"].startswith("https://")
    assert seen["body"] == {"name": "milk"}


UNHANDLED = [
    ("sns", EventHandlerNotFoundError, "SnsEvent", "arn:aws:sns:eu-west-1:111122223333:alarms"),
    ("s3_put", EventHandlerNotFoundError, "S3Event", "arn:aws:s3:::uploads"),
    ("kinesis", EventHandlerNotFoundError, "KinesisEvent", None),
    ("sqs_standard", BaseExceptionGroup, "SqsEvent", "arn:aws:sqs:eu-west-1:111122223333:orders"),
    ("dynamodb_stream", BaseExceptionGroup, "DynamoDbStreamEvent", None),
    ("eventbridge_schedule", EventHandlerNotFoundError, "ScheduledEvent", "aws.events"),
    ("step_functions", EventHandlerNotFoundError, "StepFunctionsEvent", None),
    ("unknown_kafka", UnknownEventSourceError, "unknown", None),
    ("unknown_cloudwatch_logs", UnknownEventSourceError, "unknown", None),
]


@pytest.mark.parametrize(("name", "error", "kind", "source"), UNHANDLED)
def test_what_nobody_handles_is_an_error_and_a_metric(
    name: str,
    error: type[BaseException],
    kind: str,
    source: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "main")
    with function(Nobody) as (run, _), pytest.raises(error):
        run(sample(name), None)
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert metrics
    for metric in metrics:
        (directive,) = metric["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "cqrs_nest"
        assert directive["Metrics"] == [{"Name": "UnhandledEvents", "Unit": "Count"}]
        assert {name for names in directive["Dimensions"] for name in names} <= metric.keys()
        assert (metric["UnhandledEvents"], metric["FunctionName"], metric["Event"]) == (1, "main", kind)
        assert source in (None, metric["Source"])
        assert isinstance(metric["_aws"]["Timestamp"], int)


def test_outside_of_lambda_there_is_the_error_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with function(Nobody) as (run, _), pytest.raises(EventHandlerNotFoundError):
        run(sample("sns"), None)
    assert capsys.readouterr().out == ""


def test_an_application_counts_in_its_own_way() -> None:
    class Counter(EventMetrics):
        counted: ClassVar[list[str]] = []

        def unhandled(self, event: str, source: str | None = None) -> None:
            self.counted.append(event)

    @Module(providers=[provide(EventMetrics, use_class=Counter)], exports=[EventMetrics], is_global=True)
    class Application: ...

    with function(Application) as (run, _):
        for name in ("sns", "unknown_kafka"):
            with pytest.raises((EventHandlerNotFoundError, UnknownEventSourceError)):
                run(sample(name), None)
    assert Counter.counted == ["SnsEvent", "unknown"]
