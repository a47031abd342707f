"""The built module of a test."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TypeVar

from cqrs_nest.app import NestApplication
from cqrs_nest.app.factory import assemble
from cqrs_nest.common.tokens import InjectionToken
from cqrs_nest.core import Container, LazyModuleLoader, RequestScope
from cqrs_nest.http import HttpOptions
from cqrs_nest.pipeline import PipelineModule

T = TypeVar("T")


class TestingModule:
    """What a test looks into. `async with` closes it at the end."""

    __test__ = False

    def __init__(self, container: Container) -> None:
        self.container = container

    def get(self, token: type[T] | InjectionToken[T], *, strict: bool = False) -> T:
        """The one instance of a provider of any module; strict looks only at the test's own.

        Raises UnknownProviderError, or ProviderScopeError for a request-scoped or transient provider.
        """
        return self.container.get(token, strict=strict)

    async def resolve(self, token: type[T] | InjectionToken[T], scope: RequestScope | None = None) -> T:
        """An instance of any provider: with the same `scope` the same one, without a scope a new one."""
        return await self.container.resolve(token, scope)

    async def create_application(self, *, http: HttpOptions | None = None) -> NestApplication:
        """The ASGI application around this module; its start hooks run in `await application.initialize()`.

        Raises what `CqrsNest.create` raises for controllers that cannot be served.
        """
        await self.container.get(LazyModuleLoader).load(PipelineModule)
        return assemble(self.container, http)

    async def initialize(self) -> None:
        """Run the start hooks; compiling does not."""
        await self.container.initialize()

    async def close(self) -> None:
        """Run the shutdown hooks."""
        await self.container.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
