"""Python values to DynamoDB's attribute values and back, by one look-up of the type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeAlias

from cqrs_nest.aws.errors import UnsupportedValueError
from cqrs_nest.aws.removal import REMOVE, Removal
from cqrs_nest.aws.timestamps import parse_moment, to_local_iso

AttributeValue: TypeAlias = dict[str, Any]
"""One value in DynamoDB JSON, such as `{"S": "text"}`."""
AttributeMap: TypeAlias = dict[str, AttributeValue]
"""An item or a key in DynamoDB JSON."""
Item: TypeAlias = dict[str, Any]
"""An item or a key in plain Python values, with the wire's camelCase names."""

MAX_DIGITS = 38
EXPONENTS = range(-130, 126)
"""Of ten, in the numbers that DynamoDB takes, other than 0."""
MAX_SAFE_FLOAT = 2**53 - 1
MOMENTS = ("createdAt", "updatedAt")
"""The attributes that are read back as datetimes; every other date stays the text it is."""


def serialize_item(item: Mapping[str, Any]) -> AttributeMap:
    """An item for DynamoDB. `REMOVE` values are left out.

    Raises UnsupportedValueError, naming the path, for NaN, infinity, numbers that would lose digits,
    empty or mixed sets and unknown types.

    >>> serialize_item({"pk": "A#t", "version": 1, "ttl": None, "attributes": {"n": 1.5, "tags": {"x"}}})
    {'pk': {'S': 'A#t'}, 'version': {'N': '1'}, 'ttl': {'NULL': True}, \
'attributes': {'M': {'n': {'N': '1.5'}, 'tags': {'SS': ['x']}}}}
    """
    try:
        return _map(item, "")
    except RecursionError:
        raise UnsupportedValueError("", item, "it is nested too deeply, or contains itself") from None


def serialize(value: object, path: str = "") -> AttributeValue:
    """One value for DynamoDB; `path` is where it stands, for the error text."""
    convert = _WRITERS.get(type(value)) or _writer_of_base(value)
    if convert is None:
        raise UnsupportedValueError(path, value)
    return convert(value, path)


def deserialize_item(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """An item of DynamoDB as plain values; `createdAt` and `updatedAt` become datetimes.

    >>> deserialize_item({"version": {"N": "2"}, "rate": {"N": "1.50"}, "tags": {"SS": ["x"]}})
    {'version': 2, 'rate': 1.5, 'tags': {'x'}}
    """
    plain = _plain_map(item)
    for name in MOMENTS:
        moment = plain.get(name)
        if isinstance(moment, str):
            plain[name] = parse_moment(moment) or moment
        elif isinstance(moment, int | float):
            plain[name] = datetime.fromtimestamp(moment / 1000, UTC)
    return plain


def deserialize(value: Mapping[str, Any]) -> Any:
    """One value of DynamoDB as a plain value.

    >>> deserialize({"L": [{"N": "1"}, {"NULL": True}, {"BOOL": False}]})
    [1, None, False]
    """
    ((kind, content),) = value.items()
    return _READERS[kind](content)


_OUT_OF_RANGE: Final = f"a number other than 0 lies between 1e{EXPONENTS[0]} and 1e{EXPONENTS[-1] + 1}"


def number_text(value: float) -> str:
    """A float in the digits that JavaScript writes.

    >>> number_text(1.0), number_text(0.1), number_text(1e-7), number_text(0.00001)
    ('1', '0.1', '1e-7', '0.00001')
    """
    if value.is_integer():
        return str(int(value))
    if abs(value) >= 1e-6:
        return format(Decimal(repr(value)), "f")
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent)}"


def _integer(value: int, path: str) -> AttributeValue:
    if abs(value) >= 10**MAX_DIGITS:
        raise UnsupportedValueError(path, value, f"a number has at most {MAX_DIGITS} digits")
    return {"N": str(value)}


def _float(value: float, path: str) -> AttributeValue:
    if value != value or abs(value) > MAX_SAFE_FLOAT:
        raise UnsupportedValueError(
            path, value, "a float is a finite number up to 2**53 - 1; use int or Decimal beyond"
        )
    if value and abs(value) < 10.0 ** EXPONENTS[0]:
        raise UnsupportedValueError(path, value, _OUT_OF_RANGE)
    return {"N": number_text(value)}


def _decimal(value: Decimal, path: str) -> AttributeValue:
    if not value.is_finite() or len(value.as_tuple().digits) > MAX_DIGITS:
        raise UnsupportedValueError(path, value, f"a number is finite and has at most {MAX_DIGITS} digits")
    if value and value.adjusted() not in EXPONENTS:
        raise UnsupportedValueError(path, value, _OUT_OF_RANGE)
    return {"N": str(value)}


def _map(value: Mapping[Any, Any], path: str) -> AttributeMap:
    written: AttributeMap = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise UnsupportedValueError(path, name, "names are texts")
        if type(item) is str:  # most are, and no text can be wrong
            written[name] = {"S": item}
        elif item is not REMOVE:
            written[name] = serialize(item, f"{path}.{name}" if path else name)
    return written


def _list(value: Any, path: str) -> AttributeValue:
    return {"L": [serialize(item, f"{path}[{i}]") for i, item in enumerate(value) if item is not REMOVE]}


def _set(value: Any, path: str) -> AttributeValue:
    written = [serialize(item, path) for item in value]
    kinds = {kind for item in written for kind in item}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise UnsupportedValueError(path, value, "a set is not empty and holds only texts, numbers or bytes")
    kind = kinds.pop()
    contents = [item[kind] for item in written]
    return {f"{kind}S": sorted(contents, key=Decimal if kind == "N" else None)}


_WRITERS: dict[type, Callable[[Any, str], AttributeValue]] = {
    str: lambda value, path: {"S": value},
    bool: lambda value, path: {"BOOL": value},
    int: _integer,
    float: _float,
    Decimal: _decimal,
    type(None): lambda value, path: {"NULL": True},
    dict: lambda value, path: {"M": _map(value, path)},
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    bytes: lambda value, path: {"B": value},
    bytearray: lambda value, path: {"B": bytes(value)},
    datetime: lambda value, path: {"S": to_local_iso(value)},
    date: lambda value, path: {"S": value.isoformat()},
}


def _writer_of_base(value: object) -> Callable[[Any, str], AttributeValue] | None:
    if isinstance(value, Removal):
        return None
    if isinstance(value, Enum):
        return lambda member, path: serialize(member.value, path)
    if isinstance(value, Mapping):
        return _WRITERS[dict]
    return next((convert for base, convert in _WRITERS.items() if isinstance(value, base)), None)


def _number(text: str) -> int | float | Decimal:
    """An int or a float where that is the same number and can be written again, else a Decimal."""
    try:
        return int(text)
    except ValueError:
        exact = Decimal(text)
    if exact == exact.to_integral_value() and exact.adjusted() < MAX_DIGITS:
        return int(exact)
    number = float(text)
    return number if abs(number) <= MAX_SAFE_FLOAT and Decimal(repr(number)) == exact else exact


def _plain_map(content: Mapping[str, Mapping[str, Any]]) -> Item:
    plain: Item = {}
    for name, value in content.items():
        ((kind, inner),) = value.items()
        plain[name] = inner if kind == "S" else _READERS[kind](inner)
    return plain


_READERS: dict[str, Callable[[Any], Any]] = {
    "S": lambda content: content,
    "N": _number,
    "BOOL": lambda content: content,
    "NULL": lambda content: None,
    "M": lambda content: _plain_map(content),
    "L": lambda content: [deserialize(value) for value in content],
    "SS": set,
    "NS": lambda content: {_number(text) for text in content},
    "B": bytes,
    "BS": lambda content: {bytes(value) for value in content},
}
