"""The routes of an application, as its controllers declare them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from cqrs_nest.common import APP_GUARD, VERSION_NEUTRAL, Logger
from cqrs_nest.common.execution import GUARDS, enhancers_of
from cqrs_nest.common.metadata import find_metadata, own_metadata
from cqrs_nest.common.routing import CONTROLLER, EVENT_STREAM, HTTP_CODE, ROUTES, VERSIONS, ControllerOptions
from cqrs_nest.core import Binding, Container
from cqrs_nest.http.errors import invalid_route
from cqrs_nest.http.options import HttpOptions
from cqrs_nest.http.router import InvalidPathError, PathSet, split_path
from cqrs_nest.http.router_module import module_paths
from cqrs_nest.http.signature import Signature, read_signature
from cqrs_nest.http.versioning import UriVersioning, Versioning, as_versions

_logger = Logger("RouterExplorer")
_PARAMETER = re.compile(r"(?<=/):[^/]+")


@dataclass(frozen=True, slots=True)
class RouteDefinition:
    """One method and path, and the function that answers."""

    method: str
    path: str
    controller: type[Any]
    handler: Callable[..., Any]
    signature: Signature
    binding: Binding
    versions: tuple[str, ...] = ()
    """The versions that it answers where they do not stand in the path; empty for every request."""

    def __str__(self) -> str:
        return f"{self.controller.__name__}.{self.handler_name}"

    @property
    def handler_name(self) -> str:
        """The name of the function."""
        return self.handler.__name__

    @property
    def status(self) -> int:
        """The status of a success: 201 for POST, otherwise 200, unless `@HttpCode` says another."""
        return find_metadata(self.handler, HTTP_CODE, 201 if self.method == "POST" else 200)

    @property
    def is_event_stream(self) -> bool:
        """Whether it answers with server-sent events."""
        return find_metadata(self.handler, EVENT_STREAM, False)


def read_routes(container: Container, options: HttpOptions) -> list[RouteDefinition]:
    """All routes, modules in the order of their import, methods as declared, inherited ones last.

    Raises InvalidControllerError for a route that cannot be served.
    """
    paths, excluded = module_paths(container), PathSet(options.prefix_excludes)
    return [
        route
        for module in container.modules
        for controller in module.controllers
        for route in _routes_of(controller, paths.get(module.cls, ""), excluded, options)
    ]


def route_guards(route: RouteDefinition, options: HttpOptions, container: Container) -> list[Any]:
    """What stands before a route, classes or objects: of the application, the controller, the method."""
    everywhere = [binding.cls or binding.token for binding in container.app_enhancers(APP_GUARD)]
    listed = (*enhancers_of(route.controller, GUARDS), *enhancers_of(route.handler, GUARDS))
    return [*everywhere, *options.guards, *listed]


def warn_of_hidden_routes(routes: Iterable[RouteDefinition]) -> None:
    """One line for each route that is never reached, because another one is declared before it."""
    first: dict[tuple[str, str, tuple[str, ...]], RouteDefinition] = {}
    for route in routes:
        path = _PARAMETER.sub(":", route.path.lower())
        hiding = first.setdefault((route.method, path, route.versions), route)
        if hiding is not route:
            _logger.warn("%s is hidden by %s: both are %s %s", route, hiding, route.method, route.path)


def _routes_of(
    binding: Binding, module_path: str, excluded: PathSet, http: HttpOptions
) -> Iterator[RouteDefinition]:
    controller = binding.cls
    if controller is None:
        return
    options = find_metadata(controller, CONTROLLER) or ControllerOptions()
    for handler in _handlers(controller):
        versions = _versions_of(controller, handler, http)
        for route in own_metadata(handler)[ROUTES]:
            for base, path in product(options.paths, route.paths):
                own = _join(controller, handler, module_path, base, path)
                prefix = "" if excluded.has(route.method, own) else http.global_prefix or ""
                for segment, answered in _by_version(versions, http.versioning):
                    full = _join(controller, handler, prefix, segment, own)
                    names = _names(controller, handler, full)
                    signature = read_signature(controller, handler, names)
                    yield RouteDefinition(
                        route.method, full, controller, handler, signature, binding, answered
                    )


def _versions_of(controller: type[Any], handler: Callable[..., Any], http: HttpOptions) -> tuple[str, ...]:
    if http.versioning is None:
        return ()
    declared = find_metadata(handler, VERSIONS) or find_metadata(controller, VERSIONS)
    return declared or as_versions(http.versioning.default)


def _by_version(
    versions: tuple[str, ...], versioning: Versioning | None
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What stands in the path for a version, and the versions that the route then tells apart itself."""
    if not isinstance(versioning, UriVersioning):
        yield "", versions
        return
    for version in versions or (VERSION_NEUTRAL,):
        yield "" if version == VERSION_NEUTRAL else f"{versioning.prefix}{version}", ()


def _handlers(controller: type[Any]) -> Iterator[Callable[..., Any]]:
    """The functions with a route: the class's own, then those of its bases that it does not replace."""
    seen: set[str] = set()
    for cls in controller.__mro__:
        for name, member in vars(cls).items():
            if name not in seen and ROUTES in own_metadata(member):
                yield member
            seen.add(name)


def _names(controller: type[Any], handler: Callable[..., Any], path: str) -> list[str]:
    names = [segment[1:] for segment in split_path(path) if segment[0] in ":*"]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        fix = "give each parameter of a path a name of its own"
        raise invalid_route(controller, handler, f"the path {path} has {twice} twice", fix=fix)
    return names


def _join(controller: type[Any], handler: Callable[..., Any], *parts: str) -> str:
    path = "/" + "/".join(part.strip("/") for part in parts if part.strip("/"))
    try:
        split_path(path)
    except InvalidPathError as error:
        fix = "use whole segments :name and at the end *name"
        raise invalid_route(controller, handler, f"the path {path} has {error}", fix=fix) from None
    return path
