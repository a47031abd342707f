"""`mounted` and `with_routes`: a module's controllers as its options want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar, cast

from cqrs_nest.common.execution import CanActivate, UseGuards
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.common.routing import Controller

T = TypeVar("T")

Guards: TypeAlias = Sequence[type[CanActivate] | CanActivate]
"""Guards as a module's options take them: classes that the container builds, or finished objects."""


def mounted(
    controller: type[T],
    *,
    path: str | Sequence[str] | None = None,
    guards: Guards | None = None,
) -> type[T]:
    """The controller below another path, or with other guards in the place of those on its class.

    None leaves either as it is; an empty list of guards lets everybody pass. Guards on single routes stay.
    For the `register` of a module whose application may choose:

    >>> from cqrs_nest.common import Get
    >>> from cqrs_nest.common.execution import GUARDS, enhancers_of
    >>> class NightGuard:
    ...     def can_activate(self, context: object) -> bool:
    ...         return True
    >>> @Controller("cats")
    ... class CatController:
    ...     @Get()
    ...     async def find(self) -> None: ...
    >>> enhancers_of(mounted(CatController, guards=[NightGuard]), GUARDS) == (NightGuard,)
    True
    """
    if path is None and guards is None:
        return controller
    names = {name: getattr(controller, name) for name in ("__module__", "__qualname__", "__doc__")}
    variant = cast(type[T], type(controller.__name__, (controller,), names))
    if path is not None:
        Controller(path)(variant)
    if guards is not None:
        UseGuards(*guards)(variant)
    return variant


def with_routes(
    module: DynamicModule,
    controller: type[Any],
    *,
    enabled: bool,
    path: str | Sequence[str] | None = None,
    guards: Guards | None = None,
) -> DynamicModule:
    """The module that `register` made, with its controller `mounted` if the application wants the routes."""
    if not enabled:
        return module
    return replace(module, controllers=[mounted(controller, path=path, guards=guards)])
