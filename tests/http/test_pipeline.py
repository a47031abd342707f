"""The order of guards, interceptors, pipes, handler and filters, and who is asked at all."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cqrs_nest.common import (
    APP_FILTER,
    APP_PIPE,
    REQUEST,
    ArgumentsHost,
    Body,
    CallHandler,
    Catch,
    Controller,
    ExecutionContext,
    Get,
    Headers,
    Inject,
    Injectable,
    Module,
    NotFoundException,
    Param,
    Post,
    Query,
    UnauthorizedException,
    UseFilters,
    UseGuards,
    UseInterceptors,
    UsePipes,
    provide,
)
from cqrs_nest.common import (
    Scope as Lifetime,
)
from cqrs_nest.common.pipes import ArgumentMetadata
from cqrs_nest.core import current_request_scope
from cqrs_nest.http import Dto
from tests.http.noting import NoteFilter, NoteGuard, NoteInterceptor, log


@pytest.fixture(autouse=True)
def empty_log() -> None:
    log.clear()


class AsyncNo:
    async def can_activate(self, context: ExecutionContext) -> bool:
        return False


FORBIDDEN = {"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403}


@pytest.mark.parametrize(
    ("guard", "status", "body"),
    [
        (NoteGuard("g", False), 403, FORBIDDEN),
        (NoteGuard("g", None), 403, FORBIDDEN),
        (NoteGuard("g", 0), 403, FORBIDDEN),
        (AsyncNo(), 403, FORBIDDEN),
        (
            NoteGuard("g", UnauthorizedException("no token")),
            401,
            {"message": "no token", "error": "Unauthorized", "statusCode": 401},
        ),
        (NoteGuard("g", KeyError("x")), 500, {"statusCode": 500, "message": "Internal server error"}),
    ],
)
async def test_a_guard_refuses_before_anything_else(serve: Any, guard: Any, status: int, body: Any) -> None:
    class Model(Dto):
        name: str

    @Controller("g")
    @UseInterceptors(NoteInterceptor("controller"))
    class Guarded:
        @Post()
        @UseGuards(guard, NoteGuard("later"))
        async def post(self, body: Annotated[Model, Body()]) -> None:
            log.append("handler")

    async def unread() -> Any:
        log.append("body read")
        yield b"{"

    client = await serve(Guarded)
    response = await client.post("/g", content=unread(), headers={"content-type": "application/json"})

    assert (response.status_code, response.json()) == (status, body)
    assert set(log) <= {"guard:g"}


@pytest.mark.parametrize("result", [True, 1, "yes"])
async def test_a_guard_lets_pass_with_anything_true(serve: Any, result: Any) -> None:
    @Controller("g")
    class Guarded:
        @Get()
        @UseGuards(NoteGuard("g", result))
        async def get(self) -> str:
            return "passed"

    assert (await (await serve(Guarded)).get("/g")).text == "passed"


class Mapped:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return {"data": await next.handle()}


class Skip:
    def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return "cached"


class Passing:
    def intercept(self, context: ExecutionContext, next: CallHandler) -> Awaitable[Any]:
        return next.handle()


class Twice:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return [await next.handle(), await next.handle()]


@Controller("i")
class Intercepted:
    @Get("map")
    @UseInterceptors(Mapped)
    async def map(self) -> list[int]:
        return [1]

    @Get("nested")
    @UseInterceptors(Mapped(), Passing(), Mapped())
    async def nested(self) -> str:
        return "x"

    @Get("skip")
    @UseInterceptors(Skip)
    async def skip(self) -> None:
        log.append("handler")

    @Post("twice")
    @UseInterceptors(Twice)
    async def twice(self, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        log.append("handler")
        return body


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("map", 200, {"data": [1]}),
        ("nested", 200, {"data": {"data": "x"}}),
        ("skip", 200, "cached"),
    ],
)
async def test_interceptors(serve: Any, path: str, status: int, body: Any) -> None:
    response = await (await serve(Intercepted)).get(f"/i/{path}")
    assert response.status_code == status
    assert (response.text if isinstance(body, str) else response.json()) == body
    assert log == []


async def test_an_interceptor_may_run_the_handler_again(serve: Any) -> None:
    response = await (await serve(Intercepted)).post("/i/twice", json={"a": 1})
    assert response.json() == [{"a": 1}, {"a": 1}]
    assert log == ["handler", "handler"]


@Catch(NotFoundException)
class NotFoundAnswer(NoteFilter): ...


class AsyncAnswer:
    async def catch(self, exception: Exception, host: ArgumentsHost) -> Response:
        path = host.switch_to_http().get_request().url.path
        return JSONResponse({"async": path}, 497)


class Forgetful:
    def catch(self, exception: Exception, host: ArgumentsHost) -> None:
        return None


@Controller("f")
@UseFilters(NoteFilter("controller"))
class Filtered:
    @Get("other")
    @UseFilters(NotFoundAnswer("not found"))
    async def other(self) -> None:
        raise RuntimeError("x")

    @Get("matching")
    @UseFilters(NotFoundAnswer("not found"), NoteFilter("all"), NotFoundAnswer("last"))
    async def matching(self) -> None:
        raise NotFoundException

    @Get("async")
    @UseFilters(AsyncAnswer)
    async def asynchronous(self) -> None:
        raise RuntimeError

    @Get("forgetful")
    @UseFilters(Forgetful)
    async def forgetful(self) -> None:
        raise RuntimeError


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/f/other", "controller"),
        ("/f/matching", "last"),
        ("/unknown", "global"),
    ],
)
async def test_the_nearest_filter_that_is_for_the_exception_answers(serve: Any, path: str, by: str) -> None:
    filters = [provide(APP_FILTER, use_value=NoteFilter("app"))]
    client = await serve(Filtered, providers=filters, filters=[NoteFilter("global")])
    response = await client.get(path)
    assert (response.status_code, response.json()["by"]) == (499, by)


async def test_async_filters_and_one_that_forgets_to_answer(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await serve(Filtered)
    assert (await client.get("/f/async")).json() == {"async": "/f/async"}
    response = await client.get("/f/forgetful")
    assert response.json() == {"statusCode": 500, "message": "Internal server error"}
    assert "Forgetful.catch returned NoneType" in caplog.text


@Injectable(scope=Lifetime.REQUEST)
class Caller:
    built = 0

    def __init__(self, request: Annotated[Request, Inject(REQUEST)]) -> None:
        Caller.built += 1
        self.name = request.headers["x-caller"]


class Greeting:
    def __init__(self, caller: Caller) -> None:
        self.caller = caller


class CallerGuard:
    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    async def can_activate(self, context: ExecutionContext) -> bool:
        await asyncio.sleep(0)
        return self.caller.name == context.switch_to_http().get_request().headers["x-caller"]


@Catch(NotFoundException)
class CallerFilter:
    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def catch(self, exception: NotFoundException, host: ArgumentsHost) -> Response:
        return JSONResponse({"caller": self.caller.name}, 404)


@Controller("scoped")
class Scoped:
    def __init__(self, greeting: Greeting, caller: Caller) -> None:
        self.greeting, self.caller = greeting, caller

    @Get()
    @UseGuards(CallerGuard)
    async def get(self) -> list[Any]:
        await asyncio.sleep(0)
        scope = current_request_scope.get()
        assert scope is not None
        return [self.caller.name, self.greeting.caller is self.caller]

    @Get("missing")
    async def missing(self) -> None:
        raise NotFoundException


@Module(providers=[Caller, Greeting], exports=[Caller, Greeting])
class CallerModule: ...


async def test_requests_share_their_instances_within_and_nothing_between(serve: Any) -> None:
    filters = [provide(APP_FILTER, use_class=CallerFilter)]
    client = await serve(Scoped, imports=[CallerModule], providers=filters)
    Caller.built = 0

    async def ask(number: int) -> None:
        headers = {"x-caller": f"c{number}"}
        path = ("/scoped", "/scoped/missing", "/nowhere")[number % 3]
        body = (await client.get(path, headers=headers)).json()
        assert body == ([f"c{number}", True] if path == "/scoped" else {"caller": f"c{number}"})

    await asyncio.gather(*(ask(number) for number in range(90)))
    assert Caller.built == 90
    assert current_request_scope.get() is None


async def test_a_static_route_opens_no_request_scope(serve: Any) -> None:
    @Controller("static")
    class Static:
        @Get()
        async def get(self) -> bool:
            return current_request_scope.get() is None

    assert (await (await serve(Static)).get("/static")).text == "true"


async def test_many_requests_at_once_keep_apart(serve: Any) -> None:
    class Slow:
        async def can_activate(self, context: ExecutionContext) -> bool:
            await asyncio.sleep(0)
            return True

    class Tag:
        async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
            request = context.switch_to_http().get_request()
            await asyncio.sleep(0)
            return [request.query_params["q"], await next.handle()]

    @Controller("many")
    @UseGuards(Slow)
    @UseInterceptors(Tag)
    class Many:
        @Get(":id")
        async def get(self, number: Annotated[int, Param("id")], q: Annotated[int, Query("q")]) -> list[int]:
            await asyncio.sleep(0)
            return [number, q]

    client: httpx.AsyncClient = await serve(Many)

    async def ask(number: int) -> None:
        response = await client.get(f"/many/{number}?q={number}")
        assert response.json() == [str(number), [number, number]]

    await asyncio.gather(*(ask(number) for number in range(300)))


async def test_headers_pass_by_all_pipes_but_their_own(serve: Any) -> None:
    class Mark:
        def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
            return f"{value}!"

    @Controller("marked")
    @UsePipes(Mark)
    class Marked:
        @Get()
        @UsePipes(Mark())
        async def get(
            self,
            name: Annotated[str, Query("name")],
            plain: Annotated[str, Headers("x-plain")],
            own: Annotated[str, Headers("x-own", Mark())],
        ) -> list[str]:
            return [name, plain, own]

    client = await serve(Marked, providers=[provide(APP_PIPE, use_class=Mark)], pipes=[Mark()])
    response = await client.get("/marked?name=a", headers={"x-plain": "b", "x-own": "c"})
    assert response.json() == ["a!!!!", "b", "c!"]
