"""Calls from pages of other origins."""

from typing import Any

from cqrs_nest.common import All, Controller, Get, UseGuards
from cqrs_nest.http import CorsOptions

ASKING = {"origin": "https://a.test", "access-control-request-method": "PUT"}


class Nobody:
    async def can_activate(self, context: Any) -> bool:
        return False


@Controller("cats")
class Cats:
    @Get()
    async def find(self) -> list[str]:
        return []

    @All("guarded")
    @UseGuards(Nobody)
    async def guarded(self) -> None: ...


def access_headers(response: Any) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value
        for name, value in response.headers.items()
        if name.startswith("access-control-") or name == "vary"
    }


async def test_every_origin_may_call_by_default(serve: Any) -> None:
    client = await serve(Cats)
    for path, status in (("/cats", 200), ("/nowhere", 404), ("/cats/guarded", 403)):
        response = await client.get(path, headers={"origin": "https://a.test"})
        assert (response.status_code, access_headers(response)) == (status, {"allow-origin": "*"})


async def test_a_preflight_is_answered_before_any_route(serve: Any) -> None:
    client = await serve(Cats)
    for path in ("/cats", "/nowhere", "/cats/guarded"):
        response = await client.options(
            path, headers={**ASKING, "access-control-request-headers": "x-foo,content-type"}
        )
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["content-length"] == "0"
        assert access_headers(response) == {
            "allow-origin": "*",
            "allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
            "allow-headers": "x-foo,content-type",
            "vary": "Access-Control-Request-Headers",
        }


async def test_origins_by_name(serve: Any) -> None:
    options = CorsOptions(
        origins=["https://a.test", "https://b.test"],
        credentials=True,
        exposed_headers=["x-total"],
        headers=["x-a"],
        max_age=60,
    )
    client = await serve(Cats, cors=options)

    allowed = await client.get("/cats", headers={"origin": "https://b.test"})
    assert access_headers(allowed) == {
        "allow-origin": "https://b.test",
        "allow-credentials": "true",
        "expose-headers": "x-total",
        "vary": "Origin",
    }
    for headers in ({"origin": "https://evil.test"}, {}):
        assert access_headers(await client.get("/cats", headers=headers)) == {"vary": "Origin"}

    preflight = access_headers(await client.options("/cats", headers=ASKING))
    assert (preflight["allow-origin"], preflight["allow-headers"], preflight["max-age"]) == (
        "https://a.test",
        "x-a",
        "60",
    )
    refused = await client.options("/cats", headers={**ASKING, "origin": "https://evil.test"})
    assert (refused.status_code, "allow-origin" in access_headers(refused)) == (204, False)


async def test_without_cors_nothing_is_said(serve: Any) -> None:
    client = await serve(Cats, cors=None)
    assert access_headers(await client.get("/cats")) == {}
    assert (await client.options("/cats", headers=ASKING)).status_code == 404


async def test_only_names_of_headers_are_echoed(serve: Any) -> None:
    client = await serve()
    asking = {"origin": "http://a", "access-control-request-method": "GET"}
    for asked, echoed in (("x-a, x_b", "x-a, x_b"), ("x-a\x0bx", None), ("<script>", None)):
        headers = {**asking, "access-control-request-headers": asked}
        response = await client.options("/", headers=headers)
        assert (response.status_code, response.headers.get("access-control-allow-headers")) == (204, echoed)
