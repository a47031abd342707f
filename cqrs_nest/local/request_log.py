"""One readable line for each HTTP request."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cqrs_nest.common import Logger


class RequestLog:
    """Plain ASGI middleware: `POST /api/todo 201 23 ms`.

    Path only, as it was sent (percent-encoded): query strings and headers may hold secrets.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._logger = Logger("Http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection and write its line when the answer is out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            path = scope.get("raw_path", b"").decode("ascii", "replace")
            self._logger.log("%-6s %s %d %.0f ms", scope["method"], path, status, milliseconds)
