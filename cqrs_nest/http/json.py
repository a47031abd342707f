"""Results as JSON, in the form that clients of the TypeScript services get."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any, Final, TypeGuard

import orjson
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

LARGEST_EXPONENT: Final = sys.float_info.max_10_exp
"""Of ten. Twelve characters name a decimal whose digits would not fit into the memory."""

_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def to_json(value: Any) -> bytes:
    """The bytes of a JSON document.

    Models are written by alias, datetimes in UTC with milliseconds and `Z` (naive ones count as UTC),
    decimals as numbers, NaN as null. Raises TypeError for what has no JSON form.

    >>> to_json({"at": datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "price": Decimal("1.5")})
    b'{"at":"2030-01-02T03:04:05.678Z","price":1.5}'
    """
    try:
        return orjson.dumps(value, default=_encode, option=_OPTIONS)
    except TypeError as error:
        if "64-bit" not in str(error):
            raise
        # An integer that orjson does not write: the standard library does, and is slower.
        return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False).encode()


def format_datetime(value: datetime) -> str:
    """UTC with milliseconds and `Z`."""
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


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
        return {key: _plain(item) for key, item in value.items()}
    if _is_array(value):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int) else _plain(_encode(value))


def _encode(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return decimal_number(value)
    if isinstance(value, set | frozenset):
        return [*value]  # pyright: ignore[reportUnknownVariableType]
    return to_jsonable_python(value)
