"""One Lambda function: requests to controllers, events to handlers, on one event loop."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from cqrs_nest.app import CqrsNest, create_handler
from cqrs_nest.app.lambda_handler import LambdaFunction
from cqrs_nest.common import Body, Controller, Get, Module, Post, Req
from cqrs_nest.config import Environment, InvalidEnvironmentError
from cqrs_nest.cqrs import CqrsModule, EventBus, EventsHandler, IEventHandler
from cqrs_nest.events import EventBridgeEvent, EventHandler, EventHandlerNotFoundError, SqsEvent
from cqrs_nest.http import HttpOptions

ENVIRONMENT = Environment(node_env="local", app_name="test", log_level="error")
SECRET: ContextVar[str | None] = ContextVar("SECRET", default=None)


class Journal:
    """What happened to the application."""

    entries: list[str] = []  # noqa: RUF012 - shared on purpose: the application is made out of the test's sight

    def on_application_bootstrap(self) -> None:
        self.entries.append("start")

    def on_application_shutdown(self, signal: str | None = None) -> None:
        self.entries.append("end")


@Controller("api")
class ThingController:
    @Get(":pk/:sk")
    async def get(self, request: Annotated[Any, Req()]) -> dict[str, Any]:
        seen, _ = SECRET.get(), SECRET.set("of another invocation")
        return {
            "params": request.path_params,
            "seen": seen,
            "loop": id(asyncio.get_running_loop()),
            "context": request.scope["aws.context"],
            "version": request.scope["aws.event"]["version"],
        }

    @Post("echo")
    async def echo(self, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        return body


@EventHandler(SqsEvent)
class MessageHandler:
    async def execute(self, event: SqsEvent) -> None:
        if event.body == "bad":
            raise LookupError("cannot handle this message")


@EventHandler(EventBridgeEvent)
class ScheduleHandler:
    async def execute(self, event: EventBridgeEvent) -> object:
        return object()


@Module(controllers=[ThingController], providers=[Journal, MessageHandler, ScheduleHandler])
class MainModule: ...


@dataclass(frozen=True)
class Reported:
    to: str


@EventsHandler(Reported)
class ReportedHandler(IEventHandler[Reported]):
    async def handle(self, event: Reported) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        Journal.entries.append(event.to)


@Controller("reports")
class ReportController:
    def __init__(self, events: EventBus) -> None:
        self._events = events

    @Post()
    async def report(self) -> None:
        await self._events.publish(Reported("after a request"), background=True)


@EventHandler(EventBridgeEvent)
class FailingSchedule:
    def __init__(self, events: EventBus) -> None:
        self._events = events

    async def execute(self, event: EventBridgeEvent) -> None:
        await self._events.publish(Reported("after a failure"), background=True)
        raise LookupError("the schedule failed")


@Module(
    imports=[CqrsModule],
    controllers=[ReportController],
    providers=[Journal, ReportedHandler, FailingSchedule],
)
class ReportModule: ...


@pytest.fixture
def handler() -> Iterator[LambdaFunction]:
    Journal.entries.clear()
    function = create_handler(root_module=MainModule, env=ENVIRONMENT)
    assert isinstance(function, LambdaFunction)
    yield function
    function.close()


def request(path: str, method: str = "GET", body: str | None = None) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "x"},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "203.0.113.9"}},
        "body": base64.b64encode(body.encode()).decode() if body else None,
        "isBase64Encoded": body is not None,
    }


def messages(*bodies: str) -> dict[str, Any]:
    queue = "arn:aws:sqs:eu-west-1:123456789012:jobs"
    return {
        "Records": [
            {"messageId": f"m{number}", "body": body, "eventSource": "aws:sqs", "eventSourceARN": queue}
            for number, body in enumerate(bodies, 1)
        ]
    }


def schedule(**changes: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "1",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2024-01-01T00:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": {},
    } | changes


def test_requests_reach_controllers(handler: LambdaFunction) -> None:
    answer = handler(request("/api/TODO%23t1/a%2Fb"), {"aws_request_id": "r1"})
    assert answer["statusCode"] == 200
    body = json.loads(answer["body"])
    assert body["params"] == {"pk": "TODO#t1", "sk": "a/b"}
    assert (body["version"], body["context"]) == ("2.0", {"aws_request_id": "r1"})
    answer = handler(request("/api/echo", "POST", '{"a": 1}'), None)
    assert (answer["statusCode"], json.loads(answer["body"])) == (201, {"a": 1})


def test_one_application_on_one_loop_and_nothing_left_behind(handler: LambdaFunction) -> None:
    assert Journal.entries == []
    answers = [json.loads(handler(request("/api/a/b"), None)["body"]) for _ in range(3)]
    assert len({answer["loop"] for answer in answers}) == 1
    assert [answer["seen"] for answer in answers] == [None] * 3
    assert Journal.entries == ["start"]
    handler.close()
    assert Journal.entries == ["start", "end"]


def test_no_event_comes_in_over_http(handler: LambdaFunction) -> None:
    for path in ("sqs", "sns", "dynamodb", "step-functions", "event-bridge", "s3", "kinesis-data-stream"):
        answer = handler(request(f"/event/{path}", "POST", json.dumps(messages("a"))), None)
        assert answer["statusCode"] == 404


def test_a_batch_that_failed_in_part_is_answered(handler: LambdaFunction) -> None:
    assert handler(messages("good", "good"), None) == {"batchItemFailures": []}
    answer = handler(messages("good", "bad"), None)
    assert json.loads(json.dumps(answer)) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}


def test_a_batch_that_failed_altogether_is_raised(handler: LambdaFunction) -> None:
    with pytest.raises(LookupError, match="cannot handle this message"):
        handler(messages("bad"), None)


def test_other_events_reach_their_handlers(handler: LambdaFunction) -> None:
    assert handler(schedule(), None) is None


def test_an_event_without_a_handler_is_raised(handler: LambdaFunction) -> None:
    topic = {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:main", "MessageId": "1", "Message": "x"}
    with pytest.raises(EventHandlerNotFoundError, match="SnsEvent"):
        handler({"Records": [{"EventSource": "aws:sns", "Sns": topic}]}, None)


def test_options_of_http_are_passed_on() -> None:
    function = create_handler(root_module=MainModule, env=ENVIRONMENT, http=HttpOptions(global_prefix="v1"))
    assert isinstance(function, LambdaFunction)
    assert function(request("/v1/api/a/b"), None)["statusCode"] == 200
    function.close()


def test_a_failed_start_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NODE_ENV", "APP_NAME"):
        monkeypatch.delenv(name, raising=False)
    function = create_handler(root_module=MainModule, env=Environment)
    assert isinstance(function, LambdaFunction)
    with pytest.raises(InvalidEnvironmentError):
        function(request("/api/a/b"), None)
    monkeypatch.setenv("NODE_ENV", "local")
    monkeypatch.setenv("APP_NAME", "test")
    assert function(request("/api/a/b"), None)["statusCode"] == 200
    function.close()


def test_in_lambda_the_application_is_made_while_the_function_initialises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Journal.entries.clear()
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    function = create_handler(root_module=MainModule, env=ENVIRONMENT)
    assert isinstance(function, LambdaFunction)
    assert Journal.entries == ["start"]
    function.close()


def test_events_in_the_background_are_done_before_the_answer() -> None:
    Journal.entries.clear()
    function = LambdaFunction(lambda: CqrsNest.create(ReportModule, env=ENVIRONMENT))
    with closing(function):
        assert function(request("/reports", "POST"), None)["statusCode"] == 201
        assert Journal.entries == ["start", "after a request"]
        with pytest.raises(LookupError, match="the schedule failed"):
            function(schedule(), None)
        assert Journal.entries == ["start", "after a request", "after a failure"]
