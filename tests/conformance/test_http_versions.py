"""Prefixes and versions, case by case."""

from typing import Any

import httpx
import pytest

from cqrs_nest.common import VERSION_NEUTRAL, Controller, Get, Post, RouteInfo, Version
from cqrs_nest.http import HeaderVersioning, UriVersioning
from tests.http.serving import serve

case = pytest.mark.case


async def answers(client: httpx.AsyncClient, *paths: str, **headers: str) -> list[Any]:
    """The text of each answer, or its status if it is an error."""
    responses = [await client.get(path, headers=headers) for path in paths]
    return [each.text if each.is_success else each.status_code for each in responses]


@Controller("health")
class Health:
    @Get()
    async def get(self) -> str:
        return "ok"

    @Post()
    async def post(self) -> str:
        return "post"


@Controller("cats")
class Cats:
    @Get()
    async def get(self) -> str:
        return "cats"


@case("HTTP-16")
async def test_paths_without_the_global_prefix() -> None:
    client = await serve(
        Health, Cats, global_prefix="api", prefix_excludes=[RouteInfo("health", "GET")], swagger_ui=False
    )
    assert await answers(client, "/health", "/api/cats", "/cats", "/api/health") == ["ok", "cats", 404, 404]
    assert (await client.post("/health")).json()["message"] == "Cannot POST /health"
    assert (await client.post("/api/health")).text == "post"

    client = await serve(Health, Cats, global_prefix="api", prefix_excludes=["health"])
    assert await answers(client, "/health", "/api/cats") == ["ok", "cats"]
    assert (await client.post("/health")).text == "post"


@Controller("c", version="1")
class V1:
    @Get()
    async def get(self) -> str:
        return "v1"

    @Get("m")
    @Version("3")
    async def third(self) -> str:
        return "m3"


@Controller("c", version=["2", "4"])
class V2:
    @Get()
    async def get(self) -> str:
        return "v2/4"


@Controller("n", version=VERSION_NEUTRAL)
class Neutral:
    @Get()
    async def get(self) -> str:
        return "neutral"


@Controller("plain")
class Plain:
    @Get()
    async def get(self) -> str:
        return "plain"


@case("HTTP-18")
async def test_versions_in_the_path() -> None:
    client = await serve(V1, V2, Neutral, Plain, versioning=UriVersioning())

    paths = ("/v1/c", "/v2/c", "/v4/c", "/v3/c/m", "/v1/c/m", "/n", "/v1/n", "/plain", "/c")
    assert await answers(client, *paths) == [
        "v1",
        "v2/4",
        "v2/4",
        "m3",
        404,
        "neutral",
        404,
        "plain",
        404,
    ]


@case("HTTP-19")
async def test_versions_in_a_header() -> None:
    client = await serve(V1, V2, Neutral, Plain, versioning=HeaderVersioning(header="X-Version"))

    for version, expected in (("1", "v1"), ("2", "v2/4"), ("4", "v2/4"), ("", 404), ("9", 404)):
        paths = ("/c", "/n", "/plain")
        assert await answers(client, *paths, **{"x-version": version}) == [expected, "neutral", "plain"]
    unknown = await client.get("/c")
    assert unknown.json() == {"message": "Cannot GET /c", "error": "Not Found", "statusCode": 404}
