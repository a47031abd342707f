"""The routes of an application, as its controllers declare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cqrs_nest.common.metadata import find_metadata, own_metadata
from cqrs_nest.common.routing import CONTROLLER, HTTP_CODE, ROUTES, ControllerOptions
from cqrs_nest.core import Binding, Container
from cqrs_nest.http.errors import invalid_route
from cqrs_nest.http.router import InvalidPathError, split_path
from cqrs_nest.http.signature import Signature, read_signature


@dataclass(frozen=True, slots=True)
class RouteDefinition:
    """One method and path, and the function that answers."""

    method: str
    path: str
    controller: type[Any]
    handler: Callable[..., Any]
    signature: Signature
    binding: Binding

    @property
    def handler_name(self) -> str:
        """The name of the function."""
        return self.handler.__name__

    @property
    def status(self) -> int:
        """The status of a success: 201 for POST, otherwise 200, unless `@HttpCode` says another."""
        return find_metadata(self.handler, HTTP_CODE, 201 if self.method == "POST" else 200)


def read_routes(container: Container, global_prefix: str) -> list[RouteDefinition]:
    """All routes, modules in the order of their import, methods as declared, inherited ones last.

    Raises InvalidControllerError for a route that cannot be served.
    """
    return [
        route
        for module in container.modules
        for controller in module.controllers
        for route in _routes_of(controller, global_prefix)
    ]


def _routes_of(binding: Binding, prefix: str) -> Iterator[RouteDefinition]:
    controller = binding.cls
    if controller is None:
        return
    options = find_metadata(controller, CONTROLLER) or ControllerOptions()
    for handler in _handlers(controller):
        for route in own_metadata(handler)[ROUTES]:
            for base in options.paths:
                for path in route.paths:
                    full = _join(controller, handler, prefix, base, path)
                    names = [segment[1:] for segment in full.split("/") if segment[:1] in (":", "*")]
                    signature = read_signature(controller, handler, names)
                    yield RouteDefinition(route.method, full, controller, handler, signature, binding)


def _handlers(controller: type[Any]) -> Iterator[Callable[..., Any]]:
    """The functions with a route: the class's own, then those of its bases that it does not replace."""
    seen: set[str] = set()
    for cls in controller.__mro__:
        for name, member in vars(cls).items():
            if name not in seen and callable(member) and ROUTES in own_metadata(member):
                yield member
            seen.add(name)


def _join(controller: type[Any], handler: Callable[..., Any], *parts: str) -> str:
    path = "/" + "/".join(part.strip("/") for part in parts if part.strip("/"))
    try:
        split_path(path)
    except InvalidPathError as error:
        fix = "use whole segments :name and at the end *name"
        raise invalid_route(controller, handler, f"the path {path} has {error}", fix=fix) from None
    return path
