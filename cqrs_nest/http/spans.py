"""Spans around requests."""

from __future__ import annotations

from http import HTTPMethod, HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cqrs_nest.core.tracing import Tracing
from cqrs_nest.http.router import Answer, PathValue

_SPAN = "cqrs_nest.span"
_METHODS = frozenset(HTTPMethod)


class RequestSpans:
    """ASGI middleware: a span around each HTTP request, joined to the caller's `traceparent`.

    It has method, route template and status, and nothing that the caller filled in. An answer of 500 and
    above is a failure.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        remote = Headers(scope=scope).get("traceparent")
        with self._tracing.span(method, "SERVER", {"http.request.method": method}, remote) as span:
            scope[_SPAN] = span

            async def note_status(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                        self._tracing.fail(span, str(status))
                await send(message)

            await self._app(scope, receive, note_status)


def named_route(path: str, answer: Answer) -> Answer:
    """`answer`, which tells the request's span first which route it is."""

    async def name_and_answer(
        scope: Scope, receive: Receive, send: Send, params: dict[str, PathValue]
    ) -> None:
        span: Any = scope.get(_SPAN)
        if span is not None:
            span.update_name(f"{scope['method']} {path}")
            span.set_attribute("http.route", path)
        await answer(scope, receive, send, params)

    return name_and_answer
