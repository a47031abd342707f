"""Over a real socket: what an HTTP client in memory would not show."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from cqrs_nest.common import Body, Controller, Get, Param, Post

executed: list[Any] = []


@Controller("cats")
class Cats:
    @Get(":id")
    async def find(self, name: Annotated[str, Param("id")]) -> dict[str, str]:
        return {"name": name}

    @Post()
    async def create(self, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        executed.append(body)
        return body


@pytest.fixture(autouse=True)
def nothing_executed() -> None:
    executed.clear()


async def exchange(address: tuple[str, int], *pieces: bytes) -> bytes:
    """What the server sends until it closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    try:
        return await reader.read()
    finally:
        writer.close()


CLOSE = "connection: close"


def request(line: str, *headers: str) -> bytes:
    return ("\r\n".join([f"{line} HTTP/1.1", "host: test", *headers]) + "\r\n\r\n").encode()


def post(length: str) -> bytes:
    return request("POST /cats", "content-type: application/json", length, CLOSE)


async def test_paths_as_they_come_over_the_wire(build: Any, listening: Callable[[Any], Any]) -> None:
    refused = b'{"message":"%s","error":"%s","statusCode":%s}'
    answers = [
        ("/cats/a%2Fb%23c", b"200", b'{"name":"a/b#c"}'),
        ("/CATS/Tom/", b"200", b'{"name":"Tom"}'),
        ("//cats", b"404", refused % (b"Cannot GET //cats", b"Not Found", b"404")),
        ("/x?y=1", b"404", refused % (b"Cannot GET /x?y=1", b"Not Found", b"404")),
        ("/cats/../secret", b"404", refused % (b"Cannot GET /cats/../secret", b"Not Found", b"404")),
        ("/cats/%E0%A4%A", b"400", refused % (b"Failed to decode param '%E0%A4%A'", b"Bad Request", b"400")),
    ]
    async with listening(await build(Cats)) as address:
        for target, status, body in answers:
            answer = await exchange(address, request(f"GET {target}", CLOSE))
            assert answer.startswith(b"HTTP/1.1 " + status), target
            assert answer.partition(b"\r\n\r\n")[2] == body


async def test_paths_below_the_place_where_it_is_mounted(build: Any, listening: Callable[[Any], Any]) -> None:
    application = await build(Cats)
    async with listening(Starlette(routes=[Mount("/api", application)])) as address:
        answer = await exchange(address, request("GET /api/cats/a%2Fb", CLOSE))
        assert answer.endswith(b'{"name":"a/b"}')


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/cats/Tom", 200), ("/cats/Tom", 200), ("/apicats/Tom", 404), ("/api/cats/Tom/api", 404)],
)
async def test_what_only_begins_like_the_place_is_elsewhere(build: Any, path: str, status: int) -> None:
    transport = httpx.ASGITransport(await build(Cats), root_path="/api")
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get(path)).status_code == status


async def test_head_sends_no_body(build: Any, listening: Callable[[Any], Any]) -> None:
    async with listening(await build(Cats)) as address:
        answer = await exchange(address, request("HEAD /cats/Tom", CLOSE))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-length: 14" in head
    assert body == b""


TOO_LARGE = b'{"statusCode":413,"message":"request entity too large"}'


async def test_an_announced_length_is_refused_before_the_body_is_sent(
    build: Any, listening: Callable[[Any], Any]
) -> None:
    async with listening(await build(Cats)) as address:
        answer = await exchange(address, post("content-length: 102401"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(TOO_LARGE)
    assert executed == []


async def test_a_chunked_body_is_refused_at_the_limit(build: Any, listening: Callable[[Any], Any]) -> None:
    async with listening(await build(Cats)) as address:
        head = post("transfer-encoding: chunked")
        chunk = b"2800\r\n" + b"[" * 0x2800 + b"\r\n"
        answer = await exchange(address, head, *[chunk] * 11)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(TOO_LARGE)
    assert executed == []


async def test_a_caller_who_hangs_up_gets_nothing_done(
    build: Any, listening: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    application = await build(Cats)
    finished = asyncio.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        finally:
            finished.set()

    async with listening(watched) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(post("content-length: 10"))
        writer.write(b'{"a"')
        await writer.drain()
        writer.close()
        await finished.wait()
    assert executed == []
    assert caplog.records == []


async def test_one_connection_serves_many_requests(build: Any, listening: Callable[[Any], Any]) -> None:
    async with listening(await build(Cats)) as (host, port), httpx.AsyncClient() as client:
        url = f"http://{host}:{port}/cats"
        for number in range(20):
            assert (await client.get(f"{url}/{number}")).json() == {"name": str(number)}
            assert (await client.post(url, json={"n": number})).status_code == 201
            assert (await client.post(url, content=b"{")).status_code == 201
    assert len(executed) == 40
