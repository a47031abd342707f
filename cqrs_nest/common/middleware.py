"""Middleware of modules: what a request goes through before its route is looked up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

Next: TypeAlias = Callable[[], Awaitable[None]]
"""Runs the rest of the way; afterwards the request is answered."""


class NestMiddleware(Protocol):
    """Sees requests before guards do; its dependencies come from the module that applies it.

    `return await next()` lets a request pass, a response answers it at once.
    """

    def use(self, request: Request, next: Next) -> Awaitable[Response | None]: ...


MiddlewareFunction: TypeAlias = "Callable[[Request, Next], Awaitable[Response | None]]"
Middleware: TypeAlias = "type[NestMiddleware] | MiddlewareFunction"


class RouteInfo(NamedTuple):
    """A path as routes declare it, for one method or for all."""

    path: str
    method: str = "ALL"


RoutePattern: TypeAlias = str | RouteInfo
"""A text covers a path and everything below it, `*` covers every request, a `RouteInfo` exactly one path."""


@dataclass
class MiddlewareConfig:
    """Which middleware is for which requests. A chain without `for_routes` covers nothing."""

    middleware: tuple[Any, ...]
    excluded: list[RoutePattern] = field(default_factory=list[RoutePattern])
    routes: list[RoutePattern | type[Any]] = field(default_factory=list["RoutePattern | type[Any]"])

    def exclude(self, *paths: RoutePattern) -> Self:
        """Exactly these paths are left out, whatever covers them."""
        self.excluded.extend(paths)
        return self

    def for_routes(self, *routes: RoutePattern | type[Any]) -> None:
        """Paths, or controllers for all of their routes."""
        self.routes.extend(routes)


class MiddlewareConsumer:
    """What the method `configure` of a module class is given.

    >>> class CatModule:
    ...     def configure(self, consumer: MiddlewareConsumer) -> None:
    ...         consumer.apply(LogMiddleware).exclude("cats/health").for_routes("cats")
    """

    def __init__(self) -> None:
        self.configs: list[MiddlewareConfig] = []

    def apply(self, *middleware: Middleware) -> MiddlewareConfig:
        """Classes with a method `use`, or async functions `(request, next)`, in the order they run in."""
        config = MiddlewareConfig(middleware)
        self.configs.append(config)
        return config
