"""What a request costs in an application of five routes and in one of five hundred."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from time import process_time
from typing import Annotated, Any

from benchmarks.figure import Figure, at_most, grown
from benchmarks.http import request_of
from cqrs_nest.common import Controller, Delete, Get, Module, Param, Post
from cqrs_nest.core import Container
from cqrs_nest.http import HttpApplication

ROUTES = (5, 50, 500)
OF_CONTROLLER = 5
CALLS = 1000


def controller(number: int) -> type[Any]:
    """Five routes below a path of their own."""

    @Controller(f"cats{number}")
    class Cats:
        @Get()
        async def all(self) -> dict[str, Any]:
            return {"name": "Tom"}

        @Get("newest")
        async def newest(self) -> dict[str, Any]:
            return {"name": "Tom"}

        @Get(":id")
        async def find(self, cat_id: Annotated[str, Param("id")]) -> dict[str, Any]:
            return {"id": cat_id, "name": "Tom"}

        @Post(":id/toys")
        async def give(self, cat_id: Annotated[str, Param("id")]) -> dict[str, Any]:
            return {"id": cat_id, "name": "Tom"}

        @Delete(":id")
        async def give_away(self, cat_id: Annotated[str, Param("id")]) -> dict[str, Any]:
            return {"id": cat_id, "name": "Tom"}

    return Cats


async def application(routes: int) -> HttpApplication:
    """One with so many routes."""

    class Root: ...

    controllers = [controller(number) for number in range(routes // OF_CONTROLLER)]
    return HttpApplication(await Container.create(Module(controllers=controllers)(Root)))


def requests(app: HttpApplication, routes: int) -> dict[str, Sequence[Callable[[], Awaitable[None]]]]:
    """What is asked for: of the first controller, of one in the middle and of the last."""
    last = routes // OF_CONTROLLER - 1
    paths = [f"/cats{number}" for number in (0, last // 2, last)]
    return {
        "static path": [request_of(app, "GET", f"{path}/newest") for path in paths],
        ":name": [request_of(app, "GET", f"{path}/7") for path in paths],
        ":name, declared last": [request_of(app, "DELETE", f"{path}/7") for path in paths],
        "404, nothing of the path": [request_of(app, "GET", "/dogs/7", status=404)],
        "404, all but the end": [request_of(app, "POST", f"{path}/7/tricks", status=404) for path in paths],
    }


async def measure_routes(rounds: int) -> list[Figure]:
    """Each kind of request at each size; of those that ask for several routes, the dearest one."""
    kinds = {size: requests(await application(size), size) for size in ROUTES}
    samples: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds + 1):
        for name in kinds[ROUTES[0]]:
            for size in ROUTES:
                samples[name][size].append(max([await cpu(run) for run in kinds[size][name]]))
    return [grown(name, "us", found, "routes", at_most(1.2)) for name, found in samples.items()]


async def cpu(run: Callable[[], Awaitable[None]]) -> float:
    """Microseconds of a request."""
    started = process_time()
    for _ in range(CALLS):
        await run()
    return (process_time() - started) / CALLS * 1e6
