"""JSON bodies: what is read, what is refused, and that a refused one reaches no handler."""

from typing import Annotated, Any

import httpx
import pytest
from pydantic import Field
from starlette.requests import Request

from cqrs_nest.common import Body, Controller, Post, Req
from cqrs_nest.http import Dto

JSON = {"content-type": "application/json"}


class CreateCat(Dto):
    name: str
    age: int = 0
    weight: float = 0.0
    nested: Any = None


executed: list[Any] = []


@Controller("cats")
class Cats:
    @Post()
    async def create(self, cat: Annotated[CreateCat, Body()]) -> CreateCat:
        executed.append(cat)
        return cat

    @Post("free")
    async def free(self, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        executed.append(body)
        return body

    @Post("list")
    async def many(self, cats: Annotated[list[CreateCat], Body()]) -> int:
        return len(cats)

    @Post("optional")
    async def optional(self, cat: Annotated[CreateCat | None, Body()] = None) -> str:
        return "none" if cat is None else cat.name

    @Post("raw")
    async def raw(self, body: Annotated[dict[str, Any], Body()], request: Annotated[Request, Req()]) -> str:
        return (await request.body()).decode()


@pytest.fixture
async def client(serve: Any) -> httpx.AsyncClient:
    executed.clear()
    return await serve(Cats, body_limit=1000)


async def post(client: httpx.AsyncClient, content: bytes, path: str = "/cats", **headers: str) -> Any:
    return await client.post(path, content=content, headers={**JSON, **headers})


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{'name': 'Tom'}",
        b'{"name": "Tom",}',
        b'{"name": "Tom"} x',
        b'"Tom"',
        b"5",
        b"null",
        b"true",
        b'{"name": "Tom", "weight": NaN}',
        b'{"name": "Tom", "nested": Infinity}',
        b'{"name": "Tom", "nested": -Infinity}',
        b'{"name": "\xff"}',
        b'{"name": "Tom", "unknown": "\xff"}',
        b'{"name": "Tom", "nested": ' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"nested": ' + b'{"a":' * 150,
        b"[" * 900,
    ],
)
@pytest.mark.parametrize("path", ["/cats", "/cats/free"])
async def test_what_is_no_json_document_is_refused(
    client: httpx.AsyncClient, path: str, content: bytes
) -> None:
    response = await post(client, content, path)

    assert response.status_code == 400
    body = response.json()
    assert body["message"].startswith("Invalid JSON: ")
    assert {**body, "message": ""} == {"message": "", "error": "Bad Request", "statusCode": 400}
    assert executed == []


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
async def test_words_that_look_like_numbers_are_words(client: httpx.AsyncClient, name: str) -> None:
    response = await client.post("/cats", json={"name": name})
    assert (response.status_code, response.json()["name"]) == (201, name)


async def test_the_last_of_two_equal_keys_counts(client: httpx.AsyncClient) -> None:
    assert (await post(client, b'{"name": "Tom", "name": "Kit"}')).json()["name"] == "Kit"


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", JSON),
        (b"  \n", JSON),
        (b'{"name": "Tom"}', {"content-type": "text/plain"}),
        (b'{"name": "Tom"}', {"content-type": "application/jsonp"}),
        (b'{"name": "Tom"}', {}),
    ],
)
async def test_no_json_counts_as_an_empty_object(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str]
) -> None:
    response = await client.post("/cats", content=content, headers=headers)
    assert response.status_code == 400
    assert response.json()["message"] == ["name must be a string"]
    assert (await client.post("/cats/optional", content=content, headers=headers)).text == "none"
    assert (await client.post("/cats/free", content=content, headers=headers)).json() == {}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "Application/JSON",
        "application/merge-patch+json",
        "application/json; boundary=x",
        "application/json; charset=",
    ],
)
async def test_json_by_other_names(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post("/cats", content=b'{"name": "Tom"}', headers={"content-type": content_type})
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"content-type": "application/json; charset=latin1"}, 'unsupported charset "LATIN1"'),
        ({"content-type": "application/json; charset=utf-16"}, 'unsupported charset "UTF-16"'),
        ({**JSON, "content-encoding": "gzip"}, 'unsupported content encoding "gzip"'),
    ],
)
async def test_forms_that_are_not_read(
    client: httpx.AsyncClient, headers: dict[str, str], message: str
) -> None:
    response = await client.post("/cats", content=b'{"name": "Tom"}', headers=headers)
    assert response.status_code == 415
    assert response.json() == {"statusCode": 415, "message": message}
    assert executed == []


def padded(length: int) -> bytes:
    return b'{"name": "' + b"x" * (length - 12) + b'"}'


@pytest.mark.parametrize("path", ["/cats", "/cats/free"])
async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await post(client, padded(1000), path)).status_code == 201
    executed.clear()

    response = await post(client, padded(1001), path)

    assert response.status_code == 413
    assert response.json() == {"statusCode": 413, "message": "request entity too large"}
    assert executed == []


async def test_an_announced_length_of_any_size_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/cats", content=b"{}", headers={**JSON, "content-length": "9" * 5000})
    assert response.status_code == 413


async def test_an_unannounced_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'{"name": "'
        while True:
            sent += 100
            yield b"x" * 100

    response = await client.post("/cats", content=endless(), headers=JSON)

    assert response.status_code == 413
    assert response.json() == {"statusCode": 413, "message": "request entity too large"}
    assert sent <= 1100
    assert executed == []


async def test_a_body_in_pieces_is_put_together(client: httpx.AsyncClient) -> None:
    async def pieces() -> Any:
        for piece in (b'{"na', b"", b'me": "T', b'om"}'):
            yield piece

    response = await client.post("/cats", content=pieces(), headers=JSON)
    assert response.json()["name"] == "Tom"


async def test_json_types_are_not_coerced_but_a_whole_number_is_an_integer(
    client: httpx.AsyncClient,
) -> None:
    assert (await post(client, b'{"name": "Tom", "age": 3.0}')).json()["age"] == 3
    assert (await post(client, b'{"name": "Tom", "age": 1e2}')).json()["age"] == 100
    for age in (b'"3"', b"3.5", b"true", b"null", b"[]"):
        response = await post(client, b'{"name": "Tom", "age": ' + age + b"}")
        assert response.json()["message"] == ["age must be an integer number"], age


async def test_a_whole_number_among_other_errors(client: httpx.AsyncClient) -> None:
    response = await post(client, b'{"name": 1, "age": 3.0}')
    assert response.json()["message"] == ["name must be a string"]


async def test_an_array_of_models(client: httpx.AsyncClient) -> None:
    assert (await client.post("/cats/list", json=[{"name": "Tom"}, {"name": "Kit"}])).text == "2"
    response = await client.post("/cats/list", json=[{"name": "Tom"}, {"name": 1}, {}])
    assert response.json()["message"] == ["1.name must be a string", "2.name must be a string"]


async def test_the_request_still_gives_the_bytes(client: httpx.AsyncClient) -> None:
    assert (await post(client, b'{"a": 1}', "/cats/raw")).text == '{"a": 1}'


async def test_a_flood_of_errors_is_cut_short(serve: Any) -> None:
    class Line(Dto):
        sku: str
        quantity: int = Field(ge=1)

    @Controller("orders")
    class Orders:
        @Post()
        async def create(self, lines: Annotated[list[Line], Body()]) -> None: ...

    client = await serve(Orders)
    response = await client.post("/orders", json=[{}] * 5000)
    assert response.status_code == 400
    assert len(response.json()["message"]) == 100
