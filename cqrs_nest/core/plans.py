"""Compiles what lives in a request: one flat list of steps for each binding, without lookups by token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from cqrs_nest.common.providers import FactoryProvider
from cqrs_nest.core.bindings import Binding, Link
from cqrs_nest.core.construction import allocator, constructor, initializer, refuse_awaitable
from cqrs_nest.core.ordering import depth_first
from cqrs_nest.core.request_scope import RequestScope

Argument: TypeAlias = tuple[bool, Any]
"""Whether the second is the key of an instance in the scope, or else the value itself."""
Step: TypeAlias = tuple[Any, Callable[..., Any], Sequence[Argument], bool]
"""The key of the instance in the scope, what makes it, its arguments, and whether it must be awaited."""


def compile_plans(bindings: Iterable[Binding]) -> None:
    """Give every request-scoped or transient binding its plan. All static bindings are built."""
    for binding in bindings:
        if not binding.is_static and binding.plan is None:
            _compile(binding)


def _compile(target: Binding) -> None:
    order = _request_order(target)
    opened = {link.target for each in order for link in each.links if link.is_deferred}
    steps: list[Step] = [(each.key, allocator(each), (), False) for each in order if each in opened]
    steps.extend(_initialize(each) if each in opened else _construct(each) for each in order)
    target.is_async = any(is_awaited for _, _, _, is_awaited in steps)
    finished = _initialized(target) if target in opened else target.key
    target.plan = (_async_plan if target.is_async else _sync_plan)(target.key, finished, steps)


def _construct(binding: Binding) -> Step:
    construct = constructor(binding)
    is_awaited = binding.has_async_factory
    if isinstance(binding.definition, FactoryProvider) and not is_awaited:
        construct = refuse_awaitable(binding, construct)
    return binding.key, construct, [_argument(link) for link in binding.links], is_awaited


def _initialize(binding: Binding) -> Step:
    """For a class in a circle: it was allocated by an earlier step."""
    arguments = [(True, binding.key), *(_argument(link) for link in binding.links)]
    return _initialized(binding), initializer(binding), arguments, False


def _initialized(binding: Binding) -> Any:
    return "initialized", binding


def _argument(link: Link) -> Argument:
    target = link.target
    if target is None:
        return False, link.constant
    return (False, target.instance) if target.is_static else (True, target.key)


def _sync_plan(key: Any, finished: Any, steps: Sequence[Step]) -> Callable[[RequestScope], Any]:
    def build(scope: RequestScope) -> Any:
        instances = scope.instances
        if finished not in instances:
            for step, construct, arguments, _ in steps:
                if step not in instances:
                    instances[step] = construct(
                        *[instances[value] if is_key else value for is_key, value in arguments]
                    )
        return instances[key]

    return build


class _InFlight:
    """Stands in a scope for what an async factory is still making, so that it is made once."""

    __slots__ = ("task",)

    def __init__(self, task: asyncio.Future[Any]) -> None:
        self.task = task


def _async_plan(key: Any, finished: Any, steps: Sequence[Step]) -> Callable[[RequestScope], Any]:
    async def build(scope: RequestScope) -> Any:
        instances = scope.instances
        flights: dict[Any, _InFlight] = {}
        for step, construct, arguments, is_awaited in steps:
            if step not in instances:
                for is_key, value in arguments:
                    if is_key and value in flights:
                        await _land(instances, value, flights.pop(value))
            if step not in instances:
                made = construct(*[instances[value] if is_key else value for is_key, value in arguments])
                instances[step] = _InFlight(asyncio.ensure_future(made)) if is_awaited else made
            if isinstance(instances[step], _InFlight):
                flights[step] = instances[step]
        for step, flight in flights.items():
            await _land(instances, step, flight)
        return instances[key]

    return build


async def _land(instances: dict[Any, Any], step: Any, flight: _InFlight) -> None:
    """Wait for an async factory; a failed one may be tried again."""
    try:
        instances[step] = await asyncio.shield(flight.task)
    except BaseException:
        if flight.task.done() and instances.get(step) is flight:
            del instances[step]
        raise


def _request_order(target: Binding) -> list[Binding]:
    """The non-static bindings to build, dependencies first; half-built partners are finished as well."""
    order = depth_first([target], lambda binding: _request_targets(binding, deferred=False))
    seen = set(order)
    for binding in order:
        for partner in _request_targets(binding, deferred=True):
            if partner not in seen:
                rest = depth_first([partner], lambda each: _request_targets(each, deferred=False))
                added = [each for each in rest if each not in seen]
                order.extend(added)
                seen.update(added)
    return order


def _request_targets(binding: Binding, *, deferred: bool) -> list[Binding]:
    return [
        link.target
        for link in binding.links
        if link.target is not None
        and not link.target.is_static
        and link.target.key is link.target
        and link.is_deferred is deferred
    ]
