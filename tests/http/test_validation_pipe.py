"""`ValidationPipe`: other options for a controller, a route or a parameter."""

from typing import Annotated, Any

import pytest
from starlette.requests import Request

from cqrs_nest.common import (
    APP_PIPE,
    REQUEST,
    BadRequestException,
    Body,
    Controller,
    Inject,
    Injectable,
    Param,
    Post,
    Query,
    Scope,
    UsePipes,
    provide,
)
from cqrs_nest.common.pipes import ArgumentMetadata, ParameterSource
from cqrs_nest.http import Dto, ValidationOptions, ValidationPipe
from tests.http.conftest import Serve


class Cat(Dto):
    name: str


@Controller("cats")
class Cats:
    @Post("nest")
    async def as_nest(self, cat: Annotated[Cat, Body()]) -> str:
        return cat.name

    @Post("pydantic")
    @UsePipes(ValidationPipe(error_style="pydantic"))
    async def as_pydantic(self, cat: Annotated[Cat, Body()]) -> str:
        return cat.name

    @Post("strict")
    @UsePipes(ValidationPipe(forbid_non_whitelisted=True))
    async def strict(self, cat: Annotated[Cat, Body()]) -> str:
        return cat.name

    @Post("mixed/:number")
    @UsePipes(ValidationPipe(error_style="pydantic"))
    async def mixed(
        self,
        number: Annotated[int, Param("number")],
        page: Annotated[int, Query("page", ValidationPipe())] = 1,
    ) -> str:
        return f"{number} {page}"

    @Post("class")
    @UsePipes(ValidationPipe)
    async def listed_as_a_class(self, cat: Annotated[Cat, Body()]) -> str:
        return cat.name


async def message(client: Any, path: str, body: object = None) -> Any:
    answer = await client.post(f"/cats/{path}", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json() | {"message": 0} == {"message": 0, "error": "Bad Request", "statusCode": 400}
    return answer.json()["message"]


async def test_a_route_chooses_its_style(serve: Serve) -> None:
    client = await serve(Cats)
    assert await message(client, "nest", {}) == ["name must be a string"]
    assert await message(client, "pydantic", {}) == ["name: Field required"]
    assert (await client.post("/cats/pydantic", json={"name": "Tom"})).text == "Tom"


async def test_a_route_is_stricter_than_the_application(serve: Serve) -> None:
    client = await serve(Cats)
    assert (await client.post("/cats/nest", json={"name": "Tom", "x": 1})).text == "Tom"
    assert await message(client, "strict", {"name": "Tom", "x": 1}) == ["property x should not exist"]


async def test_the_nearest_pipe_counts(serve: Serve) -> None:
    client = await serve(Cats, validation=ValidationOptions(error_style="pydantic"))
    assert await message(client, "mixed/x") == [
        "number: Input should be a valid integer, unable to parse string as an integer"
    ]
    assert await message(client, "mixed/1?page=x") == "Validation failed (numeric string is expected)"
    assert await message(client, "class", {}) == ["name must be a string"]


async def test_the_application_chooses_for_all(serve: Serve) -> None:
    client = await serve(Cats, validation=ValidationOptions(error_style="pydantic"))
    assert await message(client, "nest", {}) == ["name: Field required"]


@pytest.mark.parametrize(
    "provider",
    [
        provide(APP_PIPE, use_value=ValidationPipe(error_style="pydantic")),
        provide(APP_PIPE, use_factory=lambda: ValidationPipe(error_style="pydantic")),
    ],
    ids=["value", "factory"],
)
async def test_a_provided_pipe_counts_for_all(serve: Serve, provider: Any) -> None:
    client = await serve(Cats, providers=[provider])
    assert (await client.post("/cats/nest", json={"name": "Tom"})).text == "Tom"
    assert await message(client, "nest", {}) == ["name: Field required"]


@Injectable(scope=Scope.REQUEST)
class AsTheCallerLikes(ValidationPipe):
    def __init__(self, request: Annotated[Request, Inject(REQUEST)]) -> None:
        super().__init__(
            error_style="pydantic" if "x-pydantic" in request.headers else "class-validator",
            forbid_non_whitelisted="x-strict" in request.headers,
        )


def made_by_request(request: Request) -> ValidationPipe:
    return AsTheCallerLikes(request)


@pytest.mark.parametrize(
    "provider",
    [
        provide(APP_PIPE, use_class=AsTheCallerLikes),
        provide(APP_PIPE, use_factory=made_by_request, inject=[REQUEST]),
    ],
    ids=["class", "factory"],
)
async def test_a_pipe_may_be_made_for_each_request(serve: Serve, provider: Any) -> None:
    client = await serve(Cats, providers=[provider])
    for _ in range(2):
        assert await message(client, "nest", {}) == ["name must be a string"]
        client.headers["x-pydantic"] = "1"
        assert await message(client, "nest", {}) == ["name: Field required"]
        assert (await client.post("/cats/nest", json={"name": "Tom", "x": 1})).text == "Tom"
        client.headers["x-strict"] = "1"
        assert await message(client, "nest", {"name": "Tom", "x": 1}) == ["x: Extra inputs are not permitted"]
        del client.headers["x-pydantic"], client.headers["x-strict"]
    # The nearest pipe still counts.
    assert await message(client, "pydantic", {}) == ["name: Field required"]


async def test_a_subclass_with_a_transform_of_its_own_is_a_pipe_like_others(serve: Serve) -> None:
    class Shouting(ValidationPipe):
        def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
            return Cat(name=super().transform(value, metadata).name.upper())

    @Controller("loud")
    class Loud:
        @Post()
        @UsePipes(Shouting())
        async def create(self, cat: Annotated[Cat, Body()]) -> str:
            return cat.name

    assert (await (await serve(Loud)).post("/loud", json={"name": "Tom"})).text == "TOM"


def test_it_checks_a_value_by_itself() -> None:
    body = ArgumentMetadata(ParameterSource.BODY, Cat)
    assert ValidationPipe().transform({"name": "Tom", "x": 1}, body) == Cat(name="Tom")
    with pytest.raises(BadRequestException) as refused:
        ValidationPipe(error_style="pydantic").transform({"name": 5}, body)
    assert refused.value.body()["message"] == ["name: Input should be a valid string"]


def test_an_unknown_style_is_refused_at_once() -> None:
    style: Any = "nest"
    with pytest.raises(ValueError, match="error_style is 'class-validator' or 'pydantic', not 'nest'"):
        ValidationPipe(error_style=style)
