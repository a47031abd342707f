"""Routing, answers and CORS, case by case."""

import logging
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from cqrs_nest import common
from cqrs_nest.common import (
    All,
    Controller,
    Delete,
    ExecutionContext,
    Get,
    Headers,
    HttpCode,
    HttpException,
    Ip,
    NotFoundException,
    Options,
    Param,
    Patch,
    Post,
    Put,
    Query,
    Req,
    create_param_decorator,
)
from tests.http.serving import serve

case = pytest.mark.case

JSON = "application/json; charset=utf-8"
TEXT = "text/html; charset=utf-8"


@case("HTTP-01")
async def test_methods_and_their_statuses() -> None:
    @Controller("r")
    class Verbs:
        @Get()
        async def get(self) -> dict[str, str]:
            return {"m": "get"}

        @Post()
        async def post(self) -> dict[str, str]:
            return {"m": "post"}

        @Put()
        async def put(self) -> dict[str, str]:
            return {"m": "put"}

        @Patch()
        async def patch(self) -> dict[str, str]:
            return {"m": "patch"}

        @Delete()
        async def delete(self) -> dict[str, str]:
            return {"m": "delete"}

        @Post("c204")
        @HttpCode(204)
        async def no_content(self) -> str:
            return "x"

        @Post("c200")
        @HttpCode(200)
        async def ok(self) -> str:
            return "x"

        @Options("opt")
        async def options(self) -> str:
            return "opt"

        @All("all")
        async def all(self) -> str:
            return "all"

    client = await serve(Verbs, cors=None)
    for method, status in (("GET", 200), ("POST", 201), ("PUT", 200), ("PATCH", 200), ("DELETE", 200)):
        response = await client.request(method, "/r")
        assert (response.status_code, response.json()) == (status, {"m": method.lower()})
        assert response.headers["content-type"] == JSON
    refused = await client.options("/r")
    assert (refused.status_code, refused.json()) == (
        404,
        {"message": "Cannot OPTIONS /r", "error": "Not Found", "statusCode": 404},
    )
    head = await client.head("/r")
    assert (head.status_code, head.text, head.headers["content-type"]) == (200, "", JSON)
    empty = await client.post("/r/c204")
    assert (empty.status_code, empty.text, "content-type" in empty.headers) == (204, "", False)
    for method, path, text in (
        ("POST", "/r/c200", "x"),
        ("OPTIONS", "/r/opt", "opt"),
        ("GET", "/r/all", "all"),
        ("POST", "/r/all", "all"),
    ):
        response = await client.request(method, path)
        assert (response.status_code, response.text, response.headers["content-type"]) == (200, text, TEXT)


@case("HTTP-03")
@pytest.mark.parametrize(
    ("result", "body", "content_type"),
    [
        ("hello", "hello", TEXT),
        (42, "42", TEXT),
        (0, "0", TEXT),
        (True, "true", TEXT),
        ("", "", TEXT),
        (None, "", None),
        ([1, 2], "[1,2]", JSON),
        ({"d": datetime(1970, 1, 1, tzinfo=UTC)}, '{"d":"1970-01-01T00:00:00.000Z"}', JSON),
        ({"x": float("nan")}, '{"x":null}', JSON),
        (b"xyz", '{"type":"Buffer","data":[120,121,122]}', JSON),
    ],
)
async def test_bodies(result: Any, body: str, content_type: str | None) -> None:
    @Controller()
    class Results:
        @Get()
        async def get(self) -> Any:
            return result

    response = await (await serve(Results)).get("/")
    assert (response.status_code, response.text) == (200, body)
    assert response.headers.get("content-type") == content_type
    assert response.headers["content-length"] == str(len(body))


@case("HTTP-04")
async def test_paths() -> None:
    @Controller("cats")
    class Cats:
        @Get()
        async def all(self) -> str:
            return "1"

        @Get(":id")
        async def one(self, name: Annotated[str, Param("id")]) -> str:
            return name

    client = await serve(Cats)

    async def get(raw_path: str, method: str = "GET") -> httpx.Response:
        url = httpx.URL("http://test").copy_with(raw_path=raw_path.encode())
        return await client.request(method, url)

    for method, path in (("GET", "/nope?x=1"), ("GET", "/"), ("DELETE", "/cats")):
        response = await get(path, method)
        message = f"Cannot {method} {path}"
        assert (response.status_code, response.json()) == (
            404,
            {"message": message, "error": "Not Found", "statusCode": 404},
        )
    for path, text in (("/cats/", "1"), ("/CATS", "1"), ("/cats/a%2Fb", "a/b")):
        assert ((await get(path)).status_code, (await get(path)).text) == (200, text)
    broken = await get("/cats/%E0%A4%A")
    assert (broken.status_code, broken.json()) == (
        400,
        {"message": "Failed to decode param '%E0%A4%A'", "error": "Bad Request", "statusCode": 400},
    )


BUILT_IN = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    418: "I'm a teapot",
    421: "Misdirected",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


@case("HTTP-05")
def test_built_in_exceptions() -> None:
    classes = [
        each
        for name in common.__all__
        if isinstance(each := getattr(common, name), type) and issubclass(each, HttpException)
    ]
    by_status: dict[int, Any] = {each().status: each for each in classes if each is not HttpException}
    assert BUILT_IN.keys() < by_status.keys()
    for status, reason in BUILT_IN.items():
        assert by_status[status]().body() == {"message": reason, "statusCode": status}
        assert by_status[status]("msg").body() == {"message": "msg", "error": reason, "statusCode": status}


@case("HTTP-07")
async def test_exceptions_of_handlers(caplog: pytest.LogCaptureFixture) -> None:
    @Controller("e")
    class Errors:
        @Get("error")
        async def error(self) -> None:
            raise RuntimeError("boom")

        @Get("http")
        async def http(self) -> None:
            raise HttpException("plain", 400)

        @Get("object")
        async def object(self) -> None:
            raise HttpException({"a": 1}, 422)

        @Get("async")
        async def gone(self) -> None:
            raise NotFoundException("gone")

    client = await serve(Errors)
    for path, status, body in (
        ("http", 400, {"statusCode": 400, "message": "plain"}),
        ("object", 422, {"a": 1}),
        ("async", 404, {"message": "gone", "error": "Not Found", "statusCode": 404}),
    ):
        response = await client.get(f"/e/{path}")
        assert (response.status_code, response.json()) == (status, body)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    response = await client.get("/e/error")
    assert (response.status_code, response.json()) == (
        500,
        {"statusCode": 500, "message": "Internal server error"},
    )
    assert [each.name for each in caplog.records] == ["cqrs_nest.ExceptionsHandler"]


@case("HTTP-09")
async def test_parts_of_the_request() -> None:
    @Controller("p")
    class Parts:
        @Get("q")
        async def query(
            self,
            all: Annotated[dict[str, Any], Query()],
            a: Annotated[str | list[str], Query("a")],
            m: Annotated[str | None, Query("m")] = None,
        ) -> dict[str, Any]:
            return {"all": all, "a": a, "m": m}

        @Get("h")
        async def headers(
            self,
            all: Annotated[dict[str, str], Headers()],
            foo: Annotated[str, Headers("X-FOO")],
            n: Annotated[str | None, Headers("x-none")] = None,
        ) -> dict[str, Any]:
            return {"foo": foo, "n": n, "keys": all["x-foo"] == foo}

        @Get(":id/:sub")
        async def params(
            self,
            all: Annotated[dict[str, str], Param()],
            number: Annotated[str, Param("id")],
            request: Annotated[Request, Req()],
            ip: Annotated[str, Ip()],
        ) -> dict[str, Any]:
            return {"all": all, "id": number, "same": request.path_params == all, "ip": ip}

    client = await serve(Parts)
    assert (await client.get("/p/q?a=1&a=2")).json() == {"all": {"a": ["1", "2"]}, "a": ["1", "2"], "m": None}
    assert (await client.get("/p/q?a=1&b=2&b=3&c[x]=1&d=&e[]=1&f.g=2")).json()["all"] == {
        "a": "1",
        "b": ["2", "3"],
        "c[x]": "1",
        "d": "",
        "e[]": "1",
        "f.g": "2",
    }
    assert (await client.get("/p/h", headers={"x-Foo": "bar"})).json() == {
        "foo": "bar",
        "n": None,
        "keys": True,
    }
    assert (await client.get("/p/5/abc%20d")).json() == {
        "all": {"id": "5", "sub": "abc d"},
        "id": "5",
        "same": True,
        "ip": "127.0.0.1",
    }


@case("HTTP-10")
async def test_custom_parameter_markers() -> None:
    def describe(data: str | None, context: ExecutionContext) -> dict[str, Any]:
        return {
            "data": data,
            "ua": context.switch_to_http().get_request().headers["user-agent"],
            "type": context.get_type(),
            "cls": context.get_class().__name__,
            "handler": context.get_handler().__name__,
        }

    Described = create_param_decorator(describe)

    @Controller("c")
    class C:
        @Get("plain")
        async def c(self, value: Annotated[dict[str, Any], Described()]) -> Any:
            return value

        @Get("data")
        async def c2(self, value: Annotated[dict[str, Any], Described("field")]) -> Any:
            return value

    client = await serve(C)
    expected: dict[str, Any] = {"data": None, "ua": "bob", "type": "http", "cls": "C", "handler": "c"}
    headers = {"user-agent": "bob"}
    assert (await client.get("/c/plain", headers=headers)).json() == expected
    assert (await client.get("/c/data", headers=headers)).json() == {
        **expected,
        "data": "field",
        "handler": "c2",
    }


@case("HTTP-12")
async def test_the_first_declared_route_wins() -> None:
    @Controller("o1")
    class First:
        @Get(":id")
        async def one(self, name: Annotated[str, Param("id")]) -> str:
            return f"id:{name}"

        @Get("static")
        async def static(self) -> str:
            return "static"

    @Controller("o2")
    class Second:
        @Get("static")
        async def static(self) -> str:
            return "static"

        @Get(":id")
        async def one(self, name: Annotated[str, Param("id")]) -> str:
            return f"id:{name}"

    client = await serve(First, Second)
    assert (await client.get("/o1/static")).text == "id:static"
    assert (await client.get("/o2/static")).text == "static"


@case("HTTP-13")
async def test_forms_of_controller_paths() -> None:
    class Base:
        @Get("x")
        async def get(self) -> str:
            return "x"

    controllers = [
        Controller(path)(type("C", (Base,), {"__module__": __name__}))
        for path in ("plain", "/lead/", "", ["m1", "m2"], "nested/deep")
    ]
    client = await serve(*controllers)
    for path in ("/plain/x", "/lead/x", "/x", "/m1/x", "/m2/x", "/nested/deep/x"):
        assert (await client.get(path)).status_code == 200


@case("HTTP-15")
async def test_inherited_routes() -> None:
    class Base:
        @Get("inherited")
        async def inherited(self) -> str:
            return f"base:{type(self).__name__}"

    @Controller("child")
    class Child(Base):
        @Get("own")
        async def own(self) -> str:
            return "own"

    client = await serve(Child)
    assert (await client.get("/child/inherited")).text == "base:Child"
    assert (await client.get("/child/own")).text == "own"


@case("HTTP-20")
async def test_cors() -> None:
    @Controller("cats")
    class Cats:
        @Get()
        async def get(self) -> str:
            return "1"

    client = await serve(Cats, security_headers={})
    asking = {
        "origin": "http://a.test",
        "access-control-request-method": "PUT",
        "access-control-request-headers": "x-foo,content-type",
    }
    for path in ("/cats", "/zzz"):
        preflight = await client.options(path, headers=asking)
        assert (preflight.status_code, preflight.content) == (204, b"")
        assert dict(preflight.headers) == {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
            "access-control-allow-headers": "x-foo,content-type",
            "vary": "Access-Control-Request-Headers",
            "content-length": "0",
        }
    unknown = await client.get("/zzz", headers={"origin": "http://a.test"})
    assert (unknown.status_code, unknown.headers["access-control-allow-origin"]) == (404, "*")


@case("HTTP-25")
async def test_cookies() -> None:
    @Controller("k")
    class Cookies:
        @Get()
        async def get(self) -> PlainTextResponse:
            response = PlainTextResponse("ok")
            response.set_cookie("seen", "1", max_age=1, path="/k", httponly=True, secure=True, samesite="lax")
            response.delete_cookie("old")
            return response

    seen, old = (await (await serve(Cookies)).get("/k")).headers.get_list("set-cookie")
    assert {part.lower() for part in seen.split("; ")} == {
        "seen=1",
        "max-age=1",
        "path=/k",
        "httponly",
        "secure",
        "samesite=lax",
    }
    assert "Max-Age=0" in old
    assert "Path=/" in old
