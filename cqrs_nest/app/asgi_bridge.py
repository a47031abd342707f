"""An HTTP event of Lambda in, one ASGI request, an HTTP answer of Lambda out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from cqrs_nest.app.http_events import HttpEvent
from cqrs_nest.common.logger import Logger

HTTPS_PORT = 443
_logger = Logger("LambdaHandler")


async def call_asgi(app: ASGIApp, event: HttpEvent, context: Any) -> dict[str, Any]:
    """Let `app` answer the request.

    The scope carries the event as `aws.event` and the Lambda context as `aws.context`. An error that
    the application raises before its answer is complete is raised; after that it is logged, because the
    caller has the answer.
    """
    exchange = _Exchange(event.body)
    try:
        await app(_scope(event, context), exchange.receive, exchange.send)
    except Exception as error:
        if not exchange.complete.is_set():
            raise
        _logger.error("An error was raised after the answer to %s %s", event.method, event.path, error=error)
    if not exchange.complete.is_set():
        raise RuntimeError(f"The application gave no complete answer to {event.method} {event.path}.")
    return event.answer(exchange.status, exchange.headers, bytes(exchange.body))


class _Exchange:
    """The messages of one request and its answer."""

    def __init__(self, request_body: bytes) -> None:
        self._request_body: bytes | None = request_body
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.complete = asyncio.Event()

    async def receive(self) -> Message:
        """The whole body at once; after it the caller is there until the answer is complete."""
        if self._request_body is not None:
            body, self._request_body = self._request_body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Collect the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = _text_headers(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self.complete.set()


def _text_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]


def _scope(event: HttpEvent, context: Any) -> Scope:
    headers: Mapping[str, str] = dict(event.headers)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": event.method,
        "scheme": headers.get("x-forwarded-proto", "https"),
        "path": event.path,
        "raw_path": event.raw_path,
        "query_string": event.query_string,
        "root_path": "",
        "headers": [(name.encode("latin-1"), _header_bytes(value)) for name, value in event.headers],
        "client": (event.client_ip, 0) if event.client_ip else None,
        "server": (headers.get("host", "lambda"), _port(headers.get("x-forwarded-port", ""))),
        "aws.event": event.event,
        "aws.context": context,
    }


def _header_bytes(value: str) -> bytes:
    """A header's bytes. What a gateway has read as UTF-8 is written as that again where it must be."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _port(text: str) -> int:
    return int(text) if text.isdecimal() else HTTPS_PORT
