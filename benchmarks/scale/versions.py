"""What a command costs on an item that has had one version, and on one that has had a million."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from time import process_time
from typing import Any

from benchmarks.figure import Figure, at_most, grown
from benchmarks.publishing import Root, environment
from benchmarks.scale.versioned_items import VersionedItems
from cqrs_nest.app import CqrsNest, NestApplication
from cqrs_nest.aws import AwsSession
from cqrs_nest.commands import CommandService, CommandTableRegistry, DataService, RegisteredTable
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common import provide
from cqrs_nest.core import Overrides
from cqrs_nest.pipeline.stream_driver import StreamDriver

VERSIONS = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
DIGITS_CHANGE = 99_995
"""The next versions have more digits and sort before it: a second Query looks for them, beside the first."""
CALLS = 100
PK, SK = "TODO#acme", "A1"
ITEM: dict[str, Any] = {
    "pk": PK,
    "sk": SK,
    "id": f"{PK}#{SK}",
    "code": SK,
    "type": "TODO",
    "tenantCode": "acme",
    "name": "milk",
    "attributes": {"tags": ["a", "b"], "done": False, "priority": 3},
}

Step = Callable[[int], Awaitable[object]]
"""Something that is done with the item at a version."""


async def steps_of(application: NestApplication, table: RegisteredTable) -> dict[str, Step]:
    """What is measured. Its first rows are written here, so that the tables know what rows look like."""
    commands, data, driver = table.get(CommandService), table.get(DataService), application.get(StreamDriver)
    await commands.publish_sync(ITEM)
    published = await commands.publish_async(ITEM)
    assert published is not None
    written = published.to_row()

    async def apply(version: int) -> None:
        row = {**written, "version": version + 1, "sk": f"{SK}@{version + 1}"}
        await driver.apply(table, row, "1")

    return {
        "publish_async": lambda version: commands.publish_async({**ITEM, "version": -1, "name": "tea"}),
        "publish_sync": lambda version: commands.publish_sync({**ITEM, "version": version, "name": "tea"}),
        "application of a command": apply,
        "get_latest_item": lambda version: commands.get_latest_item(pk=PK, sk=SK),
        "get_item": lambda version: data.get_item(pk=PK, sk=SK),
    }


async def measure_versions(rounds: int) -> list[Figure]:
    """CPU beside AWS, and the number of calls, of everything that is done with one item."""
    overrides = Overrides()
    overrides.provider(AwsSession, provide(AwsSession, use_class=VersionedItems))
    application = await CqrsNest.create(Root, env=environment(), overrides=overrides)
    items = application.get(AwsSession)
    assert isinstance(items, VersionedItems)
    table = application.get(CommandTableRegistry).tables[0]
    steps, notes = await steps_of(application, table), table.get(PublishNotes)
    cpu: dict[str, dict[int, list[float]]] = {name: defaultdict(list) for name in steps}
    calls: dict[str, dict[int, float]] = {name: {} for name in steps}
    for _ in range(rounds + 1):
        for version in (*VERSIONS, DIGITS_CHANGE):
            items.version = version
            for name, step in steps.items():
                before, started = items.calls, process_time()
                for _ in range(CALLS):
                    await step(version)
                await notes.drain()
                cpu[name][version].append((process_time() - started) / CALLS * 1e6)
                calls[name][version] = (items.calls - before) / CALLS
    await application.close()
    return figures(cpu, calls)


def figures(
    cpu: Mapping[str, Mapping[int, list[float]]], calls: Mapping[str, Mapping[int, float]]
) -> list[Figure]:
    """The growth of each step, and of two where the number of digits changes."""
    found: list[Figure] = []
    for name in cpu:
        found.append(_growth(name, cpu[name], VERSIONS, 1.2))
        first, most = calls[name][1], max(calls[name][version] for version in VERSIONS)
        found.append(Figure(f"{name}, calls of AWS", "", most, "at 1", first, most / first, at_most(1)))
    for name, goal in (("publish_async", 1.4), ("get_latest_item", 1.7)):
        growth = _growth(f"{name}, digits change", cpu[name], (1, DIGITS_CHANGE), goal)
        found.append(replace(growth, curve=()))
    return found


def _growth(name: str, cpu: Mapping[int, list[float]], versions: Sequence[int], goal: float) -> Figure:
    return grown(name, "us", {version: cpu[version] for version in versions}, "versions", at_most(goal))
