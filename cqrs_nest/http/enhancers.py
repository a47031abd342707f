"""Guards, interceptors, pipes and filters: found for a route, and bound to what runs them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple, TypeAlias

from cqrs_nest.common import (
    APP_FILTER,
    APP_GUARD,
    APP_INTERCEPTOR,
    APP_PIPE,
    InjectionToken,
    MetadataKey,
)
from cqrs_nest.common.execution import (
    FILTERS,
    GUARDS,
    INTERCEPTORS,
    PIPES,
    enhancers_of,
)
from cqrs_nest.core import Binding, Container, RequestScope, current_request_scope
from cqrs_nest.core.errors import error_text
from cqrs_nest.http.errors import InvalidControllerError
from cqrs_nest.http.options import HttpOptions
from cqrs_nest.http.routes import RouteDefinition

AsyncMethod: TypeAlias = Callable[..., Awaitable[Any]]
Enhancer: TypeAlias = Any
"""A binding, or an object that the application made itself."""


class MissingMethodError(InvalidControllerError):
    """A class cannot be what it is listed as."""

    def __init__(self, name: str, method: str) -> None:
        self.problem = f"{name} has no method {method}"
        self.fix = f"write `async def {method}(...)` in {name}"
        super().__init__(error_text(f"{self.problem}.", {"fix": self.fix}))


class EnhancerKind(NamedTuple):
    """Where the enhancers of one kind are listed, and the method that makes an object one of them."""

    app_token: InjectionToken[Any]
    key: MetadataKey[tuple[Any, ...]]
    method: str


GUARD = EnhancerKind(APP_GUARD, GUARDS, "can_activate")
INTERCEPTOR = EnhancerKind(APP_INTERCEPTOR, INTERCEPTORS, "intercept")
PIPE = EnhancerKind(APP_PIPE, PIPES, "transform")
FILTER = EnhancerKind(APP_FILTER, FILTERS, "catch")


class Enhancers:
    """Finds what acts on a route, level by level."""

    def __init__(self, container: Container, options: HttpOptions) -> None:
        """Raises InvalidControllerError when the options list a class."""
        self._container = container
        self._application: dict[EnhancerKind, list[Enhancer]] = {
            kind: [*container.app_enhancers(kind.app_token), *_instances(kind, instances)]
            for kind, instances in (
                (GUARD, options.guards),
                (INTERCEPTOR, options.interceptors),
                (PIPE, options.pipes),
                (FILTER, options.filters),
            )
        }

    def of_application(self, kind: EnhancerKind) -> list[Enhancer]:
        """Those of `APP_*` providers, then those of the options."""
        return self._application[kind]

    def levels(self, kind: EnhancerKind, route: RouteDefinition) -> list[list[Enhancer]]:
        """Those of the application, of the controller and of the route."""
        return [
            self._application[kind],
            self.listed(enhancers_of(route.controller, kind.key), route),
            self.listed(enhancers_of(route.handler, kind.key), route),
        ]

    def listed(self, listed: Sequence[Any], route: RouteDefinition) -> list[Enhancer]:
        """What a decorator or a parameter of a route lists, as the controller's module built it."""
        return [self._container.enhancer(each, route.binding.module) for each in listed]


def _instances(kind: EnhancerKind, listed: Sequence[Any]) -> Sequence[Any]:
    for each in listed:
        if isinstance(each, type):
            name, token = each.__name__, kind.app_token.name
            fix = f"list provide({token}, use_class={name}) among the root module's providers"
            raise InvalidControllerError(
                error_text(f"HttpOptions takes instances, and {name} is a class.", {"fix": fix})
            )
    return listed


def is_static(enhancer: Enhancer) -> bool:
    """Whether one object serves all requests."""
    return not isinstance(enhancer, Binding) or enhancer.is_static


def static_instance(enhancer: Enhancer) -> Any:
    """The one object that serves all requests; the binding itself if there is none."""
    return enhancer.instance if isinstance(enhancer, Binding) and enhancer.is_static else enhancer


def bind(enhancer: Enhancer, method: str) -> AsyncMethod:
    """The method of an enhancer or controller as an async function, whatever its scope and colour.

    Raises MissingMethodError when its class does not have the method.
    """
    if not isinstance(enhancer, Binding) or enhancer.is_static:
        return _bound(static_instance(enhancer), method)

    async def call(*arguments: Any, **named: Any) -> Any:
        return await _bound(await instance_in_request(enhancer), method)(*arguments, **named)

    if enhancer.cls is not None:
        _method(enhancer.cls, method)
    return call


async def instance_in_request(enhancer: Enhancer) -> Any:
    """The object that serves the current request."""
    if is_static(enhancer):
        return static_instance(enhancer)
    built = enhancer.build(current_request_scope.get() or RequestScope())
    return await built if enhancer.is_async else built


def class_of(enhancer: Enhancer) -> type[Any]:
    """The class whose decorators count."""
    cls: type[Any]
    if isinstance(enhancer, Binding) and not enhancer.is_static and enhancer.cls is not None:
        cls = enhancer.cls
    else:
        cls = (enhancer.instance if isinstance(enhancer, Binding) else enhancer).__class__
    return cls


def _bound(instance: Any, method: str) -> AsyncMethod:
    function = _method(instance, method)
    if inspect.iscoroutinefunction(function):
        return function

    @wraps(function)
    async def call(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        return await result if inspect.isawaitable(result) else result

    return call


def _method(owner: Any, method: str) -> Callable[..., Any]:
    function: Callable[..., Any] | None = getattr(owner, method, None)
    if callable(function):
        return function
    name = (owner if isinstance(owner, type) else type(owner)).__name__
    raise MissingMethodError(name, method)
