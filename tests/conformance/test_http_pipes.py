"""The parsing pipes, case by case."""

from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest

from cqrs_nest.common import (
    Body,
    Controller,
    DefaultValuePipe,
    Get,
    NotAcceptableException,
    Param,
    ParseArrayPipe,
    ParseBoolPipe,
    ParseEnumPipe,
    ParseFloatPipe,
    ParseIntPipe,
    ParseUUIDPipe,
    Post,
    Query,
    UnprocessableEntityException,
)
from tests.http.serving import serve

case = pytest.mark.case

NUMERIC = "Validation failed (numeric string is expected)"
BOOLEAN = "Validation failed (boolean string is expected)"
UUID_EXPECTED = "Validation failed (uuid is expected)"
UUID_4 = "Validation failed (uuid v 4 is expected)"
ENUM = "Validation failed (enum string is expected)"
ARRAY = "Validation failed (parsable array expected)"

SOME_UUID = "7d3a1c1e-8f7b-4c3d-9e1a-2b3c4d5e6f70"


class Color(Enum):
    RED = "red"


def unprocessable(message: str) -> Exception:
    return UnprocessableEntityException(f"F:{message}")


@Controller()
class Piped:
    @Get("int/:v")
    async def integer(self, v: Annotated[int, Param("v", ParseIntPipe)]) -> Any:
        return [v]

    @Get("int406/:v")
    async def integer_406(
        self, v: Annotated[int, Param("v", ParseIntPipe(error=NotAcceptableException))]
    ) -> Any:
        return [v]

    @Get("intq")
    async def queried(self, v: Annotated[int, Query("v", ParseIntPipe)]) -> Any:
        return [v]

    @Get("intopt")
    async def optional(self, v: Annotated[int | None, Query("v", ParseIntPipe(optional=True))]) -> Any:
        return [v]

    @Get("intdef")
    async def default(self, v: Annotated[int, Query("v", DefaultValuePipe(7), ParseIntPipe)]) -> Any:
        return [v]

    @Get("intfac")
    async def own_error(self, v: Annotated[int, Query("v", ParseIntPipe(error=unprocessable))]) -> Any:
        return [v]

    @Get("float/:v")
    async def floating(self, v: Annotated[float, Param("v", ParseFloatPipe)]) -> Any:
        return [v]

    @Get("bool/:v")
    async def boolean(self, v: Annotated[bool, Param("v", ParseBoolPipe)]) -> Any:
        return [v]

    @Get("uuid/:v")
    async def uuid(self, v: Annotated[str, Param("v", ParseUUIDPipe)]) -> Any:
        return [v]

    @Get("uuid4/:v")
    async def uuid_4(self, v: Annotated[UUID, Param("v", ParseUUIDPipe(version=4))]) -> Any:
        return [v]

    @Get("enum/:v")
    async def enum(self, v: Annotated[Color, Param("v", ParseEnumPipe(Color))]) -> Any:
        return [v]

    @Get("arr")
    async def array(self, v: Annotated[list[str], Query("v", ParseArrayPipe)]) -> Any:
        return [v]

    @Get("arrint")
    async def integers(self, v: Annotated[list[int], Query("v", ParseArrayPipe(separator="|"))]) -> Any:
        return [v]

    @Get("arropt")
    async def optional_array(
        self, v: Annotated[list[str] | None, Query("v", ParseArrayPipe(optional=True))]
    ) -> Any:
        return [v]

    @Get("def")
    async def defaulted(self, v: Annotated[str, Query("v", DefaultValuePipe("dv"))]) -> Any:
        return [v]

    @Post("fields")
    async def fields(
        self, n: Annotated[int, Body("n", ParseIntPipe)], f: Annotated[bool, Body("f", ParseBoolPipe)]
    ) -> Any:
        return [n, f]


@pytest.fixture
async def client() -> httpx.AsyncClient:
    return await serve(Piped)


@case("VAL-14")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("int/5", 5),
        ("int/-5", -5),
        ("int/05", 5),
        ("int/99999999999999999999", 99999999999999999999),
        ("intopt", None),
        ("intdef", 7),
        ("float/1.5", 1.5),
        ("float/1e3", 1000),
        ("bool/true", True),
        ("bool/false", False),
        (f"uuid/{SOME_UUID}", SOME_UUID),
        (f"uuid/{SOME_UUID.upper()}", SOME_UUID.upper()),
        (f"uuid4/{SOME_UUID}", SOME_UUID),
        ("enum/red", "red"),
        ("arr?v=a,b", ["a", "b"]),
        ("arr?v=a&v=b", ["a", "b"]),
        ("arrint?v=1|2", [1, 2]),
        ("arropt", None),
        ("def", "dv"),
        ("def?v=", ""),
        ("def?v=z", "z"),
    ],
)
async def test_what_passes(client: httpx.AsyncClient, path: str, value: Any) -> None:
    response = await client.get(f"/{path}")

    assert (response.status_code, response.json()) == (200, [value])


@case("VAL-14")
@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        *((f"int/{value}", 400, NUMERIC) for value in ("5.5", "abc", "1e3", "%205", "0x10", "+5", "%D9%A3")),
        (f"int/{'9' * 5000}", 400, NUMERIC),
        ("int406/x", 406, NUMERIC),
        ("intq", 400, NUMERIC),
        ("intq?v=", 400, NUMERIC),
        ("intopt?v=x", 400, NUMERIC),
        ("intopt?v=", 400, NUMERIC),
        ("intdef?v=", 400, NUMERIC),
        ("intdef?v=x", 400, NUMERIC),
        ("intfac?v=x", 422, f"F:{NUMERIC}"),
        *((f"float/{value}", 400, NUMERIC) for value in ("x", "Infinity", "NaN", "1.5abc", "1_0")),
        *((f"bool/{value}", 400, BOOLEAN) for value in ("1", "TRUE", "yes")),
        ("uuid/x", 400, UUID_EXPECTED),
        (f"uuid/{SOME_UUID.replace('-', '')}", 400, UUID_EXPECTED),
        ("uuid4/7d3a1c1e-8f7b-1c3d-9e1a-2b3c4d5e6f70", 400, UUID_4),
        ("enum/Red", 400, ENUM),
        ("enum/x", 400, ENUM),
        ("arr", 400, ARRAY),
        ("arr?v=", 400, ARRAY),
        ("arrint?v=1|x", 400, ["each value in v must be an integer number"]),
    ],
)
async def test_what_is_refused(client: httpx.AsyncClient, path: str, status: int, message: Any) -> None:
    response = await client.get(f"/{path}")

    assert (response.status_code, response.json()["message"]) == (status, message)
    reason = {400: "Bad Request", 406: "Not Acceptable", 422: "Unprocessable Entity"}[status]
    assert {**response.json(), "message": ""} == {"message": "", "error": reason, "statusCode": status}


async def test_fields_of_a_body_are_values_already(client: httpx.AsyncClient) -> None:
    assert (await client.post("/fields", json={"n": 5, "f": True})).json() == [5, True]
    assert (await client.post("/fields", json={"n": "5", "f": "true"})).json() == [5, True]
    for body, message in (({"n": True, "f": True}, NUMERIC), ({"n": 1, "f": 1}, BOOLEAN)):
        assert (await client.post("/fields", json=body)).json()["message"] == message
