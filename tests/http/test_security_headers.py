"""What every answer tells browsers, whatever it is."""

from typing import Any

import pytest

from cqrs_nest.common import Controller, Get, Header
from cqrs_nest.http import SECURITY_HEADERS


@Controller("cats")
class Cats:
    @Get()
    async def find(self) -> list[str]:
        return []

    @Get("picture")
    @Header("Referrer-Policy", "origin")
    async def picture(self) -> str:
        return "meow"

    @Get("broken")
    async def broken(self) -> str:
        raise RuntimeError("no cat")


PATHS = [("/cats", 200), ("/nowhere", 404), ("/cats/broken", 500), ("/swagger-ui", 200)]
PLAIN = {name: value for name, value in SECURITY_HEADERS.items() if name != "strict-transport-security"}


@pytest.mark.parametrize(("path", "status"), PATHS)
async def test_every_answer_carries_them(serve: Any, path: str, status: int) -> None:
    client = await serve(Cats)
    response = await client.get(path)
    assert response.status_code == status
    assert PLAIN.items() <= response.headers.items()
    assert "strict-transport-security" not in response.headers


async def test_browsers_are_held_to_tls_by_answers_over_it(serve: Any) -> None:
    client = await serve(Cats)
    response = await client.get("https://test/cats")
    assert SECURITY_HEADERS.items() <= response.headers.items()


async def test_a_route_says_otherwise(serve: Any) -> None:
    client = await serve(Cats)
    headers = (await client.get("/cats/picture")).headers
    assert headers.get_list("referrer-policy") == ["origin"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_an_application_says_otherwise(serve: Any) -> None:
    client = await serve(Cats, security_headers={})
    assert not SECURITY_HEADERS.keys() & (await client.get("/cats")).headers.keys()
    client = await serve(Cats, security_headers={**SECURITY_HEADERS, "X-Frame-Options": "DENY"})
    assert (await client.get("/cats")).headers["x-frame-options"] == "DENY"
