"""Validation of bodies, queries and parameters, case by case."""

from typing import Annotated, Any

import httpx
import pytest
from pydantic import Field

from cqrs_nest.common import Body, Controller, Get, Param, Post, Query, create_param_decorator
from cqrs_nest.http import Dto, ValidationOptions
from tests.http.serving import serve

case = pytest.mark.case


class Item(Dto):
    sku: str
    qty: int = Field(ge=1)


class Person(Dto):
    name: str = Field(min_length=2, max_length=5)
    age: int = Field(ge=0)
    email: Annotated[str, Field(pattern="^[^@]+@[^@]+$")] | None = None
    items: list[Item] = Field(default=[])


@Controller("v")
class Validated:
    @Post()
    async def create(self, person: Annotated[Person, Body()]) -> Person:
        return person

    @Post("inner")
    async def inner(self, person: Annotated[Person, Body("inner")]) -> Person:
        return person

    @Get("query")
    async def query(self, q: Annotated["Page", Query()]) -> "Page":
        return q

    @Get("custom")
    async def custom(self, value: Annotated[str, create_param_decorator(lambda data, context: 5)()]) -> Any:
        return {"s": value}

    @Get(":id")
    async def one(
        self,
        number: Annotated[int, Param("id")],
        flag: Annotated[bool | None, Query("flag")] = None,
        s: Annotated[str | None, Query("s")] = None,
    ) -> list[Any]:
        return [number, flag, s]


class Page(Dto):
    page: int = 1


async def serve_validated(**options: Any) -> httpx.AsyncClient:
    return await serve(Validated, **options)


def bad_request(*messages: str) -> dict[str, Any]:
    return {"message": list(messages), "error": "Bad Request", "statusCode": 400}


@case("VAL-01")
async def test_missing_fields_are_listed_in_declaration_order() -> None:
    response = await (await serve_validated()).post("/v", json={})
    assert (response.status_code, response.json()) == (
        400,
        bad_request("name must be a string", "age must be an integer number"),
    )


@case("VAL-03")
async def test_null_for_an_optional_field_passes_an_empty_text_does_not() -> None:
    client = await serve_validated()
    assert (await client.post("/v", json={"name": "bob", "age": 3, "email": None})).status_code == 201
    response = await client.post("/v", json={"name": "bob", "age": 3, "email": ""})
    assert response.status_code == 400
    assert response.json()["message"][0].startswith("email must ")


@case("VAL-04")
async def test_json_types_are_strict() -> None:
    response = await (await serve_validated()).post("/v", json={"name": "bob", "age": "3"})
    assert response.json() == bad_request("age must be an integer number")


@case("VAL-06")
async def test_unknown_properties_can_be_refused() -> None:
    client = await serve_validated(validation=ValidationOptions(forbid_non_whitelisted=True))
    person = {"name": "bob", "age": 3}
    response = await client.post("/v", json={**person, "extra": 1, "other": 2})
    assert response.json() == bad_request(
        "property extra should not exist", "property other should not exist"
    )
    response = await client.post("/v", json={**person, "items": [{"sku": "a", "qty": 1, "z": 1}]})
    assert response.json() == bad_request("items.0.property z should not exist")


@case("VAL-09")
async def test_parameters_are_converted_by_their_annotations() -> None:
    client = await serve_validated()
    assert (await client.get("/v/5?flag=true&s=7")).json() == [5, True, "7"]
    assert (await client.get("/v/5?flag=no")).json() == [5, False, None]
    refused = await client.get("/v/abc")
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "Validation failed (numeric string is expected)",
    )


@case("VAL-10")
async def test_a_query_model_converts_and_drops_the_unknown() -> None:
    assert (await (await serve_validated()).get("/v/query?page=2&x=1")).json() == {"page": 2}


@case("VAL-12")
async def test_a_missing_inner_model_is_checked_as_an_empty_object() -> None:
    response = await (await serve_validated()).post("/v/inner", json={})
    assert response.json() == bad_request("name must be a string", "age must be an integer number")


@case("VAL-17")
@pytest.mark.parametrize(
    ("options", "body", "messages"),
    [
        ({"partial": True}, {}, None),
        ({"partial": True}, {"sku": 1}, ["sku must be a string"]),
        ({"partial": True}, {"sku": None}, None),
        ({"pick": ["sku"]}, {}, ["sku must be a string"]),
        ({"omit": ["sku"]}, {}, ["qty must be an integer number"]),
    ],
)
async def test_models_made_of_others(
    options: dict[str, Any], body: dict[str, Any], messages: list[str] | None
) -> None:
    shaped = type("Shaped", (Item,), {"__module__": __name__}, **options)

    @Controller()
    class Shapes:
        @Post()
        async def post(self, value: Annotated[shaped, Body()]) -> dict[str, Any]:
            return value.model_dump(exclude_unset=True)

    response = await (await serve(Shapes)).post("/", json=body)
    assert response.json() == (body if messages is None else bad_request(*messages))


class Open(Item, extra="allow"): ...


@Controller()
class Others:
    @Post("open")
    async def open(self, item: Annotated[Open, Body()]) -> Open:
        return item

    @Post("list")
    async def many(self, items: Annotated[list[Item], Body()]) -> int:
        return len(items)


@case("VAL-07")
async def test_a_model_may_keep_unknown_properties() -> None:
    kept = await (await serve(Others)).post("/open", json={"sku": "a", "qty": 1, "extra": 1})
    assert (kept.status_code, kept.json()) == (201, {"sku": "a", "qty": 1, "extra": 1})


@case("VAL-15")
@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (
            [{"sku": "a", "qty": 1}, {}],
            ["1.sku must be a string", "1.qty must be an integer number"],
        ),
        ({"sku": "a", "qty": 1}, ["the value must be an array"]),
    ],
)
async def test_a_list_of_models(body: Any, messages: list[str]) -> None:
    client = await serve(Others)
    assert (await client.post("/list", json=[{"sku": "a", "qty": 1}])).text == "1"
    assert (await client.post("/list", json=body)).json() == bad_request(*messages)


@case("VAL-18")
async def test_values_of_custom_markers_are_not_checked() -> None:
    assert (await (await serve_validated()).get("/v/custom")).json() == {"s": 5}
