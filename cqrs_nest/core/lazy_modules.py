"""`LazyModuleLoader`: adds modules to a running application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cqrs_nest.common.modules import DynamicModule, Import
from cqrs_nest.core.module_ref import ModuleRef


class LazyModuleLoader:
    """Injectable everywhere."""

    def __init__(self, load: Callable[[Import], Awaitable[ModuleRef]]) -> None:
        self._load = load

    async def load(
        self, module: type[Any] | DynamicModule | Callable[[], type[Any] | DynamicModule | Awaitable[Any]]
    ) -> ModuleRef:
        """Build a module that is not part of the application yet; loading it again gives the same one.

        A function may import the module's file first. Start hooks are not run for it, its controllers are
        not served, and it does not become global. Handlers and sagas among its providers join the buses.
        Raises the errors of starting an application.
        """
        return await self._load(module if isinstance(module, type | DynamicModule) else module())
