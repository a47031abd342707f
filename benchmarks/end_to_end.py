"""CPU of a publish beside its calls of AWS, which answer at once: what the framework itself costs.

python -m benchmarks end_to_end
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from statistics import median
from time import process_time
from typing import Any

from benchmarks.figure import Figure, at_most
from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsSession
from cqrs_nest.commands import CommandService, CommandTableRegistry
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import Module, provide
from cqrs_nest.config import Environment
from cqrs_nest.core import Overrides
from cqrs_nest.cqrs import CqrsModule

CALLS = 500
ANSWERS: dict[str, dict[str, Any]] = {
    "query": {"Items": []},
    "publish": {"MessageId": "1"},
    "update_item": {"Attributes": {}},
}
ENVIRONMENT = Environment(
    node_env="prod",
    app_name="bench",
    log_level="fatal",
    check_tables=False,
    sns_topic_arn="arn:aws:sns:eu-west-1:1:main",
)


@Module(imports=[CqrsModule.register(table_name="todo")])
class Root: ...


class InstantAws(AwsSession):
    """Says yes to every call, in no time."""

    async def call(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        return ANSWERS.get(operation, {})


async def cpu(
    publish: Callable[[dict[str, Any]], Awaitable[object]], notes: PublishNotes, start: int
) -> float:
    """Microseconds of a publish, with what it leaves to be done in the background."""
    rows = [
        {
            "pk": "TODO#acme",
            "sk": f"{n:08}",
            "id": f"TODO#acme#{n:08}",
            "name": "milk",
            "attributes": {"n": n},
        }
        for n in range(start, start + CALLS)
    ]
    started = process_time()
    for row in rows:
        await publish(row)
    await notes.drain()
    return (process_time() - started) / CALLS * 1e6


async def measure_publishes(rounds: int) -> list[Figure]:
    """Both kinds of publish, of new items."""
    overrides = Overrides()
    overrides.provider(AwsSession, provide(AwsSession, use_class=InstantAws))
    application = await CqrsNest.create(Root, env=ENVIRONMENT, overrides=overrides)
    table = application.get(CommandTableRegistry).tables[0]
    commands, notes = table.get(CommandService), table.get(PublishNotes)
    kinds = {"publish_async": commands.publish_async, "publish_sync": commands.publish_sync}
    samples: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds + 1):
        for name, publish in kinds.items():
            samples[name].append(await cpu(publish, notes, number * CALLS))
    await application.close()
    return [
        Figure(f"{name} beside its calls of AWS, CPU", "us", median(found[1:]), goal=at_most(150))
        for name, found in samples.items()
    ]


def measure(rounds: int = 7) -> list[Figure]:
    """What the framework adds to AWS."""
    return asyncio.run(measure_publishes(rounds))
