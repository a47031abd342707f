"""`DiscoveryService`: finds providers and controllers by what is written on their classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cqrs_nest.common.metadata import MetadataKey, find_metadata
from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.dependencies import MISSING

T = TypeVar("T")


class DiscoveryService:
    """Injectable everywhere; knows every module of the application."""

    def __init__(self, modules: Callable[[], Sequence[ModuleNode]]) -> None:
        self._modules = modules
        self._watchers: list[Callable[[Sequence[ModuleNode]], None]] = []

    def watch(self, watcher: Callable[[Sequence[ModuleNode]], None]) -> None:
        """Have modules that are loaded later shown to `watcher`; what it raises, loading them raises."""
        self._watchers.append(watcher)

    def announce(self, modules: Sequence[ModuleNode]) -> None:
        """Tell the watchers of modules that have joined."""
        for watcher in self._watchers:
            watcher(modules)

    def providers(self) -> tuple[Binding, ...]:
        """All providers of all modules, the root's first."""
        return tuple(binding for module in self._modules() for binding in module.providers)

    def modules(self) -> tuple[ModuleNode, ...]:
        """Every module."""
        return tuple(self._modules())

    def controllers(self) -> tuple[Binding, ...]:
        """All controllers of all modules, the root's first."""
        return tuple(binding for module in self._modules() for binding in module.controllers)

    def providers_with(self, key: MetadataKey[T]) -> tuple[tuple[Binding, T], ...]:
        """The providers whose class carries a value under `key`. Aliases are left out.

        >>> JOB = MetadataKey[str]("job")
        >>> DiscoveryService(lambda: []).providers_with(JOB)
        ()
        """
        found: list[tuple[Binding, T]] = []
        for binding in self.providers():
            if binding.cls is not None and not binding.is_alias:
                value = find_metadata(binding.cls, key, MISSING)
                if value is not MISSING:
                    found.append((binding, value))
        return tuple(found)
