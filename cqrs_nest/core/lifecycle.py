"""Calls the lifecycle hooks, module by module."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

from cqrs_nest.core.bindings import Binding, ModuleNode
from cqrs_nest.core.concurrency import note_failure, run_together
from cqrs_nest.core.dependencies import MISSING
from cqrs_nest.core.errors import InvalidProviderError
from cqrs_nest.core.ordering import depth_first

Hook: TypeAlias = Callable[..., Any]

_SHUTDOWN = ("on_module_destroy", "before_application_shutdown", "on_application_shutdown")


async def run_start_hooks(modules: Sequence[ModuleNode]) -> None:
    """`on_module_init` of all modules, then `on_application_bootstrap`. The first error ends it."""
    order = start_order(modules)
    _check_shutdown_hooks(order)
    for name in ("on_module_init", "on_application_bootstrap"):
        for hooks in _hooks_in_order(order, name):
            async with run_together() as start_task:
                for hook in hooks:
                    result = hook()
                    if inspect.iscoroutine(result):
                        start_task(_subject(hook), result)
                    elif inspect.isawaitable(result):
                        start_task(_subject(hook), _wait_for(result))


async def run_shutdown_hooks(modules: Sequence[ModuleNode], signal: str | None) -> None:
    """The three shutdown phases, root first. Every hook runs; what failed is raised at the end."""
    order = start_order(modules)[::-1]
    failures: list[BaseException] = []
    for hooks in _hooks_in_order(order, _SHUTDOWN[0]):
        failures += await _run_all(hooks)
    for name in _SHUTDOWN[1:]:
        for hooks in _hooks_in_order(order, name):
            failures += await _run_all([_with_signal(hook, signal) for hook in hooks])
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise BaseExceptionGroup("several shutdown hooks failed", failures)


async def close_after(error: BaseException, modules: Sequence[ModuleNode]) -> None:
    """Run the shutdown hooks of what had been built before `error`, which learns of further errors."""
    try:
        await run_shutdown_hooks(modules, None)
    except (Exception, BaseExceptionGroup) as other:  # noqa: BLE001 - given to the error that is raised
        note_failure(error, "Closing what had been built failed as well", other)


def start_order(modules: Sequence[ModuleNode]) -> list[ModuleNode]:
    """Global modules and what they import first, then from the deepest import to the root."""
    early = set(depth_first([each for each in modules if each.is_global], lambda node: node.imports))
    return sorted(modules, key=lambda node: (node not in early, -node.distance))


def _hooks_in_order(modules: Sequence[ModuleNode], name: str) -> Iterator[list[Hook]]:
    """Groups of hooks that run together: controllers, providers and enhancers, then transients, then the
    module class. An object that is bound several times is called once.
    """
    called: set[int] = set()
    for module in modules:
        parts = (*module.controllers, *module.providers, *module.enhancers.values())
        for bindings in (parts, module.transients, (module.host,)):
            hooks = list(_hooks_of(bindings, name, called))
            if hooks:
                yield hooks


def _hooks_of(bindings: Iterable[Binding], name: str, called: set[int]) -> Iterator[Hook]:
    for binding in bindings:
        instance: object = binding.instance
        if instance is MISSING or isinstance(instance, type) or id(instance) in called:
            continue
        # Looked up where it is written: a mock answers to every name.
        if hasattr(type(instance), name) or name in getattr(instance, "__dict__", ()):
            called.add(id(instance))
            hook: object = getattr(instance, name)
            if not callable(hook):
                raise InvalidProviderError(f"{name} of {binding!r} must be a method, not {hook!r}.")
            yield hook


def _check_shutdown_hooks(modules: Sequence[ModuleNode]) -> None:
    """Find what could not be called before it is needed."""
    for name in _SHUTDOWN:
        for _ in _hooks_in_order(modules, name):
            pass


def _with_signal(hook: Hook, signal: str | None) -> Hook:
    """The hook with the signal, if it has a parameter for it."""
    try:
        inspect.signature(hook).bind(signal)
    except TypeError:
        return hook
    return partial(hook, signal)


async def _run_all(hooks: Iterable[Hook]) -> list[BaseException]:
    failures: list[BaseException] = []
    awaited: list[Awaitable[Any]] = []
    for hook in hooks:
        try:
            result = hook()
        except Exception as error:  # noqa: BLE001 - given back, after the other hooks
            failures.append(error)
        else:
            if inspect.isawaitable(result):
                awaited.append(result)
    results = await asyncio.gather(*awaited, return_exceptions=True)
    return failures + [result for result in results if isinstance(result, BaseException)]


def _subject(hook: Hook) -> str:
    return str(getattr(hook, "__qualname__", hook)).rpartition("<locals>.")[2]


async def _wait_for(result: Awaitable[Any]) -> None:
    await result
