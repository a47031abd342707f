"""Reading a JSON body: how long it may be, what it must be made of."""

from __future__ import annotations

from email.message import Message
from typing import Final

import orjson
from starlette.requests import ClientDisconnect, Request

from cqrs_nest.common import BadRequestException, HttpException

EMPTY_BODY: Final = b"{}"
_UTF_8 = ("utf-8", "utf8")


async def read_json_body(request: Request, limit: int) -> bytes:
    """The bytes of a JSON object or array, `{}` if there is none or it is of another content type.

    Raises HttpException 413 over `limit` bytes, 415 for a charset or encoding that is not read, and
    BadRequestException for a bare value or a number that JSON does not have (NaN, Infinity). Whether the
    rest is well-formed shows when it is parsed.
    """
    if not _is_json(request):
        return EMPTY_BODY
    body = (await _read(request, limit)).strip()
    if not body:
        return EMPTY_BODY
    if body[:1] not in (b"{", b"["):
        raise BadRequestException("Invalid JSON: the body must be an object or an array")
    if b"NaN" in body or b"Infinity" in body:
        _refuse_non_numbers(body)
    return body


def _is_json(request: Request) -> bool:
    content_type = request.headers.get("content-type")
    if content_type is None:
        return False
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        return False
    if parameters:
        _check_charset(content_type)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise HttpException(f'unsupported content encoding "{encoding}"', 415)
    return True


def _check_charset(content_type: str) -> None:
    header = Message()
    header["content-type"] = content_type
    charset = header.get_content_charset() or "utf-8"
    if charset not in _UTF_8:
        raise HttpException(f'unsupported charset "{charset.upper()}"', 415)


async def _read(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large()
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > limit:
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large() -> HttpException:
    return HttpException("request entity too large", 413)


def _refuse_non_numbers(body: bytes) -> None:
    """The lenient parser of the models takes NaN for a number; the strict one refuses it."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestException(f"Invalid JSON: {error}") from None
