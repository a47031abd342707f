"""The middleware that modules apply, found at start."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cqrs_nest.common.middleware import MiddlewareConfig, MiddlewareConsumer, RouteInfo, RoutePattern
from cqrs_nest.core import Container, ModuleNode, RequestScope, current_request_scope
from cqrs_nest.http.body import LimitedReceive
from cqrs_nest.http.enhancers import AsyncMethod, bind
from cqrs_nest.http.headers import check_headers
from cqrs_nest.http.options import HttpOptions
from cqrs_nest.http.router import ALL_METHODS, PathSet
from cqrs_nest.http.routes import RouteDefinition


class BoundMiddleware(NamedTuple):
    """One middleware and the requests that it is for."""

    use: AsyncMethod
    covered: PathSet
    excluded: PathSet

    def covers(self, method: str, path: str) -> bool:
        """Whether a request goes through it."""
        return self.covered.has(method, path) and not self.excluded.has(method, path)


def read_middleware(
    container: Container, routes: Sequence[RouteDefinition], options: HttpOptions
) -> list[BoundMiddleware]:
    """Those of all modules, the root module's first.

    Raises UnresolvedDependencyError for a dependency that the module does not see.
    """
    paths = _Paths(routes, options)
    return [
        BoundMiddleware(_bound(container, module, middleware), *paths.of(config))
        for module in container.modules
        for config in _configs(module)
        for middleware in config.middleware
    ]


async def run_middleware(
    chain: Sequence[BoundMiddleware],
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    body_limit: int,
) -> None:
    """One after the other, then `app`. A body that one of them read is there for `app` too."""
    shared = _SharedReceive(receive)
    request = Request(scope, LimitedReceive(shared.record, body_limit), send)

    async def step(index: int) -> None:
        if index == len(chain):
            await app(scope, shared.replay, send)
            return
        response = await chain[index].use(request, partial(step, index + 1))
        if response is not None:
            check_headers(response.raw_headers)
            await response(scope, receive, send)

    token = current_request_scope.set(RequestScope(request))
    try:
        await step(0)
    finally:
        current_request_scope.reset(token)


def with_checked_headers(app: ASGIApp) -> ASGIApp:
    """Sends no header of `app` that could begin another one. Raises InvalidHeaderException in its place."""

    def checked(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        def check_and_send(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                check_headers(message.get("headers", ()))
            return send(message)

        return app(scope, receive, check_and_send)

    return checked


class _SharedReceive:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._recorded: list[Message] = []

    async def record(self) -> Message:
        message = await self._receive()
        self._recorded.append(message)
        return message

    async def replay(self) -> Message:
        return self._recorded.pop(0) if self._recorded else await self._receive()


class _Paths:
    """The paths of a configuration as they stand in requests, with the global prefix."""

    def __init__(self, routes: Sequence[RouteDefinition], options: HttpOptions) -> None:
        self._routes = routes
        self._prefix = (options.global_prefix or "").strip("/")
        self._unprefixed = PathSet(options.prefix_excludes)

    def of(self, config: MiddlewareConfig) -> tuple[PathSet, PathSet]:
        covered = [path for each in config.routes for path in self._covered(each)]
        return PathSet(covered), PathSet(map(self._exact, config.excluded))

    def _covered(self, pattern: RoutePattern | type[Any]) -> Iterator[RouteInfo]:
        if isinstance(pattern, type):
            of_controller = (route for route in self._routes if route.controller is pattern)
            yield from (RouteInfo(route.path, route.method) for route in of_controller)
        elif pattern == "*":
            yield from (RouteInfo("/"), RouteInfo("/*rest"))
        else:
            exact = self._exact(pattern)
            yield exact
            if isinstance(pattern, str) and "*" not in pattern:
                yield RouteInfo(f"{exact.path}/*rest")

    def _exact(self, pattern: RoutePattern) -> RouteInfo:
        path, method = (pattern, ALL_METHODS) if isinstance(pattern, str) else pattern
        path = f"/{path.strip('/')}"
        prefix = "" if self._unprefixed.has(method, path) else f"/{self._prefix}"
        return RouteInfo(f"{prefix}{path}", method)


def _configs(module: ModuleNode) -> Sequence[MiddlewareConfig]:
    configure = getattr(module.host.instance, "configure", None)
    consumer = MiddlewareConsumer()
    if configure is not None:
        configure(consumer)
    return consumer.configs


def _bound(container: Container, module: ModuleNode, middleware: Any) -> AsyncMethod:
    if not isinstance(middleware, type):
        function: AsyncMethod = middleware
        return function
    binding = container.binding_in(module, middleware)
    if all(link.target is None or link.target.is_static for link in binding.links):
        return bind(binding.build(RequestScope()), "use")
    return bind(binding, "use")
