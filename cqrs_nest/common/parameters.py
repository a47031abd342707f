"""Markers that say where a handler's argument comes from: `name: Annotated[str, Param("name")]`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cqrs_nest.common.execution import ExecutionContext
from cqrs_nest.common.pipes import ParameterSource, PipeTransform


@dataclass(frozen=True, slots=True)
class ParameterMarker:
    """Where an argument comes from; `name` picks one field, None means the whole."""

    source: ParameterSource
    name: str | None = None
    pipes: tuple[type[PipeTransform] | PipeTransform, ...] = ()
    factory: Callable[[Any, ExecutionContext], Any] | None = None
    """For `CUSTOM`: gives the value, sync or async."""
    data: Any = None
    """For `CUSTOM`: the first argument of the factory."""


Pipe = type[PipeTransform] | PipeTransform


def Body(field: str | None = None, *pipes: Pipe) -> ParameterMarker:
    """The JSON body, or one field of it; likewise of a form."""
    return ParameterMarker(ParameterSource.BODY, field, pipes)


def Param(name: str | None = None, *pipes: Pipe) -> ParameterMarker:
    """A `:name` segment of the path, or all of them as a model or mapping."""
    return ParameterMarker(ParameterSource.PARAM, name, pipes)


def Query(name: str | None = None, *pipes: Pipe) -> ParameterMarker:
    """One value of the query string, or all of them as a model or mapping."""
    return ParameterMarker(ParameterSource.QUERY, name, pipes)


def Headers(name: str | None = None, *pipes: Pipe) -> ParameterMarker:
    """One header, or all of them as a mapping with names in lower case."""
    return ParameterMarker(ParameterSource.HEADERS, name, pipes)


def Cookies(name: str | None = None, *pipes: Pipe) -> ParameterMarker:
    """One cookie, or all of them as a mapping."""
    return ParameterMarker(ParameterSource.COOKIES, name, pipes)


def UploadedFile(name: str, *pipes: Pipe) -> ParameterMarker:
    """A file of a multipart form: `avatar: Annotated[UploadFile, UploadedFile("avatar")]`.

    `UploadFile` is Starlette's, which `cqrs_nest.http` hands on; with `list[UploadFile]` all of that name.
    """
    return ParameterMarker(ParameterSource.FILE, name, pipes)


def Req() -> ParameterMarker:
    """The Starlette request itself."""
    return ParameterMarker(ParameterSource.REQUEST)


def Res() -> ParameterMarker:
    """The Starlette response whose status, headers and cookies a success is sent with.

    `response: Annotated[Response, Res()]`, `response.set_cookie("session", "s1")`. What the handler returns
    is its body.
    """
    return ParameterMarker(ParameterSource.RESPONSE)


def Ip() -> ParameterMarker:
    """The address of the caller."""
    return ParameterMarker(ParameterSource.IP)


def create_param_decorator(
    factory: Callable[[Any, ExecutionContext], Any],
) -> Callable[..., ParameterMarker]:
    """A marker of your own: `factory(data, context)` gives the argument, sync or async.

    >>> def agent(data: None, context: ExecutionContext) -> str | None:
    ...     return context.switch_to_http().get_request().headers.get("user-agent")
    >>> UserAgent = create_param_decorator(agent)
    >>> UserAgent().source
    <ParameterSource.CUSTOM: 'custom'>
    """

    def marker(data: Any = None, *pipes: Pipe) -> ParameterMarker:
        return ParameterMarker(ParameterSource.CUSTOM, None, pipes, factory, data)

    return marker
