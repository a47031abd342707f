"""Guards, interceptors, pipes and filters, case by case."""

import asyncio
from typing import Annotated, Any

import httpx
import pytest
from pydantic import Field, computed_field
from starlette.responses import JSONResponse, PlainTextResponse, Response

from cqrs_nest.common import (
    APP_FILTER,
    APP_GUARD,
    APP_INTERCEPTOR,
    APP_PIPE,
    ArgumentMetadata,
    ArgumentsHost,
    BadRequestException,
    Body,
    CallHandler,
    Controller,
    ExecutionContext,
    ForbiddenException,
    Get,
    HttpException,
    Injectable,
    MetadataKey,
    Module,
    Param,
    Post,
    Query,
    Reflector,
    Req,
    Scope,
    SetMetadata,
    UnauthorizedException,
    UseFilters,
    UseGuards,
    UseInterceptors,
    UsePipes,
    create_param_decorator,
    provide,
)
from cqrs_nest.http import Dto
from tests.http.noting import NoteFilter, NoteGuard, NoteInterceptor, NotePipe, log, note_middleware
from tests.http.serving import build, client_of

case = pytest.mark.case


@pytest.fixture(autouse=True)
def empty_log() -> None:
    log.clear()


async def serve(*controllers: type, **parts: Any) -> httpx.AsyncClient:
    application = await build(*controllers, **parts)
    application.use(note_middleware)
    return client_of(application)


@case("PIPE-01", "PIPE-16")
async def test_the_order_of_all_levels() -> None:
    @Controller("o")
    @UseGuards(NoteGuard("ctl"))
    @UseInterceptors(NoteInterceptor("ctl"))
    @UsePipes(NotePipe("ctl"))
    class Ordered:
        @Get(":id")
        @UseGuards(NoteGuard("route1"), NoteGuard("route2"))
        @UseInterceptors(NoteInterceptor("route1"), NoteInterceptor("route2"))
        @UsePipes(NotePipe("route"))
        async def get(
            self, number: Annotated[str, Param("id", NotePipe("param"))], q: Annotated[str, Query("q")]
        ) -> str:
            log.append("handler")
            return number + q

    client = await serve(
        Ordered,
        providers=[
            provide(APP_GUARD, use_value=NoteGuard("APP")),
            provide(APP_INTERCEPTOR, use_value=NoteInterceptor("APP")),
            provide(APP_PIPE, use_value=NotePipe("APP")),
        ],
        guards=[NoteGuard("useGlobal")],
        interceptors=[NoteInterceptor("useGlobal")],
        pipes=[NotePipe("useGlobal")],
    )
    assert (await client.get("/o/5?q=1")).text == "51"
    levels = ("APP", "useGlobal", "ctl", "route1", "route2")
    assert log[:11] == ["middleware", *(f"guard:{x}" for x in levels), *(f"before:{x}" for x in levels)]
    piped = log[11:20]
    assert [each for each in piped if "param:id" in each] == [
        f"pipe:{level}(param:id)" for level in ("APP", "useGlobal", "ctl", "route", "param")
    ]
    assert [each for each in piped if "query:q" in each] == [
        f"pipe:{level}(query:q)" for level in ("APP", "useGlobal", "ctl", "route")
    ]
    assert log[20:] == ["handler", *(f"after:{x}" for x in reversed(levels))]

    log.clear()
    assert (await client.get("/zip")).json()["message"] == "Cannot GET /zip"
    assert log == ["middleware"]


class Refusing:
    async def can_activate(self, context: ExecutionContext) -> bool:
        return False


@case("PIPE-02")
@pytest.mark.parametrize(
    ("guards", "status", "message", "noted"),
    [
        ([NoteGuard("no", False), NoteGuard("later")], 403, "Forbidden resource", ["guard:no"]),
        ([Refusing(), NoteGuard("later")], 403, "Forbidden resource", []),
        ([NoteGuard("none", None)], 403, "Forbidden resource", ["guard:none"]),
        ([NoteGuard("t", "yes")], 200, None, ["guard:t", "before:ctl", "after:ctl"]),
        ([NoteGuard("g", UnauthorizedException("no token"))], 401, "no token", ["guard:g"]),
        ([NoteGuard("g", RuntimeError())], 500, "Internal server error", ["guard:g"]),
    ],
)
async def test_answers_of_guards(
    guards: list[Any], status: int, message: str | None, noted: list[str]
) -> None:
    @Controller("g")
    @UseInterceptors(NoteInterceptor("ctl"))
    class Guarded:
        @Get()
        @UseGuards(*guards)
        async def get(self) -> int:
            return 1

    response = await (await serve(Guarded)).get("/g")
    assert response.status_code == status
    if message is None:
        assert response.text == "1"
    else:
        assert response.json()["message"] == message
    assert log == ["middleware", *noted]


@case("PIPE-11")
async def test_several_providers_for_the_application() -> None:
    @Injectable(scope=Scope.REQUEST)
    class PerRequest:
        made = 0

        def __init__(self) -> None:
            PerRequest.made += 1

        def can_activate(self, context: ExecutionContext) -> bool:
            log.append(f"req{PerRequest.made}")
            return True

    @Module(providers=[provide(APP_GUARD, use_value=NoteGuard("featAPP"))])
    class Feature: ...

    @Controller("a")
    class A:
        @Get()
        async def get(self) -> int:
            return 1

    client = await serve(
        A,
        imports=[Feature],
        providers=[
            provide(APP_GUARD, use_value=NoteGuard("rootAPP1")),
            provide(APP_GUARD, use_value=NoteGuard("rootAPP2")),
            provide(APP_GUARD, use_class=PerRequest),
            provide(APP_INTERCEPTOR, use_value=NoteInterceptor("A1")),
            provide(APP_INTERCEPTOR, use_value=NoteInterceptor("A2")),
            provide(APP_FILTER, use_value=NoteFilter("F1")),
            provide(APP_FILTER, use_value=NoteFilter("F2")),
        ],
    )
    for number in (1, 2):
        log.clear()
        assert (await client.get("/a")).text == "1"
        assert log[1:] == [
            "guard:rootAPP1",
            "guard:rootAPP2",
            f"req{number}",
            "guard:featAPP",
            "before:A1",
            "before:A2",
            "after:A2",
            "after:A1",
        ]
    unknown = await client.get("/nope")
    assert (unknown.status_code, unknown.json()) == (499, {"by": "F2", "message": "Cannot GET /nope"})


@case("PIPE-03")
async def test_the_nearest_filter_answers() -> None:
    @Controller("f")
    @UseFilters(NoteFilter("ctl"))
    class Filtered:
        @Get("route")
        @UseFilters(NoteFilter("route"))
        async def route(self) -> None:
            raise RuntimeError("x")

        @Get("ctl")
        async def ctl(self) -> None:
            raise RuntimeError("x")

        @Get("guard")
        @UseGuards(NoteGuard("g", RuntimeError("g")))
        async def guard(self) -> None: ...

        @Get("pipe/:id")
        async def pipe(self, number: Annotated[int, Param("id")]) -> None: ...

        @Get("two")
        @UseFilters(NoteFilter("first"), NoteFilter("second"))
        async def two(self) -> None:
            raise RuntimeError("x")

    @Controller("g")
    class Global:
        @Get()
        async def get(self) -> None:
            raise RuntimeError("x")

    client = await serve(Filtered, Global, filters=[NoteFilter("global")])
    for path, by, message in (
        ("/f/route", "route", "x"),
        ("/f/ctl", "ctl", "x"),
        ("/f/guard", "ctl", "g"),
        ("/f/pipe/x", "ctl", "Validation failed (numeric string is expected)"),
        ("/f/two", "second", "x"),
        ("/g", "global", "x"),
        ("/nope", "global", "Cannot GET /nope"),
        ("/fails", "global", "middleware"),
    ):
        response = await client.get(path)
        assert (response.status_code, response.json()) == (499, {"by": by, "message": message})


@case("PIPE-05")
async def test_filters_that_raise_and_filters_that_wait() -> None:
    class Rethrow:
        def catch(self, exception: Exception, host: ArgumentsHost) -> Response:
            raise BadRequestException("rethrown")

    class Waiting:
        async def catch(self, exception: Exception, host: ArgumentsHost) -> Response:
            await asyncio.sleep(0)
            return JSONResponse({"async": True}, 497)

    @Controller("f")
    class Filtered:
        @Get("rethrow")
        @UseFilters(Rethrow)
        async def rethrow(self) -> None:
            raise RuntimeError

        @Get("async")
        @UseFilters(Waiting)
        async def waiting(self) -> None:
            raise RuntimeError

    client = await serve(Filtered)
    rethrown = await client.get("/f/rethrow")
    assert rethrown.text == '{"message":"rethrown","error":"Bad Request","statusCode":400}'
    waited = await client.get("/f/async")
    assert (waited.status_code, waited.json()) == (497, {"async": True})


class MapData:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return {"data": await next.handle()}


class Skip:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return "cached"


class MapError:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        try:
            return await next.handle()
        except RuntimeError as error:
            raise BadRequestException(f"mapped:{error}") from error


class Recover:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        try:
            return await next.handle()
        except (RuntimeError, BadRequestException):
            return "recovered"


class RefuseBefore:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        raise ForbiddenException("pre")


class Timeout:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        try:
            return await asyncio.wait_for(next.handle(), 0.01)
        except TimeoutError:
            raise HttpException("timed out", 408) from None


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return f"{self.name}({await next.handle()})"


class Twice:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        await next.handle()
        return await next.handle()


@case("PIPE-06")
@pytest.mark.parametrize(
    ("interceptors", "path", "status", "body", "runs"),
    [
        ([MapData], "x/1", 200, {"data": "x"}, 1),
        ([Skip], "x/1", 200, "cached", 0),
        ([MapError], "fail/1", 400, {"message": "mapped:orig", "error": "Bad Request", "statusCode": 400}, 1),
        ([Recover], "fail/1", 200, "recovered", 1),
        ([Recover], "x/wrong", 200, "recovered", 0),
        ([RefuseBefore], "x/1", 403, {"message": "pre", "error": "Forbidden", "statusCode": 403}, 0),
        ([Timeout], "wait/1", 408, {"statusCode": 408, "message": "timed out"}, 1),
        ([Named("A"), Named("B")], "x/1", 200, "A(B(x))", 1),
        ([Twice], "x/1", 200, "x", 2),
    ],
)
async def test_what_interceptors_do(
    interceptors: list[Any], path: str, status: int, body: Any, runs: int
) -> None:
    @Controller("i")
    class Intercepted:
        @Get(":what/:id")
        @UseInterceptors(*interceptors)
        async def get(self, what: Annotated[str, Param("what")], number: Annotated[int, Param("id")]) -> str:
            log.append("run")
            if what == "fail":
                raise RuntimeError("orig")
            if what == "wait":
                await asyncio.Event().wait()
            return what

    response = await (await serve(Intercepted)).get(f"/i/{path}")
    assert response.status_code == status
    assert (response.text if isinstance(body, str) else response.json()) == body
    assert log.count("run") == runs


@case("PIPE-15")
async def test_excluded_and_computed_fields() -> None:
    class User(Dto):
        id: int = 1
        name: str = "BOB"
        password: str = Field(default="secret", exclude=True)
        nested: "User | None" = None

        @computed_field  # type: ignore[prop-decorator]
        @property
        def full(self) -> str:
            return "F L"

    one = {"id": 1, "name": "BOB", "nested": None, "full": "F L"}
    results: dict[str, tuple[Any, Any]] = {
        "one": (User(), one),
        "many": ([User(), User(nested=User())], [one, {**one, "nested": one}]),
        "plain": ({"password": "x", "u": User()}, {"password": "x", "u": one}),
    }

    @Controller("c")
    class C:
        @Get("file")
        async def file(self) -> Response:
            return PlainTextResponse("x")

        @Get(":name")
        async def get(self, name: Annotated[str, Param("name")]) -> Any:
            return results[name][0] if name in results else {"prim": "str", "null": None}[name]

    client = await serve(C)
    for name, (_, expected) in results.items():
        assert (await client.get(f"/c/{name}")).json() == expected
    assert (await client.get("/c/prim")).text == "str"
    assert (await client.get("/c/null")).text == ""
    assert (await client.get("/c/file")).text == "x"


ROLES = MetadataKey[list[str]]("roles")


@case("PIPE-08")
async def test_the_reflector_in_a_guard() -> None:
    class Roles:
        def __init__(self, reflector: Reflector) -> None:
            self.reflector = reflector

        async def can_activate(self, context: ExecutionContext) -> bool:
            targets = [context.get_handler(), context.get_class()]
            found = {
                "override": self.reflector.get_all_and_override(ROLES, targets),
                "merge": self.reflector.get_all_and_merge(ROLES, targets),
                "all": self.reflector.get_all(ROLES, targets),
            }
            context.switch_to_http().get_request().state.roles = found
            return True

    class Shown:
        async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
            return context.switch_to_http().get_request().state.roles

    @Controller("r")
    @SetMetadata(ROLES, ["ctl"])
    @UseGuards(Roles)
    @UseInterceptors(Shown)
    class WithRoles:
        @Get("both")
        @SetMetadata(ROLES, ["m1", "m2"])
        async def both(self) -> None: ...

        @Get("none")
        async def none(self) -> None: ...

        @Get("empty")
        @SetMetadata(ROLES, [])
        async def empty(self) -> None: ...

    @Controller("q")
    @UseGuards(Roles)
    @UseInterceptors(Shown)
    class WithoutRoles:
        @Get()
        async def get(self) -> None: ...

    client = await serve(WithRoles, WithoutRoles)
    for path, override, merge, all in (
        ("/r/both", ["m1", "m2"], ["m1", "m2", "ctl"], [["m1", "m2"], ["ctl"]]),
        ("/r/none", ["ctl"], ["ctl"], [None, ["ctl"]]),
        ("/r/empty", [], ["ctl"], [[], ["ctl"]]),
        ("/q", None, [], [None, None]),
    ):
        assert (await client.get(path)).json() == {"override": override, "merge": merge, "all": all}


class Exclaim:
    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        return f"{value}!"


@case("PIPE-13")
async def test_pipes_and_custom_markers() -> None:
    User = create_param_decorator(lambda data, context: "uval")

    @Controller("u")
    class Users:
        @Get("a")
        async def a(self, user: Annotated[str, User()], request: Annotated[Any, Req()]) -> str:
            return user

        @Get("b")
        async def b(self, user: Annotated[str, User(None, NotePipe("own"))]) -> str:
            return user

        @Get("c")
        async def c(self, user: Annotated[str, User(None, Exclaim)]) -> str:
            return user

    client = await serve(Users, pipes=[NotePipe("G")])
    for path, text, noted in (
        ("/u/a", "uval", ["pipe:G(custom:None)"]),
        ("/u/b", "uval", ["pipe:G(custom:None)", "pipe:own(custom:None)"]),
        ("/u/c", "uval!", ["pipe:G(custom:None)"]),
    ):
        log.clear()
        assert (await client.get(path)).text == text
        assert log == ["middleware", *noted]


@case("PIPE-14")
async def test_what_a_pipe_is_told() -> None:
    class Note:
        def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
            told.append((metadata.source.value, metadata.name, metadata.annotation))
            return value

    class Given(Dto):
        name: str

    told: list[Any] = []
    Custom = create_param_decorator(lambda data, context: 5)

    @Controller("m")
    class Metadata:
        @Post(":id")
        async def post(
            self,
            body: Annotated[Given, Body()],
            number: Annotated[str, Param("id")],
            query: Annotated[dict[str, Any], Query()],
            custom: Annotated[int, Custom("dd")],
        ) -> None: ...

    assert (await (await serve(Metadata, pipes=[Note()])).post("/m/1", json={"name": "a"})).status_code == 201
    assert told == [
        ("body", None, Given),
        ("param", "id", str),
        ("query", None, dict[str, Any]),
        ("custom", "dd", int),
    ]


@case("PIPE-17")
async def test_an_async_marker_that_refuses() -> None:
    async def good_id(data: None, context: ExecutionContext) -> str:
        found: str = context.switch_to_http().get_request().path_params["id"]
        if found == "bad":
            raise BadRequestException("ID must be good")
        return found

    @Controller("p")
    class P:
        @Get(":id")
        async def get(self, given: Annotated[str, create_param_decorator(good_id)()]) -> dict[str, str]:
            return {"id": given}

    client = await serve(P)
    assert (await client.get("/p/1")).json() == {"id": "1"}
    refused = await client.get("/p/bad")
    assert (refused.status_code, refused.json()) == (
        400,
        {"message": "ID must be good", "error": "Bad Request", "statusCode": 400},
    )
