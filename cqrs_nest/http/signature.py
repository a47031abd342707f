"""What a handler's parameters and return annotation say, read once at start."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from types import FunctionType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from cqrs_nest.common.metadata import find_metadata
from cqrs_nest.common.parameters import ParameterMarker
from cqrs_nest.common.pipes import ParameterSource
from cqrs_nest.common.routing import EVENT_STREAM
from cqrs_nest.core.annotations import Namespace, UnreadableAnnotation
from cqrs_nest.http.errors import invalid_route

REQUIRED: Final[Any] = inspect.Parameter.empty
"""The default of a parameter that has none, and the return annotation of a handler that has none."""

_MARKERS = "Body, Param, Query, Headers, Cookies, UploadedFile, Req, Res, Ip or one of create_param_decorator"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a handler that is taken from the request; its annotation is without the marker."""

    name: str
    annotation: Any
    marker: ParameterMarker
    default: Any


@dataclass(frozen=True, slots=True)
class Signature:
    parameters: tuple[Parameter, ...]
    returns: Any
    """The return annotation, `REQUIRED` if there is none or it cannot be read."""


def read_signature(
    controller: type[Any], handler: Callable[..., Any], path_names: Collection[str]
) -> Signature:
    """The signature of a route's function.

    Raises InvalidControllerError for a sync handler, a parameter whose origin is unknown or whose annotation
    cannot be read, and a `Param` that the path does not have.
    """
    kind = type(handler).__name__
    if kind in ("staticmethod", "classmethod"):
        fix = f"write `async def {handler.__name__}(self, ...)`"
        raise invalid_route(controller, handler, f"it is a {kind}", fix=fix)
    function = inspect.unwrap(handler)
    is_generator = inspect.isasyncgenfunction(handler)
    if is_generator and not find_metadata(handler, EVENT_STREAM, False):
        fix = "declare it with @Sse, or return a StreamableFile of the generator"
        raise invalid_route(controller, handler, "it yields, and has no @Sse", fix=fix)
    if not isinstance(function, FunctionType) or not (is_generator or inspect.iscoroutinefunction(handler)):
        raise invalid_route(
            controller,
            handler,
            "the handler is not async",
            fix=f"write `async def {handler.__name__}`; blocking work goes to asyncio.to_thread",
        )
    namespace = Namespace(function, controller, {})
    parameters: list[Parameter] = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        read = _read_parameter(controller, handler, parameter, namespace)
        if read is not None:
            _check_path(controller, handler, read, path_names)
            parameters.append(read)
    returns = namespace.read(function.__annotations__.get("return", REQUIRED))
    return Signature(tuple(parameters), REQUIRED if isinstance(returns, UnreadableAnnotation) else returns)


def _read_parameter(
    controller: type[Any], handler: Callable[..., Any], parameter: inspect.Parameter, namespace: Namespace
) -> Parameter | None:
    annotation = namespace.read(parameter.annotation)
    name = parameter.name
    if isinstance(annotation, UnreadableAnnotation):
        raise invalid_route(
            controller,
            handler,
            f"the annotation of {name}, `{annotation.text}`, names what is not there at run time",
            fix="import it at module level, outside of `if TYPE_CHECKING:` and of functions",
        )
    markers = list(_markers(annotation))
    if len(markers) == 1:
        return Parameter(name, _without_marker(annotation), markers[0], parameter.default)
    if markers:
        raise invalid_route(
            controller, handler, f"the parameter {name} has {len(markers)} markers", fix="keep one"
        )
    if isinstance(parameter.default, ParameterMarker):
        problem = f"the marker of the parameter {name} is its default"
        fix = f"write it into the annotation, such as `{name}: Annotated[..., Query({name!r})] = ...`"
        raise invalid_route(controller, handler, problem, fix=fix)
    if parameter.default is not REQUIRED:
        return None
    raise invalid_route(
        controller,
        handler,
        f"nothing says where the parameter {name} comes from",
        fix=f"annotate it, such as `{name}: Annotated[..., Query({name!r})]`, with {_MARKERS}",
    )


def _check_path(
    controller: type[Any], handler: Callable[..., Any], parameter: Parameter, path_names: Collection[str]
) -> None:
    name = parameter.marker.name
    if parameter.marker.source is ParameterSource.PARAM and name is not None and name not in path_names:
        known = ", ".join(f":{each}" for each in path_names) or "no parameter"
        raise invalid_route(
            controller,
            handler,
            f"{parameter.name} is Param({name!r}), but the path has {known}",
            fix=f"put :{name} into the path, or correct the name",
        )


def _markers(annotation: Any) -> Iterator[ParameterMarker]:
    """The markers of an annotation, also within `Annotated[X, marker] | None`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from (each for each in arguments[1:] if isinstance(each, ParameterMarker))
    elif origin in (Union, UnionType):
        for member in arguments:
            yield from _markers(member)


def _without_marker(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        kept = tuple(each for each in arguments[1:] if not isinstance(each, ParameterMarker))
        return Annotated[(arguments[0], *kept)] if kept else arguments[0]
    if origin in (Union, UnionType):
        return Union[tuple(map(_without_marker, arguments))]  # noqa: UP007 (a run-time value)
    return annotation
