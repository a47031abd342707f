"""How long it takes from a publish to the projected row, on embedded AWS with its pollers.

    python -m benchmarks pipeline

Each command is published when the one before is projected, so that no figure holds a queue. `publish` is
the answer of `publish_async`, `projected` the moment at which the handler has the command, `strong` the
answer of a publish with `consistency="strong"`. Runs of both kinds are interleaved.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from benchmarks.figure import Figure, at_most
from cqrs_nest.commands import CommandModel, CommandService, CommandTableRegistry
from cqrs_nest.common import Module
from cqrs_nest.cqrs import CqrsModule, DataSyncHandler
from cqrs_nest.local import LocalRuntime, listen


@DataSyncHandler("todo")
class Projection:
    """Says when it has a command."""

    def __init__(self) -> None:
        self.arrived: dict[str, asyncio.Future[float]] = {}

    def expect(self, name: str) -> asyncio.Future[float]:
        """When the command of a name arrives."""
        return self.arrived.setdefault(name, asyncio.get_running_loop().create_future())

    async def up(self, command: CommandModel) -> None:
        """Take a command over."""
        arrival = self.expect(command.name)
        if not arrival.done():
            arrival.set_result(time.perf_counter())

    async def down(self, command: CommandModel) -> None: ...


@Module(imports=[CqrsModule.register(table_name="todo")], providers=[Projection])
class Root: ...


async def latencies(count: int) -> dict[str, list[float]]:
    """Milliseconds of each kind."""
    figures: dict[str, list[float]] = {"publish": [], "projected": [], "strong": []}
    with listen("127.0.0.1", 0) as listener:
        variables = {"APP_NAME": "bench", "LOG_LEVEL": "error"}
        async with LocalRuntime.start(Root, listener=listener, variables=variables) as runtime:
            table = runtime.app.get(CommandTableRegistry).tables[0]
            commands, projection = table.get(CommandService), runtime.app.get(Projection)
            for number in range(-5, count):
                name = f"todo {number}"
                row: dict[str, Any] = {"pk": "TODO#acme", "sk": name, "id": f"TODO#acme#{name}", "name": name}
                arrival = projection.expect(name)
                began = time.perf_counter()
                await commands.publish_async(row)
                answered, projected = time.perf_counter(), await arrival
                again = time.perf_counter()
                await commands.publish_async({**row, "sk": f"{name} strong"}, consistency="strong")
                strong = time.perf_counter()
                if number >= 0:
                    figures["publish"].append((answered - began) * 1000)
                    figures["projected"].append((projected - began) * 1000)
                    figures["strong"].append((strong - again) * 1000)
            await runtime.drain()
    return figures


def measure(count: int = 100) -> list[Figure]:
    """Medians and 95th percentiles of the latencies."""
    goals = {"projected": at_most(100)}
    figures: list[Figure] = []
    names = {"strong": 'publish, consistency="strong"'}
    for kind, values in asyncio.run(latencies(count)).items():
        name = names.get(kind, kind)
        figures.append(Figure(f"{name}: median", "ms", statistics.median(values), goal=goals.get(kind)))
        figures.append(Figure(f"{name}: 95th percentile", "ms", statistics.quantiles(values, n=20)[-1]))
    return figures
