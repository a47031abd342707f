"""Both clients of DynamoDB on a server that errs: the same attempts, the same errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
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

from cqrs_nest.aws import AwsConfigurationError
from tests.aws.conftest import MakeClient
from tests.aws.scripted_server import CLOSED, Reply, ScriptedServer

REQUEST: dict[str, Any] = {"TableName": "items", "Key": {"pk": {"S": "x"}, "b": {"B": b"\x00\xff"}}}

CHECKSUM = ("x-amz-crc32: 2745614147",)
"""That of {}."""


def error(code: str, **members: str) -> bytes:
    rest = "".join(f',"{name}":{value}' for name, value in members.items())
    return f'{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"no"{rest}}}'.encode()


@pytest.fixture(params=["boto3", "aiohttp"])
def port(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_bytes_and_the_signature_go_over_the_wire(make: MakeClient, server: ScriptedServer) -> None:
    server.script = [
        Reply(200, b'{"Item":{"b":{"B":"AP8="},"l":{"L":[{"BS":["AA=="]},{"M":{"B":{"S":"t"}}}]}}}')
    ]
    response = await make(server.url).get_item(**REQUEST)
    assert response["Item"] == {
        "b": {"B": b"\x00\xff"},
        "l": {"L": [{"BS": [b"\x00"]}, {"M": {"B": {"S": "t"}}}]},
    }
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    headers, body = server.requests[0].headers, server.requests[0].body
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert "Credential=some-key/" in headers["authorization"]
    assert "/eu-west-1/dynamodb/aws4_request" in headers["authorization"]
    assert b'"AP8="' in body


async def test_bytes_are_read_wherever_an_answer_has_items(make: MakeClient, server: ScriptedServer) -> None:
    stored, read = {"b": {"B": "AP8="}}, {"b": {"B": b"\x00\xff"}}
    client = make(server.url)

    async def answered(call: Any, stored: Mapping[str, Any], **request: Any) -> Mapping[str, Any]:
        server.script = [Reply(200, json.dumps(stored).encode())]
        answer = await call(**request)
        return {name: answer[name] for name in stored}

    query = {"TableName": "items", "KeyConditionExpression": "pk = :pk"}
    found = await answered(client.query, {"Items": [stored], "LastEvaluatedKey": stored}, **query)
    assert found == {"Items": [read], "LastEvaluatedKey": read}
    found = await answered(client.update_item, {"Attributes": stored}, **REQUEST)
    assert found == {"Attributes": read}
    of_tables = {"Responses": {"items": [stored]}, "UnprocessedKeys": {"items": {"Keys": [stored]}}}
    found = await answered(client.batch_get_item, of_tables, RequestItems={"items": {"Keys": [read]}})
    assert found == {"Responses": {"items": [read]}, "UnprocessedKeys": {"items": {"Keys": [read]}}}


@pytest.mark.parametrize(
    "passing",
    [
        Reply(500, error("InternalServerError")),
        Reply(503, b"<html>busy</html>"),
        Reply(500, b""),
        CLOSED,
        Reply(None, is_reset=True),
        Reply(200, b'{"Item":{"pk":{"S":"x"}}}', CHECKSUM, sends=0.9),
    ],
    ids=["500", "503", "empty", "closed", "reset", "cut off"],
)
async def test_what_passes_is_tried_again(passing: Reply, make: MakeClient, server: ScriptedServer) -> None:
    server.script = [passing, passing, Reply()]
    response = await make(server.url).get_item(**REQUEST)
    assert response["ResponseMetadata"]["RetryAttempts"] == 2
    assert len({request.body for request in server.requests}) == 1


async def test_what_does_not_pass_is_given_up_after_five_attempts(
    make: MakeClient, server: ScriptedServer
) -> None:
    server.script = [Reply(500, error("InternalServerError"))]
    with pytest.raises(ClientError, match=r"GetItem operation .reached max retries: 4.: no") as caught:
        await make(server.url).get_item(**REQUEST)
    assert type(caught.value).__name__ == "InternalServerError"
    assert len(server.requests) == 5


async def test_a_connection_that_is_always_closed_is_an_error(
    make: MakeClient, server: ScriptedServer
) -> None:
    server.script = [CLOSED]
    with pytest.raises(ConnectionClosedError, match=server.url):
        await make(server.url).get_item(**REQUEST)
    assert len(server.requests) == 5


async def test_a_damaged_answer_is_asked_for_again(make: MakeClient, server: ScriptedServer) -> None:
    server.script = [
        Reply(200, b'{"Item":{}}', CHECKSUM),
        Reply(200, b'{"Item', CHECKSUM),
        Reply(200, b"{}", CHECKSUM),
    ]
    assert "Item" not in await make(server.url).get_item(**REQUEST)


@pytest.mark.parametrize("port", ["aiohttp"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>sign in</html>"),
        Reply(200, b"[]"),
        Reply(200, b'{"Item":{}}', CHECKSUM),
        Reply(200, b'{"Item":{"pk":{"S":"x"}}}', sends=0.9),
    ],
    ids=["html", "no object", "damaged", "cut off"],
)
async def test_what_is_no_answer_of_dynamodb_is_not_taken_for_an_empty_one(
    reply: Reply, make: MakeClient, server: ScriptedServer
) -> None:
    """boto3 takes it for one: an item that is there is not found, a write that was not done succeeds."""
    server.script = [reply]
    with pytest.raises(ConnectionClosedError):
        await make(server.url).get_item(**REQUEST)
    assert len(server.requests) == 5


@pytest.mark.parametrize("port", ["aiohttp"])
@pytest.mark.parametrize("body", [b"\xff\xfe", b"[]", b'"text"'], ids=["no text", "list", "string"])
async def test_an_error_whose_body_cannot_be_read_is_one_by_its_status(
    body: bytes, make: MakeClient, server: ScriptedServer
) -> None:
    """boto3 fails with the error of its own parser."""
    server.script = [Reply(502, body), Reply()]
    assert (await make(server.url).get_item(**REQUEST))["ResponseMetadata"]["RetryAttempts"] == 1
    server.script = [Reply(403, body)]
    with pytest.raises(ClientError) as caught:
        await make(server.url).get_item(**REQUEST)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


async def test_a_redirect_is_not_followed(make: MakeClient, server: ScriptedServer) -> None:
    server.script = [Reply(302, b"", (f"location: {server.url}/elsewhere",))]
    with pytest.raises(ClientError) as caught:
        await make(server.url).get_item(**REQUEST)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 302
    assert [request.target for request in server.requests] == ["/"]


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestExpired"])
async def test_a_clock_that_is_wrong_is_told_at_once(
    code: str, make: MakeClient, server: ScriptedServer
) -> None:
    offset = "Signature expired: 20300102T030405Z is now earlier than 20300102T031905Z (5 min.)"
    server.script = [Reply(400, error(code).replace(b"no", offset.encode()))]
    with pytest.raises(ClientError) as caught:
        await make(server.url).get_item(**REQUEST)
    assert caught.value.response["Error"] == {"Code": code, "Message": offset}
    assert len(server.requests) == 1


async def test_a_refusal_is_not_tried_again_and_tells_why(make: MakeClient, server: ScriptedServer) -> None:
    item = '{"b":{"B":"AP8="}}'
    server.script = [Reply(400, error("ConditionalCheckFailedException", Item=item))]
    client = make(server.url)
    with pytest.raises(ClientError, match="ConditionalCheckFailedException") as caught:
        await client.put_item(TableName="items", Item={"pk": {"S": "x"}})
    assert caught.value.response["Item"] == {"b": {"B": b"\x00\xff"}}  # type: ignore[typeddict-item]
    assert caught.value.response["Error"] == {"Message": "no", "Code": "ConditionalCheckFailedException"}
    assert caught.value.operation_name == "PutItem"
    reasons = '[{"Code":"None"},{"Code":"ConditionalCheckFailed","Item":' + item + "}]"
    server.script = [Reply(400, error("TransactionCanceledException", CancellationReasons=reasons))]
    with pytest.raises(ClientError) as cancelled:
        await client.transact_write_items(TransactItems=[{}], ClientRequestToken="t")
    assert cancelled.value.response["CancellationReasons"][1]["Item"] == {"b": {"B": b"\x00\xff"}}  # type: ignore[typeddict-item]
    assert len(server.requests) == 2


async def test_a_server_that_is_not_there(make: MakeClient) -> None:
    with pytest.raises(EndpointConnectionError, match=r"http://127\.0\.0\.1:1/"):
        await make("http://127.0.0.1:1/").get_item(**REQUEST)


async def test_a_server_that_does_not_answer(make: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("session", "dynamodb.aiohttp_client"):
        monkeypatch.setattr(f"cqrs_nest.aws.{module}.READ_SECONDS", 0.05)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        with pytest.raises(ReadTimeoutError):
            await make(f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}").get_item(**REQUEST)


async def test_without_credentials_or_region_nothing_is_sent(
    make: MakeClient, aws_settings: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws_settings.delenv(name)
    with pytest.raises(NoCredentialsError):
        await make("http://127.0.0.1:1/").get_item(**REQUEST)
    with pytest.raises(AwsConfigurationError, match="DYNAMODB_REGION or AWS_REGION"):
        await make("http://127.0.0.1:1/", region=None).get_item(**REQUEST)


@pytest.mark.parametrize("token", [None, "session-token"])
async def test_the_signature_is_botocores(
    token: str | None,
    make: MakeClient,
    server: ScriptedServer,
    port: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.script = [Reply()]
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    await make(server.url).get_item(**REQUEST)
    headers, body = server.requests[0].headers, server.requests[0].body
    sent = headers["authorization"]
    names = sent.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    given = {name: headers[name] for name in names if name not in ("x-amz-date", "x-amz-security-token")}
    request = AWSRequest("POST", server.url, given, body)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime",
        lambda *_: datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
    )
    SigV4Auth(ReadOnlyCredentials("some-key", "secret", token), "dynamodb", "eu-west-1").add_auth(request)
    assert request.headers["authorization"] == sent


async def test_concurrent_calls_do_not_mix(make: MakeClient, server: ScriptedServer) -> None:
    server.script = [Reply(200, b'{"Item":{"n":{"N":"%d"}}}' % number) for number in range(100)]
    client = make(server.url)
    answers = await asyncio.gather(*(client.get_item(**REQUEST) for _ in range(99)))
    assert sorted(int(answer["Item"]["n"]["N"]) for answer in answers) == list(range(99))
