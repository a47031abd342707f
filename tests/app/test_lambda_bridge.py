"""HTTP events of every kind of sender, answered by a plain ASGI application."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from cqrs_nest.app.asgi_bridge import call_asgi
from cqrs_nest.app.http_events import read_http_event


async def echo(request: Request) -> JSONResponse:
    body = await request.body()
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "raw_path": request.scope["raw_path"].decode(),
            "query": request.query_params.multi_items(),
            "headers": request.headers.items(),
            "cookies": request.cookies,
            "body": base64.b64encode(body).decode(),
            "client": request.client.host if request.client else None,
            "scheme": request.url.scheme,
            "event_is_there": request.scope["aws.event"] is not None,
            "context": request.scope["aws.context"],
        }
    )


async def cookies(request: Request) -> Response:
    response = Response("ok", media_type="text/plain", headers={"x-one": "1"})
    response.headers.append("x-many", "a")
    response.headers.append("x-many", "b")
    response.set_cookie("first", "1")
    response.set_cookie("second", "2")
    return response


async def image(request: Request) -> Response:
    return Response(b"\x89PNG\xff\x00", media_type="image/png")


async def zipped(request: Request) -> Response:
    return Response(b"abc", headers={"content-encoding": "gzip"})


async def stream(request: Request) -> StreamingResponse:
    async def parts() -> Any:
        yield "one "
        yield "two"

    return StreamingResponse(parts(), media_type="text/plain")


async def away(request: Request) -> RedirectResponse:
    return RedirectResponse("/x", 302)


async def broken(request: Request) -> Response:
    raise LookupError("nobody catches this")


async def closed(request: Request) -> Response:
    return Response("gone", status_code=499)


APP = Starlette(
    routes=[
        Route("/cookies", cookies),
        Route("/image", image),
        Route("/zipped", zipped),
        Route("/stream", stream),
        Route("/away", away),
        Route("/broken", broken),
        Route("/closed", closed),
        Route("/{rest:path}", echo, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
    ]
)


def http_api(path: str = "/", **changes: Any) -> dict[str, Any]:
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9"}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.execute-api.eu-west-1.amazonaws.com", "x-forwarded-proto": "https"},
        "requestContext": {
            "http": http,
            "stage": "$default",
            "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
        },
        "isBase64Encoded": False,
    }
    http["method"] = changes.pop("method", "GET")
    event["requestContext"]["stage"] = changes.pop("stage", "$default")  # type: ignore[index]
    return event | changes


def rest_api(path: str = "/", **changes: Any) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": "api.example.com"},
        "multiValueHeaders": {"Host": ["api.example.com"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"stage": "prod", "identity": {"sourceIp": "203.0.113.9"}},
        "body": None,
        "isBase64Encoded": False,
    } | changes


def load_balancer(path: str = "/", **changes: Any) -> dict[str, Any]:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:r:1:targetgroup/x/y"}},
        "httpMethod": "GET",
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "lb.example.com", "x-forwarded-for": "198.51.100.1, 203.0.113.9"},
        "body": "",
        "isBase64Encoded": False,
    } | changes


async def invoke(event: dict[str, Any], context: Any = None) -> dict[str, Any]:
    request = read_http_event(event)
    assert request is not None
    return await call_asgi(APP, request, context)


async def echoed(event: dict[str, Any]) -> dict[str, Any]:
    answer = await invoke(event, "the context")
    assert answer["statusCode"] == 200
    document: dict[str, Any] = json.loads(answer["body"])
    assert document["event_is_there"]
    assert document["context"] == "the context"
    return document


@pytest.mark.parametrize("make", [http_api, rest_api, load_balancer])
async def test_a_request_reaches_the_application(make: Any) -> None:
    method = {"method": "POST"} if make is http_api else {"httpMethod": "POST"}
    seen = await echoed(make("/api/todo", body='{"name": "é"}', **method))
    assert (seen["method"], seen["path"], seen["client"]) == ("POST", "/api/todo", "203.0.113.9")
    assert base64.b64decode(seen["body"]).decode() == '{"name": "é"}'


@pytest.mark.parametrize("make", [http_api, rest_api, load_balancer])
async def test_a_binary_body_is_decoded(make: Any) -> None:
    seen = await echoed(make("/x", body=base64.b64encode(b"\x00\xff").decode(), isBase64Encoded=True))
    assert base64.b64decode(seen["body"]) == b"\x00\xff"


@pytest.mark.parametrize("make", [http_api, rest_api, load_balancer])
@pytest.mark.parametrize(
    ("sent", "raw"),
    [
        ("/api/TODO%23t1/a%2Fb", "/api/TODO%23t1/a%2Fb"),
        ("/api/TODO#t1/a b", "/api/TODO%23t1/a%20b"),
        ("/日本/100%", "/%E6%97%A5%E6%9C%AC/100%25"),
    ],
)
async def test_the_raw_path_keeps_escapes(make: Any, sent: str, raw: str) -> None:
    assert (await echoed(make(sent)))["raw_path"] == raw


async def test_the_stage_is_no_part_of_the_path() -> None:
    assert (await echoed(http_api("/prod/api/x", stage="prod")))["path"] == "/api/x"
    assert (await echoed(http_api("/prod", stage="prod")))["path"] == "/"
    assert (await echoed(http_api("/production", stage="prod")))["path"] == "/production"


async def test_queries() -> None:
    expected = [["a", "1"], ["a", "2 3"], ["b", "x&y"]]
    sent = http_api("/q", rawQueryString="a=1&a=2%203&b=x%26y")
    assert (await echoed(sent))["query"] == expected
    rest = rest_api("/q", multiValueQueryStringParameters={"a": ["1", "2 3"], "b": ["x&y"]})
    assert (await echoed(rest))["query"] == expected
    balancer = load_balancer("/q", multiValueQueryStringParameters={"a": ["1", "2%203"], "b": ["x%26y"]})
    assert (await echoed(balancer))["query"] == expected
    single = load_balancer("/q", queryStringParameters={"a": "2%203"})
    assert (await echoed(single))["query"] == [["a", "2 3"]]


async def test_headers_and_cookies() -> None:
    seen = await echoed(http_api("/h", headers={"X-A": "1", "host": "h"}, cookies=["a=1", "b=2"]))
    assert ["x-a", "1"] in seen["headers"]
    assert seen["cookies"] == {"a": "1", "b": "2"}
    seen = await echoed(rest_api("/h", multiValueHeaders={"X-A": ["1", "2"], "Cookie": ["a=1"]}))
    assert ["x-a", "1"] in seen["headers"]
    assert ["x-a", "2"] in seen["headers"]
    assert seen["cookies"] == {"a": "1"}


async def test_cookies_of_the_answer_stay_apart() -> None:
    answer = await invoke(http_api("/cookies"))
    assert [cookie.split(";")[0] for cookie in answer["cookies"]] == ["first=1", "second=2"]
    assert answer["headers"]["x-many"] == "a,b"
    answer = await invoke(rest_api("/cookies"))
    assert [cookie.split(";")[0] for cookie in answer["multiValueHeaders"]["set-cookie"]] == [
        "first=1",
        "second=2",
    ]
    assert answer["multiValueHeaders"]["x-many"] == ["a", "b"]
    answer = await invoke(load_balancer("/cookies", multiValueHeaders={"host": ["lb"]}))
    assert len(answer["multiValueHeaders"]["set-cookie"]) == 2
    answer = await invoke(load_balancer("/cookies"))
    cookies = [value for name, value in answer["headers"].items() if name.lower() == "set-cookie"]
    assert [cookie.split(";")[0] for cookie in cookies] == ["first=1", "second=2"]
    assert answer["statusDescription"] == "200 OK"


@pytest.mark.parametrize("make", [http_api, rest_api, load_balancer])
async def test_text_is_sent_as_text_and_the_rest_as_base64(make: Any) -> None:
    answer = await invoke(make("/stream"))
    assert (answer["body"], answer["isBase64Encoded"]) == ("one two", False)
    answer = await invoke(make("/image"))
    assert answer["isBase64Encoded"]
    assert base64.b64decode(answer["body"]) == b"\x89PNG\xff\x00"
    assert (await invoke(make("/zipped")))["isBase64Encoded"]


async def test_status_and_location() -> None:
    answer = await invoke(http_api("/away"))
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/x")


async def test_an_error_after_the_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer = await invoke(http_api("/broken"))
    assert answer["statusCode"] == 500
    assert "GET /broken" in caplog.text
    assert "nobody catches this" in caplog.text


async def test_an_error_before_the_answer_is_raised() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("too early")

    request = read_http_event(http_api("/"))
    assert request is not None
    with pytest.raises(LookupError, match="too early"):
        await call_asgi(app, request, None)


async def test_an_application_without_an_answer_is_an_error() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    request = read_http_event(http_api("/half"))
    assert request is not None
    with pytest.raises(RuntimeError, match="no complete answer to GET /half"):
        await call_asgi(app, request, None)


async def test_the_caller_stays_until_the_answer_is_complete() -> None:
    messages: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        messages.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})
        messages.append((await receive())["type"])

    request = read_http_event(http_api("/"))
    assert request is not None
    assert (await call_asgi(app, request, None))["statusCode"] == 204
    assert messages == ["http.request", "http.disconnect"]


@pytest.mark.parametrize("make", [http_api, rest_api, load_balancer])
async def test_the_answer_to_head_has_no_body(make: Any) -> None:
    answer = await invoke(
        make("/image", **({"method": "HEAD"} if make is http_api else {"httpMethod": "HEAD"}))
    )
    assert (answer["body"], answer["isBase64Encoded"]) == ("", False)
    headers = answer.get("headers") or {name: value[0] for name, value in answer["multiValueHeaders"].items()}
    assert headers["content-length"] == "6"


async def test_a_status_that_has_no_name() -> None:
    assert (await invoke(load_balancer("/closed")))["statusDescription"] == "499"
    assert (await invoke(http_api("/closed")))["statusCode"] == 499


@pytest.mark.parametrize("make", [http_api, rest_api, load_balancer])
async def test_text_beyond_latin_comes_as_the_caller_sent_it(make: Any) -> None:
    if make is http_api:
        sent = make("/q", rawQueryString="a=日本", headers={"x-a": "日本"})
    else:
        sent = make("/q", queryStringParameters={"a": "日本"}, headers={"x-a": "日本"}, multiValueHeaders={})
    seen = await echoed(sent)
    assert seen["query"] == [["a", "日本"]]
    name, value = next(pair for pair in seen["headers"] if pair[0] == "x-a")
    assert (name, value.encode("latin-1").decode()) == ("x-a", "日本")


@pytest.mark.parametrize("make", [http_api, rest_api, load_balancer])
@pytest.mark.parametrize("nothing", [None, {}])
async def test_what_a_gateway_leaves_empty(make: Any, nothing: Any) -> None:
    empty = dict.fromkeys(["headers", "multiValueHeaders", "queryStringParameters", "body"], nothing)
    seen = await echoed(make("/q", **empty))
    assert (seen["headers"], seen["query"], seen["body"]) == ([], [], "")


@pytest.mark.parametrize("port", ["443, 8443", "", "none"])
async def test_a_port_that_is_no_number_is_that_of_https(port: str) -> None:
    assert (await echoed(http_api("/", headers={"x-forwarded-port": port})))["path"] == "/"


@pytest.mark.parametrize(
    "event", [{"Records": []}, {"requestContext": {"connectionId": "x"}}, {"input": {}, "context": {}}]
)
def test_other_events_are_no_requests(event: dict[str, Any]) -> None:
    assert read_http_event(event) is None
