"""Server-sent events, case by case."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cqrs_nest.common import Controller, ForbiddenException, MessageEvent, Sse
from tests.http.serving import serve

case = pytest.mark.case


@Controller("sse")
class Events:
    @Sse()
    async def events(self) -> AsyncIterator[Any]:
        yield {"x": 1}
        yield MessageEvent("str", id="7", type="custom", retry=100)
        yield MessageEvent("multi\nline")

    @Sse("broken")
    async def broken(self) -> AsyncIterator[str]:
        if self is not None:
            raise RuntimeError("sse broke")
        yield "never"

    @Sse("forbidden")
    async def forbidden(self) -> AsyncIterator[str]:
        raise ForbiddenException


@case("HTTP-23")
async def test_events_on_the_wire() -> None:
    response = await (await serve(Events)).get("/sse")

    assert response.status_code == 200
    assert response.text == (
        '\nid: 1\ndata: {"x":1}\n\n'
        "event: custom\nid: 7\nretry: 100\ndata: str\n\n"
        "id: 2\ndata: multi\ndata: line\n\n"
    )
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == (
        "private, no-cache, no-store, must-revalidate, max-age=0, no-transform"
    )
    assert response.headers["connection"] == "keep-alive"
    assert response.headers["x-accel-buffering"] == "no"


@case("HTTP-24")
@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("broken", 500, {"statusCode": 500, "message": "Internal server error"}),
        ("forbidden", 403, {"message": "Forbidden", "statusCode": 403}),
    ],
)
async def test_an_error_before_the_first_event(path: str, status: int, body: Any) -> None:
    response = await (await serve(Events)).get(f"/sse/{path}")

    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert "cache-control" not in response.headers
