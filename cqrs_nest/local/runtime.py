"""`LocalRuntime`: embedded AWS, the application, its event sources and an HTTP server in one process."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any, Protocol

from starlette.types import ASGIApp

from cqrs_nest.app import NestApplication
from cqrs_nest.app.factory import start
from cqrs_nest.app.logging import configure_logging
from cqrs_nest.app.module import application_module
from cqrs_nest.aws import AwsSession
from cqrs_nest.common import DynamicModule
from cqrs_nest.config import Environment
from cqrs_nest.context.development_keys import sign_development_token
from cqrs_nest.core import Container
from cqrs_nest.http import HttpOptions
from cqrs_nest.infrastructure import ResourcePlan, plan_resources
from cqrs_nest.local.embedded_aws import ACCOUNT, REGION, EmbeddedAws, Queue
from cqrs_nest.local.login import DevelopmentLogin, LocalUser
from cqrs_nest.local.poller import Poller
from cqrs_nest.local.queue_poller import QueuePoller
from cqrs_nest.local.schedules import Schedule, Ticker
from cqrs_nest.local.state_machines import Executions, StateMachine
from cqrs_nest.local.stream_poller import StreamPoller
from cqrs_nest.notifications import NotificationHub

if TYPE_CHECKING:
    from cqrs_nest.local.http_server import HttpServer

_DRAIN_SECONDS = 30.0
_TEMPORARY_DATABASE = f"sqlite+aiosqlite:///{gettempdir()}/cqrs_nest-"


class Source(Protocol):
    """Something that work comes from."""

    @property
    def name(self) -> str:
        """For those who wait for it in vain."""
        ...

    @property
    def is_caught_up(self) -> bool:
        """Nothing is left to do."""
        ...

    async def caught_up(self) -> None:
        """Return as soon as it has caught up."""
        ...


class LocalRuntime:
    """A running application with everything around it. `url` is where it answers HTTP requests."""

    def __init__(
        self,
        app: NestApplication,
        aws: EmbeddedAws,
        session: AwsSession,
        environment: Environment,
        url: str,
        sources: Sequence[Source],
    ) -> None:
        self.app = app
        self.aws = aws
        self.session = session
        self.environment = environment
        self.url = url
        self._sources = sources

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        root: type[Any] | DynamicModule,
        *,
        env: type[Environment] = Environment,
        http: HttpOptions | None = None,
        listener: socket.socket,
        queues: Sequence[Queue] = (),
        state_machines: Sequence[StateMachine] = (),
        users: Sequence[LocalUser] = (),
        schedules: Sequence[Schedule] = (),
        variables: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[LocalRuntime]:
        """Run `root` until the block ends: requests in hand and deliveries in hand are finished.

        The application finds the emulated account in its settings. `listener` is a socket from `listen`.
        `queues` are created, subscribed to the main topic and delivered to the application;
        `state_machines` are created, that of commands without being named, and run their tasks in the
        application; `schedules` tick. What modules name as `AwsResources` is there without being named
        again. `users` are offered by the login page, some by default. `variables` are settings that win over
        the process's.
        """
        async with AsyncExitStack() as stack:
            aws = EmbeddedAws()
            stack.push_async_callback(aws.close)
            environment = env.load(
                environ={
                    "NOTIFICATION_TRANSPORTS": "sse",
                    **os.environ,
                    **(variables or {}),
                    "NODE_ENV": "local",
                    **aws.variables(),
                }
            )
            if environment.database_url is None:
                environment = _with_temporary_database(environment, stack)
            configure_logging(environment)
            session = AwsSession(environment)
            stack.push_async_callback(session.on_application_shutdown)
            container = await Container.create(application_module(root, environment))
            stack.push_async_callback(container.close)
            await aws.create_bases(session)
            plan = plan_resources(container)
            streams = await _create_tables(aws, session, plan)
            app = await start(container, http)
            deliver = app.events.handle
            pollers: list[Poller] = [
                StreamPoller(session, stream, deliver, aws.table_writes) for stream in streams
            ]
            for queue in (*queues, *(Queue(each.name, each.actions) for each in plan.queues)):
                url = await aws.create_queue(session, queue)
                pollers.append(QueuePoller(session, url, queue.arn, deliver, aws.queue_writes))
            sources: list[Source] = [*pollers]
            machines = [StateMachine(each.name, each.definition) for each in plan.state_machines]
            machines += state_machines
            for machine in machines:
                await aws.create_state_machine(session, machine, deliver)
            if machines:
                sources.append(Executions(ACCOUNT, REGION))
            named = (Schedule(each.name, each.expression) for each in plan.schedules)
            tickers = [Ticker(schedule, deliver, REGION, ACCOUNT) for schedule in (*named, *schedules)]
            for ticker in tickers:
                ticker.start()
                stack.push_async_callback(ticker.stop)
            for poller in pollers:
                poller.start()
                stack.push_async_callback(poller.stop)
            served = DevelopmentLogin(app, environment, users)
            stack.push_async_callback(_serve(served, listener).close)
            for hub in container.get_all(NotificationHub):
                # Before the server, which waits for open streams.
                stack.callback(hub.close)
            host, port = listener.getsockname()[:2]
            yield cls(app, aws, session, environment, f"http://{host}:{port}", sources)

    async def drain(self, within: float = _DRAIN_SECONDS) -> None:
        """Return when everything written so far has been delivered, with all that followed from it.

        Raises TimeoutError naming the sources that still have something after `within` seconds.
        """
        try:
            async with asyncio.timeout(within):
                while not all(source.is_caught_up for source in self._sources):
                    for source in self._sources:
                        await source.caught_up()
        except TimeoutError:
            busy = ", ".join(source.name for source in self._sources if not source.is_caught_up)
            raise TimeoutError(f"Not worked off after {within:g} s: {busy}") from None

    def variables(self) -> dict[str, str]:
        """The environment variables by which another process finds the same account, tables and read models.

        A DATABASE_URL of one's own is not among them: it may hold a password, and is found without.
        """
        url = self.environment.database_url
        return {
            **self.aws.variables(),
            **({"DATABASE_URL": url} if url and url.startswith(_TEMPORARY_DATABASE) else {}),
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "NODE_ENV": self.environment.node_env,
            "APP_NAME": self.environment.app_name,
        }

    def token(
        self, *, user: str, tenant: str, roles: Sequence[str] = (), everywhere: Sequence[str] = ()
    ) -> str:
        """A Bearer token of the development key: `roles` hold in the tenant, `everywhere` in every one."""
        return sign_development_token(
            self.environment, user=user, tenant=tenant, roles=roles, everywhere=everywhere
        )


def _with_temporary_database(environment: Environment, stack: AsyncExitStack) -> Environment:
    """Name the database that read models have without a DATABASE_URL, so that other processes find it too."""
    directory = stack.enter_context(TemporaryDirectory(prefix="cqrs_nest-"))
    return environment.model_copy(
        update={"database_url": f"sqlite+aiosqlite:///{directory}/read_models.sqlite3"}
    )


async def _create_tables(aws: EmbeddedAws, session: AwsSession, plan: ResourcePlan) -> list[str]:
    """Create what the modules of the application need; the ARNs of the streams."""
    await aws.create_tables(session, (table.name for table in plan.tables if not table.is_streamed))
    streamed = [table.name for table in plan.tables if table.is_streamed]
    return [await aws.create_streamed_table(session, name) for name in streamed]


def _serve(app: ASGIApp, listener: socket.socket) -> HttpServer:
    # Imported here, as only a running server needs uvicorn.
    from cqrs_nest.local.http_server import HttpServer

    return HttpServer(app, listener)
