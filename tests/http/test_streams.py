"""Events after the first, files, and the response that a call may change."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from cqrs_nest.common import (
    BadRequestException,
    CallHandler,
    Controller,
    ExecutionContext,
    ForbiddenException,
    Get,
    Header,
    HttpCode,
    Post,
    Redirect,
    Res,
    Sse,
    StreamableFile,
    UseGuards,
    UseInterceptors,
)
from cqrs_nest.http import InvalidControllerError

closed = asyncio.Event()


class Refuse:
    def can_activate(self, context: ExecutionContext) -> bool:
        raise ForbiddenException


class Shout:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        events = await next.handle()

        async def louder() -> AsyncIterator[str]:
            async for event in events:
                yield event.upper()

        return louder()


class Cached:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        return JSONResponse({"cached": True})


@Controller("sse")
class Events:
    @Sse("fails")
    async def fails(self) -> AsyncIterator[str]:
        yield "one"
        raise RuntimeError("secret")

    @Sse("refuses")
    async def refuses(self) -> AsyncIterator[str]:
        yield "one"
        raise BadRequestException("enough")

    @Sse("none")
    async def none(self) -> AsyncIterator[str]:
        return
        yield

    @Sse("guarded")
    @UseGuards(Refuse)
    async def guarded(self) -> AsyncIterator[str]:
        yield "never"

    @Sse("louder")
    @UseInterceptors(Shout)
    @Header("x-loud", "yes")
    async def louder(self) -> AsyncIterator[str]:
        yield "one"

    @Sse("cached")
    @UseInterceptors(Cached)
    async def cached(self) -> AsyncIterator[str]:
        yield "never"

    @Sse("injected")
    async def injected(self) -> AsyncIterator[Any]:
        yield "a\r\nid: 9\revent: x"

    @Sse("value")
    async def value(self) -> Any:
        return 5

    @Sse("endless")
    async def endless(self) -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            closed.set()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fails", "\nid: 1\ndata: one\n\nevent: error\nid: 2\ndata: Internal server error\n\n"),
        ("refuses", "\nid: 1\ndata: one\n\nevent: error\nid: 2\ndata: enough\n\n"),
        ("none", "\n"),
        ("louder", "\nid: 1\ndata: ONE\n\n"),
        ("cached", '{"cached":true}'),
        ("injected", "\nid: 1\ndata: a\ndata: id: 9\ndata: event: x\n\n"),
    ],
)
async def test_events(serve: Any, path: str, text: str) -> None:
    response = await (await serve(Events)).get(f"/sse/{path}")
    assert (response.status_code, response.text) == (200, text)
    assert response.headers.get("x-loud") == ("yes" if path == "louder" else None)


async def test_what_is_no_stream(serve: Any) -> None:
    client = await serve(Events)
    assert (await client.get("/sse/guarded")).status_code == 403
    assert (await client.get("/sse/value")).status_code == 500


async def test_a_stream_ends_when_the_caller_is_gone(build: Any, listening: Any) -> None:
    closed.clear()
    async with listening(await build(Events)) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /sse/endless HTTP/1.1\r\nhost: test\r\n\r\n")
        await reader.readuntil(b"data: one\n\n")
        writer.close()
        async with asyncio.timeout(10):
            await closed.wait()


async def test_a_generator_needs_the_decorator(build: Any) -> None:
    @Controller()
    class Yields:
        @Get()
        async def get(self) -> AsyncIterator[str]:
            yield "x"

    with pytest.raises(InvalidControllerError, match="declare it with @Sse"):
        await build(Yields)


async def pieces() -> AsyncIterator[bytes]:
    yield b"a;"
    yield b"b"


CSV = "text/csv"


@Controller("files")
class Files:
    @Get("bytes")
    async def content(self) -> StreamableFile:
        return StreamableFile(b"a;b")

    @Get("named")
    async def named(self) -> StreamableFile:
        return StreamableFile(b"a;b", type=CSV, disposition='attachment; filename="cats.csv"')

    @Get("declared")
    @Header("Content-Type", CSV)
    async def declared(self) -> StreamableFile:
        return StreamableFile(b"a;b", type="text/plain")

    @Get("pieces")
    async def pieces(self) -> StreamableFile:
        return StreamableFile(pieces(), type=CSV)

    @Get("open")
    async def open(self) -> StreamableFile:
        return StreamableFile(io.BytesIO(b"a;b"), type=CSV, length=3)


@pytest.mark.parametrize(
    ("path", "content_type", "length", "disposition"),
    [
        ("bytes", "application/octet-stream", "3", None),
        ("named", CSV, "3", 'attachment; filename="cats.csv"'),
        ("declared", CSV, "3", None),
        ("pieces", CSV, None, None),
        ("open", CSV, "3", None),
    ],
)
async def test_files(
    serve: Any, path: str, content_type: str, length: str | None, disposition: str | None
) -> None:
    response = await (await serve(Files)).get(f"/files/{path}")
    assert (response.status_code, response.content) == (200, b"a;b")
    headers = response.headers
    assert headers.get_list("content-type") == [content_type]
    assert (headers.get("content-length"), headers.get("content-disposition")) == (length, disposition)


class SeeStatus:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        response = context.switch_to_http().get_response()
        response.headers["x-status-before"] = str(response.status_code)
        result = await next.handle()
        if result == "accepted":
            response.status_code = 202
        return result


@Controller("r")
@UseInterceptors(SeeStatus)
class Changes:
    @Post()
    async def post(self) -> str:
        return "created"

    @Post("later")
    async def later(self) -> str:
        return "accepted"

    @Get("cookie")
    @HttpCode(203)
    @Header("x-own", "1")
    async def cookie(self, response: Annotated[Response, Res()]) -> dict[str, int]:
        response.set_cookie("session", "s1", httponly=True)
        return {"a": 1}

    @Get("itself")
    async def itself(self, response: Annotated[Response, Res()]) -> Response:
        response.body = b"own"
        response.headers["content-length"] = "3"
        return response

    @Get("elsewhere")
    @Redirect("/r/cookie")
    async def elsewhere(self, response: Annotated[Response, Res()]) -> None:
        response.delete_cookie("session")

    @Get("error")
    async def error(self, response: Annotated[Response, Res()]) -> None:
        response.status_code = 202
        raise BadRequestException


async def test_the_response_of_a_call(serve: Any) -> None:
    client: httpx.AsyncClient = await serve(Changes)
    created = await client.post("/r")
    assert (created.status_code, created.text, created.headers["x-status-before"]) == (201, "created", "201")
    assert (await client.post("/r/later")).status_code == 202
    cookie = await client.get("/r/cookie")
    assert (cookie.status_code, cookie.json(), cookie.headers["x-own"]) == (203, {"a": 1}, "1")
    assert cookie.headers["set-cookie"] == "session=s1; HttpOnly; Path=/; SameSite=lax"
    assert cookie.headers["content-length"] == "7"
    assert (await client.get("/r/itself")).text == "own"
    assert (await client.get("/r/error")).status_code == 400


async def test_a_redirect_keeps_its_status_and_takes_the_headers(serve: Any) -> None:
    response = await (await serve(Changes)).get("/r/elsewhere")
    assert (response.status_code, response.headers["location"]) == (302, "/r/cookie")
    assert response.headers["set-cookie"].startswith('session=""')


async def test_the_document_shows_streams(build: Any) -> None:
    document = (await build(Events, Files)).openapi()
    files = document["paths"]["/files/bytes"]["get"]["responses"]["200"]
    assert files["content"] == {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
    }
    events = document["paths"]["/sse/fails"]["get"]["responses"]["200"]
    assert list(events["content"]) == ["text/event-stream"]
    assert list(document["components"]["schemas"]) == ["ErrorBody"]
