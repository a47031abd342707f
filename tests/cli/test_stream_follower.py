"""`cqrs-nest tail` goes on where it was when its place in a stream is lost, and through shards that close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cqrs_nest.aws import AwsSession
from cqrs_nest.cli.stream_follower import StreamFollower
from cqrs_nest.config import Environment
from cqrs_nest.local.embedded_aws import EmbeddedAws

STREAM = "arn:aws:dynamodb:r:1:table/notes/stream/1"
TABLE = "local-notes-note-command"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "GetRecords")


async def take(follower: StreamFollower, number: int) -> list[str]:
    """The sort keys of the next changes."""
    seen: list[str] = []
    async with asyncio.timeout(20):
        async for change in follower.changes():
            seen.append(change.keys["sk"])
            if len(seen) == number:
                break
    return seen


class Losing(AwsSession):
    """A session whose place in the stream is lost at the next reads, as often as it is told."""

    lost: str | None = None
    trimmed = False

    async def call(self, service: str, operation: str, **request: Any) -> Any:
        if operation == "get_records" and self.lost:
            code, self.lost = self.lost, None
            raise refused(code)
        if self.trimmed and request.get("ShardIteratorType") == "AFTER_SEQUENCE_NUMBER":
            raise refused("TrimmedDataAccessException")
        return await super().call(service, operation, **request)


@pytest.fixture
async def session() -> AsyncIterator[Losing]:
    aws = EmbeddedAws()
    environment = Environment.load(environ={"NODE_ENV": "local", "APP_NAME": "notes", **aws.variables()})
    session = Losing(environment)
    yield session
    await session.on_application_shutdown()
    await aws.close()


async def table(session: AwsSession) -> str:
    """Create a table with a stream; the ARN of that."""
    answer = await session.call(
        "dynamodb",
        "create_table",
        TableName=TABLE,
        KeySchema=[{"AttributeName": "sk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "sk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return str(answer["TableDescription"]["LatestStreamArn"])


async def put(session: AwsSession, *keys: str) -> None:
    for sk in keys:
        await session.call("dynamodb", "put_item", TableName=TABLE, Item={"sk": {"S": sk}})


@pytest.mark.parametrize("start", ["LATEST", "TRIM_HORIZON"])
async def test_a_place_that_is_lost_is_found_again(session: Losing, start: str) -> None:
    follower = StreamFollower(session, [await table(session)], 0.01)
    await follower.begin(start)
    await put(session, "A", "B")
    assert await take(follower, 2) == ["A", "B"]
    session.lost = "ExpiredIteratorException"
    await put(session, "C", "D")
    assert await take(follower, 2) == ["C", "D"]


async def test_one_that_is_lost_before_anything_was_read_skips_nothing(session: Losing) -> None:
    follower = StreamFollower(session, [await table(session)], 0.01)
    await follower.begin()
    session.lost = "ExpiredIteratorException"
    await put(session, "A", "B")
    assert await take(follower, 2) == ["A", "B"]


async def test_where_records_were_trimmed_the_oldest_that_is_there_comes_next(session: Losing) -> None:
    follower = StreamFollower(session, [await table(session)], 0.01)
    await follower.begin()
    await put(session, "A")
    assert await take(follower, 1) == ["A"]
    session.lost, session.trimmed = "TrimmedDataAccessException", True
    await put(session, "B")
    # The emulator trims nothing, so the first one is still there.
    assert await take(follower, 2) == ["A", "B"]


class Streams(AwsSession):
    """Stands for a stream whose shards close and split, which the emulator's never do."""

    def __init__(self, shards: dict[str, tuple[str | None, list[str]]], open_shards: set[str]) -> None:
        self.shards, self.open = shards, open_shards
        self.lost: list[str] = []

    async def call(self, service: str, operation: str, **request: Any) -> Any:
        if operation == "describe_stream":
            shards = [
                {"ShardId": name, **({"ParentShardId": parent} if parent else {})}
                for name, (parent, _) in self.shards.items()
            ]
            return {"StreamDescription": {"Shards": shards}}
        if operation == "get_shard_iterator":
            name = request["ShardId"]
            is_latest = request["ShardIteratorType"] == "LATEST"
            return {"ShardIterator": f"{name}:{len(self.shards[name][1]) if is_latest else 0}"}
        name, _, place = request["ShardIterator"].partition(":")
        if name in self.lost:
            self.lost.remove(name)
            raise refused("ExpiredIteratorException")
        # One record a time, so that a shard takes several reads.
        records = self.shards[name][1][int(place) : int(place) + 1]
        ended = int(place) + len(records) == len(self.shards[name][1]) and name not in self.open
        following = None if ended else f"{name}:{int(place) + len(records)}"
        return {"Records": [self._record(sk) for sk in records], "NextShardIterator": following}

    def _record(self, sk: str) -> dict[str, Any]:
        created = datetime.now(UTC) - timedelta(hours=sk.startswith("old"))
        changed = {"Keys": {"sk": {"S": sk}}, "SequenceNumber": sk, "ApproximateCreationDateTime": created}
        return {"eventName": "INSERT", "dynamodb": changed}


async def test_shards_are_read_after_those_that_they_follow() -> None:
    shards = {"c": ("b", ["5"]), "b": ("a", ["3", "4"]), "a": (None, ["1", "2"]), "d": ("gone", ["x"])}
    follower = StreamFollower(Streams(shards, {"c"}), [STREAM], 0.01)
    await follower.begin("TRIM_HORIZON")
    seen = await take(follower, 6)
    assert [key for key in seen if key != "x"] == ["1", "2", "3", "4", "5"]


async def test_the_followers_of_a_shard_that_closes_are_read_at_once() -> None:
    streams = Streams({"a": (None, ["old"])}, {"a"})
    follower = StreamFollower(streams, [STREAM], 0.01)
    await follower.begin()
    streams.shards["a"][1].append("1")
    streams.shards["b"] = ("a", ["2"])
    streams.open = {"b"}
    assert await take(follower, 2) == ["1", "2"]


async def test_a_place_at_the_end_that_is_lost_brings_nothing_from_before() -> None:
    streams = Streams({"a": (None, ["old", "older"])}, {"a"})
    follower = StreamFollower(streams, [STREAM], 0.01)
    await follower.begin()
    streams.lost.append("a")
    streams.shards["a"][1].append("1")
    assert await take(follower, 1) == ["1"]
