"""Both clients of DynamoDB on a server that fails at random: one history, one outcome."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any
from zlib import crc32

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff

from cqrs_nest.aws.dynamodb import DynamoDbClient
from tests.aws.conftest import MakeClient
from tests.aws.scripted_server import CLOSED, Reply, Request, ScriptedServer, scripted_server

OPERATIONS = 150
CONCURRENT = 300
DAMAGE = ("cut off", "changed")


@pytest.fixture(params=["aiohttp"])
def port(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)


@pytest.fixture
async def other_server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as scripted:
        yield scripted


def found(name: str) -> Reply:
    body = json.dumps({"Item": {"pk": {"S": name}, "text": {"S": "x" * 500}}}).encode()
    return Reply(200, body, (f"x-amz-crc32: {crc32(body)}",))


def refused(status: int, code: str) -> Reply:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode()
    return Reply(status, body, (f"x-amz-crc32: {crc32(body)}",))


def faults(name: str, part: float) -> dict[str, Reply]:
    right = found(name)
    return {
        "busy": refused(400, "ProvisionedThroughputExceededException"),
        "throttled": refused(400, "ThrottlingException"),
        "internal": refused(500, "InternalServerError"),
        "gateway": Reply(503, b"<html>busy</html>"),
        "condition": refused(400, "ConditionalCheckFailedException"),
        "closed": CLOSED,
        "reset": Reply(None, is_reset=True),
        "reset halfway": Reply(200, right.body, right.headers, sends=part, is_reset=True),
        "cut off": Reply(200, right.body, right.headers, sends=part),
        "changed": Reply(200, right.body.replace(b"x", b"y", 1), right.headers),
        "closed behind": Reply(200, right.body, (*right.headers, "connection: close"), keeps_open=False),
    }


async def outcome(client: DynamoDbClient, name: str) -> tuple[str, str]:
    try:
        answer = await client.get_item(TableName="items", Key={"pk": {"S": name}})
    except ClientError as error:
        return type(error).__name__, error.response["Error"].get("Code", "")
    except HTTPClientError as error:
        return "not reached", "" if isinstance(error, ConnectionClosedError) else repr(error)
    return "found", answer.get("Item", {}).get("pk", {}).get("S", "nothing")


@pytest.mark.parametrize(("seed", "is_damaging"), [(1, True), (2, False), (3, False)])
async def test_one_history_has_one_outcome(
    seed: int,
    is_damaging: bool,
    make: MakeClient,
    server: ScriptedServer,
    other_server: ScriptedServer,
    make_boto3: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when botocore's quota of retries is used up, to which damaged answers count for ours alone."""
    if is_damaging:
        monkeypatch.setattr(RetryQuota, "acquire", lambda *_: True)
    random, seen = Random(seed), Counter[str]()
    ours, theirs = make(server.url), make_boto3(other_server.url)
    for number in range(OPERATIONS):
        possible = faults(str(number), random.uniform(0.6, 0.95))
        kinds = random.choices([*possible], k=random.choice((0, 1, 2, 3, 8, 8)))  # of at most 5 attempts
        if not is_damaging:
            kinds = [kind for kind in kinds if kind not in DAMAGE]
        for each in (server, other_server):
            each.script, each.requests = [*(possible[kind] for kind in kinds), found(str(number))], []
        got, expected = await asyncio.gather(outcome(ours, str(number)), outcome(theirs, str(number)))
        attempts = len(server.requests)
        assert attempts == len(other_server.requests), kinds
        last = [*kinds, "right"][attempts - 1]
        if last in DAMAGE:  # boto3 gives what it got, once it has no attempt left
            assert (got, expected[0]) == (("not reached", ""), "found"), kinds
        else:
            assert got == expected, kinds
        seen[got[0]] += 1
    assert min(seen["found"], seen["not reached"], seen["ConditionalCheckFailedException"]) > 5, seen


async def test_calls_at_once_get_their_own_answers_or_an_error(
    make: MakeClient, server: ScriptedServer
) -> None:
    random, tried = Random(3), Counter[str]()

    def answer(request: Request) -> Reply:
        name = json.loads(request.body)["Key"]["pk"]["S"]
        tried[name] += 1
        if random.random() < 0.6:
            return random.choice([*faults(name, random.uniform(0.6, 0.95)).values()])
        return found(name)

    server.answer = answer
    client = make(server.url)
    calls = [asyncio.create_task(outcome(client, str(number))) for number in range(CONCURRENT)]
    cancelled = set(random.sample(range(CONCURRENT), 30))
    for number in cancelled:
        asyncio.get_running_loop().call_later(random.uniform(0, 0.2), calls[number].cancel)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    kinds = Counter[str]()
    for number, got in enumerate(outcomes):
        if isinstance(got, BaseException):
            assert isinstance(got, asyncio.CancelledError)
            assert number in cancelled
            continue
        kinds[got[0]] += 1
        assert got[0] != "found" or got[1] == str(number)
    assert kinds["found"] > CONCURRENT / 4, kinds
    assert max(tried.values()) <= 5
    assert server.most_open <= 32
