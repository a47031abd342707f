"""Middleware that modules apply: which requests it sees, in which order, and what it may do."""

from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from cqrs_nest.common import (
    REQUEST,
    Body,
    Controller,
    ExecutionContext,
    ForbiddenException,
    Get,
    Inject,
    MiddlewareConsumer,
    Module,
    Next,
    Post,
    RouteInfo,
)
from cqrs_nest.core import Container
from cqrs_nest.core.errors import UnresolvedDependencyError
from cqrs_nest.http import HttpApplication, HttpOptions

log: list[str] = []


@pytest.fixture(autouse=True)
def empty_log() -> None:
    log.clear()


def note(name: str) -> Callable[[Request, Next], Any]:
    async def use(request: Request, next: Next) -> None:
        log.append(name)
        await next()
        log.append(f"/{name}")

    return use


@Controller("cats")
class Cats:
    @Get()
    async def all(self) -> str:
        log.append("handler")
        return "cats"

    @Get(":id")
    async def one(self) -> str:
        return "cat"

    @Post()
    async def create(self, cat: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        return cat


@Controller("dogs")
class Dogs:
    @Get(":id")
    async def one(self) -> str:
        return "dog"


class NoteGuard:
    def can_activate(self, context: ExecutionContext) -> bool:
        log.append("guard")
        return True


async def serve(configure: Callable[[MiddlewareConsumer], Any], **options: Any) -> httpx.AsyncClient:
    @Module(controllers=[Cats, Dogs])
    class App:
        def configure(self, consumer: MiddlewareConsumer) -> None:
            configure(consumer)

    return await client_of(App, **options)


async def client_of(root: type, **options: Any) -> httpx.AsyncClient:
    application = HttpApplication(await Container.create(root), HttpOptions(**options))
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test")


@pytest.mark.parametrize(
    ("routes", "seen"),
    [
        (["cats"], ["GET /cats", "GET /Cats/5", "POST /cats", "GET /cats/5/none"]),
        (["cats/:id"], ["GET /Cats/5", "GET /cats/5/none"]),
        ([RouteInfo("cats", "GET")], ["GET /cats"]),
        ([RouteInfo("cats")], ["GET /cats", "POST /cats"]),
        (["*"], ["GET /cats", "GET /Cats/5", "POST /cats", "GET /dogs/5", "GET /", "GET /cats/5/none"]),
        ([Dogs], ["GET /dogs/5"]),
        ([Dogs, RouteInfo("cats", "POST")], ["POST /cats", "GET /dogs/5"]),
        ([], []),
    ],
)
async def test_which_requests_it_sees(routes: list[Any], seen: list[str]) -> None:
    client = await serve(lambda consumer: consumer.apply(note("seen")).for_routes(*routes))
    found: list[str] = []
    for each in ("GET /cats", "GET /Cats/5", "POST /cats", "GET /dogs/5", "GET /", "GET /cats/5/none"):
        log.clear()
        await client.request(*each.split(" "))
        if "seen" in log:
            found.append(each)
    assert found == seen


async def test_some_paths_are_left_out() -> None:
    client = await serve(
        lambda consumer: (
            consumer.apply(note("seen")).exclude("cats/5", RouteInfo("cats", "POST")).for_routes("cats")
        )
    )
    for method, path, is_seen in (
        ("GET", "/cats", True),
        ("POST", "/cats", False),
        ("GET", "/cats/5", False),
        ("GET", "/cats/6", True),
    ):
        log.clear()
        await client.request(method, path)
        assert ("seen" in log) == is_seen, (method, path)


async def test_it_sees_the_path_with_the_global_prefix() -> None:
    client = await serve(
        lambda consumer: consumer.apply(note("seen")).for_routes("cats", Dogs),
        global_prefix="api",
        prefix_excludes=["dogs/:id"],
    )
    for path, is_seen in (("/api/cats", True), ("/cats", False), ("/dogs/1", True), ("/api/dogs/1", False)):
        log.clear()
        await client.get(path)
        assert ("seen" in log) == is_seen, path


async def test_the_root_module_comes_first_and_all_before_guards() -> None:
    @Module()
    class Feature:
        def configure(self, consumer: MiddlewareConsumer) -> None:
            consumer.apply(note("feature")).for_routes("cats")

    @Module(imports=[Feature], controllers=[Cats])
    class App:
        def configure(self, consumer: MiddlewareConsumer) -> None:
            consumer.apply(note("one"), note("two")).for_routes("cats")
            consumer.apply(note("three")).for_routes("*")

    client = await client_of(App, guards=[NoteGuard()])
    assert (await client.get("/cats")).text == "cats"
    names = ["one", "two", "three", "feature"]
    assert log == [*names, "guard", "handler", *(f"/{name}" for name in reversed(names))]


async def test_it_may_answer_itself_or_refuse() -> None:
    async def answer(request: Request, next: Next) -> Response | None:
        if "cached" in request.query_params:
            return PlainTextResponse("cached")
        if "refused" in request.query_params:
            raise ForbiddenException("not you")
        request.state.seen = True
        return await next()

    client = await serve(lambda consumer: consumer.apply(answer).for_routes("cats"))
    assert (await client.get("/cats")).text == "cats"
    assert (await client.get("/cats?cached=1")).text == "cached"
    refused = await client.get("/cats?refused=1")
    assert (refused.status_code, refused.json()["message"]) == (403, "not you")


async def test_a_body_that_it_read_is_there_for_the_handler() -> None:
    async def read(request: Request, next: Next) -> None:
        log.append((await request.body()).decode())
        await next()

    client = await serve(lambda consumer: consumer.apply(read).for_routes("cats"), body_limit=100)
    assert (
        await client.post("/cats", content=b'{"a": 1}', headers={"content-type": "application/json"})
    ).json()
    assert log == ['{"a": 1}']
    assert (await client.post("/cats", content=b"x" * 101)).status_code == 413


class Counter:
    def __init__(self) -> None:
        self.count = 0


class CountMiddleware:
    made = 0

    def __init__(self, counter: Counter) -> None:
        CountMiddleware.made += 1
        self.counter = counter

    async def use(self, request: Request, next: Next) -> None:
        self.counter.count += 1
        await next()


class PathMiddleware:
    def __init__(self, request: Annotated[Any, Inject(REQUEST)]) -> None:
        self.request = request

    async def use(self, request: Request, next: Next) -> None:
        log.append(self.request.url.path)
        await next()


async def test_its_dependencies_come_from_its_module() -> None:
    @Module(controllers=[Cats], providers=[Counter])
    class App:
        def __init__(self, counter: Counter) -> None:
            self.counter = counter

        def configure(self, consumer: MiddlewareConsumer) -> None:
            consumer.apply(CountMiddleware, PathMiddleware).for_routes("cats")

    container = await Container.create(App)
    transport = httpx.ASGITransport(HttpApplication(container))
    client = httpx.AsyncClient(transport=transport, base_url="http://test")
    for path in ("/cats", "/cats/1"):
        await client.get(path)
    assert (container.get(Counter).count, CountMiddleware.made) == (2, 1)
    assert [each for each in log if each[0] == "/"] == ["/cats", "/cats/1"]


async def test_a_missing_dependency_is_found_at_start() -> None:
    with pytest.raises(UnresolvedDependencyError, match="CountMiddleware"):
        await serve(lambda consumer: consumer.apply(CountMiddleware).for_routes("cats"))
