"""What the results of handlers look like on the wire."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, computed_field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse

from cqrs_nest.common import (
    All,
    BadRequestException,
    Controller,
    Delete,
    Get,
    Header,
    Headers,
    HttpCode,
    Post,
    Put,
    Redirect,
    Req,
)
from cqrs_nest.http import Dto


class Color(Enum):
    RED = "red"


class Size(StrEnum):
    SMALL = "small"


class Level(IntEnum):
    HIGH = 3


class Cat(Dto):
    cat_name: str = "Tom"
    born_at: datetime = datetime(2030, 1, 2, 3, 4, 5, 678999, tzinfo=timezone(timedelta(hours=9)))
    secret: str = Field(default="x", exclude=True)
    color: Color = Color.RED

    @computed_field  # type: ignore[prop-decorator]
    @property
    def loud_name(self) -> str:
        return self.cat_name.upper()


class Plain(BaseModel):
    price: Decimal = Decimal("12.50")
    amount: Decimal = Decimal("3")
    day: date = date(2030, 1, 2)


@dataclass
class Pair:
    left_part: int
    cat: Cat


class Inner(BaseModel):
    hexed: Base64Bytes = Field(default=b"\xff", validate_default=False)


class Blobs(BaseModel):
    text: bytes = b"a"
    coded: Base64Bytes = Field(default=b"\xff", validate_default=False)
    inner: list[Inner] = [Inner()]


class Encoded(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64")

    raw: bytes = b"\xff"


@dataclass
class Named:
    fields: dict[str, Any]


A_BUFFER = {"type": "Buffer", "data": [97]}
CAT = {"catName": "Tom", "bornAt": "2030-01-01T18:04:05.678Z", "color": "red", "loudName": "TOM"}

JSON_RESULTS: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 1}),
    ([1, 2], [1, 2]),
    ((1, 2), [1, 2]),
    ({3}, [3]),
    ({}, {}),
    (Cat(), CAT),
    ([Cat()], [CAT]),
    ({"deep": {"cat": Cat()}}, {"deep": {"cat": CAT}}),
    (Pair(1, Cat()), {"left_part": 1, "cat": CAT}),
    (Plain(), {"price": 12.5, "amount": 3, "day": "2030-01-02"}),
    ({"at": datetime(1970, 1, 1, tzinfo=UTC)}, {"at": "1970-01-01T00:00:00.000Z"}),
    ({"at": datetime(2030, 1, 1)}, {"at": "2030-01-01T00:00:00.000Z"}),  # noqa: DTZ001
    ({"x": float("nan"), "y": float("inf")}, {"x": None, "y": None}),
    ({"id": UUID(int=0)}, {"id": "00000000-0000-0000-0000-000000000000"}),
    ({1: "a"}, {"1": "a"}),
    ({"猫": "猫"}, {"猫": "猫"}),
    (b"x\xff", {"type": "Buffer", "data": [120, 255]}),
    ({"x": b"x\xff", "y": [bytearray(b"a")]}, {"x": {"type": "Buffer", "data": [120, 255]}, "y": [A_BUFFER]}),
    (Named({"x": b"a"}), {"fields": {"x": A_BUFFER}}),
    (Blobs(), {"text": "a", "coded": "/w==", "inner": [{"hexed": "/w=="}]}),
    (Encoded(), {"raw": "_w=="}),
    (datetime(2030, 1, 1, tzinfo=UTC), "2030-01-01T00:00:00.000Z"),
]

TEXT_RESULTS: list[tuple[Any, str]] = [
    ("hello", "hello"),
    ("", ""),
    (42, "42"),
    (0, "0"),
    (1.5, "1.5"),
    (True, "true"),
    (False, "false"),
    (Size.SMALL, "small"),
    (Color.RED, "red"),
    (Level.HIGH, "3"),
    ("猫", "猫"),
    (Decimal("1.50"), "1.5"),
    (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
]


async def answer(serve: Any, result: Any) -> Any:
    @Controller("r")
    class Results:
        @Get()
        async def get(self) -> Any:
            return result

    return await (await serve(Results)).get("/r")


@pytest.mark.parametrize(("result", "expected"), JSON_RESULTS)
async def test_json(serve: Any, result: Any, expected: Any) -> None:
    response = await answer(serve, result)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["content-length"] == str(len(response.content))
    assert response.json() == expected


@pytest.mark.parametrize(("result", "expected"), TEXT_RESULTS)
async def test_bare_values_are_text(serve: Any, result: Any, expected: str) -> None:
    response = await answer(serve, result)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert (response.status_code, response.text) == (200, expected)


async def test_none_is_an_empty_body(serve: Any) -> None:
    response = await answer(serve, None)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "0"
    assert "content-type" not in response.headers


async def test_an_integer_of_any_size_is_a_number(serve: Any) -> None:
    response = await answer(serve, {"x": 2**70, "at": datetime(2030, 1, 2, tzinfo=UTC)})
    assert response.json() == {"x": 2**70, "at": "2030-01-02T00:00:00.000Z"}


async def test_half_of_a_pair_of_utf16_is_escaped_in_json(serve: Any) -> None:
    """As JSON.stringify does it; other texts beside it stay as they are."""

    class Texts(BaseModel):
        name: str

    moment = datetime(2030, 1, 2, tzinfo=UTC)
    texts = [Texts.model_construct(name="\ud83d")]
    result = {"a\ud800": "猫\udfff", "at": moment, "list": texts, UUID(int=0): 1}
    response = await answer(serve, result)
    assert (
        response.content
        == (
            '{"a\\ud800":"猫\\udfff","at":"2030-01-02T00:00:00.000Z","list":[{"name":"\\ud83d"}],'
            '"00000000-0000-0000-0000-000000000000":1}'
        ).encode()
    )


async def test_half_of_a_pair_of_utf16_is_replaced_in_a_text(serve: Any) -> None:
    response = await answer(serve, "a\ud800\ud83d\ude00")
    assert (response.status_code, response.text) == (200, "a\ufffd😀")


async def test_an_error_with_half_of_a_pair_of_utf16_is_answered(serve: Any) -> None:
    @Controller("r")
    class Refuses:
        @Get()
        async def get(self) -> None:
            raise BadRequestException("no \ud800")

    response = await (await serve(Refuses)).get("/r")
    assert (response.status_code, response.json()["message"]) == (400, "no \ud800")


@pytest.mark.parametrize("result", [{"x": object()}, {"x": 2**70, "y": object()}, lambda: 1])
async def test_what_has_no_json_form_is_an_error_of_the_server(serve: Any, result: Any) -> None:
    response = await answer(serve, result)
    assert response.status_code == 500
    assert response.json() == {"statusCode": 500, "message": "Internal server error"}


SHARED = PlainTextResponse("tea", status_code=418, headers={"x-own": "1"})


@Controller("s")
class Statuses:
    @Post()
    async def post(self) -> str:
        return "x"

    @Put()
    async def put(self) -> str:
        return "x"

    @Delete()
    @HttpCode(204)
    async def delete(self) -> str:
        return "dropped"

    @Post("accepted")
    @HttpCode(202)
    async def accepted(self) -> dict[str, int]:
        return {"a": 1}

    @All("all")
    async def all(self) -> str:
        return "all"

    @Get("header")
    @Header("Cache-Control", "no-store")
    @Header("X-A", "1")
    async def header(self) -> str:
        return "x"

    @Get("csv")
    @Header("Content-Type", "text/csv")
    async def csv(self) -> str:
        return "a,b"

    @Get("response")
    @Header("X-A", "1")
    async def response(self) -> PlainTextResponse:
        return SHARED

    @Get("stream")
    async def stream(self) -> StreamingResponse:
        async def parts() -> Any:
            for part in ("a", "b"):
                yield part

        return StreamingResponse(parts(), media_type="text/plain")

    @Get("away")
    @Redirect("/there?a=1", 301)
    async def away(self) -> None: ...

    @Get("away/dynamic")
    @Redirect("/there")
    async def dynamic(self, to: Annotated[str, Headers("x-to")]) -> dict[str, Any]:
        return {"url": bytes.fromhex(to).decode(), "statusCode": 307}

    @Get("cookie")
    async def cookie(self, request: Annotated[Request, Req()]) -> PlainTextResponse:
        response = PlainTextResponse(request.cookies.get("seen", "none"))
        response.set_cookie("seen", "1", max_age=1, path="/s", httponly=True, secure=True)
        response.delete_cookie("old")
        return response


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("POST", "/s", 201, "x"),
        ("PUT", "/s", 200, "x"),
        ("DELETE", "/s", 204, ""),
        ("POST", "/s/accepted", 202, '{"a":1}'),
        ("POST", "/s/all", 200, "all"),
        ("OPTIONS", "/s/all", 200, "all"),
        ("GET", "/s/stream", 200, "ab"),
    ],
)
async def test_statuses(serve: Any, method: str, path: str, status: int, body: str) -> None:
    response = await (await serve(Statuses)).request(method, path)
    assert (response.status_code, response.text) == (status, body)


async def test_no_content_has_no_headers_of_a_body(serve: Any) -> None:
    response = await (await serve(Statuses, cors=None, security_headers={})).delete("/s")
    assert dict(response.headers) == {}


@pytest.mark.parametrize("path", ["/s/header", "/s/stream", "/s/response"])
async def test_head_has_the_headers_of_get_and_no_body(serve: Any, path: str) -> None:
    client = await serve(Statuses)
    head, get = await client.head(path), await client.get(path)
    assert (head.status_code, dict(head.headers)) == (get.status_code, dict(get.headers))
    assert (head.content, get.content != b"") == (b"", True)


async def test_headers_of_decorators(serve: Any) -> None:
    client = await serve(Statuses)
    response = await client.get("/s/header")
    assert (response.headers["cache-control"], response.headers["x-a"]) == ("no-store", "1")
    response = await client.get("/s/csv")
    assert (response.headers.get_list("content-type"), response.text) == (["text/csv"], "a,b")


async def test_a_response_object_is_sent_as_it_is_and_stays_as_it_was(serve: Any) -> None:
    client = await serve(Statuses)
    for _ in range(2):
        response = await client.get("/s/response")
        assert (response.status_code, response.text) == (418, "tea")
        assert response.headers.get_list("x-a") == ["1"]
        assert response.headers.get_list("access-control-allow-origin") == ["*"]
    assert set(SHARED.headers) == {"x-own", "content-length", "content-type"}


async def test_redirects(serve: Any) -> None:
    client = await serve(Statuses)
    response = await client.get("/s/away")
    assert (response.status_code, response.headers["location"], response.content) == (301, "/there?a=1", b"")
    evil = "/猫\r\nset-cookie: a=b"
    response = await client.get("/s/away/dynamic", headers={"x-to": evil.encode().hex()})
    assert response.status_code == 307
    assert response.headers["location"] == "/%E7%8C%AB%0D%0Aset-cookie:%20a=b"


async def test_cookies_of_a_response(serve: Any) -> None:
    client = await serve(Statuses)
    response = await client.get("/s/cookie", headers={"cookie": "seen=2"})
    assert response.text == "2"
    seen, old = response.headers.get_list("set-cookie")
    assert seen == "seen=1; HttpOnly; Max-Age=1; Path=/s; SameSite=lax; Secure"
    assert old.startswith('old=""; ')
    assert "Max-Age=0" in old
