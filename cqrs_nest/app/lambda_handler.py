"""`create_handler`: one AWS Lambda function for HTTP requests and events."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from typing import Any, TypeVar

from cqrs_nest.app.application import NestApplication
from cqrs_nest.app.asgi_bridge import call_asgi
from cqrs_nest.app.factory import CqrsNest
from cqrs_nest.app.http_events import read_http_event
from cqrs_nest.buses import EventBus
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.common.collector import made_to_stay
from cqrs_nest.common.modules import DynamicModule
from cqrs_nest.config import Environment
from cqrs_nest.events import BatchResponse
from cqrs_nest.http import HttpOptions

T = TypeVar("T")


def create_handler(
    *,
    root_module: type[Any] | DynamicModule,
    env: type[Environment] | Environment = Environment,
    http: HttpOptions | None = None,
) -> Callable[[Mapping[str, Any], Any], Any]:
    """The handler of a Lambda function: `handler = create_handler(root_module=MainModule, env=Env)`.

    Requests of API Gateway (both payload versions), function URLs and load balancers go to the
    controllers; every other event goes to `EventService`, never over an HTTP route. The application is
    made once: in Lambda while the function initialises, elsewhere at the first call.

    Errors of event handlers are raised, so that the sender delivers again. From a batch (SQS, DynamoDB
    streams, Kinesis) of which only a part failed, the failed records are returned as `batchItemFailures`.
    """
    function = LambdaFunction(lambda: CqrsNest.create(root_module, env=env, http=http))
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        function.start()
    return function


class LambdaFunction:
    """The application and the one event loop that everything in it runs on."""

    def __init__(self, create: Callable[[], Coroutine[Any, Any, NestApplication]]) -> None:
        self._create = create
        self._runner = asyncio.Runner()
        self._application: NestApplication | None = None

    def start(self) -> NestApplication:
        """Make the application, unless it is there. A failed attempt is repeated at the next call."""
        if self._application is None:
            with made_to_stay():
                self._application = self._run(self._create())
        return self._application

    def __call__(self, event: Mapping[str, Any], context: Any = None) -> Any:
        """Handle one invocation."""
        return self._run(_handle(self.start(), event, context))

    def close(self) -> None:
        """Run the shutdown hooks and end the loop."""
        application, self._application = self._application, None
        if application is not None:
            self._run(application.close())
        self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        # A context of its own: what one invocation sets must not be seen by the next.
        return self._runner.run(coroutine, context=copy_context())


async def _handle(application: NestApplication, event: Mapping[str, Any], context: Any) -> Any:
    try:
        return await _answer(application, event, context)
    finally:
        await _drain(application)


async def _drain(application: NestApplication) -> None:
    """End what runs in the background: Lambda freezes the process with the answer.

    Raises UnfinishedEventsError for events that take too long.
    """
    try:
        for event_bus in application.container.get_all(EventBus):
            await event_bus.drain()
    finally:
        for notes in application.container.get_all(PublishNotes):
            await notes.drain()


async def _answer(application: NestApplication, event: Mapping[str, Any], context: Any) -> Any:
    request = read_http_event(event)
    if request is not None:
        return await call_asgi(application, request, context)
    result = await application.events.handle(event, context)
    if isinstance(result, BatchResponse):
        result.raise_if_all_failed()
    return result
