"""The HTTP side of an application: an ASGI callable made of compiled routes."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter
from typing import Any, TypeAlias
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cqrs_nest.common import ArgumentsHost, Logger, NotFoundException
from cqrs_nest.core import Container, RequestScope, current_request_scope
from cqrs_nest.core.tracing import TracingOptions
from cqrs_nest.http.cancellation import as_failure
from cqrs_nest.http.cors import Cors
from cqrs_nest.http.enhancers import FILTER, Enhancers, MissingMethodError
from cqrs_nest.http.errors import invalid_route
from cqrs_nest.http.filters import ExceptionHandler, describe_request
from cqrs_nest.http.headers import RawHeaders
from cqrs_nest.http.middleware import read_middleware, run_middleware, with_checked_headers
from cqrs_nest.http.options import HttpOptions
from cqrs_nest.http.plan import compile_plan
from cqrs_nest.http.rate_limit import RateLimiter
from cqrs_nest.http.router import Answer
from cqrs_nest.http.routes import RouteDefinition, read_routes, warn_of_hidden_routes
from cqrs_nest.http.security_headers import SecurityHeaders
from cqrs_nest.http.spans import named_route
from cqrs_nest.http.versioning import Endpoint, VersionedRouter

Middleware: TypeAlias = Callable[[ASGIApp], ASGIApp]

_access_log = Logger("HTTP")
_error_log = Logger("ExceptionsHandler")


class HttpApplication:
    """Serves the controllers of a container over ASGI (scope type `http`).

    Routes, enhancers and parameters are read and bound here, once. Raises InvalidControllerError for
    whatever could not be served, naming class, method and fix.

    >>> import asyncio
    >>> from cqrs_nest.common import Controller, Get, Module
    >>> @Controller("cats")
    ... class CatController:
    ...     @Get()
    ...     async def list(self) -> list[str]:
    ...         return ["Tom"]
    >>> @Module(controllers=[CatController])
    ... class CatModule: ...
    >>> application = HttpApplication(asyncio.run(Container.create(CatModule)))
    >>> [(route.method, route.path) for route in application.routes]
    [('GET', '/cats')]
    """

    def __init__(self, container: Container, options: HttpOptions | None = None) -> None:
        self.options = options = options or HttpOptions()
        self.routes: tuple[RouteDefinition, ...] = tuple(read_routes(container, options))
        warn_of_hidden_routes(self.routes)
        enhancers = Enhancers(container, options)
        is_traced = any(each.spans for each in container.get_all(TracingOptions))
        self._router = VersionedRouter(list(self._endpoints(enhancers, is_traced)), options.versioning)
        self._middleware = read_middleware(container, self.routes, options)
        self._handle_error = ExceptionHandler([enhancers.of_application(FILTER)])
        self._cors = None if options.cors is None else Cors(options.cors)
        self._security_headers = SecurityHeaders(options.security_headers)
        self._rate_limit = None if options.rate_limit is None else RateLimiter(options.rate_limit)
        self._document: dict[str, Any] | None = None
        self._inner: ASGIApp = self._dispatch

    def use(self, middleware: Middleware) -> None:
        """Put an ASGI middleware around everything there is so far: `http.use(lambda app: GZip(app))`.

        It sees every request, also to unknown routes; what it raises, and a header that it sets and that no
        header may be, is answered by the global filters.
        Middleware with dependencies is applied by `configure(consumer)` of a module.
        """
        self._inner = with_checked_headers(middleware(self._inner))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document, made at the first call."""
        if self._document is None:
            from cqrs_nest.http.openapi import openapi_document

            self._document = openapi_document(self.routes, self.options)
        return self._document

    def _endpoints(self, enhancers: Enhancers, is_traced: bool) -> Iterator[Endpoint[Answer]]:
        if self.options.swagger_ui:
            from cqrs_nest.http.swagger_ui import SwaggerUi

            for method, path, answer in SwaggerUi(self.options.title, self.openapi).routes():
                yield Endpoint(method, path, (), answer)
        for route in self.routes:
            try:
                plan = compile_plan(route, enhancers, self.options)
            except MissingMethodError as error:
                raise invalid_route(route.controller, route.handler, error.problem, fix=error.fix) from None
            answer = named_route(route.path, plan) if is_traced else plan
            yield Endpoint(route.method, route.path, route.versions, answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A websocket is closed before it is open."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            raise ValueError(f"HttpApplication serves http, not {scope['type']}")
        headers = [] if self._cors is None else self._cors.response_headers(scope)
        exchange = _Exchange(scope, send, headers, self._security_headers)
        started = perf_counter()
        try:
            refusal = None if self._rate_limit is None else self._rate_limit.refusal(scope)
            await (refusal or self._inner)(scope, receive, exchange.send)
        except ClientDisconnect:
            # Nobody is left to be answered, and nothing was done.
            return
        except CancelledError as error:
            await self._answer_error(as_failure(error), scope, receive, exchange)
        except Exception as error:  # noqa: BLE001 (whatever goes wrong is answered)
            await self._answer_error(error, scope, receive, exchange)
        finally:
            if self.options.access_log:
                milliseconds = (perf_counter() - started) * 1000
                path, status = _raw_path(scope).decode("latin-1"), exchange.status or "-"
                _access_log.log("%s %s %s %.1f ms", scope["method"], path, status, milliseconds)

    # The two below and `_Exchange.send` give the awaitable of the next step: a coroutine for each step would
    # cost every request as much as a guard.
    def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        preflight = None if self._cors is None else self._cors.preflight(scope)
        if preflight is not None:
            return preflight(scope, receive, send)
        if self._middleware:
            path = _raw_path(scope).decode("latin-1")
            chain = [each for each in self._middleware if each.covers(scope["method"], path)]
            if chain:
                return run_middleware(chain, self._route, scope, receive, send, self.options.body_limit)
        return self._route(scope, receive, send)

    def _route(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        raw_path = _raw_path(scope)
        match = self._router.match(scope, raw_path)
        if match is None:
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            raise NotFoundException(f"Cannot {scope['method']} {(raw_path + query).decode('latin-1')}")
        target, params = match
        return target(scope, receive, send, params)

    async def _answer_error(
        self, error: Exception, scope: Scope, receive: Receive, exchange: _Exchange
    ) -> None:
        """Answers for what went wrong outside of a route; an answer that has begun can only be broken off."""
        request = Request(scope, receive)
        if exchange.status is not None:
            _error_log.error("%s failed during its answer", describe_request(request), error=error)
            raise error
        token = current_request_scope.set(RequestScope(request))
        try:
            answer = await self._handle_error(error, ArgumentsHost(request))
        finally:
            current_request_scope.reset(token)
        await answer(scope, receive, exchange.send)


class _Exchange:
    """Watches one answer: notes its status, adds what every answer carries, leaves out the body for HEAD."""

    __slots__ = ("_headers", "_is_head", "_scope", "_security", "_send", "status")

    def __init__(self, scope: Scope, send: Send, headers: RawHeaders, security: SecurityHeaders) -> None:
        self._scope = scope
        self._send = send
        self._headers = headers
        self._security = security
        self._is_head = scope["method"] == "HEAD"
        self.status: int | None = None

    def send(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), *self._headers]
            headers += self._security.missing(headers, self._scope)
            message = {**message, "headers": headers}
        elif self._is_head:
            message = {**message, "body": b""}
        return self._send(message)


def _raw_path(scope: Scope) -> bytes:
    """The path as it came over the wire, below the place where the application is mounted."""
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    root_path = scope.get("root_path")
    if not root_path:
        return raw_path
    below = raw_path.removeprefix(root_path.encode())
    return below if below[:1] in (b"", b"/") else raw_path  # `/api` is not where `/apis` begins
