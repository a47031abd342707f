"""The running application: an ASGI app around a container, an HTTP part and an event part."""

from __future__ import annotations

from typing import TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from cqrs_nest.app.lifespan import serve_lifespan
from cqrs_nest.buses import EventBus
from cqrs_nest.common.tokens import InjectionToken
from cqrs_nest.core import Container, ModuleGraph, RequestScope
from cqrs_nest.events import EventService
from cqrs_nest.http import HttpApplication
from cqrs_nest.pipeline import Drained, InlineDriver

T = TypeVar("T")


class NestApplication:
    """An ASGI application. `await close()` ends it; under a server the lifespan does that.

    `http` knows the routes and the OpenAPI document, `events` takes events of AWS, `container`
    holds the modules, `asgi` serves what is not the lifespan.
    """

    def __init__(self, container: Container, http: HttpApplication, asgi: ASGIApp) -> None:
        self.container = container
        self.http = http
        self.events: EventService = container.get(EventService)
        self.asgi = asgi

    def get(self, token: type[T] | InjectionToken[T], *, strict: bool = False) -> T:
        """The one instance behind a token, from any module."""
        return self.container.get(token, strict=strict)

    async def resolve(self, token: type[T] | InjectionToken[T], scope: RequestScope | None = None) -> T:
        """A request-scoped or transient instance: a new one, or the one of `scope`."""
        return await self.container.resolve(token, scope)

    def graph(self) -> ModuleGraph:
        """The module graph as data, with `mermaid()` and `tree()`."""
        return self.container.graph()

    async def initialize(self) -> None:
        """Run the start hooks; only the first call does. `CqrsNest.create` has done so."""
        await self.container.initialize()

    async def drain(self, *, raise_failures: bool = True) -> Drained:
        """Run everything that is pending, and what comes of it; what was done.

        For tests: it reads the whole command tables, so outside of `NODE_ENV=local` it wants the driver
        `inline`. Raises what a handler raised, several errors as an ExceptionGroup, unless `raise_failures`
        is off: then the result tells which command and which handler failed.
        """

        async def settle() -> None:
            for event_bus in self.container.get_all(EventBus):
                await event_bus.drain()

        return await self.container.get(InlineDriver).drain(raise_failures=raise_failures, settle=settle)

    async def close(self, signal: str | None = None) -> None:
        """Run the shutdown hooks."""
        await self.container.close(signal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await serve_lifespan(receive, send, shutdown=self.close)
        else:
            await self.asgi(scope, receive, send)
