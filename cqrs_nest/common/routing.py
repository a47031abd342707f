"""`@Controller` and the decorators of its routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from cqrs_nest.common.metadata import MetadataKey, define_metadata, extend_metadata
from cqrs_nest.common.providers import Scope

ClassT = TypeVar("ClassT", bound=type)
HandlerT = TypeVar("HandlerT", bound=Callable[..., object])

VERSION_NEUTRAL: Final = "*"
"""A route that answers whatever version is asked for."""


@dataclass(frozen=True, slots=True)
class ControllerOptions:
    paths: tuple[str, ...] = ("",)
    scope: Scope = Scope.DEFAULT


@dataclass(frozen=True, slots=True)
class Route:
    """One `@Get(...)` and its like: the method (`ALL` for any) and the paths below the controller's."""

    method: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RedirectOptions:
    url: str
    status: int = 302


CONTROLLER = MetadataKey[ControllerOptions]("controller")
ROUTES = MetadataKey[tuple[Route, ...]]("routes")
HTTP_CODE = MetadataKey[int]("http_code")
RESPONSE_HEADERS = MetadataKey[tuple[tuple[str, str], ...]]("response_headers")
REDIRECT = MetadataKey[RedirectOptions]("redirect")
EVENT_STREAM = MetadataKey[bool]("event_stream")
VERSIONS = MetadataKey[tuple[str, ...]]("versions")


def _paths(path: str | Sequence[str]) -> tuple[str, ...]:
    if callable(path):
        raise TypeError(
            f"{path!r} stands where a path belongs, which is text. Without a path, a decorator still has its "
            "parentheses: @Get(), @Controller()."
        )
    return (path,) if isinstance(path, str) else tuple(path)


def Controller(
    path: str | Sequence[str] = "",
    *,
    version: str | Sequence[str] | None = None,
    scope: Scope = Scope.DEFAULT,
) -> Callable[[ClassT], ClassT]:
    """Make a class answer HTTP requests below `path` (or below each of several paths).

    >>> @Controller("api/cats")
    ... class CatController:
    ...     @Get(":id")
    ...     async def find(self) -> None: ...
    """

    options = ControllerOptions(_paths(path), scope)

    def decorate(cls: ClassT) -> ClassT:
        define_metadata(cls, CONTROLLER, options)
        if version is not None:
            define_metadata(cls, VERSIONS, _paths(version))
        return cls

    return decorate


def _route(method: str, path: str | Sequence[str]) -> Callable[[HandlerT], HandlerT]:
    route = Route(method, _paths(path))

    def decorate(handler: HandlerT) -> HandlerT:
        extend_metadata(handler, ROUTES, [route])
        return handler

    return decorate


def Get(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer GET, and HEAD with it."""
    return _route("GET", path)


def Post(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer POST; the status is 201 unless `@HttpCode` says otherwise."""
    return _route("POST", path)


def Put(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer PUT."""
    return _route("PUT", path)


def Patch(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer PATCH."""
    return _route("PATCH", path)


def Delete(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer DELETE."""
    return _route("DELETE", path)


def Head(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer HEAD alone."""
    return _route("HEAD", path)


def Options(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer OPTIONS."""
    return _route("OPTIONS", path)


def All(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer every method; the status is 200, for POST too."""
    return _route("ALL", path)


def Sse(path: str | Sequence[str] = "") -> Callable[[HandlerT], HandlerT]:
    """Answer GET with server-sent events: an async generator yields each `MessageEvent`, or its data alone.

    >>> @Controller("clock")
    ... class ClockController:
    ...     @Sse()
    ...     async def ticks(self) -> AsyncIterator[str]:
    ...         yield "tick"
    """

    def decorate(handler: HandlerT) -> HandlerT:
        define_metadata(handler, EVENT_STREAM, True)
        return _route("GET", path)(handler)

    return decorate


def HttpCode(status: int) -> Callable[[HandlerT], HandlerT]:
    """The status of a success, from 200 to 599. Raises ValueError for another number."""
    if not 200 <= status <= 599:
        raise ValueError(f"HttpCode({status}): the status of an answer lies between 200 and 599")

    def decorate(handler: HandlerT) -> HandlerT:
        define_metadata(handler, HTTP_CODE, status)
        return handler

    return decorate


def Header(name: str, value: str) -> Callable[[HandlerT], HandlerT]:
    """A header of every success."""

    def decorate(handler: HandlerT) -> HandlerT:
        extend_metadata(handler, RESPONSE_HEADERS, [(name, value)])
        return handler

    return decorate


def Redirect(url: str, status: int = 302) -> Callable[[HandlerT], HandlerT]:
    """Send the caller elsewhere; a handler may return `{"url": ..., "statusCode": ...}` to decide itself."""

    def decorate(handler: HandlerT) -> HandlerT:
        define_metadata(handler, REDIRECT, RedirectOptions(url, status))
        return handler

    return decorate


def Version(version: str | Sequence[str]) -> Callable[[HandlerT], HandlerT]:
    """The version or versions of a route, in the place of its controller's."""

    def decorate(handler: HandlerT) -> HandlerT:
        define_metadata(handler, VERSIONS, _paths(version))
        return handler

    return decorate
