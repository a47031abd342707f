"""Bodies that HTML forms send: urlencoded fields, and multipart with files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from cqrs_nest.common import BadRequestException

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"

_MOST_FIELDS: Final = 1000
_DEEPEST: Final = 6
_LONGEST_INDEX: Final = 20
"""Digits; longer ones are a name."""


class Form(NamedTuple):
    """What a form holds. Its values are texts, so that numbers are read from them."""

    fields: dict[str, Any]
    files: dict[str, list[UploadFile]]


async def read_urlencoded(request: Request) -> Form:
    """Raises BadRequestException for too many fields, or fields that contradict each other."""
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadRequestException(f"Invalid form: {error}") from None
    return Form(nested_fields(pairs), {})


async def read_multipart(request: Request, *, takes_files: bool) -> Form:
    """Files are kept on disk when they are large; `await request.close()` removes them.

    Raises BadRequestException for a body that is not well-formed, and for a file that nobody takes.
    """
    try:
        form = await request.form(max_files=_MOST_FIELDS if takes_files else 0, max_fields=_MOST_FIELDS)
    except (MultiPartException, HTTPException) as error:
        reason = error.message if isinstance(error, MultiPartException) else error.detail
        raise BadRequestException(f"Invalid form: {reason}") from None
    pairs: list[tuple[str, str]] = []
    files: dict[str, list[UploadFile]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            pairs.append((name, value))
        elif value.filename:
            files.setdefault(name, []).append(value)
    return Form(nested_fields(pairs), files)


def nested_fields(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields as the objects and lists that their names describe.

    >>> nested_fields([("name", "Tom"), ("tags[]", "a"), ("tags[]", "b"), ("home[street]", "x")])
    {'name': 'Tom', 'tags': ['a', 'b'], 'home': {'street': 'x'}}
    >>> nested_fields([("toys[0][name]", "ball"), ("color", "red"), ("color", "white")])
    {'toys': [{'name': 'ball'}], 'color': ['red', 'white']}

    Raises BadRequestException for a name that stands for a value and for an object, and for deep nesting.
    """
    root = _Object()
    for key, value in pairs:
        _put(root, key, value)
    return {key: _plain(value) for key, value in root.items()}


class _Object(dict[str, Any]):
    """What names with brackets describe, while it grows."""


class _Repeated(list[str]):
    """The values of a name that stands several times."""


def _put(node: _Object, key: str, value: str) -> None:
    *parents, last = key.removesuffix("]").replace("][", "[").split("[")
    if len(parents) > _DEEPEST:
        raise BadRequestException(f"Invalid form: {key} is nested too deeply")
    for step in parents:
        child = node.setdefault(step or str(len(node)), _Object())
        if not isinstance(child, _Object):
            raise BadRequestException(f"Invalid form: {key} is below a value")
        node = child
    last = last or str(len(node))
    known = node.get(last)
    if isinstance(known, _Object):
        raise BadRequestException(f"Invalid form: {key} is an object and a value")
    if isinstance(known, _Repeated):
        known.append(value)
    else:
        node[last] = value if known is None else _Repeated([known, value])


def _plain(node: Any) -> Any:
    """Objects whose names are all numbers become lists in the order of the numbers."""
    if isinstance(node, _Repeated):
        return list(node)
    if not isinstance(node, _Object):
        return node
    if all(key.isdecimal() and len(key) <= _LONGEST_INDEX for key in node):
        return [_plain(node[key]) for key in sorted(node, key=int)]
    return {key: _plain(value) for key, value in node.items()}
