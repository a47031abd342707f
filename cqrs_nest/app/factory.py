"""`CqrsNest`: from a root module to an ASGI application."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from cqrs_nest.app.application import NestApplication
from cqrs_nest.app.lifespan import serve_lifespan
from cqrs_nest.app.logging import configure_logging
from cqrs_nest.app.module import application_module
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import Environment
from cqrs_nest.context import AuthenticationMiddleware, JwtVerifier, current_invoke
from cqrs_nest.context.invoke import was_refused
from cqrs_nest.context.user import CLAIM_TENANT
from cqrs_nest.core import Container, Overrides
from cqrs_nest.core.tracing import TracingOptions
from cqrs_nest.http import CorsOptions, HttpApplication, HttpOptions, RateLimit
from cqrs_nest.http.rate_limit import RefusedTokenLimit, client_address
from cqrs_nest.http.spans import RequestSpans


class CqrsNest:
    """Makes applications."""

    @staticmethod
    async def create(
        root: type[Any] | DynamicModule,
        *,
        env: type[Environment] | Environment = Environment,
        http: HttpOptions | None = None,
        overrides: Overrides | None = None,
    ) -> NestApplication:
        """Read the environment, build all modules, compile the routes, run the start hooks.

        `env` is the class that describes the environment variables (they are read now, from `.env`
        and the process), or the finished settings. Raises InvalidEnvironmentError or a CqrsNestError that
        names what is wrong and the fix: also for a table that is missing, see `CHECK_TABLES`.
        """
        return await start(await build(root, env, overrides), http)

    @staticmethod
    def asgi(
        root: type[Any] | DynamicModule,
        *,
        env: type[Environment] | Environment = Environment,
        http: HttpOptions | None = None,
    ) -> AsgiApplication:
        """The application for `uvicorn module:app`: nothing happens before the server starts it."""
        return AsgiApplication(root, env, http)


async def build(
    root: type[Any] | DynamicModule,
    env: type[Environment] | Environment,
    overrides: Overrides | None = None,
) -> Container:
    """Read the environment and build all modules."""
    environment = env if isinstance(env, Environment) else env.load()
    configure_logging(environment)
    return await Container.create(application_module(root, environment), overrides=overrides)


async def start(container: Container, http: HttpOptions | None = None) -> NestApplication:
    """Put the HTTP part on a built container and run the start hooks."""
    try:
        application = assemble(container, http)
        await container.get(CommandTables).check_at_start()
        await application.initialize()
    except BaseException:
        # What start hooks have opened is closed again: a server or Lambda may try once more.
        await container.close()
        raise
    return application


def assemble(container: Container, http: HttpOptions | None = None) -> NestApplication:
    """Put the HTTP part on a built container."""
    environment = container.get(Environment)
    options = http or _http_options(environment)
    routes = HttpApplication(container, options)
    verifier = container.get(JwtVerifier)
    asgi: ASGIApp = AuthenticationMiddleware(routes, verifier, environment)
    if options.rate_limit is not None:
        asgi = RefusedTokenLimit(asgi, options.rate_limit, was_refused)
    for tracing in container.get_all(TracingOptions):
        if tracing.spans:
            asgi = RequestSpans(asgi, tracing.spans)
    return NestApplication(container, routes, asgi)


def _http_options(environment: Environment) -> HttpOptions:
    """What the environment says about HTTP; the API's documentation is shown in development only."""
    return HttpOptions(
        body_limit=environment.request_body_size_limit,
        cors=CorsOptions(origins=environment.cors_origins),
        rate_limit=_rate_limit(environment),
        swagger_ui=environment.node_env == "local",
        title=environment.app_name,
    )


def _rate_limit(environment: Environment) -> RateLimit | None:
    per_minute = environment.rate_limit_per_minute
    return RateLimit(requests=per_minute, key=_caller) if per_minute else None


def _caller(scope: Scope) -> str:
    """The user of a verified token, in its tenant; without one, the address."""
    invoke = current_invoke.get()
    if invoke is None or invoke.user_id is None:
        return client_address(scope)
    return f"user {invoke.user_id!r} of {invoke.claims.get(CLAIM_TENANT)!r}"


class AsgiApplication:
    """An ASGI application that is made when the server starts, or at the first request."""

    def __init__(
        self,
        root: type[Any] | DynamicModule,
        env: type[Environment] | Environment,
        http: HttpOptions | None,
    ) -> None:
        self.root, self.env, self.http = root, env, http
        self._application: NestApplication | None = None
        self._starting: asyncio.Lock | None = None

    async def start(self) -> NestApplication:
        """The running application; made at the first call."""
        if self._application is None:
            self._starting = self._starting or asyncio.Lock()
            async with self._starting:
                if self._application is None:
                    self._application = await CqrsNest.create(self.root, env=self.env, http=self.http)
        return self._application

    async def openapi(self) -> dict[str, Any]:
        """The OpenAPI document. The modules are built for it, no hook runs, and nothing is served."""
        return (await self.assembled()).http.openapi()

    async def assembled(self) -> NestApplication:
        """The modules, built, and the routes, compiled; no hook runs, and nothing is served. For tools."""
        return assemble(await build(self.root, self.env), self.http)

    async def container(self) -> Container:
        """The modules, built; no hook runs. For tools: close it after use."""
        return await build(self.root, self.env)

    async def close(self) -> None:
        """Run the shutdown hooks, if the application was made; the next start makes a new one."""
        application, self._application = self._application, None
        if application is not None:
            await application.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await serve_lifespan(receive, send, startup=self.start, shutdown=self.close)
        else:
            application = self._application or await self.start()
            await application.asgi(scope, receive, send)
