"""`AuthenticationMiddleware`: gives each HTTP request its Invoke, from API Gateway or a verified token."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cqrs_nest.common import HttpException, Logger, ServiceUnavailableException, UnauthorizedException
from cqrs_nest.config import Environment
from cqrs_nest.context.errors import InvalidTokenError, KeysUnavailableError
from cqrs_nest.context.invoke import IDENTITY_ERROR, INVOKE, Invoke, current_invoke, is_mapping
from cqrs_nest.context.jwt import JwtVerifier
from cqrs_nest.context.tenants import TenantRules, current_tenant_rules

_REQUEST_ID_HEADERS = ("x-amz-cf-id", "x-amzn-trace-id", "x-request-id")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,256}")
_NO_CLAIMS: Mapping[str, Any] = {}
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})


class AuthenticationMiddleware:
    """Sets `current_invoke` and the scope's Invoke for the time of a request.

    In Lambda (`scope["aws.event"]`) the gateway's authorizer has checked the caller, and its event is the
    Invoke. Elsewhere the Bearer token is verified, and also in Lambda behind what has no authorizer (a load
    balancer, a function URL) if the identity provider's keys are set. A bad token does not answer here:
    routes that ask for nobody's identity stay open; whoever asks gets the 401.
    """

    def __init__(self, app: ASGIApp, verifier: JwtVerifier, environment: Environment) -> None:
        self._app = app
        self._verifier = verifier
        self._local = environment.node_env == "local"
        self._has_keys = bool(environment.jwks_file or environment.jwks_url)
        self._rules = TenantRules.of(environment.common_tenant_codes, environment.cross_tenant_roles)
        self._logger = Logger("Authentication")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "aws.event" in scope:
            invoke = await self._of_lambda(scope)
        else:
            credentials = _credentials(scope)
            claims = await self._claims(scope, credentials) if credentials else _NO_CLAIMS
            invoke = _RequestInvoke(scope, claims, self._local)
        outer = scope.get(INVOKE)
        scope[INVOKE] = invoke
        # Most services have the default rules, which are in force already.
        is_in_force = current_tenant_rules.get() is self._rules
        reset_rules = None if is_in_force else current_tenant_rules.set(self._rules)
        reset_invoke = current_invoke.set(invoke)
        try:
            await self._app(scope, receive, _CallerlessEnd(send).send)
        finally:
            current_invoke.reset(reset_invoke)
            if reset_rules is not None:
                current_tenant_rules.reset(reset_rules)
            # The Invoke holds the scope: two that hold each other would wait for the garbage collector.
            if outer is None:
                del scope[INVOKE]
            else:  # of an application around this one
                scope[INVOKE] = outer

    async def _of_lambda(self, scope: Scope) -> Invoke:
        event, context = scope["aws.event"], _lambda_context(scope.get("aws.context"))
        request: Mapping[str, Any] = event.get("requestContext") or {}
        if self._has_keys and not request.get("authorizer"):
            claims = await self._claims(scope, _credentials(scope))
            event = {**event, "requestContext": {**request, "authorizer": {"jwt": {"claims": claims}}}}
        return Invoke(event, context)

    async def _claims(self, scope: Scope, credentials: Sequence[bytes]) -> Mapping[str, Any]:
        if not credentials:
            return _NO_CLAIMS
        try:
            return await self._verified(credentials)
        except HttpException as error:
            scope[IDENTITY_ERROR] = error
            return _NO_CLAIMS

    async def _verified(self, credentials: Sequence[bytes]) -> Mapping[str, Any]:
        scheme, _, token = credentials[0].decode("latin-1").partition(" ")
        try:
            if len(credentials) > 1 or scheme.lower() != "bearer":
                raise InvalidTokenError("not one Bearer token")
            return await self._verifier.verify(token.strip())
        except InvalidTokenError as error:
            # The caller must not learn why; in development a person reads the log.
            (self._logger.warn if self._local else self._logger.debug)("token refused: %s", error)
            raise UnauthorizedException("Invalid or malformed authorization token") from error
        except KeysUnavailableError as error:
            raise ServiceUnavailableException("Tokens cannot be verified at the moment") from error


class _CallerlessEnd:
    """Gives the server the end of an answer while no Invoke is the current one.

    uvicorn then sets the connection's timer, and asyncio keeps the context of a timer for seconds, even if
    it is cancelled: each would hold on to a request with its headers and claims.
    """

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        self._send = send

    def send(self, message: Message) -> Awaitable[None]:
        is_end = message["type"] == "http.response.body" and not message.get("more_body")
        return self._end(message) if is_end else self._send(message)

    async def _end(self, message: Message) -> None:
        # Set and not reset: a stream is sent by a task of its own, and whoever acts by then may be another.
        acting = current_invoke.get()
        current_invoke.set(None)
        try:
            await self._send(message)
        finally:
            current_invoke.set(acting)


def _credentials(scope: Scope) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == b"authorization"]


def _lambda_context(context: object) -> Mapping[str, Any]:
    """What rows and messages need of the Lambda context object."""
    if is_mapping(context):
        return context
    return {
        "awsRequestId": getattr(context, "aws_request_id", None),
        "functionName": getattr(context, "function_name", None),
    }


class _RequestInvoke(Invoke):
    """What the gateway would have made of a request, made when it is first looked at: few routes do."""

    _request: tuple[Scope, Mapping[str, Any], bool]

    def __init__(self, scope: Scope, claims: Mapping[str, Any], is_local: bool) -> None:
        self.__dict__["_request"] = (scope, claims, is_local)

    def __getattr__(self, name: str) -> Mapping[str, Any]:
        made = {"event": self._made_event, "context": self._made_context}.get(name)
        if made is None:
            raise AttributeError(f"Invoke has no attribute {name!r}")
        value: Mapping[str, Any] = self.__dict__.setdefault(name, made())
        return value

    def _made_event(self) -> Mapping[str, Any]:
        """An event as the gateway would have made it. Credentials are left out of its headers."""
        scope, claims, is_local = self._request
        method, path, headers = scope["method"], scope["path"], Headers(raw=scope["headers"])
        return {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "rawQueryString": scope["query_string"].decode("latin-1"),
            "headers": {name: value for name, value in headers.items() if name not in _CREDENTIALS},
            "requestContext": {
                "domainName": headers.get("host", "").partition(":")[0],
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": scope.get("scheme", "http"),
                    "sourceIp": _source_ip(scope.get("client"), headers, is_local),
                    "userAgent": headers.get("user-agent"),
                },
                "requestId": _request_id(headers, "x-request-id") or self.context["awsRequestId"],
                "authorizer": {"jwt": {"claims": claims}},
            },
        }

    def _made_context(self) -> Mapping[str, Any]:
        """The name of the request, as the caller or a proxy gave it, or a new one."""
        headers = Headers(raw=self._request[0]["headers"])
        given = (_request_id(headers, name) for name in _REQUEST_ID_HEADERS)
        return {"awsRequestId": next((value for value in given if value), None) or str(uuid.uuid4())}


def _request_id(headers: Headers, name: str) -> str | None:
    """The caller's id for the request, if it is fit to stand in a log line."""
    value = headers.get(name, "")
    return value if _REQUEST_ID.fullmatch(value) else None


def _source_ip(peer: tuple[str, int] | None, headers: Headers, local: bool) -> str | None:
    # In development tests play many callers; elsewhere a caller must not choose what the audit trail says.
    return (local and headers.get("x-source-ip")) or (peer[0] if peer else None)
