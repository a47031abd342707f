"""Reading a body: how long it may be, what it must be made of."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass
from email.message import Message as Headers
from typing import Final

import orjson
from starlette.requests import Request
from starlette.types import Message, Receive

from cqrs_nest.common import BadRequestException, HttpException
from cqrs_nest.http.forms import MULTIPART, URLENCODED, Form, read_multipart, read_urlencoded

_MOST_DIGITS: Final = 18
"""Of a length that any limit could allow."""


class LimitedReceive:
    """An ASGI `receive` that refuses to hand over more than `limit` bytes of a body."""

    __slots__ = ("_left", "_receive")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        """Raises HttpException 413 once the limit is passed."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large()
        return message


@dataclass(frozen=True, slots=True)
class BodyReader:
    """What a route takes of a body."""

    limit: int
    """Bytes."""
    takes_files: bool = False

    async def read(self, request: Request) -> bytes | Form | None:
        """The bytes of a JSON object or array, or a form.

        None if there is no body or it is of another content type. Raises HttpException 413 for a body
        announced as longer than the limit, 415 for a charset or encoding that is not read, and
        BadRequestException for what is not well-formed. Whether JSON is shows when it is parsed.
        """
        headers: dict[bytes, bytes] = dict(
            reversed([*request.scope["headers"]])
        )  # the first of a name counts
        declared = headers.get(b"content-length", b"").lstrip(b"0")
        # Python refuses to read a number of thousands of digits.
        if declared.isdigit() and (len(declared) > _MOST_DIGITS or int(declared) > self.limit):
            raise _too_large()
        if b"content-type" not in headers:
            return None
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
        if encoding != "identity":
            raise HttpException(f'unsupported content encoding "{encoding}"', 415)
        content_type = headers[b"content-type"].decode("latin-1")
        if _is_json(content_type):
            return await _read_json(request)
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == URLENCODED:
            return await read_urlencoded(request)
        if media_type == MULTIPART:
            return await read_multipart(request, takes_files=self.takes_files)
        return None


async def _read_json(request: Request) -> bytes | None:
    """Refuses a bare value and a number that JSON does not have (NaN, Infinity)."""
    body = (await request.body()).strip().removeprefix(BOM_UTF8)
    if not body:
        return None
    if body[:1] not in (b"{", b"["):
        raise BadRequestException("Invalid JSON: the body must be an object or an array")
    if b"NaN" in body or b"Infinity" in body:
        _refuse_non_numbers(body)
    return body


def _is_json(content_type: str) -> bool:
    if content_type == "application/json":
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        return False
    header = Headers()
    header["content-type"] = content_type
    charset = header.get_content_charset() or "utf-8"
    if charset not in ("utf-8", "utf8"):
        raise HttpException(f'unsupported charset "{charset.upper()}"', 415)
    return True


def _too_large() -> HttpException:
    return HttpException("request entity too large", 413)


def _refuse_non_numbers(body: bytes) -> None:
    """The lenient parser of the models takes NaN for a number; the strict one refuses it."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestException(f"Invalid JSON: {error}") from None
