"""Both clients of DynamoDB on a server that errs: the same attempts, the same errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from cqrs_nest.aws import AwsConfigurationError, AwsSession
from cqrs_nest.aws.dynamodb import AiohttpDynamoDbClient, DynamoDbClient
from cqrs_nest.aws.module import dynamodb_client
from cqrs_nest.config import Environment

REQUEST: dict[str, Any] = {"TableName": "items", "Key": {"pk": {"S": "x"}, "b": {"B": b"\x00\xff"}}}
Reply = tuple[int, bytes] | None
"""Status and body; None closes the connection in the place of an answer."""


def error(code: str, **members: str) -> bytes:
    rest = "".join(f',"{name}":{value}' for name, value in members.items())
    return f'{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"no"{rest}}}'.encode()


class ScriptedServer:
    """Answers each request with the next reply of its script, and the last one ever after."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.extra_header = b""
        self.connections: list[tuple[asyncio.Task[Any], asyncio.StreamWriter]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections.append((task, writer))
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:]
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.append((headers, body))
                reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if reply is None:
                    break
                status, content = reply
                length = b"content-length: %d\r\n" % len(content)
                writer.write(b"HTTP/1.1 %d X\r\n%s%s\r\n" % (status, length, self.extra_header) + content)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone
        writer.close()


@pytest.fixture(params=["boto3", "aiohttp"])
def port(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def server() -> AsyncIterator[tuple[ScriptedServer, str]]:
    scripted = ScriptedServer()
    listening = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    async with listening:
        yield scripted, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        for task, writer in scripted.connections:
            writer.transport.abort()
            await task


@pytest.fixture
async def make(
    port: Any, server: tuple[ScriptedServer, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., DynamoDbClient]]:
    """A client for an endpoint, with keys in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "some-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    made: list[tuple[AwsSession, DynamoDbClient]] = []

    def make(endpoint: str, region: str | None = "eu-west-1") -> DynamoDbClient:
        settings = {"dynamodb_endpoint": endpoint, "dynamodb_region": region, "dynamodb_client": port}
        environment = Environment.model_validate({"node_env": "local", "app_name": "t", **settings})
        session = AwsSession(environment)
        made.append((session, dynamodb_client(session, environment)))
        return made[-1][1]

    yield make
    for session, client in made:
        if isinstance(client, AiohttpDynamoDbClient):
            await client.on_application_shutdown()
        await session.on_application_shutdown()


async def test_bytes_and_the_signature_go_over_the_wire(
    make: Callable[..., DynamoDbClient], server: tuple[ScriptedServer, str]
) -> None:
    scripted, url = server
    scripted.script = [
        (200, b'{"Item":{"b":{"B":"AP8="},"l":{"L":[{"BS":["AA=="]},{"M":{"B":{"S":"t"}}}]}}}')
    ]
    response = await make(url).get_item(**REQUEST)
    assert response["Item"] == {
        "b": {"B": b"\x00\xff"},
        "l": {"L": [{"BS": [b"\x00"]}, {"M": {"B": {"S": "t"}}}]},
    }
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    headers, body = scripted.requests[0]
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert "Credential=some-key/" in headers["authorization"]
    assert "/eu-west-1/dynamodb/aws4_request" in headers["authorization"]
    assert b'"AP8="' in body


@pytest.mark.parametrize(
    "passing",
    [(500, error("InternalServerError")), (503, b"<html>busy</html>"), None],
    ids=["500", "503", "closed"],
)
async def test_what_passes_is_tried_again(
    passing: Reply, make: Callable[..., DynamoDbClient], server: tuple[ScriptedServer, str]
) -> None:
    scripted, url = server
    scripted.script = [passing, passing, (200, b"{}")]
    response = await make(url).get_item(**REQUEST)
    assert response["ResponseMetadata"]["RetryAttempts"] == 2
    assert len({body for _, body in scripted.requests}) == 1


async def test_what_does_not_pass_is_given_up_after_five_attempts(
    make: Callable[..., DynamoDbClient], server: tuple[ScriptedServer, str]
) -> None:
    scripted, url = server
    scripted.script = [(500, error("InternalServerError"))]
    with pytest.raises(ClientError, match=r"GetItem operation .reached max retries: 4.: no") as caught:
        await make(url).get_item(**REQUEST)
    assert type(caught.value).__name__ == "InternalServerError"
    assert len(scripted.requests) == 5


async def test_a_connection_that_is_always_closed_is_an_error(
    make: Callable[..., DynamoDbClient], server: tuple[ScriptedServer, str]
) -> None:
    scripted, url = server
    scripted.script = [None]
    with pytest.raises(ConnectionClosedError, match=url):
        await make(url).get_item(**REQUEST)
    assert len(scripted.requests) == 5


async def test_a_damaged_answer_is_asked_for_again(
    make: Callable[..., DynamoDbClient], server: tuple[ScriptedServer, str]
) -> None:
    scripted, url = server
    scripted.extra_header = b"x-amz-crc32: 2745614147\r\n"  # that of {}
    scripted.script = [(200, b'{"Item":{}}'), (200, b"{}")]
    assert "Item" not in await make(url).get_item(**REQUEST)


async def test_a_refusal_is_not_tried_again_and_tells_why(
    make: Callable[..., DynamoDbClient], server: tuple[ScriptedServer, str]
) -> None:
    scripted, url = server
    item = '{"b":{"B":"AP8="}}'
    scripted.script = [(400, error("ConditionalCheckFailedException", Item=item))]
    client = make(url)
    with pytest.raises(ClientError, match="ConditionalCheckFailedException") as caught:
        await client.put_item(TableName="items", Item={"pk": {"S": "x"}})
    assert caught.value.response["Item"] == {"b": {"B": b"\x00\xff"}}  # type: ignore[typeddict-item]
    assert caught.value.response["Error"] == {"Message": "no", "Code": "ConditionalCheckFailedException"}
    assert caught.value.operation_name == "PutItem"
    reasons = '[{"Code":"None"},{"Code":"ConditionalCheckFailed","Item":' + item + "}]"
    scripted.script = [(400, error("TransactionCanceledException", CancellationReasons=reasons))]
    with pytest.raises(ClientError) as cancelled:
        await client.transact_write_items(TransactItems=[{}], ClientRequestToken="t")
    assert cancelled.value.response["CancellationReasons"][1]["Item"] == {"b": {"B": b"\x00\xff"}}  # type: ignore[typeddict-item]
    assert len(scripted.requests) == 2


async def test_a_server_that_is_not_there(make: Callable[..., DynamoDbClient]) -> None:
    with pytest.raises(EndpointConnectionError, match=r"http://127\.0\.0\.1:1/"):
        await make("http://127.0.0.1:1/").get_item(**REQUEST)


async def test_a_server_that_does_not_answer(
    make: Callable[..., DynamoDbClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("session", "dynamodb.aiohttp_client"):
        monkeypatch.setattr(f"cqrs_nest.aws.{module}.READ_SECONDS", 0.05)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        with pytest.raises(ReadTimeoutError):
            await make(f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}").get_item(**REQUEST)


async def test_without_credentials_or_region_nothing_is_sent(
    make: Callable[..., DynamoDbClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(NoCredentialsError):
        await make("http://127.0.0.1:1/").get_item(**REQUEST)
    with pytest.raises(AwsConfigurationError, match="DYNAMODB_REGION or AWS_REGION"):
        await make("http://127.0.0.1:1/", region=None).get_item(**REQUEST)


@pytest.mark.parametrize("token", [None, "session-token"])
async def test_the_signature_is_botocores(
    token: str | None,
    make: Callable[..., DynamoDbClient],
    server: tuple[ScriptedServer, str],
    port: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted, url = server
    scripted.script = [(200, b"{}")]
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    await make(url).get_item(**REQUEST)
    headers, body = scripted.requests[0]
    sent = headers["authorization"]
    names = sent.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    given = {name: headers[name] for name in names if name not in ("x-amz-date", "x-amz-security-token")}
    request = AWSRequest("POST", url, given, body)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime",
        lambda *_: datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
    )
    SigV4Auth(ReadOnlyCredentials("some-key", "secret", token), "dynamodb", "eu-west-1").add_auth(request)
    assert request.headers["authorization"] == sent


async def test_concurrent_calls_do_not_mix(
    make: Callable[..., DynamoDbClient], server: tuple[ScriptedServer, str]
) -> None:
    scripted, url = server
    scripted.script = [(200, b'{"Item":{"n":{"N":"%d"}}}' % number) for number in range(100)]
    client = make(url)
    answers = await asyncio.gather(*(client.get_item(**REQUEST) for _ in range(99)))
    assert sorted(int(answer["Item"]["n"]["N"]) for answer in answers) == list(range(99))
