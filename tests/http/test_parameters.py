"""Where arguments come from, and what their annotations make of them."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import httpx
import pytest
from pydantic import Field
from starlette.requests import Request

from cqrs_nest.common import (
    ArgumentMetadata,
    BadRequestException,
    Body,
    Controller,
    Cookies,
    ExecutionContext,
    Get,
    Headers,
    Ip,
    Param,
    Post,
    Query,
    Req,
    UsePipes,
    create_param_decorator,
)
from cqrs_nest.http import Dto


class Color(Enum):
    RED = "red"


class Search(Dto):
    page_size: int = 10
    tag: list[str] = Field(default=[])
    done: bool | None = None


def agent(data: str | None, context: ExecutionContext) -> str:
    request = context.switch_to_http().get_request()
    route = f"{context.get_class().__name__}.{context.get_handler().__name__}"
    return f"{data} {request.headers['user-agent']} {route}"


async def caller(data: None, context: ExecutionContext) -> str:
    name = context.switch_to_http().get_request().headers.get("x-caller")
    if name is None:
        raise BadRequestException("nobody calls")
    return name


UserAgent = create_param_decorator(agent)
Caller: TypeAlias = Annotated[str, create_param_decorator(caller)()]


@dataclass
class Cat:
    """What only a pipe can make."""

    name: str


class CatByName:
    async def transform(self, value: str, metadata: ArgumentMetadata) -> Cat:
        return Cat(f"{value} by {metadata.source.value}:{metadata.name}")


class Trim:
    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        return value.strip() if isinstance(value, str) else value


class SeeType:
    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        assert isinstance(value, metadata.annotation)
        return value


@Controller("p")
class Parameters:
    @Get("path/:id/:flag")
    async def path(
        self, number: Annotated[int, Param("id")], flag: Annotated[bool, Param("flag")]
    ) -> list[Any]:
        return [number, flag]

    @Get("all/:a/:b")
    async def all(self, params: Annotated[dict[str, str], Param()]) -> dict[str, str]:
        return params

    @Get("all-as-text/:a")
    async def all_as_text(self, params: Annotated[str, Param()]) -> str:
        return params

    @Get("files/*path")
    async def files(self, path: Annotated[str, Param("path")]) -> str:
        return path

    @Get("query")
    async def query(
        self,
        n: Annotated[int, Query("n")] = 7,
        u: Annotated[UUID | None, Query("u")] = None,
        color: Annotated[Color | None, Query("color")] = None,
        ids: Annotated[list[int], Query("ids")] = [],  # noqa: B006
        small: Annotated[int, Query("small"), Field(le=3)] = 0,
        price: Annotated[float, Query("price")] = 0,
    ) -> list[Any]:
        return [n, u, color, ids, small, price]

    @Get("needed")
    async def needed(self, n: Annotated[int, Query("n")], q: Annotated[str, Query("q")]) -> list[Any]:
        return [n, q]

    @Get("search")
    async def search(self, search: Annotated[Search, Query()]) -> Search:
        return search

    @Get("raw")
    async def raw(self, values: Annotated[dict[str, Any], Query()]) -> dict[str, Any]:
        return values

    @Get("headers")
    async def headers(
        self,
        tenant: Annotated[str | None, Headers("X-Tenant-Code")] = None,
        count: Annotated[int, Headers("x-count")] = 0,
        session: Annotated[str | None, Cookies("session")] = None,
    ) -> list[Any]:
        return [tenant, count, session]

    @Get("wholes")
    async def wholes(
        self,
        headers: Annotated[dict[str, str], Headers()],
        cookies: Annotated[dict[str, str], Cookies()],
        request: Annotated[Request, Req()],
        ip: Annotated[str | None, Ip()],
    ) -> list[Any]:
        return [headers["x-a"], cookies, request.url.path, ip]

    @Get("custom")
    async def custom(self, caller: Caller, agent: Annotated[str, UserAgent("agent:")]) -> list[str]:
        return [caller, agent]

    @Get("optional-custom")
    async def optional_custom(self, caller: Caller | None = None) -> str | None:
        return caller

    @Get("cats/:name")
    async def cat(self, cat: Annotated[Cat, Param("name", CatByName)]) -> str:
        return cat.name

    @Get("trimmed")
    @UsePipes(Trim)
    async def trimmed(
        self, n: Annotated[int, Query("n")], d: Annotated[str, Query("d", Trim)] = "default"
    ) -> list[Any]:
        return [n, d]

    @Post("piped")
    async def piped(self, search: Annotated[Search, Body(None, SeeType)]) -> Search:
        return search

    @Post("fields")
    async def fields(
        self,
        name: Annotated[str, Body("name")],
        search: Annotated[Search, Body("search")],
        age: Annotated[int, Body("age")] = 1,
    ) -> list[Any]:
        return [name, search, age]

    @Post("field-pipe")
    async def field_pipe(self, age: Annotated[int, Body("age", Trim)]) -> int:
        return age

    @Get("keyword")
    async def keyword(self, unmarked: int = 5, *, q: Annotated[str, Query("q")]) -> list[Any]:
        return [unmarked, q]


@pytest.fixture
async def client(serve: Any) -> httpx.AsyncClient:
    return await serve(Parameters)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("path/5/true", [5, True]),
        ("path/-5/no", [-5, False]),
        ("all/x/a%2Fb", {"a": "x", "b": "a/b"}),
        ("files/a/b", "a/b"),
        ("query", [7, None, None, [], 0, 0.0]),
        ("query?ids=1", [7, None, None, [1], 0, 0.0]),
        ("query?ids=1&ids=2&color=red&n=3", [3, None, "red", [1, 2], 0, 0.0]),
        ("search", {"pageSize": 10, "tag": [], "done": None}),
        ("search?pageSize=5&tag=a&done=false&other=1", {"pageSize": 5, "tag": ["a"], "done": False}),
        ("search?tag=a&tag=b", {"pageSize": 10, "tag": ["a", "b"], "done": None}),
        (
            "raw?a=1&b=2&b=3&c[x]=1&d=&e%20f=g+h",
            {"a": "1", "b": ["2", "3"], "c[x]": "1", "d": "", "e f": "g h"},
        ),
        ("needed?n=1&q=", [1, ""]),
        ("cats/Tom", "Tom by param:name"),
        ("trimmed?n=%205&d=%20x", [5, "x"]),
        ("trimmed?n=5", [5, "default"]),
        ("keyword?q=a", [5, "a"]),
    ],
)
async def test_values(client: httpx.AsyncClient, path: str, expected: Any) -> None:
    response = await client.get(f"/p/{path}")
    assert response.status_code == 200, response.text
    text = isinstance(expected, str)
    assert (response.text if text else response.json()) == expected


NUMERIC = "Validation failed (numeric string is expected)"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("path/abc/true", NUMERIC),
        ("path/5.5/true", NUMERIC),
        ("path/5/maybe", "Validation failed (boolean string is expected)"),
        ("query?n=", NUMERIC),
        ("query?n=1&n=2", NUMERIC),
        ("query?u=x", "Validation failed (uuid is expected)"),
        ("query?color=green", "Validation failed (enum string is expected)"),
        ("query?ids=1&ids=x", ["each value in ids must be an integer number"]),
        ("query?small=4", ["small must not be greater than 3"]),
        ("query?price=inf", NUMERIC),
        ("query?price=nan", NUMERIC),
        ("needed?q=a", NUMERIC),
        ("needed?n=1", ["q must be a string"]),
        (
            "search?pageSize=x&done=maybe",
            ["pageSize must be an integer number", "done must be a boolean value"],
        ),
        ("trimmed?n=x", NUMERIC),
        ("all-as-text/x", ["the value must be a string"]),
    ],
)
async def test_wrong_values(client: httpx.AsyncClient, path: str, message: Any) -> None:
    response = await client.get(f"/p/{path}")
    assert response.status_code == 400
    assert response.json() == {"message": message, "error": "Bad Request", "statusCode": 400}


async def test_headers_and_cookies(client: httpx.AsyncClient) -> None:
    sent = {"x-tenant-code": "t1", "X-Count": "3", "cookie": "session=s1; other=o"}
    assert (await client.get("/p/headers", headers=sent)).json() == ["t1", 3, "s1"]
    assert (await client.get("/p/headers")).json() == [None, 0, None]


async def test_wholes(client: httpx.AsyncClient) -> None:
    response = await client.get("/p/wholes", headers={"X-A": "1", "cookie": "a=b"})
    assert response.json() == ["1", {"a": "b"}, "/p/wholes", "127.0.0.1"]


async def test_custom_markers(client: httpx.AsyncClient) -> None:
    response = await client.get("/p/custom", headers={"x-caller": "Tom", "user-agent": "test"})
    assert response.json() == ["Tom", "agent: test Parameters.custom"]
    refused = await client.get("/p/custom")
    assert (refused.status_code, refused.json()["message"]) == (400, "nobody calls")
    assert (await client.get("/p/optional-custom", headers={"x-caller": "Tom"})).text == "Tom"


async def test_body_fields(client: httpx.AsyncClient) -> None:
    response = await client.post("/p/fields", json={"name": "a", "search": {"tag": ["x"]}})
    assert response.json() == ["a", {"pageSize": 10, "tag": ["x"], "done": None}, 1]
    for body, message in (
        ({"search": {"pageSize": "5"}, "name": "a"}, ["pageSize must be an integer number"]),
        ({"name": 5}, ["name must be a string"]),
        ({}, ["name must be a string"]),
        ([], ["name must be a string"]),
        ({"name": "a", "age": "5"}, ["age must be an integer number"]),
    ):
        refused = await client.post("/p/fields", json=body)
        assert (refused.status_code, refused.json()["message"]) == (400, message), body


async def test_a_pipe_does_not_loosen_a_body_field(client: httpx.AsyncClient) -> None:
    assert (await client.post("/p/field-pipe", json={"age": 5})).text == "5"
    refused = await client.post("/p/field-pipe", json={"age": "5"})
    assert refused.json()["message"] == ["age must be an integer number"]


async def test_pipes_of_a_whole_body_see_the_model(client: httpx.AsyncClient) -> None:
    assert (await client.post("/p/piped", json={"pageSize": 1})).json()["pageSize"] == 1
