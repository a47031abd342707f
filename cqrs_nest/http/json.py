"""Results as JSON, in the form that clients of the TypeScript services get."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any, Final, TypeGuard

import orjson
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

LARGEST_EXPONENT: Final = sys.float_info.max_10_exp
"""Of ten. Twelve characters name a decimal whose digits would not fit into the memory."""

_ONLY_ORJSON_REFUSES: Final = ("64-bit", "surrogates")
"""Integers beyond 64 bits, and texts with half of a pair of UTF-16."""

_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def to_json(value: Any) -> bytes:
    """The bytes of a JSON document.

    Models are written by alias, datetimes in UTC with milliseconds and `Z` (naive ones count as UTC),
    decimals as numbers, NaN as null, bytes as Node's `Buffer` (those of a model as the model says), lone
    surrogates as escapes. Raises TypeError for what has no JSON form.

    >>> to_json({"at": datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "price": Decimal("1.5")})
    b'{"at":"2030-01-02T03:04:05.678Z","price":1.5}'
    """
    try:
        return orjson.dumps(value, default=_encode, option=_OPTIONS)
    except TypeError as error:
        if not any(reason in str(error) for reason in _ONLY_ORJSON_REFUSES):
            raise
        # The standard library does it, and is slower. A surrogate's escape is that of JSON too.
        text = json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)
        return text.encode(errors="backslashreplace")


def format_datetime(value: datetime) -> str:
    """UTC with milliseconds and `Z`."""
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_text(value: str) -> bytes:
    r"""The bytes of a text, as Node writes them: half of a pair of UTF-16 becomes U+FFFD.

    >>> to_text("a\ud83d\ude00\ud800").decode()
    'a😀\ufffd'
    """
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def buffer_of(value: bytes | bytearray) -> dict[str, Any]:
    """What Node's `Buffer` is in JSON."""
    return {"type": "Buffer", "data": [*value]}


def decimal_number(value: Decimal) -> int | float:
    """The number that JSON has for a decimal; one beyond the range of floats is infinite."""
    is_long = not value.is_finite() or value.adjusted() > LARGEST_EXPONENT
    return float(value) if is_long or value != value.to_integral_value() else int(value)


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is what JSON calls an object."""
    return isinstance(value, Mapping)


def _is_array(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _plain(value: Any) -> Any:
    """What the standard library can write, with null for a number that is not finite."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if is_object(value):
        return {_plain_key(key): _plain(item) for key, item in value.items()}
    if _is_array(value):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int) else _plain(_encode(value))


def _plain_key(key: Any) -> Any:
    return key if key is None or isinstance(key, str | int | float) else _encode(key)


def _encode(value: Any) -> Any:
    if isinstance(value, BaseModel):
        dump = value.model_dump(by_alias=True)
        return _with_bytes_of(type(value), dump) if _has_bytes(type(value)) else dump
    if isinstance(value, bytes | bytearray):
        return buffer_of(value)
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return decimal_number(value)
    if isinstance(value, set | frozenset):
        return [*value]  # pyright: ignore[reportUnknownVariableType]
    return to_jsonable_python(value)


@cache
def _has_bytes(model: type[BaseModel]) -> bool:
    """Whether a field of a model, or of one within it, holds bytes."""
    return _mentions_bytes(model.__pydantic_core_schema__)


def _mentions_bytes(schema: object) -> bool:
    if is_object(schema):
        return schema.get("type") == "bytes" or any(map(_mentions_bytes, schema.values()))
    return _is_array(schema) and any(map(_mentions_bytes, schema))


def _with_bytes_of(model: type[BaseModel], value: Any) -> Any:
    """A model's values with its bytes as it writes them in JSON: as a text, in base64 or hexadecimal."""
    if isinstance(value, bytes):
        return to_jsonable_python(value, bytes_mode=model.model_config.get("ser_json_bytes", "utf8"))
    if is_object(value):
        return {key: _with_bytes_of(model, item) for key, item in value.items()}
    return [_with_bytes_of(model, item) for item in value] if _is_array(value) else value
