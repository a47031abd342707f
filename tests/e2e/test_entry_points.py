"""`sample_app.main` as a server and as Lambda load it, on an embedded account."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from cqrs_nest.aws import AwsSession
from cqrs_nest.config import Environment
from cqrs_nest.local import EmbeddedAws
from cqrs_nest.local.stream_poller import StreamPoller
from sample_app.main import app, handler

CLAIMS = {"sub": "alice", "custom:tenant": "acme"}


class Account:
    """An embedded account with the tables of the sample application, whose stream calls a function."""

    def __init__(self, aws: EmbeddedAws, session: AwsSession, stream: str) -> None:
        self.aws, self.session, self.stream = aws, session, stream


@pytest.fixture
async def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> AsyncIterator[Account]:
    monkeypatch.chdir(tmp_path)
    aws = EmbeddedAws()
    for name, value in {"NODE_ENV": "local", **aws.variables()}.items():
        monkeypatch.setenv(name, value)
    session = AwsSession(Environment.load(environ={"NODE_ENV": "local", "APP_NAME": "x", **aws.variables()}))
    await aws.create_bases(session)
    tables = ("session", "sequences", "todo-data", "todo-history", "master-data", "master-history")
    await aws.create_tables(session, (f"local-todo-{table}" for table in tables))
    await aws.create_streamed_table(session, "local-todo-master-command")
    yield Account(aws, session, await aws.create_streamed_table(session, "local-todo-todo-command"))
    await session.on_application_shutdown()
    await aws.close()


def http_event(method: str, path: str, body: object = None) -> dict[str, Any]:
    """What an HTTP API sends for a request of alice."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9"},
            "requestId": "r1",
            "authorizer": {"jwt": {"claims": CLAIMS, "scopes": None}},
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


async def test_the_lambda_handler_takes_requests_and_stream_records(account: Account) -> None:
    with ThreadPoolExecutor(1) as lambda_thread:

        async def invoke(event: Mapping[str, Any]) -> Any:
            context = SimpleNamespace(aws_request_id="r1", function_name="todo")
            return await asyncio.get_running_loop().run_in_executor(lambda_thread, handler, event, context)

        created = await invoke(http_event("POST", "/api/todo", {"name": "Buy milk"}))
        assert created["statusCode"] == 201
        command = json.loads(created["body"])
        assert (command["createdBy"], command["createdIp"]) == ("alice", "203.0.113.9")

        poller = StreamPoller(account.session, account.stream, invoke, account.aws.table_writes)
        poller.start()
        await poller.caught_up()
        await poller.stop()

        item = await invoke(http_event("GET", f"/api/todo/{quote(command['pk'], safe='')}/{command['code']}"))
        assert (item["statusCode"], json.loads(item["body"])["version"]) == (200, 1)
        lambda_thread.submit(handler.close).result()


async def test_the_asgi_application_starts_with_its_first_request(account: Account) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://todo") as client:
        response = await client.get("/api/todo")
    assert response.json() == {"message": "Unauthorized", "statusCode": 401}
    await app.close()
