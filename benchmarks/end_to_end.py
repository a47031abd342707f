"""CPU of a publish, and of a POST that publishes, beside their calls of AWS: what the framework itself costs.

    python -m benchmarks end_to_end

AWS answers in no time. With its calls, to a stub in another process, a POST stands beside the calls alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from itertools import count, repeat
from statistics import median
from time import process_time
from typing import Literal

from benchmarks.figure import Figure, at_most, beside
from benchmarks.instant_aws import Call, instant_aws
from benchmarks.posting import CatModule, post
from benchmarks.publishing import KEYS, KINDS, Publisher, Root, environment, new_row, recorded_calls
from benchmarks.separate import separate
from cqrs_nest.app import CqrsNest, NestApplication
from cqrs_nest.aws import AwsSession
from cqrs_nest.aws.dynamodb.client import DynamoDbClient

CLIENTS: tuple[Literal["boto3", "aiohttp"], ...] = ("aiohttp", "boto3")
CALLS = 500
CALLS_OF_STUB = 32

Run = Callable[[], Awaitable[object]]


async def cpu(runs: Iterable[Run], drain: Run) -> float:
    """Microseconds of each, with what it leaves to be done in the background."""
    ready = list(runs)
    started = process_time()
    for run in ready:
        await run()
    await drain()
    return (process_time() - started) / len(ready) * 1e6


async def measure_publishes(rounds: int) -> list[Figure]:
    """Both kinds of publish, of new items."""
    application = await CqrsNest.create(Root, env=environment(), overrides=instant_aws())
    publisher, numbers = Publisher(application), count()
    samples: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(rounds + 1):
        for kind, found in samples.items():
            rows = (new_row(next(numbers)) for _ in range(CALLS))
            publishes = [partial(publisher.publish, kind, row) for row in rows]
            found.append(await cpu(publishes, publisher.drain))
    await application.close()
    return [
        Figure(f"{kind} beside its calls of AWS, CPU", "us", median(found[1:]), goal=at_most(150))
        for kind, found in samples.items()
    ]


async def measure_posts(rounds: int) -> list[Figure]:
    """A POST that publishes, whole and without its command; then with its calls of AWS."""
    env = environment(node_env="local")
    application = await CqrsNest.create(CatModule, env=env, overrides=instant_aws())
    create, forget = post(application, "/cats"), post(application, "/cats/forgotten")
    drain = Publisher(application).drain
    pairs = [
        (await cpu(repeat(create, CALLS), drain), await cpu(repeat(forget, CALLS), drain))
        for _ in range(rounds + 1)
    ]
    calls = await recorded_calls(application, create)
    await application.close()
    command = median(whole - rest for whole, rest in pairs[1:])
    return [
        beside("POST beside its calls of AWS, CPU", "us", pairs, "without its command"),
        Figure("the command of a POST beside its calls of AWS, CPU", "us", command, goal=at_most(150)),
        *await measure_posts_to_stub(calls, rounds),
    ]


async def measure_posts_to_stub(calls: list[Call], rounds: int) -> list[Figure]:
    """A POST with its calls of AWS by HTTP, beside the calls alone by the same clients."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
    async with AsyncExitStack() as running:
        url = running.enter_context(separate("benchmarks.stub_aws"))
        sides: dict[str, NestApplication] = {}
        for client in CLIENTS:
            endpoints = {"dynamodb_endpoint": url, "sns_endpoint": url, "dynamodb_client": client}
            env = environment(node_env="local", **endpoints)
            sides[client] = await CqrsNest.create(CatModule, env=env)
            running.push_async_callback(sides[client].close)
        for _ in range(rounds + 1):
            for name, application in sides.items():
                drain, create = Publisher(application).drain, post(application, "/cats")
                alone = partial(send, application, calls)
                whole = await cpu(repeat(create, CALLS_OF_STUB), drain)
                samples[name].append((whole, await cpu(repeat(alone, CALLS_OF_STUB), drain)))
    return [
        beside(f"POST with its calls of AWS by {name}, CPU", "us", found, "the calls alone")
        for name, found in samples.items()
    ]


async def send(application: NestApplication, calls: list[Call]) -> None:
    """Make the calls of a POST as it makes them, but one after the other."""
    dynamodb, session = application.get(DynamoDbClient), application.get(AwsSession)
    for service, operation, request in calls:
        if service == "dynamodb":
            await getattr(dynamodb, operation)(**request)
        else:
            await session.call(service, operation, **request)


async def measure_all(rounds: int) -> list[Figure]:
    """Publishes, then POSTs."""
    return [*await measure_publishes(rounds), *await measure_posts(rounds)]


def measure(rounds: int = 7) -> list[Figure]:
    """What the framework adds to AWS."""
    os.environ |= KEYS
    return asyncio.run(measure_all(rounds))
