"""Builds everything that exists once, dependencies first, async factories side by side."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from cqrs_nest.common.providers import FactoryProvider
from cqrs_nest.common.tokens import describe_token
from cqrs_nest.core.bindings import Binding, Link
from cqrs_nest.core.concurrency import StartTask, run_together
from cqrs_nest.core.construction import allocator, constructor, initializer
from cqrs_nest.core.dependencies import MISSING
from cqrs_nest.core.diagnosis import circular
from cqrs_nest.core.errors import NotBuiltYetError
from cqrs_nest.core.injectors import PlainFactory
from cqrs_nest.core.ordering import depth_first


async def build_static(order: Sequence[Binding]) -> None:
    """Fill `instance` of every static binding; errors of constructors and factories come through unchanged.

    What needs no awaiting is built on the spot. An async factory becomes a task, and so does whatever
    depends on one that is still running.
    """
    async with run_together() as start_task:
        build = _Build(start_task)
        for binding in order:
            if binding.is_static and binding.instance is MISSING:
                build.start(binding)


class _Build:
    def __init__(self, start_task: StartTask) -> None:
        self._start_task = start_task
        self._running: dict[Binding, asyncio.Task[None]] = {}
        self._allocated: dict[Binding, Any] = {}

    def start(self, binding: Binding) -> None:
        """Build now if possible, else in a task."""
        running = self._running
        is_awaited = _is_plain(binding) or binding.has_async_factory
        if is_awaited or (running and any(link.target in running for link in binding.links)):
            running[binding] = self._start_task(_subject(binding), self._build_later(binding))
            return
        result = self._construct(binding)
        if isinstance(binding.definition, FactoryProvider) and inspect.isawaitable(result):
            running[binding] = self._start_task(_subject(binding), self._build_later(binding, result))
        else:
            _set(binding, result)

    async def _build_later(self, binding: Binding, result: Any = MISSING) -> None:
        if result is MISSING:
            for link in binding.links:
                if link.target in self._running and not link.is_deferred:
                    await self._running[link.target]
            result = await self._fetch(binding) if _is_plain(binding) else self._construct(binding)
        if isinstance(binding.definition, FactoryProvider) and inspect.isawaitable(result):
            with _noting(binding):
                result = await result
        _set(binding, result)

    async def _fetch(self, binding: Binding) -> Any:
        """Ask the injector, and again after each binding that its providers turned out to need."""
        while True:
            try:
                return self._construct(binding)
            except NotBuiltYetError as missing:
                needed = missing.binding
                if binding in depth_first([needed], _targets) or needed not in self._running:
                    raise circular([binding, needed]) from missing
            await self._running[needed]

    def _construct(self, binding: Binding) -> Any:
        arguments = [self._argument(link) for link in binding.links]
        with _noting(binding):
            if binding not in self._allocated:
                return constructor(binding)(*arguments)
            instance = self._allocated[binding]
            initializer(binding)(instance, *arguments)
            return instance

    def _argument(self, link: Link) -> Any:
        target = link.target
        if target is None:
            return link.constant
        if target.instance is MISSING and link.is_deferred:
            if target not in self._allocated:
                self._allocated[target] = allocator(target)()
            return self._allocated[target]
        return target.instance


@contextmanager
def _noting(binding: Binding) -> Generator[None]:
    """Says with an error of the application's own code what was being built."""
    try:
        yield
    except Exception as error:
        error.add_note(f"while building {describe_token(binding.token)} ({binding.module.name})")
        raise


def _subject(binding: Binding) -> str:
    kind = "the factory of " if isinstance(binding.definition, FactoryProvider) else ""
    return f"{kind}{describe_token(binding.token)} in {binding.module.name}"


def _is_plain(binding: Binding) -> bool:
    return isinstance(binding.definition, FactoryProvider) and isinstance(
        binding.definition.factory, PlainFactory
    )


def _targets(binding: Binding) -> list[Binding]:
    return [link.target for link in binding.links if link.target is not None]


def _set(binding: Binding, instance: Any) -> None:
    binding.instance = instance
    if isinstance(binding.definition, FactoryProvider):
        binding.cls = type(instance)
