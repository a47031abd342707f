"""Messages of the notification queue, sent over real sockets to what stands for AppSync."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cqrs_nest.aws import tenant_segment
from cqrs_nest.common import Injectable, Module
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import ConfigModule, Environment
from cqrs_nest.core import Container
from cqrs_nest.events import EventModule, EventService
from cqrs_nest.notifications import (
    InvalidNotificationTransportError,
    NotificationModule,
    NotificationTransport,
    OutgoingNotification,
)

if TYPE_CHECKING:
    from tests.notifications.conftest import Asked, LoopbackServer

STATUS = {
    "action": "command-status",
    "pk": "TODO#tenant01",
    "sk": "A1@1",
    "table": "local-demo-todo-command",
    "id": "req-0001",
    "tenantCode": "tenant01",
    "content": {"status": "finish:FINISHED"},
}


def queued(*bodies: str, queue: str = "demo-notification-queue") -> dict[str, Any]:
    """The event of a queue."""
    arn = f"arn:aws:sqs:ap-northeast-1:123456789012:{queue}"
    return {
        "Records": [
            {"messageId": f"m{number}", "body": body, "eventSource": "aws:sqs", "eventSourceARN": arn}
            for number, body in enumerate(bodies, 1)
        ]
    }


def message(**changes: Any) -> str:
    return json.dumps({**STATUS, **changes}, separators=(",", ":"))


@asynccontextmanager
async def application(*providers: type, **settings: Any) -> AsyncIterator[EventService]:
    @Module(imports=[EventModule, NotificationModule], providers=list(providers))
    class Application: ...

    environment = Environment(node_env="local", app_name="demo", **settings)
    container = await Container.create(
        DynamicModule(Application, imports=[ConfigModule.for_root(environment)])
    )
    try:
        await container.initialize()
        yield container.get(EventService)
    finally:
        await container.close()


def is_signed(asked: Asked, url: str, region: str) -> bool:
    """Whether the signature is the one that AWS would compute from the request and the secret."""
    authorization = asked.headers["authorization"]
    scope = re.search(r"Credential=AKIDEXAMPLE/(\d{8})/([a-z0-9-]+)/appsync/aws4_request", authorization)
    signed = re.search(r"SignedHeaders=([a-z0-9;-]+)", authorization)
    assert scope
    assert signed
    assert scope[2] == region
    headers = {name: asked.headers[name] for name in signed[1].split(";") if name != "host"}
    request = AWSRequest("POST", url, headers, asked.body)
    request.context["timestamp"] = asked.headers["x-amz-date"]
    auth = SigV4Auth(Credentials("AKIDEXAMPLE", "secret-canary"), "appsync", region)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return authorization.endswith(f"Signature={auth.signature(text, request)}")


async def test_the_recorded_graphql_request_with_an_api_key(loopback: LoopbackServer) -> None:
    url = f"{loopback.url}/graphql"
    async with application(appsync_endpoint=url, appsync_api_key="da2-fakeApiId123456") as events:
        assert await events.handle(queued(message())) == {"batchItemFailures": []}
    (asked,) = loopback.asked
    assert asked.path == "/graphql"
    assert asked.headers["x-api-key"] == "da2-fakeApiId123456"
    assert asked.headers["content-type"] == "application/json"
    assert "authorization" not in asked.headers
    body = asked.json()
    assert body["variables"] == {"message": message()}
    assert " ".join(body["query"].split()) == (
        "mutation SEND_MESSAGE($message: AWSJSON!) { sendMessage(message: $message) "
        "{ id table pk sk tenantCode action content } }"
    )


async def test_without_a_key_the_graphql_request_is_signed(loopback: LoopbackServer) -> None:
    url = f"{loopback.url}/graphql"
    async with application(appsync_endpoint=url) as events:
        assert await events.handle(queued(message())) == {"batchItemFailures": []}
    (asked,) = loopback.asked
    assert is_signed(asked, url, "eu-west-1")


async def test_an_appsync_event(loopback: LoopbackServer) -> None:
    url = f"{loopback.url}/event"
    settings = {"notification_transports": ["appsync-event"], "appsync_events_namespace": "mine"}
    async with application(appsync_events_endpoint=url, **settings) as events:
        await events.handle(queued(message(id="TODO#tenant01#A1@1"), message(id=None, tenantCode="")))
    first, second = sorted((asked.json() for asked in loopback.asked), key=lambda body: body["channel"])
    assert first["channel"] == "/mine/none/command-status/none"
    assert second["channel"] == "/mine/tenant01/command-status/TODO-tenant01-A1-1"
    assert second["events"] == [message(id="TODO#tenant01#A1@1")]
    assert first["id"] != second["id"]
    for asked in loopback.asked:
        assert asked.headers["accept"] == "application/json, text/javascript"
        assert asked.headers["content-encoding"] == "amz-1.0"
        assert asked.headers["content-type"] == "application/json; charset=UTF-8"
        assert is_signed(asked, url, "eu-west-1")


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (200, '{"data": null, "errors": [{"message": "Not Authorized"}]}', r"\[200\]: Not Authorized"),
        (401, '{"errors": [{"message": "expired"}]}', r"\[401\]: expired"),
        (503, "busy", r"\[503\]: busy"),
    ],
)
async def test_what_appsync_refuses_comes_again(
    loopback: LoopbackServer, status: int, text: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.status, loopback.text = status, text
    async with application(
        appsync_endpoint=f"{loopback.url}/graphql", appsync_api_key="key-canary"
    ) as events:
        answer = await events.handle(queued(message()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert re.search(said, caplog.text)
    assert "key-canary" not in caplog.text
    assert "secret-canary" not in caplog.text


async def test_an_event_that_is_refused_names_its_channel(
    loopback: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.status, loopback.text = 403, "no"
    settings = {"notification_transports": ["appsync-event"], "appsync_events_endpoint": loopback.url}
    async with application(**settings) as events:
        answer = await events.handle(queued(message()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    channel = "/default/tenant01/command-status/req-0001"
    assert f"AppSync Events publish failed [403] on channel {channel}: no" in caplog.text


async def test_an_event_that_fails_within_a_successful_answer_comes_again(
    loopback: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    failed = [{"identifier": "x", "index": 0, "errorMessage": "not authorized to publish"}]
    loopback.text = json.dumps({"failed": failed, "successful": []})
    settings = {"notification_transports": ["appsync-event"], "appsync_events_endpoint": loopback.url}
    async with application(**settings) as events:
        answer = await events.handle(queued(message()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert "command-status/req-0001: not authorized to publish" in caplog.text


async def test_the_signature_is_for_the_host_and_the_region_of_the_endpoint(
    loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", loopback.url)
    monkeypatch.delenv("no_proxy", raising=False)
    url = "http://abc.appsync-api.us-east-2.amazonaws.com/event"
    async with application(notification_transports=["appsync-event"], appsync_events_endpoint=url) as events:
        assert await events.handle(queued(message())) == {"batchItemFailures": []}
    (asked,) = loopback.asked
    assert (asked.path, asked.headers["host"]) == (url, "abc.appsync-api.us-east-2.amazonaws.com")
    assert is_signed(asked, url, "us-east-2")


async def test_tenants_whose_codes_a_channel_cannot_hold_have_one_each(loopback: LoopbackServer) -> None:
    tenants = ["a-b", "a_b", "a.b", "a b", "-a-b", "a--b", "日本", "日木", "x" * 60, "x" * 61, "none", None]
    # Whoever may choose his code must not get that of another's channel.
    tenants.append(tenant_segment("a_b"))
    settings = {"notification_transports": ["appsync-event"], "appsync_events_endpoint": loopback.url}
    async with application(**settings) as events:
        await events.handle(queued(*(message(tenantCode=tenant) for tenant in tenants)))
    channels = {asked.json()["channel"] for asked in loopback.asked}
    assert len(channels) == len(tenants)
    assert "/default/a-b/command-status/req-0001" in channels
    segment = re.compile("[A-Za-z0-9]([A-Za-z0-9-]{0,48}[A-Za-z0-9])?")
    assert all(segment.fullmatch(part) for channel in channels for part in channel.split("/")[1:])


@pytest.mark.parametrize("transport", ["appsync-event", "appsync-graphql"])
async def test_a_message_that_subscribers_would_not_get_is_not_sent(
    loopback: LoopbackServer, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"appsync_events_endpoint": loopback.url, "appsync_endpoint": loopback.url}
    large = message(content={"status": "é" * 120_000})
    async with application(notification_transports=[transport], **settings) as events:
        assert await events.handle(queued(message(), large)) == {
            "batchItemFailures": [{"itemIdentifier": "m2"}]
        }
    assert len(loopback.asked) == 1
    size = len(large.encode())
    assert f"MessageTooLargeError: A message of {size} bytes is too large for AppSync" in caplog.text


async def test_a_message_that_cannot_be_read_fails_alone(loopback: LoopbackServer) -> None:
    async with application(appsync_endpoint=loopback.url, appsync_api_key="key") as events:
        answer = await events.handle(queued(message(), "not json", message()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert len(loopback.asked) == 2


async def test_other_queues_are_none_of_its_business(loopback: LoopbackServer) -> None:
    async with application(appsync_endpoint=loopback.url, appsync_api_key="key") as events:
        answer = await events.handle(queued(message(), queue="task-action-queue"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert loopback.asked == []


class Sent(list[OutgoingNotification]):
    """What a transport of the application's own was given."""


@NotificationTransport("pager", requires=["appsync_events_endpoint"])
class PagerTransport:
    def __init__(self, sent: Sent) -> None:
        self._sent = sent

    async def send_message(self, notification: OutgoingNotification) -> None:
        self._sent.append(notification)


async def test_transports_of_ones_own_beside_others(loopback: LoopbackServer) -> None:
    sent = Sent()

    @NotificationTransport("pager")
    class Pager:
        async def send_message(self, notification: OutgoingNotification) -> None:
            sent.append(notification)

    settings = {"notification_transports": ["pager", "appsync-graphql"], "appsync_endpoint": loopback.url}
    loopback.status = 500
    async with application(Pager, appsync_api_key="key", **settings) as events:
        answer = await events.handle(queued(message()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert [notification.sk for notification in sent] == ["A1@1"]
    assert len(loopback.asked) == 1


class Bare:
    pass


def named(name: str, cls: type = Bare) -> type:
    return NotificationTransport(name)(type(cls.__name__, (cls,), {}))


@Injectable()
class Silent: ...


@pytest.mark.parametrize(
    ("providers", "names", "said"),
    [
        ([], ["appsync-graphql"], r'"appsync-graphql" is enabled .* but APPSYNC_ENDPOINT is not set'),
        ([], ["appsync-event"], r'"appsync-event" is enabled .* but APPSYNC_EVENTS_ENDPOINT is not set'),
        ([Sent, PagerTransport], ["pager"], r'"pager" is enabled .* but APPSYNC_EVENTS_ENDPOINT is not set'),
        (
            [],
            ["pigeon"],
            r'names "pigeon", which no provider is.\s+There are appsync-event, appsync-graphql, sse',
        ),
        ([named("mute")], ["mute"], "has no async method send_message"),
        ([named("sse"), Silent], ["sse"], r'are both the transport "sse"'),
    ],
)
async def test_a_transport_that_cannot_work_is_found_at_start(
    providers: list[type], names: list[str], said: str
) -> None:
    with pytest.raises(InvalidNotificationTransportError, match=said):
        async with application(*providers, notification_transports=names):
            pass


async def test_streams_are_refused_in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "main")
    with pytest.raises(InvalidNotificationTransportError, match="needs a server, and this is AWS Lambda"):
        async with application(notification_transports=["sse"]):
            pass
