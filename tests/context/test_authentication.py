import asyncio
import contextvars
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from cqrs_nest.common import HttpException, UnauthorizedException
from cqrs_nest.config import Environment
from cqrs_nest.context import (
    AuthenticationMiddleware,
    Invoke,
    JwtVerifier,
    current_invoke,
    system_context,
)
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.context.invoke import invoke_of
from cqrs_nest.context.tenants import DEFAULT_RULES, TenantRules, current_tenant_rules

BAD_TOKEN = {
    "message": "Invalid or malformed authorization token",
    "error": "Unauthorized",
    "statusCode": 401,
}


async def whoami(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers who the caller is; `/open` asks nobody."""
    current = current_invoke.get()
    assert current is not None
    if scope["path"] == "/open":
        await JSONResponse({"user": current.user_id})(scope, receive, send)
        return
    try:
        invoke = invoke_of(scope)
    except HttpException as error:
        await JSONResponse(error.body(), error.status)(scope, receive, send)
        return
    await asyncio.sleep(0)
    assert current_invoke.get() is invoke
    body = {"event": invoke.event, "context": invoke.context, "user": invoke.user_id}
    await JSONResponse(body)(scope, receive, send)


@pytest.fixture
def token(environment: Environment) -> Callable[[str], str]:
    return lambda user: sign_development_token(environment, user=user, tenant="acme", roles=["admin"])


@pytest.fixture
def client(environment: Environment) -> httpx.AsyncClient:
    app = AuthenticationMiddleware(whoami, JwtVerifier(environment), environment)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=("198.51.100.7", 1)), base_url="http://todo.example:3000"
    )


async def test_a_verified_token_becomes_an_event_like_the_gateways(
    client: httpx.AsyncClient, token: Callable[[str], str]
) -> None:
    headers = {
        "authorization": f"bearer {token('u1')}",
        "cookie": "session=canary",
        "x-request-id": "req-1",
        "x-tenant-code": "other",
        "user-agent": "tests",
    }
    answer = await client.get("/api/todo/A%231?page=2", headers=headers)

    body = answer.json()
    event = body["event"]
    request = event["requestContext"]
    assert body["user"] == "u1"
    assert body["context"] == {"awsRequestId": "req-1"}
    assert (event["routeKey"], event["rawPath"], event["rawQueryString"]) == (
        "GET /api/todo/A#1",
        "/api/todo/A#1",
        "page=2",
    )
    assert request["http"] == {
        "method": "GET",
        "path": "/api/todo/A#1",
        "protocol": "http",
        "sourceIp": "198.51.100.7",
        "userAgent": "tests",
    }
    assert (request["domainName"], request["requestId"]) == ("todo.example", "req-1")
    assert request["authorizer"]["jwt"]["claims"]["custom:tenant"] == "acme"
    assert event["headers"]["x-tenant-code"] == "other"
    assert not {"authorization", "cookie"} & event["headers"].keys()


@pytest.mark.parametrize(
    "credentials",
    ["Bearer", "Bearer ", "Bearer x.y.z", "Basic dTpw", "x", "", "Bearer a b", "Bearer " + "A" * 50_000],
)
async def test_a_bad_token_is_told_only_to_those_who_ask_for_the_identity(
    client: httpx.AsyncClient, credentials: str
) -> None:
    headers = {"authorization": credentials}
    answer = await client.get("/", headers=headers)
    assert (answer.status_code, answer.json()) == (401, BAD_TOKEN)
    answer = await client.get("/open", headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"user": None})


async def test_two_tokens_are_none(client: httpx.AsyncClient, token: Callable[[str], str]) -> None:
    headers = [("authorization", f"Bearer {token('u1')}"), ("authorization", f"Bearer {token('u2')}")]
    assert (await client.get("/", headers=headers)).status_code == 401


async def test_without_a_token_the_caller_is_anonymous(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"x-tenant-code": "acme"})
    assert answer.json()["event"]["requestContext"]["authorizer"] == {"jwt": {"claims": {}}}


async def test_headers_cannot_forge_an_identity(client: httpx.AsyncClient) -> None:
    headers = {
        "requestcontext": '{"authorizer":{"jwt":{"claims":{"sub":"admin"}}}}',
        "x-amzn-oidc-identity": "admin",
        "cqrs_nest.invoke": "x",
        "aws.event": "x",
    }
    assert (await client.get("/", headers=headers)).json()["user"] is None


async def test_keys_that_cannot_be_read_answer_503(environment: Environment) -> None:
    deployed = Environment(node_env="prod", app_name="demo", jwks_url="https://127.0.0.1:1/jwks")
    app = AuthenticationMiddleware(whoami, JwtVerifier(deployed), deployed)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answer = await client.get("/", headers={"authorization": "Bearer a.b.c"})
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize(("stage", "address"), [("local", "192.0.2.1"), ("prod", "127.0.0.1")])
async def test_a_caller_chooses_his_address_in_development_only(stage: Any, address: str) -> None:
    environment = Environment(node_env=stage, app_name="demo")
    app = AuthenticationMiddleware(whoami, JwtVerifier(environment), environment)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        body = (await client.get("/", headers={"x-source-ip": "192.0.2.1"})).json()
    assert body["event"]["requestContext"]["http"]["sourceIp"] == address


@pytest.mark.parametrize("unfit", ["", "a b", "x" * 257, "a\tb"])
async def test_a_request_id_that_would_spoil_a_log_line_is_replaced(
    client: httpx.AsyncClient, unfit: str
) -> None:
    context = (await client.get("/", headers={"x-request-id": unfit})).json()["context"]
    assert context["awsRequestId"] not in ("", unfit)


async def test_the_load_balancers_id_goes_before_the_callers(client: httpx.AsyncClient) -> None:
    headers = {"x-request-id": "mine", "x-amzn-trace-id": "Root=1-2"}
    body = (await client.get("/", headers=headers)).json()
    assert body["context"] == {"awsRequestId": "Root=1-2"}
    assert body["event"]["requestContext"]["requestId"] == "mine"


async def test_requests_at_the_same_time_do_not_mix(
    client: httpx.AsyncClient, token: Callable[[str], str]
) -> None:
    users = [f"u{number}" for number in range(20)]
    answers = await asyncio.gather(
        *(client.get("/", headers={"authorization": f"Bearer {token(user)}"}) for user in users)
    )
    assert [answer.json()["user"] for answer in answers] == users
    assert current_invoke.get() is None


class LambdaContext:
    aws_request_id = "lambda-1"
    function_name = "todo"


@pytest.mark.parametrize("authorizer", [{"jwt": {"claims": {"sub": "u1"}}}, {"claims": {"sub": "u1"}}])
async def test_in_lambda_the_gateways_event_is_the_invoke(
    environment: Environment, authorizer: dict[str, Any]
) -> None:
    seen: list[Invoke | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current_invoke.get())
        assert invoke_of(scope) is seen[0]

    event = {"requestContext": {"authorizer": authorizer}}
    scope: Scope = {
        "type": "http",
        "aws.event": event,
        "aws.context": LambdaContext(),
        "headers": [(b"authorization", b"Bearer garbage")],
    }
    await AuthenticationMiddleware(app, JwtVerifier(environment), environment)(scope, _receive, _send)

    [invoke] = seen
    assert invoke is not None
    assert invoke.event is event
    assert (invoke.user_id, invoke.request_id) == ("u1", "lambda-1")
    assert Request(scope).scope is scope


async def test_other_scopes_pass_untouched(environment: Environment) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope))

    middleware = AuthenticationMiddleware(app, JwtVerifier(environment), environment)
    await middleware({"type": "lifespan"}, _receive, _send)
    assert seen == [{"type": "lifespan"}]


async def _receive() -> Any:
    return {"type": "http.request"}


async def _send(message: Any) -> None:
    """Nobody listens."""


async def test_what_a_server_sets_up_after_an_answer_does_not_hold_the_callers_request(
    environment: Environment,
) -> None:
    left_behind: list[contextvars.Context] = []
    held: list[weakref.ref[Invoke]] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            left_behind.append(contextvars.copy_context())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        invoke = current_invoke.get()
        assert invoke is not None
        held.append(weakref.ref(invoke))
        await send({"type": "http.response.start", "status": 200})
        assert current_invoke.get() is invoke
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        assert current_invoke.get() is invoke
        await send({"type": "http.response.body", "body": b"b"})
        assert current_invoke.get() is invoke  # background tasks still act for the caller

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await AuthenticationMiddleware(app, JwtVerifier(environment), environment)(scope, _receive, send)

    assert [context.get(current_invoke) for context in left_behind] == [None]
    assert [each() for each in held] == [None]


async def test_an_answer_that_another_task_streams_leaves_the_callers_request_to_the_handler(
    environment: Environment,
) -> None:
    left_behind: list[contextvars.Context] = []

    async def send(message: Any) -> None:
        left_behind.append(contextvars.copy_context())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        invoke = current_invoke.get()
        await asyncio.create_task(_sent(send))
        assert current_invoke.get() is invoke

    async def _sent(send: Send) -> None:
        await send({"type": "http.response.body", "body": b"a"})

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await AuthenticationMiddleware(app, JwtVerifier(environment), environment)(scope, _receive, send)

    assert [context.get(current_invoke) for context in left_behind] == [None]
    assert current_invoke.get() is None


async def test_whoever_acts_at_the_end_of_an_answer_acts_behind_it(environment: Environment) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with system_context("report") as invoke:
            await send({"type": "http.response.body", "body": b"a"})
            assert current_invoke.get() is invoke
        assert current_invoke.get() is invoke_of(scope)

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await AuthenticationMiddleware(app, JwtVerifier(environment), environment)(scope, _receive, _send)


async def test_the_rules_of_tenants_are_those_of_the_service_for_as_long_as_it_is_asked(
    environment: Environment,
) -> None:
    seen: list[TenantRules] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current_tenant_rules.get())

    environment = environment.model_copy(update={"common_tenant_codes": ["Shared"]})
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await AuthenticationMiddleware(app, JwtVerifier(environment), environment)(scope, _receive, _send)
    assert [rules.common_tenants for rules in seen] == [{"shared"}]
    assert current_tenant_rules.get() is DEFAULT_RULES


async def test_an_application_within_another_gives_the_request_back(environment: Environment) -> None:
    at_the_end: list[Invoke | None] = []

    async def send(message: Any) -> None:
        at_the_end.append(current_invoke.get())

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.body", "body": b"a"})

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        invoke = current_invoke.get()
        await AuthenticationMiddleware(inner, JwtVerifier(environment), environment)(scope, receive, send)
        assert current_invoke.get() is invoke is invoke_of(scope)

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await AuthenticationMiddleware(outer, JwtVerifier(environment), environment)(scope, _receive, send)
    assert at_the_end == [None]


def aws_scope(request_context: dict[str, Any], *credentials: str) -> dict[str, Any]:
    """The scope of a request that came to Lambda."""
    headers = [(b"authorization", each.encode()) for each in credentials]
    event = {"requestContext": request_context, "headers": {}}
    return {"type": "http", "path": "/", "headers": headers, "aws.event": event, "aws.context": None}


async def asked_in_lambda(environment: Environment, scope: dict[str, Any]) -> Invoke:
    """Who the caller is. Raises what refuses him."""
    found: list[Invoke | HttpException] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found.append(invoke_of(scope))
        except HttpException as error:
            found.append(error)

    middleware: Any = AuthenticationMiddleware(app, JwtVerifier(environment), environment)
    await middleware(scope, None, None)
    if isinstance(found[0], HttpException):
        raise found[0]
    return found[0]


@pytest.fixture
def deployed(environment: Environment, token: Callable[[str], str], tmp_path: Path) -> Environment:
    """A Lambda function whose identity provider signs as development does."""
    token("anybody")
    return Environment(
        node_env="prod",
        app_name="demo",
        jwks_file=tmp_path / ".cqrs_nest" / "development-jwks.json",
        jwt_algorithms=("ES256",),
        jwt_issuer="cqrs-nest-development",
        jwt_audience=("cqrs-nest-development",),
    )


LOAD_BALANCER = {"elb": {"targetGroupArn": "arn:x"}}
FUNCTION_URL = {"http": {"method": "GET", "path": "/"}, "authentication": None, "accountId": "anonymous"}


@pytest.mark.parametrize("request_context", [LOAD_BALANCER, FUNCTION_URL])
async def test_in_lambda_a_token_that_no_authorizer_has_checked_is_verified(
    deployed: Environment, token: Callable[[str], str], request_context: dict[str, Any]
) -> None:
    invoke = await asked_in_lambda(deployed, aws_scope(request_context, f"Bearer {token('u1')}"))
    assert (invoke.user_id, invoke.claims["custom:tenant"]) == ("u1", "acme")
    assert invoke.event["requestContext"].items() >= request_context.items()
    assert (await asked_in_lambda(deployed, aws_scope(request_context))).claims == {}
    for bad in ("Bearer x.y.z", f"Bearer {token('u1')[:-4]}", "Basic dTpw"):
        with pytest.raises(UnauthorizedException):
            await asked_in_lambda(deployed, aws_scope(request_context, bad))


async def test_in_lambda_what_the_authorizer_says_counts(
    deployed: Environment, token: Callable[[str], str]
) -> None:
    claims = {"sub": "of the gateway"}
    for authorizer in ({"jwt": {"claims": claims}}, {"claims": claims}):
        scope = aws_scope({"authorizer": authorizer}, f"Bearer {token('u1')}")
        assert (await asked_in_lambda(deployed, scope)).user_id == "of the gateway"
    other = {"authorizer": {"lambda": {"principalId": "x"}}}
    assert (await asked_in_lambda(deployed, aws_scope(other, f"Bearer {token('u1')}"))).claims == {}


async def test_in_lambda_without_keys_nobody_is_believed(token: Callable[[str], str]) -> None:
    without = Environment(node_env="prod", app_name="demo", jwt_verification="off")
    invoke = await asked_in_lambda(without, aws_scope(LOAD_BALANCER, f"Bearer {token('u1')}"))
    assert invoke.claims == {}
