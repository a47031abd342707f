"""`RouterModule`: path prefixes for the controllers of whole modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cqrs_nest.common import DynamicModule, InjectionToken, Module, provide
from cqrs_nest.core import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTree:
    """A prefix, the module whose own controllers get it, and what lies below."""

    path: str
    module: type[Any] | None = None
    children: Sequence[RouteTree | type[Any]] = ()
    """A bare module has the prefix of its parent."""


_Entry: TypeAlias = tuple[type[Any], str]
_ENTRIES = InjectionToken[tuple[_Entry, ...]]("MODULE_PATHS")


@Module()
class RouterModule:
    """Puts the controllers of modules below paths; those of the modules that they import stay where they are.

    >>> @Module()
    ... class AdminModule: ...
    >>> @Module(imports=[AdminModule, RouterModule.register(RouteTree(path="admin", module=AdminModule))])
    ... class AppModule: ...
    """

    @staticmethod
    def register(*routes: RouteTree) -> DynamicModule:
        """The prefixes of a chain are joined. The modules must be imported elsewhere."""
        entries = tuple(entry for route in routes for entry in _entries(route, ""))
        return DynamicModule(RouterModule, providers=[provide(_ENTRIES, use_value=entries)])


def module_paths(container: Container) -> dict[type[Any], str]:
    """The prefix of each module that has one."""
    return dict(entry for entries in container.get_all(_ENTRIES) for entry in entries)


def _entries(route: RouteTree, parent: str) -> Iterator[_Entry]:
    path = f"{parent}/{route.path.strip('/')}"
    if route.module is not None:
        yield route.module, path
    for child in route.children:
        if isinstance(child, RouteTree):
            yield from _entries(child, path)
        else:
            yield child, path
