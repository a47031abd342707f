"""One boto3 session for the application. Its blocking calls run in threads of their own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import Any, TypeVar

from cqrs_nest.aws.call_spans import call_attributes
from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.common import Injectable
from cqrs_nest.common.collector import made_to_stay
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config import Environment
from cqrs_nest.core.tracing import TracingOptions

T = TypeVar("T")

CONCURRENT_CALLS = 32
ATTEMPTS = 5
CONNECT_SECONDS = 5
READ_SECONDS = 20

_SETTINGS = {
    "dynamodb": "dynamodb",
    "dynamodbstreams": "dynamodb",
    "s3": "s3",
    "sns": "sns",
    "sqs": "sqs",
    "stepfunctions": "sfn",
    "sesv2": "ses",
}
"""Service -> the prefix of its `..._endpoint` and `..._region` settings."""


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class AwsSession:
    """Gives out boto3 clients and calls them without blocking the event loop.

    A client is built at its first use, once, with the endpoint and region of the `Environment`.
    Importing boto3 and building a client take a few hundred milliseconds, so both happen in a thread.
    """

    def __init__(self, environment: Environment, tracing: TracingOptions = TracingOptions()) -> None:
        self._environment = environment
        self._tracing = tracing.spans
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._settings: Any = None
        self._credentials: Any = None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(CONCURRENT_CALLS, thread_name_prefix="aws")

    async def call(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        """Call `operation` of a service, such as `await session.call("dynamodb", "put_item", TableName=...)`.

        Raises botocore's ClientError for a refused call, and AwsConfigurationError when no region is set.
        """
        with self.span(service, operation, request):
            return await self.run(lambda: getattr(self.client(service), operation)(**request))

    def span(self, service: str, operation: str, request: Mapping[str, Any]) -> AbstractContextManager[Any]:
        """The span of a call, if calls are traced."""
        if self._tracing is None:
            return nullcontext()
        attributes = call_attributes(service, operation, request)
        return self._tracing.span(f"{service}.{operation}", "CLIENT", attributes)

    async def run(self, blocking: Callable[[], T]) -> T:
        """Run a function that blocks, such as one that reads a response's stream, in one of the threads."""
        # With the caller's context variables, by which tracing joins the call to its request.
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, blocking)

    def client(self, service: str) -> Any:
        """The boto3 client of a service. Its methods block: use `call` in async code."""
        client = self._clients.get(service)
        if client is None:
            with self._lock:
                client = self._clients.get(service)
                if client is None:
                    with made_to_stay():
                        client = self._clients[service] = self._build(service)
        return client

    def identity(self) -> tuple[Any, str | None]:
        """The process's credentials, as botocore signs with them (None: there are none), and its region.

        Blocks where they are fetched anew.
        """
        with self._lock:
            session = self._opened()
        credentials = self._credentials = session.get_credentials()
        return credentials and credentials.get_frozen_credentials(), session.region_name

    def setting(self, name: str) -> Any:
        """What environment or profile say of one of botocore's variables, such as `ca_bundle`."""
        with self._lock:
            self._opened()
        return self._settings.get_config_variable(name)

    async def credentials(self) -> Any:
        """The process's credentials, for botocore's signers; None if there are none. Does not block."""
        found = self._credentials
        is_old = getattr(found, "refresh_needed", None)  # those that are fetched have it
        if found is None or (is_old is not None and is_old()):
            frozen, _ = await self.run(self.identity)
            return frozen
        return found.get_frozen_credentials()

    async def on_application_shutdown(self, signal: str | None = None) -> None:
        """Let running calls end, then close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        for client in self._clients.values():
            client.close()

    def _build(self, service: str) -> Any:
        from botocore.config import Config
        from botocore.exceptions import NoRegionError

        session = self._opened()
        config = Config(
            max_pool_connections=CONCURRENT_CALLS,
            retries=self._retries(),
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            s3={"addressing_style": "path"},
        )
        prefix = _SETTINGS.get(service)
        try:
            return session.client(
                service,
                endpoint_url=self._setting(prefix, "endpoint"),
                region_name=self._setting(prefix, "region"),
                config=config,
            )
        except NoRegionError as error:
            variable = f"{prefix.upper()}_REGION or AWS_REGION" if prefix else "AWS_REGION"
            raise AwsConfigurationError(
                f"The AWS region of {service} is not known: set {variable} in the environment or in .env"
            ) from error

    def _retries(self) -> Any:
        """What AWS_RETRY_MODE and AWS_MAX_ATTEMPTS or the profile say, and ours where they say nothing."""
        mode = os.environ.get("AWS_RETRY_MODE") or self._settings.get_scoped_config().get("retry_mode")
        attempts = self._settings.get_config_variable("max_attempts")
        return {
            "mode": mode or "standard",
            "total_max_attempts": ATTEMPTS if attempts is None else attempts,
        }

    def _setting(self, prefix: str | None, name: str) -> str | None:
        return getattr(self._environment, f"{prefix}_{name}", None)

    def _opened(self) -> Any:
        """The session of boto3, made at its first use, while the lock is held."""
        if self._session is None:
            # Any: the stubs know a client only by the literal name of its service.
            import boto3
            import botocore.session

            self._settings = botocore.session.get_session()
            self._session = boto3.Session(botocore_session=self._settings)
        return self._session
