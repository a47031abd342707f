"""JSON as JavaScript writes it, for message bodies and S3 objects that both frameworks read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import orjson

from cqrs_nest.aws.errors import UnsupportedValueError
from cqrs_nest.aws.removal import REMOVE, Removal
from cqrs_nest.aws.timestamps import to_utc_iso

_READY: Final = frozenset({str, bool, type(None)})
"""Most values are of these types, and JSON takes them as they are."""
_OUT_OF_RANGE: Final = f"the numbers of JSON readers lie between 1e-{sys.float_info.max_10_exp} and 1.8e308"


def to_json(value: object) -> str:
    """The text of a value: no spaces, dates in UTC with milliseconds, `1.0` as `1`, sets as sorted lists.

    Bytes take JavaScript's form of a Buffer, `{"type": "Buffer", "data": [1, 2]}`. Raises
    UnsupportedValueError, naming the place, for NaN, infinity, numbers out of the range of
    floats and types JSON has no form of.

    >>> to_json({"n": 1.0, "tags": {"b", "a"}, "note": None})
    '{"n":1,"tags":["a","b"],"note":null}'
    """
    try:
        return orjson.dumps(_plain(value)).decode()
    except RecursionError:
        raise UnsupportedValueError(value, "it is nested too deeply, or contains itself") from None
    except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
        raise UnsupportedValueError(value, str(error)) from error


def from_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    >>> from_json('{"n": 1}')
    {'n': 1}
    """
    return orjson.loads(text)


def _plain(value: object) -> Any:
    return (_CONVERTERS.get(type(value)) or _converter_of_base(value))(value)


def _same(value: Any) -> Any:
    return value


def _int(value: int) -> int | orjson.Fragment:
    if -(2**63) <= value < 2**64:
        return value
    if abs(value) > sys.float_info.max:
        raise UnsupportedValueError(value, _OUT_OF_RANGE)
    return orjson.Fragment(str(value))


def _float(value: float) -> float | int | orjson.Fragment:
    if value != value or value in (float("inf"), float("-inf")):
        raise UnsupportedValueError(value, "JSON has no form of it")
    return _int(int(value)) if value.is_integer() else float(value)


def _decimal(value: Decimal) -> float | int | orjson.Fragment:
    if not value.is_finite():
        raise UnsupportedValueError(value, "JSON has no form of it")
    if value and abs(value.adjusted()) > sys.float_info.max_10_exp:
        # Twelve characters can name a decimal whose digits would fill the memory.
        raise UnsupportedValueError(value, _OUT_OF_RANGE)
    if value == value.to_integral_value():
        return _int(int(value))
    number = float(value)
    return number if Decimal(repr(number)) == value else orjson.Fragment(format(value, "f"))


def _mapping(value: Mapping[Any, object]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise UnsupportedValueError(key, "keys are texts")
        kind = type(item)
        if kind in _READY:
            plain[key] = item
        elif item is not REMOVE:
            try:
                plain[key] = (_CONVERTERS.get(kind) or _converter_of_base(item))(item)
            except UnsupportedValueError as error:
                error.lies_in(key)
                raise
    return plain


def _list(value: Any) -> list[Any]:
    plain: list[Any] = []
    for index, item in enumerate(value):
        if item is not REMOVE:
            try:
                plain.append(_plain(item))
            except UnsupportedValueError as error:
                error.lies_in(index)
                raise
    return plain


def _set(value: Any) -> list[Any]:
    try:
        return _list(sorted(value))
    except TypeError:
        raise UnsupportedValueError(value, "the members of a set are of one type") from None


def _buffer(value: bytes) -> dict[str, Any]:
    return {"type": "Buffer", "data": list(value)}


_CONVERTERS: dict[type, Callable[[Any], Any]] = {
    str: _same,
    int: _int,
    bool: _same,
    type(None): _same,
    float: _float,
    Decimal: _decimal,
    dict: _mapping,
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    bytes: _buffer,
    bytearray: _buffer,
    datetime: lambda value: to_utc_iso(value),
    date: lambda value: value.isoformat(),
    Removal: lambda value: None,
}


def _converter_of_base(value: object) -> Callable[[Any], Any]:
    """The converter of a value whose type is not listed itself."""
    if isinstance(value, Enum):
        return lambda member: _plain(member.value)
    if isinstance(value, Mapping):
        return _mapping
    for base, convert in _CONVERTERS.items():
        if isinstance(value, base):
            return convert
    raise UnsupportedValueError(value)
