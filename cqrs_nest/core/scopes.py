"""Lets request scope bubble up to everything that needs something request-scoped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from cqrs_nest.common.providers import Scope
from cqrs_nest.core.bindings import Binding


def bubble_request_scope(bindings: Sequence[Binding]) -> None:
    """Settle `scope` and `is_static` of linked bindings. Transient providers stay transient."""
    consumers: defaultdict[Binding, list[Binding]] = defaultdict(list)
    for binding in bindings:
        for link in binding.links:
            if link.target is not None:
                consumers[link.target].append(binding)
        for source in binding.scope_sources:
            consumers[source].append(binding)
    pending = [each for each in {*bindings, *consumers} if each.scope is Scope.REQUEST]
    while pending:
        for consumer in consumers[pending.pop()]:
            if consumer.scope is Scope.DEFAULT:
                consumer.scope = Scope.REQUEST
                pending.append(consumer)
    for binding in bindings:
        if _consumer(binding).scope is not Scope.DEFAULT and binding.scope is Scope.DEFAULT:
            binding.scope = Scope.REQUEST
        binding.is_static = binding.scope is Scope.DEFAULT


def _consumer(binding: Binding) -> Binding:
    """For the copy of a transient provider: what it is, through other copies, made for."""
    while binding.inquirer is not None:
        binding = binding.inquirer
    return binding
