"""What a request to one route runs through, put together once at start."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeGuard

from pydantic import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cqrs_nest.common import ForbiddenException
from cqrs_nest.common.lambda_runtime import starts_on_demand
from cqrs_nest.common.metadata import find_metadata
from cqrs_nest.common.pipes import ParameterSource
from cqrs_nest.common.routing import REDIRECT, RESPONSE_HEADERS
from cqrs_nest.core import RequestScope, current_request_scope
from cqrs_nest.http.arguments import VALIDATED, Argument, compile_argument
from cqrs_nest.http.body import BodyReader, LimitedReceive
from cqrs_nest.http.call import Call
from cqrs_nest.http.cancellation import as_failure
from cqrs_nest.http.conversion import takes_files
from cqrs_nest.http.enhancers import (
    FILTER,
    GUARD,
    INTERCEPTOR,
    PIPE,
    AsyncMethod,
    Enhancer,
    EnhancerKind,
    Enhancers,
    bind,
    instance_in_request,
    is_static,
    static_instance,
)
from cqrs_nest.http.errors import invalid_route
from cqrs_nest.http.event_stream import streamed
from cqrs_nest.http.filters import ExceptionHandler
from cqrs_nest.http.forms import Form
from cqrs_nest.http.headers import InvalidHeaderException
from cqrs_nest.http.invocation import Run, compile_invocation, intercepted
from cqrs_nest.http.options import HttpOptions, ValidationOptions
from cqrs_nest.http.responses import Renderer
from cqrs_nest.http.router import PathValue
from cqrs_nest.http.routes import RouteDefinition
from cqrs_nest.http.signature import Parameter
from cqrs_nest.http.validation_pipe import ValidationPipe


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Answers the requests to one route. A request inspects nothing: everything is bound beforehand."""

    controller: type[Any]
    handler: Callable[..., Any]
    status: int
    guards: Sequence[AsyncMethod]
    run: Run
    """Interceptors, parameters and handler."""
    render: Renderer
    handle_error: ExceptionHandler
    limit: int
    """Bytes of a body, whoever reads it."""
    is_request_scoped: bool

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, params: dict[str, PathValue]
    ) -> None:
        scope["path_params"] = params
        limited = LimitedReceive(receive, self.limit)
        call = Call(Request(scope, limited, send), self.controller, self.handler, self.status, params)
        try:
            answer = await (self._answer_in_scope(call) if self.is_request_scoped else self._answer(call))
            await answer(scope, receive, send)
        finally:
            if isinstance(call.body, Form):
                await call.request.close()

    async def _answer_in_scope(self, call: Call) -> ASGIApp:
        token = current_request_scope.set(RequestScope(call.request))
        try:
            return await self._answer(call)
        finally:
            current_request_scope.reset(token)

    async def _answer(self, call: Call) -> ASGIApp:
        try:
            for can_activate in self.guards:
                if not await can_activate(call):
                    raise ForbiddenException("Forbidden resource")
            result = await self.run(call)
            return self.render(result, call.changed_response())
        except ClientDisconnect:
            raise
        except CancelledError as error:
            return await self.handle_error(as_failure(error), call)
        except Exception as error:  # noqa: BLE001 (whatever goes wrong in a route is answered)
            return await self.handle_error(error, call)


def compile_plan(route: RouteDefinition, enhancers: Enhancers, options: HttpOptions) -> RoutePlan:
    """Bind everything that a request to the route needs. Raises InvalidControllerError."""
    guards, interceptors, pipes = (
        list(chain.from_iterable(enhancers.levels(kind, route))) for kind in (GUARD, INTERCEPTOR, PIPE)
    )
    filters = enhancers.levels(FILTER, route)
    parameters = route.signature.parameters
    own_pipes = [enhancers.listed(parameter.marker.pipes, route) for parameter in parameters]
    body = _body_reader(parameters, options)
    arguments = [
        _argument(route, parameter, [*_reaching(parameter, pipes), *own], options)
        for parameter, own in zip(parameters, own_pipes, strict=True)
    ]
    call_handler = compile_invocation(bind(route.binding, route.handler_name), arguments, body)
    run = intercepted(call_handler, _bound(interceptors, INTERCEPTOR))
    taking_part = [route.binding, *guards, *interceptors, *pipes, *chain(*filters, *own_pipes)]
    return RoutePlan(
        route.controller,
        route.handler,
        route.status,
        _bound(guards, GUARD),
        streamed(run) if route.is_event_stream else run,
        _renderer(route),
        ExceptionHandler(list(reversed(filters))),
        options.body_limit if body is None else body.limit,
        not all(map(is_static, taking_part)),
    )


def _renderer(route: RouteDefinition) -> Renderer:
    headers = find_metadata(route.handler, RESPONSE_HEADERS, ())
    try:
        return Renderer(route.status, headers, find_metadata(route.handler, REDIRECT))
    except InvalidHeaderException as error:
        fix = "correct the @Header; other letters than those of Latin-1 need an encoding, such as RFC 8187's"
        raise invalid_route(route.controller, route.handler, str(error), fix=fix) from None


def _body_reader(parameters: Sequence[Parameter], options: HttpOptions) -> BodyReader | None:
    sources = {parameter.marker.source for parameter in parameters}
    if ParameterSource.FILE in sources:
        return BodyReader(options.upload_limit, takes_files=True)
    return BodyReader(options.body_limit) if ParameterSource.BODY in sources else None


def _argument(
    route: RouteDefinition, parameter: Parameter, pipes: Sequence[Enhancer], options: HttpOptions
) -> Argument:
    _check_file(route, parameter, pipes)
    instances = [static_instance(pipe) for pipe in pipes]
    validation, others = _validation(pipes, instances, options)
    is_by_request = any(map(_may_validate_by_request, pipes))
    if starts_on_demand() and not others and not is_by_request and parameter.marker.source in VALIDATED:
        return _compiled_when_read(route, parameter, validation)
    argument = _compiled(route, parameter, validation, others)
    return _argument_by_request(route, parameter, pipes, options) if is_by_request else argument


def _compiled_when_read(
    route: RouteDefinition, parameter: Parameter, validation: ValidationOptions
) -> Argument:
    """Validators are made for routes that are called: for all of them they are half of a function's start."""
    compiled = cache(lambda: _compiled(route, parameter, validation, []))

    def read(call: Call) -> Any:
        return compiled().read(call)

    return Argument(parameter.name, read)


def _check_file(route: RouteDefinition, parameter: Parameter, pipes: Sequence[Enhancer]) -> None:
    """A file is nothing else, unless a pipe makes something of it."""
    is_file = parameter.marker.source is ParameterSource.FILE
    if is_file and not pipes and not takes_files(parameter.annotation):
        problem = f"{parameter.name} is an UploadedFile, but annotated with {parameter.annotation!r}"
        fix = "annotate it with Starlette's UploadFile, with a list of it for several, or let a pipe make it"
        raise invalid_route(route.controller, route.handler, problem, fix=fix)


def _argument_by_request(
    route: RouteDefinition, parameter: Parameter, pipes: Sequence[Enhancer], options: HttpOptions
) -> Argument:
    """A `ValidationPipe` is made for each request: what one of them wants is compiled when it first does."""
    compiled: dict[tuple[object, ...], Argument] = {}

    async def read(call: Call) -> Any:
        instances = [await instance_in_request(pipe) for pipe in pipes]
        validation, others = _validation(pipes, instances, options)
        wanted = (validation, *map(id, others))
        if wanted not in compiled:
            compiled[wanted] = _compiled(route, parameter, validation, others)
        argument = compiled[wanted]
        value = argument.read(call)
        return await value if argument.is_async else value

    return Argument(parameter.name, read, is_async=True)


def _compiled(
    route: RouteDefinition, parameter: Parameter, validation: ValidationOptions, pipes: Sequence[Enhancer]
) -> Argument:
    try:
        return compile_argument(parameter, _bound(pipes, PIPE), validation)
    except PydanticUndefinedAnnotation as error:
        problem = f"{parameter.annotation!r} of {parameter.name} has a field of the unknown type {error.name}"
        fix = f"import {error.name} at module level, or write the model below it"
        raise invalid_route(route.controller, route.handler, problem, fix=fix) from error
    except PydanticUserError as error:
        problem = f"{parameter.name} cannot be checked against {parameter.annotation!r}"
        if not isinstance(error, PydanticSchemaGenerationError):
            problem = f"{problem}: {error.message}"
        fix = "annotate it with a pydantic model, or let a pipe make it"
        raise invalid_route(route.controller, route.handler, problem, fix=fix) from error


def _validation(
    pipes: Sequence[Enhancer], instances: Sequence[Any], options: HttpOptions
) -> tuple[ValidationOptions, Sequence[Enhancer]]:
    """The options that the nearest `ValidationPipe` sets, and the pipes that do something of their own."""
    validation, others = options.validation, list[Enhancer]()
    for pipe, instance in zip(pipes, instances, strict=True):
        if _sets_options(instance):
            validation = instance.options
        else:
            others.append(pipe)
    return validation, others


def _sets_options(instance: Any) -> TypeGuard[ValidationPipe]:
    return isinstance(instance, ValidationPipe) and instance.is_plain


def _reaching(parameter: Parameter, pipes: Sequence[Enhancer]) -> Sequence[Enhancer]:
    """The pipes of the levels that see a parameter: as in NestJS, headers pass by them."""
    if parameter.marker.source is not ParameterSource.HEADERS:
        return pipes
    return [pipe for pipe in pipes if _sets_options(static_instance(pipe))]


def _may_validate_by_request(pipe: Enhancer) -> bool:
    return not is_static(pipe) and (pipe.cls is None or issubclass(pipe.cls, ValidationPipe))


def _bound(listed: Sequence[Enhancer], kind: EnhancerKind) -> list[AsyncMethod]:
    return [bind(each, kind.method) for each in listed]
