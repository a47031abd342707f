"""The hooks that providers, controllers and modules may have; each may be sync or async."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, runtime_checkable


@runtime_checkable
class OnModuleInit(Protocol):
    """Called once everything the module needs has been built."""

    def on_module_init(self) -> Awaitable[None] | None: ...


@runtime_checkable
class OnApplicationBootstrap(Protocol):
    """Called after every module's `on_module_init`, before the first request."""

    def on_application_bootstrap(self) -> Awaitable[None] | None: ...


@runtime_checkable
class OnModuleDestroy(Protocol):
    """Called first when the application closes."""

    def on_module_destroy(self) -> Awaitable[None] | None: ...


@runtime_checkable
class BeforeApplicationShutdown(Protocol):
    """Called after every `on_module_destroy`, while connections are still open."""

    def before_application_shutdown(self, signal: str | None = None) -> Awaitable[None] | None: ...


@runtime_checkable
class OnApplicationShutdown(Protocol):
    """Called last, when no request can arrive any more."""

    def on_application_shutdown(self, signal: str | None = None) -> Awaitable[None] | None: ...
