"""The answers to exceptions, and what is logged about them."""

import asyncio
import logging
from typing import Any

import anyio
import httpx
import pytest
from botocore.exceptions import ClientError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, StreamingResponse

from cqrs_nest.common import ConflictException, Controller, Get, HttpException, NotFoundException


def client_error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret table"}, **more}, "PutItem")


CANCELLED = client_error(
    "TransactionCanceledException",
    CancellationReasons=[{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "secret"}],
)
CONDITION = {
    "statusCode": 409,
    "message": "ConditionalCheckFailedException: The conditional request failed",
}
INTERNAL = {"statusCode": 500, "message": "Internal server error"}
BUSY = {"statusCode": 429, "message": "Too Many Requests"}
UNAVAILABLE = {"statusCode": 503, "message": "Service Unavailable"}


async def answer(serve: Any, error: Exception) -> httpx.Response:
    @Controller("e")
    class Errors:
        @Get(":id")
        async def get(self) -> None:
            raise error

    response: httpx.Response = await (await serve(Errors)).get("/e/1?token=hidden")
    return response


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (NotFoundException(), 404, {"message": "Not Found", "statusCode": 404}),
        (NotFoundException("x"), 404, {"message": "x", "error": "Not Found", "statusCode": 404}),
        (ConflictException(["a", "b"]), 409, {"message": ["a", "b"], "error": "Conflict", "statusCode": 409}),
        (HttpException("plain", 400), 400, {"statusCode": 400, "message": "plain"}),
        (HttpException({"a": 1}, 422), 422, {"a": 1}),
        (HTTPException(418, "tea"), 418, {"statusCode": 418, "message": "tea"}),
        (client_error("ConditionalCheckFailedException"), 409, CONDITION),
        (CANCELLED, 409, CONDITION),
    ],
)
async def test_errors_that_say_their_status_are_not_logged(
    serve: Any, caplog: pytest.LogCaptureFixture, error: Exception, status: int, body: Any
) -> None:
    response = await answer(serve, error)
    assert (response.status_code, response.json()) == (status, body)
    assert [record for record in caplog.records if record.name == "cqrs_nest.ExceptionsHandler"] == []


async def test_the_order_of_the_keys(serve: Any) -> None:
    response = await answer(serve, NotFoundException("x"))
    assert response.text == '{"message":"x","error":"Not Found","statusCode":404}'


@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        ("ProvisionedThroughputExceededException", 429, BUSY),
        ("ThrottlingException", 429, BUSY),
        ("RequestLimitExceeded", 429, BUSY),
        ("SlowDown", 503, UNAVAILABLE),
        ("ServiceUnavailable", 503, UNAVAILABLE),
    ],
)
async def test_throttling_is_answered_and_noticed(
    serve: Any, caplog: pytest.LogCaptureFixture, code: str, status: int, body: Any
) -> None:
    response = await answer(serve, client_error(code))
    assert (response.status_code, response.json()) == (status, body)
    assert [record.getMessage() for record in caplog.records] == [f"GET '/e/1' was throttled by AWS: {code}"]


class Odd(Exception):
    def __init__(self, response: Any) -> None:
        super().__init__("odd")
        self.response = response


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret"),
        client_error("ResourceNotFoundException"),
        client_error("TransactionCanceledException", CancellationReasons=[{"Code": "ValidationError"}]),
        Odd({"Error": "text"}),
        Odd({"Error": None, "CancellationReasons": None}),
        Odd("text"),
        RecursionError("deep"),
    ],
)
async def test_anything_else_is_internal_and_logged_once_with_its_stack(
    serve: Any, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    response = await answer(serve, error)
    assert (response.status_code, response.json()) == (500, INTERNAL)
    [record] = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.name == "cqrs_nest.ExceptionsHandler"
    assert record.getMessage() == f"GET '/e/1' failed: {type(error).__name__}"
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert "hidden" not in caplog.text


async def test_an_answer_that_breaks_off_is_logged_and_ends_the_connection(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @Controller("e")
    class Errors:
        @Get()
        async def get(self) -> StreamingResponse:
            async def parts() -> Any:
                yield "a"
                raise RuntimeError("midway")

            return StreamingResponse(parts())

    client = await serve(Errors)
    with pytest.raises(RuntimeError, match="midway"):
        await client.get("/e")
    assert "GET '/e' failed during its answer" in caplog.text


async def test_unknown_routes(serve: Any) -> None:
    @Controller("cats")
    class Cats:
        @Get()
        async def get(self) -> None: ...

    client = await serve(Cats)
    for method, url in (("GET", "/nope?x=1"), ("DELETE", "/cats"), ("OPTIONS", "/cats"), ("GET", "/a%2Fb")):
        response = await client.request(method, url)
        message = f"Cannot {method} {url}"
        assert response.status_code == 404
        assert response.json() == {"message": message, "error": "Not Found", "statusCode": 404}


async def test_only_http_is_served(build: Any) -> None:
    application = await build()
    with pytest.raises(ValueError, match="serves http, not lifespan"):
        await application({"type": "lifespan"}, None, None)


async def test_a_websocket_is_closed(build: Any) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await (await build())({"type": "websocket"}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1000}]


async def cancelled() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


async def test_a_cancelled_task_of_a_handler_is_a_failure_of_the_server(
    build: Any, client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @Controller("e")
    class Awaits:
        @Get()
        async def get(self) -> None:
            await cancelled()

    class AwaitsFirst:
        def __init__(self, app: Any) -> None: ...

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await cancelled()

    application = await build(Awaits)
    for _ in range(2):
        caplog.clear()
        response = await client_of(application).get("/e")
        assert (response.status_code, response.json()["message"]) == (500, "Internal server error")
        (record,) = (record for record in caplog.records if record.levelname == "ERROR")
        assert "GET '/e' failed: AwaitedTaskCancelledError" in record.getMessage()
        application.use(AwaitsFirst)


async def test_a_handler_may_limit_its_time(build: Any, client_of: Any) -> None:
    @Controller("e")
    class Limits:
        @Get("caught")
        async def caught(self) -> str:
            with anyio.move_on_after(0):
                await asyncio.sleep(60)
            try:
                async with asyncio.timeout(0):
                    await asyncio.sleep(60)
            except TimeoutError:
                return "late"
            return "in time"

        @Get("not-caught")
        async def not_caught(self) -> None:
            async with asyncio.timeout(0):
                await asyncio.sleep(60)

        @Get("long")
        async def long(self) -> None:
            await asyncio.sleep(60)

    application = await build(Limits)
    client = client_of(application)
    answer = await client.get("/e/caught")
    assert (answer.status_code, answer.text) == (200, "late")
    assert (await client.get("/e/not-caught")).status_code == 500

    def limited(app: Any) -> Any:
        async def within_its_time(scope: Any, receive: Any, send: Any) -> None:
            try:
                async with asyncio.timeout(0):
                    await app(scope, receive, send)
            except TimeoutError:
                await PlainTextResponse("too late", 504)(scope, receive, send)

        return within_its_time

    application.use(limited)
    answer = await client.get("/e/long")
    assert (answer.status_code, answer.text) == (504, "too late")


async def test_a_request_that_is_cancelled_is_not_answered(build: Any) -> None:
    started, sent = asyncio.Event(), []

    @Controller("e")
    class Waits:
        @Get()
        async def get(self) -> None:
            started.set()
            await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/e", "query_string": b"", "headers": []}
    request = asyncio.create_task((await build(Waits))(scope, None, send))
    await started.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert sent == []
