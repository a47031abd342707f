"""Headers of answers: what they may hold, whoever sets them, and how other text is written in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from http.cookies import CookieError
from itertools import takewhile
from traceback import walk_tb
from types import FrameType
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from cqrs_nest.common import BadRequestException

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN: Final = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")
_FILENAME: Final = re.compile(r'\bfilename=("(?:[^"\\]|\\.)*"|[^";]+)', re.IGNORECASE | re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NOT_IN_FILENAME: Final = re.compile(r"[^\x20-\x7e]")


class InvalidHeaderException(BadRequestException):
    """400. A header cannot hold what it was set to; the text is Node's.

    >>> InvalidHeaderException("x-name").body()["message"]
    'Invalid character in header content ["x-name"]'
    """

    def __init__(self, name: str, reason: str = "Invalid character in header content") -> None:
        super().__init__(f"{reason} [{json.dumps(name.lower())}]")


def encoded_header(name: str, value: str) -> tuple[bytes, bytes]:
    """The header as it stands on the wire. Raises InvalidHeaderException."""
    try:
        header = name.lower().encode("latin-1"), value.encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidHeaderException(name) from None
    check_headers([header])
    return header


def check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises InvalidHeaderException for a line break, which would begin another header, and its like."""
    for name, value in headers:
        if _FORBIDDEN.search(value):
            raise InvalidHeaderException(name.decode("latin-1"))
        if not _NAME.fullmatch(name):
            raise InvalidHeaderException(name.decode("latin-1"), "Header name must be a valid HTTP token")


def as_header_error(error: Exception) -> Exception:
    """The error itself, or in its place the one for a header that Starlette could not encode.

    Starlette fails within the handler, before there is an answer to be checked, with an error that does not
    name the header; where it was raised does.
    """
    if isinstance(error, CookieError):
        return InvalidHeaderException("set-cookie")
    if isinstance(error, UnicodeEncodeError) and error.encoding == "latin-1":
        innermost_first = reversed([frame for frame, _ in walk_tb(error.__traceback__)])
        names = (_header_set_in(frame, error.object) for frame in takewhile(_is_starlettes, innermost_first))
        name = next((name for name in names if name is not None), None)
        return error if name is None else InvalidHeaderException(name)
    return error


def _is_starlettes(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("starlette.")


def content_disposition(disposition: str | None, filename: str | None) -> str | None:
    """The header of a file, whose name may have any letters (RFC 6266).

    >>> content_disposition(None, "猫.csv")
    'attachment; filename="?.csv"; filename*=UTF-8\\'\\'%E7%8C%AB.csv'
    >>> content_disposition('inline; filename="cats.csv"', None)
    'inline; filename="cats.csv"'
    """
    if filename is not None:
        return f"{disposition or 'attachment'}; {_filename_parameters(filename)}"
    if disposition is None or (disposition.isascii() and disposition.isprintable()):
        return disposition
    return _FILENAME.sub(lambda found: _filename_parameters(_unquoted(found[1])), disposition)


def _filename_parameters(name: str) -> str:
    """For every client a name of ASCII, and for those that know it the name itself."""
    text = _NOT_IN_FILENAME.sub("?", name).replace("\\", "\\\\").replace('"', '\\"')
    plain = f'filename="{text}"'
    if name.isascii() and name.isprintable() and "%" not in name:
        return plain
    return f"{plain}; filename*=UTF-8''{quote(name, safe='!#$&+^`|', errors='replace')}"


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text.strip()


def _header_set_in(frame: FrameType, text: str) -> str | None:
    """The header that a function of Starlette was called with, by the parameters that are part of its API."""
    given: dict[str, Any] = frame.f_locals
    match frame.f_code.co_name:
        case "__setitem__" | "append" | "setdefault":
            return str(given["key"])
        case "set_cookie":
            return "set-cookie"
        case "init_headers":
            # Without any, it is the media type that was encoded.
            headers: Mapping[str, str] = {} if given["headers"] is None else given["headers"]
            named = (name for name, value in headers.items() if text in (name.lower(), value))
            return next(named, "content-type")
        case _:
            return None
