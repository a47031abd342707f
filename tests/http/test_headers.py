"""Text of clients in the headers of answers: it never begins another header, and is never a 500."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from cqrs_nest.common import (
    ArgumentsHost,
    CallHandler,
    Catch,
    Controller,
    ExecutionContext,
    Get,
    Header,
    HttpException,
    MiddlewareConsumer,
    Module,
    Query,
    Redirect,
    Req,
    Res,
    StreamableFile,
    UseFilters,
    UseInterceptors,
)
from cqrs_nest.http import InvalidControllerError

Text = Annotated[str, Query("text")]


class Described(HttpException):
    def __init__(self, text: str) -> None:
        super().__init__(text, 418)


@Catch(Described)
class AsHeader:
    def catch(self, exception: Described, host: ArgumentsHost) -> Response:
        return JSONResponse({}, 418, headers={"x-name": str(exception)})


@Catch()
class Everything:
    def catch(self, exception: Exception, host: ArgumentsHost) -> Response:
        status = exception.status if isinstance(exception, HttpException) else 500
        return JSONResponse({"caught": str(exception)}, status)


class FromQuery:
    async def intercept(self, context: ExecutionContext, next: CallHandler) -> Any:
        http = context.switch_to_http()
        http.get_response().headers["x-name"] = http.get_request().query_params["text"]
        return await next.handle()


async def chunks() -> AsyncIterator[bytes]:
    yield b"a"


@Controller("set")
class Sets:
    @Get("changed")
    async def changed(self, text: Text, response: Annotated[Response, Res()]) -> dict[str, int]:
        response.headers["X-Name"] = text
        return {"a": 1}

    @Get("appended")
    async def appended(self, text: Text, response: Annotated[Response, Res()]) -> None:
        response.headers.append("x-name", text)

    @Get("interceptor")
    @UseInterceptors(FromQuery)
    async def by_interceptor(self) -> str:
        return "x"

    @Get("returned")
    async def returned(self, text: Text) -> Response:
        return PlainTextResponse("x", headers={"X-Name": text, "x-other": "1"})

    @Get("declared")
    @Header("x-own", "1")
    async def declared(self, text: Text) -> Response:
        return PlainTextResponse("x", headers={"x-name": text})

    @Get("stream")
    async def stream(self, text: Text) -> Response:
        return StreamingResponse(chunks(), headers={"x-name": text})

    @Get("filter")
    @UseFilters(AsHeader)
    async def by_filter(self, text: Text) -> None:
        raise Described(text)

    @Get("starlette")
    async def starlette(self, text: Text) -> None:
        raise HTTPException(401, "who?", headers={"x-name": text})

    @Get("file-type")
    async def file_type(self, text: Text) -> StreamableFile:
        return StreamableFile(b"", type=text)

    @Get("media-type")
    async def media_type(self, text: Text) -> Response:
        return Response("x", media_type=text)

    @Get("cookie-path")
    async def cookie_path(self, text: Text, response: Annotated[Response, Res()]) -> None:
        response.set_cookie("session", "s1", path=text)

    @Get("cookie-name")
    async def cookie_name(self, text: Text, response: Annotated[Response, Res()]) -> None:
        response.set_cookie(text, "s1")

    @Get("name")
    async def name(self, text: Text, response: Annotated[Response, Res()]) -> None:
        response.headers[text] = "1"

    @Get("middleware")
    async def by_middleware(self) -> None: ...

    @Get("caught")
    @UseFilters(Everything)
    async def caught(self, text: Text, response: Annotated[Response, Res()]) -> None:
        response.headers["x-name"] = text


async def answer_by_header(request: Request, next: Any) -> Response | None:
    return Response(headers={"x-name": request.query_params["text"]})


@Module(controllers=[Sets])
class SetsModule:
    def configure(self, consumer: MiddlewareConsumer) -> None:
        consumer.apply(answer_by_header).for_routes("set/middleware")


NAMES = {
    "file-type": "content-type",
    "media-type": "content-type",
    "cookie-path": "set-cookie",
    "cookie-name": "set-cookie",
}
SETTERS = [
    *("changed", "appended", "interceptor", "returned", "declared", "stream", "filter", "starlette"),
    *("file-type", "media-type", "cookie-path", "cookie-name", "middleware"),
]


@pytest.mark.parametrize("setter", SETTERS)
async def test_what_no_header_holds(serve: Any, setter: str) -> None:
    client = await serve(imports=[SetsModule])
    name = NAMES.get(setter, "x-name")
    for text in ("a\r\nset-cookie: a=b", "a\nb", "a\0b", "\x7f", "😀", "猫"):
        response = await client.get(f"/set/{setter}", params={"text": text})
        assert_refused(response, name)


def assert_refused(response: Any, name: str) -> None:
    assert response.status_code == 400
    assert response.json() == {
        "message": f'Invalid character in header content ["{name}"]',
        "error": "Bad Request",
        "statusCode": 400,
    }
    assert "x-name" not in response.headers
    assert "a=b" not in str(response.headers)


@pytest.mark.parametrize("setter", [each for each in SETTERS if each not in NAMES])
async def test_what_a_header_holds(serve: Any, setter: str) -> None:
    text = "é\t\xa0~"
    response = await (await serve(imports=[SetsModule])).get(f"/set/{setter}", params={"text": text})
    assert response.headers["x-name"].encode("latin-1") == text.encode("latin-1")


@pytest.mark.parametrize("text", ["a b", "a:", "", "é", "猫"])
async def test_names(serve: Any, text: str) -> None:
    response = await (await serve(Sets)).get("/set/name", params={"text": text})
    assert response.status_code == 400
    assert "eader" in response.json()["message"]


async def test_filters_see_the_error_of_the_header(serve: Any) -> None:
    response = await (await serve(Sets)).get("/set/caught", params={"text": "😀"})
    assert response.status_code == 400
    assert response.json() == {"caught": 'Invalid character in header content ["x-name"]'}


async def test_headers_of_a_starlette_exception(serve: Any) -> None:
    response = await (await serve(Sets)).get("/set/starlette", params={"text": "Bearer"})
    assert (response.status_code, response.headers["x-name"]) == (401, "Bearer")
    assert response.json() == {"statusCode": 401, "message": "who?"}


async def test_nothing_is_injected_on_the_wire(serve: Any, build: Any, listening: Any) -> None:
    async with listening(await build(Sets)) as (host, port):
        for setter in ("returned", "stream", "filter", "starlette", "cookie-path"):
            reader, writer = await asyncio.open_connection(host, port)
            target = f"/set/{setter}?text=a%0d%0aset-cookie:%20a=b"
            writer.write(f"GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"\nset-cookie" not in answer.lower()


@Controller("one")
class SetTwice:
    @Get("changed")
    @Header("X-Own", "1")
    async def changed(self, response: Annotated[Response, Res()]) -> str:
        response.headers["x-own"] = "2"
        return "x"

    @Get("returned")
    @Header("X-Own", "1")
    @Header("set-cookie", "b=2")
    async def returned(self) -> Response:
        response = PlainTextResponse("x", headers={"x-own": "2"})
        response.set_cookie("a", "1")
        return response


@pytest.mark.parametrize("path", ["changed", "returned"])
async def test_the_call_decides_over_its_decorators(serve: Any, path: str) -> None:
    response = await (await serve(SetTwice)).get(f"/one/{path}")
    assert response.headers.get_list("x-own") == ["2"]
    assert len(response.headers.get_list("set-cookie")) == (2 if path == "returned" else 0)


@pytest.mark.parametrize(("name", "value"), [("x-a", "a\r\nb: c"), ("x-a", "猫"), ("x a", "1"), ("", "1")])
async def test_declared_headers_are_checked_at_start(build: Any, name: str, value: str) -> None:
    @Controller()
    class Wrong:
        @Get()
        @Header(name, value)
        async def get(self) -> None: ...

    with pytest.raises(InvalidControllerError, match=r"Wrong\.get cannot be served: .*[Hh]eader"):
        await build(Wrong)


@Controller("files")
class Files:
    @Get("named")
    async def named(self, text: Text) -> StreamableFile:
        return StreamableFile(b"a", filename=text)

    @Get("shown")
    async def shown(self, text: Text) -> StreamableFile:
        return StreamableFile(b"a", disposition="inline", filename=text)

    @Get("written")
    async def written(self, text: Text) -> StreamableFile:
        return StreamableFile(b"a", disposition=f'attachment; filename="{text}"; x=1')

    @Get("bare")
    async def bare(self, text: Text) -> StreamableFile:
        return StreamableFile(b"a", disposition=f"attachment; filename={text}; x=1")


@pytest.mark.parametrize(
    ("path", "text", "disposition"),
    [
        ("named", "cats.csv", 'attachment; filename="cats.csv"'),
        ("shown", "cats 1.csv", 'inline; filename="cats 1.csv"'),
        ("named", 'a"b\\c', 'attachment; filename="a\\"b\\\\c"'),
        ("named", "猫é.csv", "attachment; filename=\"??.csv\"; filename*=UTF-8''%E7%8C%AB%C3%A9.csv"),
        ("named", "50%41", "attachment; filename=\"50%41\"; filename*=UTF-8''50%2541"),
        ("named", "a\r\nb: c", "attachment; filename=\"a??b: c\"; filename*=UTF-8''a%0D%0Ab%3A%20c"),
        ("written", "cats.csv", 'attachment; filename="cats.csv"; x=1'),
        ("written", "猫.csv", "attachment; filename=\"?.csv\"; filename*=UTF-8''%E7%8C%AB.csv; x=1"),
        ("bare", "猫.csv", "attachment; filename=\"?.csv\"; filename*=UTF-8''%E7%8C%AB.csv; x=1"),
        ("written", "a\r\nb: c", "attachment; filename=\"a??b: c\"; filename*=UTF-8''a%0D%0Ab%3A%20c; x=1"),
    ],
)
async def test_names_of_files(serve: Any, path: str, text: str, disposition: str) -> None:
    response = await (await serve(Files)).get(f"/files/{path}", params={"text": text})
    assert (response.status_code, response.content) == (200, b"a")
    assert response.headers["content-disposition"] == disposition


async def test_a_disposition_that_cannot_be_encoded(serve: Any) -> None:
    response = await (await serve(Files)).get("/files/written", params={"text": 'a";\r\nb: c'})
    assert (response.status_code, "b" in response.headers) == (400, False)


@Controller("away")
class Away:
    @Get("dynamic")
    @Redirect("/")
    async def dynamic(self, text: Text) -> dict[str, str]:
        return {"url": text}

    @Get("returned")
    async def returned(self, text: Text) -> Response:
        return RedirectResponse(text)


@pytest.mark.parametrize("path", ["dynamic", "returned"])
async def test_addresses_are_encoded(serve: Any, path: str) -> None:
    response = await (await serve(Away)).get(f"/away/{path}", params={"text": "/猫\r\na: b"})
    assert response.headers["location"] == "/%E7%8C%AB%0D%0Aa:%20b"
    assert "a" not in response.headers


async def test_other_errors_of_encoding_are_the_servers(serve: Any) -> None:
    class Latin(PlainTextResponse):
        charset = "latin-1"

    @Controller("own")
    class Own:
        @Get("body")
        async def body(self) -> Response:
            return Latin("猫")

        @Get("code")
        async def code(self, request: Annotated[Request, Req()]) -> None:
            "猫".encode("latin-1")

    client = await serve(Own)
    assert (await client.get("/own/body")).status_code == 500
    assert (await client.get("/own/code")).status_code == 500


@pytest.mark.parametrize("text", ["a\r\nset-cookie: a=b", "a\0b"])
async def test_headers_of_asgi_middleware(build: Any, client_of: Any, text: str) -> None:
    @Controller("own")
    class Own:
        @Get()
        async def get(self) -> str:
            return "x"

    def setting(value: str) -> Any:
        def middleware(app: Any) -> Any:
            async def set_header(scope: Any, receive: Any, send: Any) -> None:
                async def send_with_header(message: Any) -> None:
                    if message["type"] == "http.response.start":
                        message["headers"] = [*message["headers"], (b"x-name", value.encode())]
                    await send(message)

                await app(scope, receive, send_with_header)

            return set_header

        return middleware

    for value, status in ((text, 400), ("fine", 200)):
        application = await build(Own)
        application.use(setting(value))
        response = await client_of(application).get("/own")
        assert response.status_code == status
        assert response.headers.get("x-name") == ("fine" if status == 200 else None)
        assert "set-cookie" not in response.headers
