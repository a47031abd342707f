"""Notifications as server-sent events: from a publish over topic and queue to open streams of a server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cqrs_nest.aws import AwsSession
from cqrs_nest.common import Module
from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import CommandInput, CommandService, CqrsModule
from cqrs_nest.local import LocalRuntime, Queue, listen
from cqrs_nest.notifications import (
    NotificationHub,
    NotificationModule,
    OutgoingNotification,
    Subscription,
    server_sent_events,
)
from cqrs_nest.notifications.hub import WAITING_MESSAGES
from cqrs_nest.notifications.queue_listener import QueueListener

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 20


@Module(imports=[CqrsModule.register(table_name="note"), NotificationModule])
class NoteModule: ...


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runtime(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalRuntime]:
    """One service for all tests; each writes items of its own."""
    with pytest.MonkeyPatch.context() as patch, listen("127.0.0.1", 0) as listener:
        patch.chdir(tmp_path_factory.mktemp("service"))
        patch.delenv("NOTIFICATION_TRANSPORTS", raising=False)
        async with LocalRuntime.start(
            NoteModule, listener=listener, variables={"APP_NAME": "notes"}
        ) as running:
            yield running


class Listener:
    """One open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def event(self) -> dict[str, str]:
        """The next event, its fields by name; empty when the stream has ended."""
        event: dict[str, str] = {}
        async with asyncio.timeout(SECONDS):
            async for line in self._lines:
                if line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif event:
                    break
        return event

    async def rest(self) -> AsyncIterator[dict[str, str]]:
        """All that comes until the stream ends."""
        while event := await self.event():
            yield event

    async def message(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = json.loads((await self.event())["data"])
        return message


@asynccontextmanager
async def stream(runtime: LocalRuntime, token: str, query: str = "") -> AsyncIterator[Listener]:
    headers = {"authorization": f"Bearer {token}", "x-tenant-code": "acme"}
    async with (
        httpx.AsyncClient(base_url=runtime.url, trust_env=False, timeout=SECONDS) as client,
        client.stream("GET", f"/api/notifications{query}", headers=headers) as response,
    ):
        assert response.status_code == 200
        listener = Listener(response)
        assert (await listener.event())["event"] == "ready"
        yield listener


async def publish(runtime: LocalRuntime, tenant: str, sk: str, request_id: str | None = None) -> None:
    command = CommandInput(pk=f"NOTE#{tenant}", sk=sk, name=sk, type="NOTE")
    invoke = Invoke({}, {"awsRequestId": request_id} if request_id else {})
    await runtime.app.get(CommandService).publish_async(command, invoke_context=invoke, request_id=request_id)


async def test_everyone_sees_his_own_tenant_whatever_request_ids_say(runtime: LocalRuntime) -> None:
    ann = runtime.token(user="ann", tenant="acme")
    eve = runtime.token(user="eve", tenant="evil")
    async with (
        stream(runtime, ann) as acme,
        stream(runtime, eve) as evil,
        stream(runtime, eve, "?id=chosen-by-client") as evil_by_id,
    ):
        assert acme.response.headers["content-type"].startswith("text/event-stream")
        await publish(runtime, "acme", "A", "chosen-by-client")
        await runtime.drain()
        await publish(runtime, "evil", "B", "chosen-by-client")
        await runtime.drain()
        message = await acme.message()
        assert (message["tenantCode"], message["sk"], message["id"]) == ("acme", "A@1", "chosen-by-client")
        assert message["content"]["status"] == "finish:FINISHED"
        assert (await evil.message())["sk"] == "B@1"
        assert (await evil_by_id.message())["sk"] == "B@1"


async def test_action_and_id_narrow_a_stream(runtime: LocalRuntime) -> None:
    token = runtime.token(user="ann", tenant="acme")
    async with (
        stream(runtime, token, "?id=two&action=command-status") as by_id,
        stream(runtime, token, "?action=task-status") as by_action,
    ):
        for sk, request_id in (("C", "one"), ("D", "two")):
            await publish(runtime, "acme", sk, request_id)
        await runtime.drain()
        assert (await by_id.message())["sk"] == "D@1"
        runtime.app.get(NotificationHub).close()
        assert await by_action.event() == {}


async def test_nobody_listens_without_a_token(runtime: LocalRuntime) -> None:
    refused: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        ({"x-tenant-code": "acme"}, 401),
        ({"authorization": "Bearer x.y.z"}, 401),
    ]
    async with httpx.AsyncClient(base_url=runtime.url, trust_env=False) as client:
        for headers, status in refused:
            response = await client.get("/api/notifications", headers=headers)
            assert response.status_code == status


async def test_a_stream_ends_with_its_token_and_lives_until_then(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_sent_events, "KEEP_ALIVE_SECONDS", 0.01)
    token = runtime.token(user="ann", tenant="acme")
    async with stream(runtime, token) as listener:
        for _ in range(3):
            assert (await listener.event())["event"] == "keep-alive"
        later = time.time() + 13 * 3600
        monkeypatch.setattr(server_sent_events, "time", lambda: later)
        assert {event["event"] async for event in listener.rest()} <= {"keep-alive"}


def notification(**changes: Any) -> OutgoingNotification:
    body = {"action": "command-status", "pk": "NOTE#acme", "sk": "A@1", "id": "r1", "tenantCode": "acme"}
    arn = "arn:aws:sqs:eu-west-1:123456789012:notification-queue"
    return OutgoingNotification(
        {"messageId": "m", "body": json.dumps({**body, **changes}), "eventSourceARN": arn}
    )


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({}, 1),
        ({"pk": "NOTE#ACME", "tenantCode": "ACME"}, 1),
        ({"pk": "NOTE#other", "tenantCode": "acme"}, 0),
        ({"pk": "NOTE#acme#other", "tenantCode": "acme#other"}, 0),
        ({"pk": "NOTE", "tenantCode": "acme"}, 0),
        ({"pk": None, "tenantCode": "acme"}, 1),
        ({"pk": None, "tenantCode": None}, 0),
    ],
)
async def test_the_tenant_of_a_message_is_that_of_its_row(changes: dict[str, Any], reached: int) -> None:
    hub = NotificationHub()
    with hub.subscribe("acme"):
        assert hub.publish(notification(**changes)) == reached
    assert hub.publish(notification()) == 0


async def test_one_who_does_not_keep_up_is_cut_off_alone(caplog: pytest.LogCaptureFixture) -> None:
    hub = NotificationHub()
    with hub.subscribe("acme") as slow, hub.subscribe("acme") as quick:
        for number in range(WAITING_MESSAGES + 3):
            hub.publish(notification(sk=f"A@{number}"))
            message = await quick.next()
            assert message is not None
            assert message["sk"] == f"A@{number}"
        received = [message["sk"] async for message in _rest(slow)]
    assert received == [f"A@{number}" for number in range(WAITING_MESSAGES)]
    assert "1 slow subscribers were cut off" in caplog.text


async def _rest(subscription: Subscription) -> AsyncIterator[Any]:
    while (message := await subscription.next()) is not None:
        yield message


async def test_a_server_reads_its_queue_itself(runtime: LocalRuntime) -> None:
    session = runtime.app.get(AwsSession)
    url = await runtime.aws.create_queue(session, Queue("server-notification-queue", ["command-status"]))
    listener = runtime.app.get(QueueListener)
    listener._url = url
    hub = runtime.app.get(NotificationHub)
    with hub.subscribe("acme", id="r1") as subscription:
        listener.on_application_bootstrap()
        await publish(runtime, "acme", "E", "r1")
        async with asyncio.timeout(SECONDS):
            messages = [await subscription.next(), await subscription.next()]
    assert {message["sk"] for message in messages if message} == {"E@1"}
    await listener.on_module_destroy()
    attributes = await session.call(
        "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0"
