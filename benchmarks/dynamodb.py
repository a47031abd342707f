"""CPU of a call of DynamoDB: the aiohttp client beside boto3 in threads, on a stub in another process.

python -m benchmarks dynamodb

Throughput is operations in a second of the caller's CPU, which is what one busy core gives.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from time import process_time
from typing import Any, Literal

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from benchmarks.figure import Figure, at_least, at_most, beside
from benchmarks.separate import separate
from cqrs_nest.aws import AwsSession
from cqrs_nest.aws.dynamodb import DynamoDbClient, deserialize_item, serialize_item
from cqrs_nest.aws.module import dynamodb_client
from cqrs_nest.config import Environment

KEYS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
ITEM: dict[str, Any] = {
    "pk": "TODO#acme",
    "sk": "01J@1",
    "version": 1,
    "isDeleted": False,
    **{f"text{number}": "some text" * number for number in range(1, 14)},
    **{f"number{number}": number for number in range(10)},
    "tags": ["a", "b"],
    "attributes": {"done": True, "note": None},
}
CALLS = 256


def clients(url: str) -> list[DynamoDbClient]:
    """Ours and boto3's, on the same endpoint."""
    kinds: tuple[Literal["aiohttp", "boto3"], ...] = ("aiohttp", "boto3")
    environments = [
        Environment(
            node_env="local",
            app_name="bench",
            dynamodb_endpoint=url,
            dynamodb_region="eu-west-1",
            dynamodb_client=kind,
        )
        for kind in kinds
    ]
    return [dynamodb_client(AwsSession(environment), environment) for environment in environments]


async def cpu(call: Callable[[], Awaitable[Any]], concurrent: int) -> float:
    """Microseconds of this process for each of many calls, so many of them at a time."""

    async def one_after_the_other() -> None:
        for _ in range(CALLS // concurrent):
            await call()

    started = process_time()
    await asyncio.gather(*(one_after_the_other() for _ in range(concurrent)))
    return (process_time() - started) / CALLS * 1e6


async def measure_calls(rounds: int) -> list[Figure]:
    """Puts one after the other, and gets 32 at a time."""
    with separate("benchmarks.stub_aws") as url:
        ours, boto3 = clients(url)
        item, key = serialize_item(ITEM), serialize_item({"pk": "a", "sk": "b"})
        puts: list[tuple[float, float]] = []
        gets: list[tuple[float, float]] = []
        for _ in range(rounds + 1):
            puts.append((await put(ours, item), await put(boto3, item)))
            gets.append((await get(ours, key), await get(boto3, key)))
        await ours.on_application_shutdown()  # type: ignore[attr-defined]
    rates = [(1e6 / one, 1e6 / other) for one, other in gets]
    return [
        beside("put by aiohttp, CPU", "us", puts, "boto3", at_most(0.3)),
        beside("gets, 32 concurrent, by aiohttp", "/s of CPU", rates, "boto3", at_least(4)),
    ]


async def put(client: DynamoDbClient, item: Any) -> float:
    return await cpu(lambda: client.put_item(TableName="items", Item=item), 1)


async def get(client: DynamoDbClient, key: Any) -> float:
    return await cpu(lambda: client.get_item(TableName="items", Key=key), 32)


def measure_items(rounds: int) -> list[Figure]:
    """An item of 28 attributes to DynamoDB's JSON and back, beside boto3's converters."""
    serializer, deserializer = TypeSerializer(), TypeDeserializer()
    stored = serialize_item(ITEM)
    written: list[tuple[float, float]] = []
    read: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        written.append((time(lambda: serialize_item(ITEM)), time(lambda: serializer.serialize(ITEM))))
        read.append(
            (time(lambda: deserialize_item(stored)), time(lambda: deserializer.deserialize({"M": stored})))
        )
    return [
        beside("item of 28 attributes written", "us", written, "boto3", at_most(0.3)),
        beside("item of 28 attributes read", "us", read, "boto3", at_most(0.4)),
    ]


def time(call: Callable[[], object]) -> float:
    started = process_time()
    for _ in range(200):
        call()
    return (process_time() - started) / 200 * 1e6


def measure(rounds: int = 9) -> list[Figure]:
    """Calls, and what turns their items into JSON."""
    os.environ |= KEYS
    return [*asyncio.run(measure_calls(rounds)), *measure_items(rounds)]
