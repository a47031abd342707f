"""Lambda functions of the embedded account: the application answers in their place."""

from __future__ import annotations

import asyncio
import json
import re
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias

from cqrs_nest.common import Logger

Handler: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Any]]

_INVOCATION = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


class LocalFunctions:
    """Runs the invocations that come in over the emulator's threads on the application's event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._handlers: dict[str, Handler] = {}
        self._logger = Logger("LocalRuntime")

    def deploy(self, name: str, handler: Handler) -> None:
        """Let `handler` answer the invocations of a function."""
        self._handlers[name] = handler

    def answer(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes] | None:
        """The answer to an invocation, as Lambda gives it; None for any other request."""
        invocation = _INVOCATION.fullmatch(environ["PATH_INFO"])
        handler = None if invocation is None else self._handlers.get(_function_name(invocation[1]))
        if handler is None:
            return None
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = [("Content-Type", "application/json")]
        result: Any
        try:
            result = asyncio.run_coroutine_threadsafe(_run(handler, json.loads(body)), self._loop).result()
        except Exception as error:  # noqa: BLE001 the caller is told, as by Lambda
            headers.append(("X-Amz-Function-Error", "Unhandled"))
            result = {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            self._logger.error("A state failed: %s: %s", type(error).__name__, error, error=error)
        start_response("200 OK", headers)
        return [json.dumps(result).encode()]


async def _run(handler: Handler, event: Mapping[str, Any]) -> Any:
    return await handler(event)


def _function_name(reference: str) -> str:
    """The name within an ARN, or the name itself."""
    return reference.replace("%3A", ":").rpartition(":")[2]
