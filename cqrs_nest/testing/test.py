"""`Test`: where a test begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cqrs_nest.common.modules import Import
from cqrs_nest.common.providers import Provider
from cqrs_nest.config import Environment
from cqrs_nest.testing.builder import TestingModuleBuilder


class Test:
    """Makes testing modules.

    >>> import asyncio
    >>> class Clock:
    ...     def now(self) -> str:
    ...         return "late"
    >>> class Greeter:
    ...     def __init__(self, clock: Clock) -> None:
    ...         self.text = f"It is {clock.now()}."
    >>> class FakeClock:
    ...     def now(self) -> str:
    ...         return "noon"
    >>> async def greet() -> str:
    ...     builder = Test.create_testing_module(providers=[Greeter, Clock])
    ...     async with await builder.override_provider(Clock).use_class(FakeClock).compile() as module:
    ...         return module.get(Greeter).text
    >>> asyncio.run(greet())
    'It is noon.'
    """

    __test__ = False

    @staticmethod
    def create_testing_module(
        *,
        imports: Sequence[Import] = (),
        controllers: Sequence[type[Any]] = (),
        providers: Sequence[Provider] = (),
        env: Environment | None = None,
    ) -> TestingModuleBuilder:
        """A root module, `RootTestModule`, of the given parts and the global modules of every application.

        Nothing is built before `compile()`.

        `env` are the settings. Without it those that a module provides are used, or else settings for a
        local application with the name `test`.
        """
        return TestingModuleBuilder(imports, controllers, providers, env)
