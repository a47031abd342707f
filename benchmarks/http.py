"""CPU of one request in process, as a ratio to bare Starlette in the same interleaved run.

python -m benchmarks http
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import process_time
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from benchmarks.figure import Figure, at_most, beside
from cqrs_nest.common import (
    Body,
    CallHandler,
    Controller,
    ExecutionContext,
    Get,
    Module,
    Param,
    Post,
    UseGuards,
    UseInterceptors,
)
from cqrs_nest.core import Container
from cqrs_nest.http import HttpApplication

REQUESTS = 2000
BODY = b'{"name":"Tom","age":3,"email":"tom@example.com","tags":["a","b"],"weight":4.5,"chipped":true}'


class CreateCat(BaseModel):
    name: str = Field(min_length=1, max_length=50)
    age: int = Field(ge=0, le=40)
    email: str = Field(pattern=r"^[^@]+@[^@]+$")
    tags: list[str]
    weight: float = Field(gt=0)
    chipped: bool


class Store:
    def find(self, cat_id: str) -> dict[str, Any]:
        return {"id": cat_id, "name": "Tom"}


class Cats:
    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, cat_id: str) -> dict[str, Any]:
        return self._store.find(cat_id)


class CatService:
    def __init__(self, cats: Cats) -> None:
        self._cats = cats

    def find(self, cat_id: str) -> dict[str, Any]:
        return self._cats.find(cat_id)


class Guard:
    async def can_activate(self, context: ExecutionContext) -> bool:
        return True


class Interceptor:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return await next.handle()


@Controller("cats")
class CatController:
    @Get(":id")
    async def find(self, cat_id: Annotated[str, Param("id")]) -> dict[str, Any]:
        return {"id": cat_id, "name": "Tom"}

    @Post()
    async def create(self, cat: Annotated[CreateCat, Body()]) -> dict[str, Any]:
        return {"id": "1", "name": cat.name}


@Controller("guarded")
class GuardedController:
    def __init__(self, service: CatService) -> None:
        self._service = service

    @Get(":id")
    @UseGuards(Guard)
    @UseInterceptors(Interceptor)
    async def find(self, cat_id: Annotated[str, Param("id")]) -> dict[str, Any]:
        return self._service.find(cat_id)


@Module(controllers=[CatController, GuardedController], providers=[Store, Cats, CatService])
class CatModule: ...


async def find(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"], "name": "Tom"})


async def create(request: Request) -> JSONResponse:
    cat = CreateCat.model_validate_json(await request.body())
    return JSONResponse({"id": "1", "name": cat.name}, status_code=201)


def bare_starlette() -> ASGIApp:
    return Starlette(routes=[Route("/cats/{id}", find), Route("/cats", create, methods=["POST"])])


def scope_of(
    method: str,
    path: str,
    headers: Sequence[tuple[bytes, bytes]],
    query: str = "",
    address: str = "127.0.0.1",
) -> dict[str, Any]:
    """A request as a server describes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": (address, 1),
        "server": ("127.0.0.1", 2),
    }


def request_of(
    app: ASGIApp,
    method: str,
    path: str,
    body: bytes = b"",
    status: int | None = None,
    more_headers: Iterable[tuple[bytes, bytes]] = (),
) -> Callable[[], Awaitable[None]]:
    """One request as a server makes it, checked for its status: 200 or 201 unless it is another."""
    headers = [(b"host", b"localhost"), (b"user-agent", b"benchmark"), (b"accept", b"*/*"), *more_headers]
    if body:
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    statuses: set[int] = set()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.add(message["status"])

    async def run() -> None:
        await app(scope_of(method, path, headers), receive, send)
        if statuses - ({200, 201} if status is None else {status}):
            raise AssertionError(f"{method} {path} answered {statuses}")

    return run


async def cpu_per_request(run: Callable[[], Awaitable[None]]) -> float:
    started = process_time()
    for _ in range(REQUESTS):
        await run()
    return (process_time() - started) / REQUESTS * 1e6


async def measure_requests(rounds: int) -> list[Figure]:
    """Each kind of request beside bare Starlette's."""
    ours = HttpApplication(await Container.create(CatModule))
    bare = bare_starlette()
    pairs = {
        "GET": (request_of(ours, "GET", "/cats/7"), request_of(bare, "GET", "/cats/7")),
        "POST, 6 validated fields": (
            request_of(ours, "POST", "/cats", BODY),
            request_of(bare, "POST", "/cats", BODY),
        ),
        "GET, guard, interceptor, 3 levels of DI": (
            request_of(ours, "GET", "/guarded/7"),
            request_of(bare, "GET", "/cats/7"),
        ),
    }
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in pairs}
    for _ in range(rounds + 1):
        for name, (our_run, bare_run) in pairs.items():
            measured[name].append((await cpu_per_request(our_run), await cpu_per_request(bare_run)))
    goals = dict(zip(pairs, (1.25, 1.3, 1.5), strict=True))
    return [
        beside(name, "us", samples, "Starlette", at_most(goals[name])) for name, samples in measured.items()
    ]


def measure(rounds: int = 15) -> list[Figure]:
    """CPU of a request in process."""
    return asyncio.run(measure_requests(rounds))
