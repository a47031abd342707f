"""Which class a local name means: annotations kept as text do not say in which call of a function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from cqrs_nest.common.tokens import Token
from cqrs_nest.core.annotations import AmbiguousNameError
from cqrs_nest.core.bindings import Binding, ModuleNode

_Ordered: TypeAlias = dict[type[object], None]
"""A set in the order in which its classes came; a function may be called ten thousand times."""


class LocalClasses:
    """The classes that were defined in functions."""

    def __init__(self) -> None:
        self._classes: defaultdict[tuple[str, str], _Ordered] = defaultdict(dict)

    def add(self, cls: object) -> None:
        """Make a class known; anything else is left out."""
        if isinstance(cls, type) and "<locals>" in cls.__qualname__:
            self._classes[cls.__module__, cls.__qualname__][cls] = None

    def seen_from(
        self, node: ModuleNode, find: Callable[[ModuleNode, Token], Binding | None]
    ) -> Mapping[tuple[str, str], type[object]]:
        """What the names mean in one module: its own class, else the only one that it sees."""
        return _Seen(self._classes, node, find)


class _Seen(Mapping[tuple[str, str], type[object]]):
    def __init__(
        self,
        classes: Mapping[tuple[str, str], _Ordered],
        node: ModuleNode,
        find: Callable[[ModuleNode, Token], Binding | None],
    ) -> None:
        self._classes = classes
        self._node = node
        self._find = find

    def __getitem__(self, name: tuple[str, str]) -> type[object]:
        candidates = list(self._classes.get(name, ()))
        if not candidates:
            raise KeyError(name)
        own = [cls for cls in candidates if cls in self._node.own]
        seen = [cls for cls in candidates if self._find(self._node, cls) is not None]
        for classes in (own, seen, candidates):
            if len(classes) == 1:
                return classes[0]
        raise AmbiguousNameError(name)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)
