"""The order in which bindings are built, and the circles that forbid one."""

from __future__ import annotations

from collections.abc import Iterable

from cqrs_nest.common.providers import ClassProvider
from cqrs_nest.core.bindings import Binding, Link
from cqrs_nest.core.diagnosis import circular
from cqrs_nest.core.ordering import depth_first


def construction_order(bindings: Iterable[Binding]) -> list[Binding]:
    """Bindings and all they need, each after its dependencies.

    A circle is opened at its forward references: those links get their partner before its constructor has
    run. Raises CircularDependencyError for a circle without a forward reference.
    """
    roots = list(bindings)
    while True:
        opened: list[Link] = []

        def open_cycle(path: list[Binding], opened: list[Link] = opened) -> None:
            forward = [link for link in _links_along(path) if link.is_deferred or _can_be_deferred(link)]
            if not forward:
                raise circular(path)
            opened.extend(forward)
            for link in forward:
                link.is_deferred = True

        order = depth_first(roots, _built_before, open_cycle)
        if not opened:
            return order


def _built_before(binding: Binding) -> list[Binding]:
    return [link.target for link in binding.links if link.target is not None and not link.is_deferred]


def _links_along(path: list[Binding]) -> list[Link]:
    steps = zip(path, [*path[1:], path[0]], strict=True)
    return [link for source, target in steps for link in source.links if link.target is target]


def _can_be_deferred(link: Link) -> bool:
    target = link.target
    return link.dependency.is_forward and target is not None and isinstance(target.definition, ClassProvider)
