"""What a handler returned, as an answer on the wire."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cqrs_nest.common import StreamableFile
from cqrs_nest.common.routing import RedirectOptions
from cqrs_nest.http.headers import RawHeaders, check_headers, content_disposition, encoded_header
from cqrs_nest.http.json import buffer_of, is_object, to_json, to_text

_CONTENT_TYPE: Final = b"content-type"
_CONTENT_LENGTH: Final = b"content-length"
_SET_COOKIE: Final = b"set-cookie"
_JSON: Final = (_CONTENT_TYPE, b"application/json; charset=utf-8")
_TEXT: Final = (_CONTENT_TYPE, b"text/html; charset=utf-8")
_WITHOUT_BODY: Final = (204, 304)


class Reply:
    """A complete answer; an ASGI application like Starlette's `Response`, without its parsing of headers."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def json_reply(status: int, content: Any, headers: RawHeaders | None = None) -> Reply:
    """An answer with a JSON body."""
    return _reply(status, _JSON, headers or [], to_json(content))


def _reply(status: int, content_type: tuple[bytes, bytes] | None, headers: RawHeaders, body: bytes) -> Reply:
    if status in _WITHOUT_BODY:
        return Reply(status, headers, b"")
    length = (_CONTENT_LENGTH, b"%d" % len(body))
    return Reply(
        status, [length, *headers] if content_type is None else [content_type, length, *headers], body
    )


class Renderer:
    """Turns the results of one route into answers; what the route's decorators say is compiled in."""

    __slots__ = ("_declared", "_headers", "_is_plain", "_json", "_redirect", "_status", "_text")

    def __init__(
        self, status: int, headers: tuple[tuple[str, str], ...] = (), redirect: RedirectOptions | None = None
    ) -> None:
        self._status = status
        self._declared = headers
        self._redirect = redirect
        self._headers: RawHeaders = [encoded_header(name, value) for name, value in headers]
        has_own_type = any(name == _CONTENT_TYPE for name, _ in self._headers)
        self._json = None if has_own_type else _JSON
        self._text = None if has_own_type else _TEXT
        self._is_plain = redirect is None and not has_own_type and status not in _WITHOUT_BODY

    def __call__(self, result: Any, response: Response | None = None) -> ASGIApp:
        """`response` has the status and the headers that the call itself decided on.

        Raises TypeError when the result has no JSON form, and InvalidHeaderException.
        """
        if response is not None and response is not result:
            return self._changed_by(response)(result)
        if self._is_plain and isinstance(result, dict):
            body = to_json(result)
            return Reply(self._status, [_JSON, (_CONTENT_LENGTH, b"%d" % len(body)), *self._headers], body)
        if isinstance(result, Response):
            check_headers(result.raw_headers)
            return _with_headers(result, self._headers) if self._headers else result
        if self._redirect is not None:
            return self._redirect_reply(self._redirect, result)
        if result is None:
            return _reply(self._status, None, self._headers, b"")
        if isinstance(result, StreamableFile):
            return self._file(result)
        if isinstance(result, Enum):
            result = result.value
        if isinstance(result, str):
            return _reply(self._status, self._text, self._headers, to_text(result))
        if isinstance(result, UUID):
            return _reply(self._status, self._text, self._headers, str(result).encode())
        if isinstance(result, bytes | bytearray):
            result = buffer_of(result)
        content_type = self._text if isinstance(result, int | float | Decimal) else self._json
        return _reply(self._status, content_type, self._headers, to_json(result))

    def _changed_by(self, response: Response) -> Renderer:
        changed = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
        headers = [header for header in changed if header[0] != "content-length"]
        names = {name for name, _ in headers} - {"set-cookie"}
        kept = (header for header in self._declared if header[0].lower() not in names)
        return Renderer(response.status_code, (*kept, *headers), self._redirect)

    def _file(self, file: StreamableFile) -> ASGIApp:
        length = len(file.content) if isinstance(file.content, bytes) else file.length
        described = {
            "content-type": file.type,
            "content-length": None if length is None else str(length),
            "content-disposition": content_disposition(file.disposition, file.filename),
        }
        declared = {name for name, _ in self._headers}
        own = [encoded_header(name, value) for name, value in described.items() if value is not None]
        headers = [*(header for header in own if header[0] not in declared), *self._headers]
        if isinstance(file.content, bytes):
            return Reply(self._status, headers, file.content)
        response = StreamingResponse(file.content, self._status)
        response.raw_headers = headers
        return response

    def _redirect_reply(self, redirect: RedirectOptions, result: Any) -> Reply:
        url, status = redirect.url, redirect.status
        if is_object(result):
            url, status = result.get("url", url), result.get("statusCode", status)
        location = quote(url, safe=":/%#?=@[]!$&'()*+,;").encode()
        return _reply(status, None, [(b"location", location), *self._headers], b"")


def _with_headers(response: Response, headers: RawHeaders) -> ASGIApp:
    """The response of a handler with the headers of its decorators, of which it may have said another.

    The object itself stays as it is.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                own: RawHeaders = message["headers"]
                names = {name for name, _ in own} - {_SET_COOKIE}
                message = {**message, "headers": [*own, *(each for each in headers if each[0] not in names)]}
            await send(message)

        await response(scope, receive, send_with_headers)

    return answer
