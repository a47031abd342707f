"""Compiles the parameters of a handler into functions that take them from a request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import PydanticSchemaGenerationError
from pydantic_core import to_json
from starlette.requests import Request

from cqrs_nest.common import BadRequestException
from cqrs_nest.common.pipes import ArgumentMetadata, ParameterSource
from cqrs_nest.http.call import Call
from cqrs_nest.http.conversion import JsonConverter, TextConverter, is_list, is_model
from cqrs_nest.http.enhancers import AsyncMethod
from cqrs_nest.http.forms import Form
from cqrs_nest.http.options import ValidationOptions
from cqrs_nest.http.router import PathValue
from cqrs_nest.http.signature import REQUIRED, Parameter

Read: TypeAlias = Callable[[Call], Any]
Convert: TypeAlias = Callable[[Call, Any], Any]

VALIDATED: Final = frozenset(
    {
        ParameterSource.BODY,
        ParameterSource.PARAM,
        ParameterSource.QUERY,
        ParameterSource.HEADERS,
        ParameterSource.COOKIES,
    }
)
"""Where values come from that are checked against their annotation."""

_ABSENT: Final[Any] = object()


class Argument(NamedTuple):
    """One argument: `read(call)` gives it, or an awaitable of it if `is_async`."""

    name: str
    read: Read
    is_async: bool = False


def compile_argument(
    parameter: Parameter, pipes: Sequence[AsyncMethod], options: ValidationOptions
) -> Argument:
    """`pipes` are all that act on the parameter, the outermost first.

    A whole body, query and so on is validated before the pipes see it. A single value goes through the
    pipes as it came, and what they give is checked against its annotation.

    Raises PydanticSchemaGenerationError for an annotation that nothing can be checked against, and
    PydanticUndefinedAnnotation for a model with a field of an unknown type.
    """
    marker = parameter.marker
    if marker.source is ParameterSource.REQUEST:
        return Argument(parameter.name, _request)
    if marker.source is ParameterSource.RESPONSE:
        return Argument(parameter.name, Call.response)
    if marker.source is ParameterSource.IP:
        return Argument(parameter.name, _client_address)
    if marker.factory is not None:
        return Argument(parameter.name, _custom(parameter, marker.factory, pipes), is_async=True)
    if marker.source is ParameterSource.FILE:
        return Argument(parameter.name, _piped(parameter, _file_reader(parameter), pipes), is_async=True)
    take = _taker(parameter)
    if not pipes:
        return Argument(parameter.name, _converted(parameter, take, _converter(parameter, options)))
    if marker.name is None:
        validated = _converted(parameter, take, _converter(parameter, options))
        return Argument(parameter.name, _piped(parameter, validated, pipes), is_async=True)
    return Argument(parameter.name, _piped_first(parameter, take, pipes, options), is_async=True)


def _request(call: Call) -> Request:
    return call.request


def _client_address(call: Call) -> str | None:
    client = call.request.client
    return None if client is None else client.host


def _file_reader(parameter: Parameter) -> Read:
    name, default = str(parameter.marker.name), parameter.default
    several = is_list(parameter.annotation)

    def read(call: Call) -> Any:
        files = call.body.files.get(name, []) if isinstance(call.body, Form) else []
        if not files and default is not REQUIRED:
            return default
        if several and files:
            return files
        if len(files) != 1:
            raise BadRequestException([f"{name} must be {'files' if several else 'a file'}"])
        return files[0]

    return read


def _custom(parameter: Parameter, factory: Callable[..., Any], pipes: Sequence[AsyncMethod]) -> Read:
    data = parameter.marker.data
    transform = _pipeline(parameter, pipes)

    async def read(call: Call) -> Any:
        made = factory(data, call)
        return await transform(await made if inspect.isawaitable(made) else made)

    return read


def _taker(parameter: Parameter) -> Read:
    """Takes the value from the request as it came; `_ABSENT` if it is not there."""
    name = parameter.marker.name
    match parameter.marker.source:
        case ParameterSource.BODY:
            return _body if name is None else lambda call: call.body_fields().get(name, _ABSENT)
        case ParameterSource.PARAM:
            if name is None:
                return lambda call: call.params
            if is_list(parameter.annotation):
                return lambda call: call.params[name]
            return lambda call: _joined(call.params[name])
        case ParameterSource.QUERY:
            return lambda call: call.query() if name is None else call.query().get(name, _ABSENT)
        case ParameterSource.HEADERS:
            return lambda call: _of(call.request.headers, name)
        case _:
            return lambda call: _of(call.request.cookies, name)


def _body(call: Call) -> bytes | Any:
    if call.body is None:
        return _ABSENT
    return call.body.fields if isinstance(call.body, Form) else call.body


def _joined(value: PathValue) -> str:
    return "/".join(value) if isinstance(value, list) else value


def _of(values: Mapping[str, str], name: str | None) -> Any:
    return dict(values) if name is None else values.get(name, _ABSENT)


def _converter(parameter: Parameter, options: ValidationOptions) -> Convert:
    """Checks what `_taker` took: JSON has types of its own, all else came as text."""
    marker = parameter.marker
    text = TextConverter(parameter.annotation, marker.name, options)
    if marker.source is not ParameterSource.BODY:
        return lambda call, value: text(value)
    json = JsonConverter(parameter.annotation, marker.name, options)
    is_whole = marker.name is None

    def convert(call: Call, value: Any) -> Any:
        if isinstance(call.body, Form):
            return text(value)
        return json(value if is_whole else to_json(value))

    return convert


def _converted(parameter: Parameter, take: Read, convert: Convert) -> Read:
    marker = parameter.marker
    if marker.source is ParameterSource.PARAM and marker.name is not None and parameter.annotation is str:
        return take  # Text is what it came as.
    default, substitute = parameter.default, _substitute(parameter)

    def read(call: Call) -> Any:
        value = take(call)
        if value is _ABSENT:
            return convert(call, substitute) if default is REQUIRED else default
        return convert(call, value)

    return read


def _substitute(parameter: Parameter) -> Any:
    """What is validated in place of an absent value, so that the errors name what is expected."""
    if parameter.marker.source is not ParameterSource.BODY:
        return None
    if parameter.marker.name is None:
        return b"{}"
    return {} if is_model(parameter.annotation) else None


def _piped(parameter: Parameter, validated: Read, pipes: Sequence[AsyncMethod]) -> Read:
    transform = _pipeline(parameter, pipes)

    async def read(call: Call) -> Any:
        return await transform(validated(call))

    return read


def _piped_first(
    parameter: Parameter, take: Read, pipes: Sequence[AsyncMethod], options: ValidationOptions
) -> Read:
    transform = _pipeline(parameter, pipes)
    convert: Convert = _as_it_is
    check: Callable[[Any], Any] | None = None
    try:
        convert = _converter(parameter, options)
        check = TextConverter(parameter.annotation, parameter.marker.name, options)
    except PydanticSchemaGenerationError:
        # A class that only a pipe can make, such as an entity that it looks up.
        pass
    default, substitute = parameter.default, _substitute(parameter)

    async def read(call: Call) -> Any:
        taken = take(call)
        value = None if taken is _ABSENT else taken
        result = await transform(value)
        if result is not value:
            return result if check is None else check(result)
        if taken is _ABSENT:
            return convert(call, substitute) if default is REQUIRED else default
        return convert(call, result)

    return read


def _as_it_is(call: Call, value: Any) -> Any:
    return value


def _pipeline(parameter: Parameter, pipes: Sequence[AsyncMethod]) -> AsyncMethod:
    marker = parameter.marker
    name = marker.data if marker.source is ParameterSource.CUSTOM else marker.name
    metadata = ArgumentMetadata(marker.source, parameter.annotation, name)

    async def transform(value: Any) -> Any:
        for pipe in pipes:
            value = await pipe(value, metadata)
        return value

    return transform
