"""What is wrong with a controller is said at start, with the class, the method and the fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Field

from cqrs_nest.common import (
    Body,
    Controller,
    Get,
    HttpCode,
    Param,
    Post,
    Query,
    UseGuards,
    UseInterceptors,
)
from cqrs_nest.common.parameters import ParameterMarker
from cqrs_nest.http import CorsOptions, Dto, InvalidControllerError

if TYPE_CHECKING:
    from decimal import Decimal


class Opaque:
    """Nothing that pydantic knows."""


@Controller("cats")
class SyncHandler:
    @Get()
    def find(self) -> None: ...


@Controller("cats")
class NoMarker:
    @Get()
    async def find(self, name: str) -> None: ...


@Controller("cats")
class NoAnnotation:
    @Get()
    async def find(self, name) -> None: ...  # type: ignore[no-untyped-def]


@Controller("cats")
class TwoMarkers:
    @Get()
    async def find(self, name: Annotated[str, Query("a"), Body("b")]) -> None: ...


@Controller("cats")
class WrongParam:
    @Get(":id")
    async def find(self, name: Annotated[str, Param("name")]) -> None: ...


@Controller("cats")
class OnlyForCheckers:
    @Get()
    async def find(self, price: Annotated[Decimal, Query("price")]) -> None: ...


class Incomplete(Dto):
    price: Decimal


@Controller("cats")
class IncompleteModel:
    @Post()
    async def create(self, cat: Annotated[Incomplete, Body()]) -> None: ...


class Untagged(Dto):
    size: int


@Controller("cats")
class WrongDiscriminator:
    @Post()
    async def create(
        self, cat: Annotated[Annotated[Untagged | Dto, Field(discriminator="kind")], Body()]
    ) -> None: ...


@Controller("cats")
class MarkerAsDefault:
    @Get()
    async def find(self, name: ParameterMarker = Query("name")) -> None: ...


@Controller("cats")
class Static:
    @Get()
    @staticmethod
    async def find() -> None: ...


@Controller("cats")
class OfTheClass:
    @Get()
    @classmethod
    async def find(cls) -> None: ...


@Controller("cats/:id")
class TwiceTheSameName:
    @Get("toys/:id")
    async def find(self) -> None: ...


@Controller("cats")
class NotCheckable:
    @Post()
    async def create(self, cat: Annotated[Opaque, Body()]) -> None: ...


@Controller("cats")
class Pattern:
    @Get(":id(\\d+)")
    async def find(self) -> None: ...


@Controller("cats")
class NoGuard:
    @Get()
    @UseGuards(Opaque)
    async def find(self) -> None: ...


@Controller("cats")
class NoInterceptor:
    @Get()
    @UseInterceptors(Opaque())  # type: ignore[arg-type]
    async def find(self) -> None: ...


@pytest.mark.parametrize(
    ("controller", "problem", "fix"),
    [
        (
            SyncHandler,
            "SyncHandler.find cannot be served: the handler is not async.",
            "write `async def find`",
        ),
        (NoMarker, "NoMarker.find cannot be served: nothing says where the parameter name", "Query('name')"),
        (NoAnnotation, "nothing says where the parameter name comes from", "Annotated[..., Query('name')]"),
        (TwoMarkers, "the parameter name has 2 markers", "keep one"),
        (WrongParam, "name is Param('name'), but the path has :id", "put :name into the path"),
        (
            OnlyForCheckers,
            "the annotation of price, `Annotated[Decimal, Query('price')]`, names what is not there",
            "outside of `if TYPE_CHECKING:`",
        ),
        (IncompleteModel, "of cat has a field of the unknown type Decimal", "import Decimal at module level"),
        (NotCheckable, "cat cannot be checked against <class", "annotate it with a pydantic model"),
        (
            WrongDiscriminator,
            "Model 'Untagged' needs a discriminator field for key 'kind'",
            "annotate it with a pydantic",
        ),
        (MarkerAsDefault, "the marker of the parameter name is its default", "Annotated[..., Query('name')]"),
        (Static, "it is a staticmethod", "async def find(self, ...)"),
        (OfTheClass, "it is a classmethod", "async def find(self, ...)"),
        (TwiceTheSameName, "the path /cats/:id/toys/:id has id twice", "a name of its own"),
        (Pattern, "the path /cats/:id(\\d+) has", "use whole segments :name"),
        (NoGuard, "Opaque has no method can_activate", "write `async def can_activate(...)` in Opaque"),
        (NoInterceptor, "Opaque has no method intercept", "write `async def intercept(...)` in Opaque"),
    ],
)
async def test_the_error_names_the_problem_and_the_fix(
    build: Callable[..., Any], controller: type, problem: str, fix: str
) -> None:
    with pytest.raises(InvalidControllerError) as refused:
        await build(controller)
    text = str(refused.value)
    assert problem in text
    assert fix in text
    if "cannot be served" in text:
        assert f"module: {__name__}" in text
        assert f"file:   {__file__}:" in text


async def test_options_take_instances(build: Callable[..., Any]) -> None:
    with pytest.raises(InvalidControllerError) as refused:
        await build(guards=[Opaque])
    assert "HttpOptions takes instances, and Opaque is a class." in str(refused.value)
    assert "provide(APP_GUARD, use_class=Opaque)" in str(refused.value)


@pytest.mark.parametrize("status", [0, 99, 100, 600, -1])
def test_a_status_that_no_answer_has_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match="between 200 and 599"):
        HttpCode(status)


def test_credentials_for_every_origin_are_refused() -> None:
    with pytest.raises(ValueError, match="credentials need the origins by name"):
        CorsOptions(credentials=True)


async def test_a_wrong_enhancer_is_named_with_its_route(build: Any) -> None:
    with pytest.raises(InvalidControllerError, match=r"^NoGuard\.find cannot be served: Opaque has no"):
        await build(NoGuard)


async def test_a_hidden_route_is_named(build: Any, caplog: pytest.LogCaptureFixture) -> None:
    @Controller("cats")
    class One:
        @Get(":id")
        async def one(self) -> None: ...

        @Post(":id")
        async def other(self) -> None: ...

    @Controller("Cats")
    class Two:
        @Get(":name")
        async def two(self) -> None: ...

    await build(One, Two)

    assert [record.getMessage() for record in caplog.records] == [
        "Two.two is hidden by One.one: both are GET /Cats/:name"
    ]
