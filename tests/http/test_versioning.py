"""Versions beyond the recorded cases, and the prefixes of modules."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from cqrs_nest.common import VERSION_NEUTRAL, Controller, Get, Module, Version
from cqrs_nest.http import (
    CustomVersioning,
    HeaderVersioning,
    MediaTypeVersioning,
    RouterModule,
    RouteTree,
    UriVersioning,
)


@Controller("cats")
class Cats:
    @Get(":id")
    @Version("1")
    async def one(self) -> str:
        return "1"

    @Get("all")
    @Version(["2", VERSION_NEUTRAL])
    async def all(self) -> str:
        return "2 or any"

    @Get("bare")
    async def bare(self) -> str:
        return "bare"


def wanted(request: Request) -> Sequence[str]:
    return request.query_params.getlist("v")


async def text(client: httpx.AsyncClient, path: str, **headers: str) -> str | int:
    response = await client.get(path, headers=headers)
    return response.text if response.is_success else response.status_code


async def test_the_declared_order_counts_among_the_routes_of_one_version(serve: Any) -> None:
    client = await serve(Cats, versioning=HeaderVersioning(header="x-version"))
    assert await text(client, "/cats/all", **{"x-version": "1"}) == "1"
    assert await text(client, "/cats/all", **{"x-version": "2"}) == "2 or any"
    assert await text(client, "/cats/all") == "2 or any"
    assert await text(client, "/cats/bare") == "bare"


async def test_versions_in_the_media_type(serve: Any) -> None:
    client = await serve(Cats, versioning=MediaTypeVersioning(key="v="))
    assert await text(client, "/cats/7", accept="application/json;v=1") == "1"
    assert await text(client, "/cats/7", accept="application/json; q=1; v=1") == "1"
    assert await text(client, "/cats/7", accept="application/json") == 404


async def test_the_best_of_the_versions_that_a_function_finds(serve: Any) -> None:
    client = await serve(Cats, versioning=CustomVersioning(extractor=wanted))
    assert await text(client, "/cats/all?v=9&v=2&v=1") == "2 or any"
    assert await text(client, "/cats/x?v=2&v=1") == "1"
    assert await text(client, "/cats/x?v=2") == 404


async def test_a_default_version(serve: Any) -> None:
    client = await serve(Cats, global_prefix="api", versioning=UriVersioning(prefix="", default=["7", "8"]))
    assert await text(client, "/api/8/cats/bare") == "bare"
    assert await text(client, "/api/cats/bare") == 404
    assert await text(client, "/api/cats/all") == "2 or any"


@pytest.mark.parametrize("prefix", [None, "", "/"])
async def test_no_prefix(serve: Any, prefix: str | None) -> None:
    assert await text(await serve(Cats, global_prefix=prefix), "/cats/all") == "1"


async def test_without_versioning_every_route_answers(serve: Any) -> None:
    assert await text(await serve(Cats), "/cats/all") == "1"


async def test_the_document_shows_versions_in_the_path(build: Any) -> None:
    application = await build(Cats, versioning=UriVersioning())
    assert list(application.openapi()["paths"]) == [
        "/v1/cats/{id}",
        "/v2/cats/all",
        "/cats/all",
        "/cats/bare",
    ]


@Controller("users")
class Users:
    @Get()
    async def get(self) -> str:
        return "users"


@Controller("imported")
class Imported:
    @Get()
    async def get(self) -> str:
        return "imported"


@Module(controllers=[Imported])
class ImportedModule: ...


@Module(controllers=[Users], imports=[ImportedModule])
class UserModule: ...


@Controller()
class Stats:
    @Get("stats")
    async def get(self) -> str:
        return "stats"


@Module(controllers=[Stats])
class StatsModule: ...


TREE = RouteTree(
    path="/admin", children=[RouteTree(path=":tenant", module=UserModule, children=[StatsModule])]
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/admin/t1/users", "users"),
        ("/api/admin/t1/stats", "stats"),
        ("/api/imported", "imported"),
        ("/api/users", 404),
        ("/api/admin/t1/imported", 404),
    ],
)
async def test_modules_below_paths(serve: Any, path: str, expected: Any) -> None:
    imports = [UserModule, StatsModule, RouterModule.register(TREE)]
    client = await serve(imports=imports, global_prefix="api")
    assert await text(client, path) == expected
