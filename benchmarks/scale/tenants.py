"""What a caller's requests cost where one tenant has been served, and where ten thousand have."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from itertools import cycle
from time import process_time

from benchmarks.figure import Figure, at_most, grown
from benchmarks.scale.sample_service import SampleService, sample_service, token_of

TENANTS = (1, 100, 10_000)
ROWS = 20
"""Of the read model, for each tenant."""
CALLS = 60
SK = f"{1:026}"


class Served:
    """A service that has served so many tenants, one after the other."""

    def __init__(self, service: SampleService, tenants: int) -> None:
        self._service = service
        self._callers = [(name, token_of("u1", name)) for name in map(tenant, range(tenants))]
        self._others = cycle(self._callers)

    async def serve(self) -> None:
        """Everybody comes once, and has rows in the read model."""
        keys = ((f"TODO#{name}", f"{number:026}") for name, _ in self._callers for number in range(ROWS))
        insert = "INSERT INTO todos (pk, sk, id, version, name, done) VALUES (?, ?, ?, 1, 'milk', 0)"
        with closing(sqlite3.connect(self._service.database.partition("///")[2])) as database:
            with database:
                database.executemany(insert, ((pk, sk, f"{pk}#{sk}") for pk, sk in keys))
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for name, token in self._callers:
            await self._publish(name, token)

    def kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The requests of one caller, and those of another tenant's caller each time."""
        name, token = self._callers[0]
        return {
            "POST": lambda: self._publish(name, token),
            "GET one": lambda: self._get(name, token),
            "GET all": lambda: self._list(name, token),
            "search in SQL": lambda: self._search(name, token),
            "POST, another tenant each time": lambda: self._publish(*next(self._others)),
        }

    async def cpu(self, run: Callable[[], Awaitable[None]]) -> tuple[float, float]:
        """Microseconds of a request, and its calls of AWS."""
        before, started = self._service.aws.calls, process_time()
        for _ in range(CALLS):
            await run()
        await self._service.settle()
        used = process_time() - started
        return used / CALLS * 1e6, (self._service.aws.calls - before) / CALLS

    async def _publish(self, name: str, token: str) -> None:
        assert await self._service.request("POST", "/api/todo", token, body={"name": "milk"}) == 201

    async def _get(self, name: str, token: str) -> None:
        assert await self._service.request("GET", f"/api/todo/TODO%23{name}/{SK}", token) == 200

    async def _list(self, name: str, token: str) -> None:
        assert await self._service.request("GET", "/api/todo", token) == 200

    async def _search(self, name: str, token: str) -> None:
        assert await self._service.request("GET", "/api/todo/search", token) == 200


def tenant(number: int) -> str:
    """Its name."""
    return f"tenant{number:05}"


async def measure_tenants(rounds: int) -> list[Figure]:
    """CPU of each kind of request, with its calls of AWS where caches of tenants may save some."""
    cpu: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    calls: dict[str, dict[int, float]] = defaultdict(dict)
    async with AsyncExitStack() as stack:
        services: dict[int, Served] = {}
        for tenants in TENANTS:
            services[tenants] = Served(await stack.enter_async_context(sample_service()), tenants)
            await services[tenants].serve()
        for _ in range(rounds + 1):
            for name in services[1].kinds():
                for tenants, service in services.items():
                    used, calls[name][tenants] = await service.cpu(service.kinds()[name])
                    cpu[name][tenants].append(used)
    figures = [grown(name, "us", found, "tenants", at_most(1.2)) for name, found in cpu.items()]
    for name, found in calls.items():
        first, most = found[1], max(found.values())
        if first:
            figures.append(
                Figure(f"{name}, calls of AWS", "", most, "with 1", first, most / first, at_most(1))
            )
    return figures
