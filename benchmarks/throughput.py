"""Publishes in a second on the embedded emulator, beside the same calls of AWS by hand.

    python -m benchmarks throughput

The emulator is a process of its own and the slowest part: operations per second on the clock say whether the
framework keeps it busy, and the CPU of this process what it costs to do so. By hand the requests are made
before the clock runs; boto3 sends those of one publish one after the other in one thread, and the note that
the messages are sent in the background, as ours does.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from itertools import count, product
from time import perf_counter, process_time
from typing import Any, Literal, Protocol

import boto3
from botocore.config import Config

from benchmarks.figure import Figure, at_least, beside
from benchmarks.instant_aws import Call, instant_aws
from benchmarks.publishing import (
    KEYS,
    KINDS,
    PREFIX,
    REGION,
    Publisher,
    Root,
    environment,
    new_row,
    recorded_calls,
)
from benchmarks.separate import separate
from cqrs_nest.app import CqrsNest

CLIENTS: tuple[Literal["boto3", "aiohttp"], ...] = ("boto3", "aiohttp")
PUBLISHES = {1: 12, 32: 48}
"""How many there are in a sample, by how many of them run at a time."""
BY_HAND = "boto3 by hand"
THREADS = 32
RECORDED = 99_999_999
"""The number of the item in the requests from which those by hand are made."""
numbers = count()

Publish = Callable[[], Awaitable[object]]


class Side(Protocol):
    """One that publishes: a service, or what is written by hand."""

    def publishes(self, kind: str, count: int) -> list[Publish]:
        """Publishes of new items, ready to run."""
        ...

    async def drain(self) -> None:
        """Wait for what they leave to be done in the background."""
        ...


class Service:
    """The framework, with one of its clients of DynamoDB."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher, self.drain = publisher, publisher.drain

    def publishes(self, kind: str, count: int) -> list[Publish]:
        return [partial(self._publisher.publish, kind, new_row(next(numbers))) for _ in range(count)]


class ByHand:
    """The calls of AWS that a publish makes, and nothing else."""

    def __init__(self, clients: dict[str, Any], calls: dict[str, list[Call]]) -> None:
        self._clients, self._calls = clients, calls
        self._threads = ThreadPoolExecutor(THREADS)
        self._notes: list[Future[None]] = []

    def publishes(self, kind: str, count: int) -> list[Publish]:
        return [partial(self._publish, self._requests(kind, next(numbers))) for _ in range(count)]

    async def drain(self) -> None:
        for note in self._notes:
            await asyncio.wrap_future(note)
        self._notes.clear()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _requests(self, kind: str, number: int) -> list[Call]:
        """The recorded ones, for another item."""
        return [
            Call(call.service, call.operation, json.loads(_renumbered(json.dumps(call.request), number)))
            for call in self._calls[kind]
        ]

    async def _publish(self, calls: list[Call]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, self._send, calls[:-1])
        self._notes.append(self._threads.submit(self._send, calls[-1:]))

    def _send(self, calls: list[Call]) -> None:
        for call in calls:
            getattr(self._clients[call.service], call.operation)(**call.request)


def _renumbered(text: str, number: int) -> str:
    return text.replace(f"{RECORDED}", f"{number:08}")


def boto3_clients(url: str) -> dict[str, Any]:
    """Those that are used by hand."""
    session, config = boto3.Session(), Config(max_pool_connections=THREADS)
    create: Any = session.client
    return {
        name: create(name, region_name=REGION, endpoint_url=url, config=config)
        for name in ("dynamodb", "sns")
    }


def create_resources(clients: dict[str, Any]) -> None:
    """The three tables, and the topic."""
    clients["sns"].create_topic(Name="main")
    keys = {"pk": "HASH", "sk": "RANGE"}
    for table in ("command", "data", "history"):
        clients["dynamodb"].create_table(
            TableName=f"{PREFIX}-{table}",
            KeySchema=[{"AttributeName": name, "KeyType": type} for name, type in keys.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
        )


async def recorded_publishes() -> dict[str, list[Call]]:
    """The calls of each kind of publish."""
    application = await CqrsNest.create(Root, env=environment(), overrides=instant_aws())
    publisher, row = Publisher(application), new_row(RECORDED)
    calls = {kind: await recorded_calls(application, partial(publisher.publish, kind, row)) for kind in KINDS}
    await application.close()
    return calls


async def sample(side: Side, kind: str, concurrent: int) -> tuple[float, float]:
    """Publishes in a second on the clock, and microseconds of this process for each."""
    total = PUBLISHES[concurrent]
    ready = iter(side.publishes(kind, total))

    async def one_after_the_other() -> None:
        for publish in ready:
            await publish()

    clock, cpu = perf_counter(), process_time()
    await asyncio.gather(*(one_after_the_other() for _ in range(concurrent)))
    await side.drain()
    return total / (perf_counter() - clock), (process_time() - cpu) / total * 1e6


async def measure_publishes(rounds: int) -> list[Figure]:
    """Both kinds of publish, by both clients, one after the other and 32 at a time."""
    cases = list(product(KINDS, PUBLISHES))
    async with AsyncExitStack() as running:
        url = running.enter_context(separate("benchmarks.emulator"))
        clients = boto3_clients(url)
        create_resources(clients)
        by_hand = ByHand(clients, await recorded_publishes())
        running.callback(by_hand.close)
        sides: dict[str, Side] = {BY_HAND: by_hand}
        for client in CLIENTS:
            settings = environment(dynamodb_endpoint=url, sns_endpoint=url, dynamodb_client=client)
            application = await CqrsNest.create(Root, env=settings)
            running.push_async_callback(application.close)
            sides[client] = Service(Publisher(application))
        samples: dict[tuple[str, int, str], list[tuple[float, float]]] = {
            (*case, name): [] for case in cases for name in sides
        }
        for _ in range(rounds + 1):
            for (kind, concurrent, name), found in samples.items():
                found.append(await sample(sides[name], kind, concurrent))
    return [figure for case in cases for client in CLIENTS for figure in compared(*case, client, samples)]


def compared(
    kind: str, concurrent: int, client: str, samples: dict[tuple[str, int, str], list[tuple[float, float]]]
) -> Iterator[Figure]:
    """Rate and CPU of a service beside the calls by hand."""
    pairs = list(zip(samples[kind, concurrent, client], samples[kind, concurrent, BY_HAND], strict=True))
    rates, costs = ([(ours[i], theirs[i]) for ours, theirs in pairs] for i in (0, 1))
    what = f"{kind} by {client}, {concurrent} at a time"
    yield beside(what, "/s", rates, BY_HAND, at_least(0.9) if concurrent > 1 else None)
    yield beside(f"{what}, CPU", "us", costs, BY_HAND)


def measure(rounds: int = 5) -> list[Figure]:
    """Publishes in a second, and their CPU."""
    os.environ |= KEYS
    return asyncio.run(measure_publishes(rounds))
