"""What a command costs among ten handlers and among ten thousand, and what a handler costs at start."""

from __future__ import annotations

import gc
from collections import defaultdict
from time import process_time
from typing import Any

from benchmarks.buses import handler_class
from benchmarks.figure import Figure, at_most, grown
from cqrs_nest.buses import BusExplorer, CommandBus, EventBus, QueryBus, UnhandledExceptionBus
from cqrs_nest.buses.messages import COMMAND_HANDLER
from cqrs_nest.common import DynamicModule
from cqrs_nest.common.metadata import own_metadata
from cqrs_nest.core import Container

HANDLERS = (10, 100, 1000, 10_000)
SENT = 10
"""Different commands that are sent in turn, at every size as many."""
CALLS = 20_000
STARTS = 4
BUSES = [BusExplorer, CommandBus, EventBus, QueryBus, UnhandledExceptionBus]


async def started(classes: list[type[Any]]) -> tuple[CommandBus, float]:
    """The bus of an application with these handlers, and the microseconds that each of them took."""

    class Root: ...

    # What is there already is no garbage of this start.
    gc.collect()
    gc.freeze()
    began = process_time()
    container = await Container.create(DynamicModule(Root, providers=[*BUSES, *classes]))
    container.get(BusExplorer).start()
    taken = process_time() - began
    gc.unfreeze()
    return container.get(CommandBus), taken / len(classes) * 1e6


async def cpu_of_commands(bus: CommandBus, commands: list[Any]) -> float:
    """Nanoseconds to send one."""
    began = process_time()
    for _ in range(CALLS // len(commands)):
        for command in commands:
            await bus.execute(command)
    return (process_time() - began) / CALLS * 1e9


async def measure_handlers(rounds: int) -> list[Figure]:
    """Both, at each size."""
    classes = [handler_class() for _ in range(HANDLERS[-1])]
    starts: dict[int, list[float]] = defaultdict(list)
    sends: dict[int, list[float]] = defaultdict(list)
    buses: dict[int, CommandBus] = {}
    for _ in range(STARTS):
        for size in HANDLERS[1:]:
            buses[size], taken = await started(classes[:size])
            starts[size].append(taken)
    buses[HANDLERS[0]], _ = await started(classes[: HANDLERS[0]])
    for _ in range(rounds + 1):
        for size in HANDLERS:
            chosen = classes[: size : size // SENT]
            commands = [own_metadata(each)[COMMAND_HANDLER]() for each in chosen]
            sends[size].append(await cpu_of_commands(buses[size], commands))
    return [
        grown("bus.execute", "ns", sends, "handlers", at_most(1.2)),
        grown("start, for each handler", "us", starts, "handlers", at_most(1.2)),
    ]
