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
_TOO_LONG: Final = 10**MAX_DIGITS
EXPONENTS = range(-130, 126)
"""Of ten, in the numbers that DynamoDB takes, other than 0."""
MAX_SAFE_FLOAT = 2**53 - 1
MOMENTS = ("createdAt", "updatedAt")
"""The attributes that are read back as datetimes; every other date stays the text it is."""


def serialize_item(item: Mapping[str, Any]) -> AttributeMap:
    """An item for DynamoDB. `REMOVE` values are left out.

    Raises UnsupportedValueError, naming the path, for NaN, infinity, numbers that would lose digits,
    empty or mixed sets, lone surrogates and unknown types.

    >>> serialize_item({"pk": "A#t", "version": 1, "ttl": None, "attributes": {"n": 1.5, "tags": {"x"}}})
    {'pk': {'S': 'A#t'}, 'version': {'N': '1'}, 'ttl': {'NULL': True}, \
'attributes': {'M': {'n': {'N': '1.5'}, 'tags': {'SS': ['x']}}}}
    """
    try:
        return _map(item)
    except RecursionError:
        raise UnsupportedValueError(item, "it is nested too deeply, or contains itself") from None


def serialize(value: object) -> AttributeValue:
    """One value for DynamoDB."""
    return (_WRITERS.get(type(value)) or _writer_of_base(value))(value)


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
    [kind] = value
    return _READERS[kind](value[kind])


_OUT_OF_RANGE: Final = f"a number other than 0 lies between 1e{EXPONENTS[0]} and 1e{EXPONENTS[-1] + 1}"


def number_text(value: float) -> str:
    """A float in the digits that JavaScript writes.

    >>> number_text(1.0), number_text(0.1), number_text(1e-7), number_text(0.00001)
    ('1', '0.1', '1e-7', '0.00001')
    """
    if value.is_integer():
        return str(int(value))
    text = float.__repr__(value)  # also of a subclass, such as NumPy's, that calls itself differently
    if 1e-4 <= abs(value) < 1e16:  # where Python writes no exponent
        return text
    if abs(value) >= 1e-6:
        return format(Decimal(text), "f")
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}"


def _integer(value: int) -> AttributeValue:
    if -_TOO_LONG < value < _TOO_LONG:
        return {"N": str(value)}
    raise UnsupportedValueError(value, f"a number has at most {MAX_DIGITS} digits")


def _float(value: float) -> AttributeValue:
    if value != value or abs(value) > MAX_SAFE_FLOAT:
        raise UnsupportedValueError(
            value, "a float is a finite number up to 2**53 - 1; use int or Decimal beyond"
        )
    if value and abs(value) < 10.0 ** EXPONENTS[0]:
        raise UnsupportedValueError(value, _OUT_OF_RANGE)
    return {"N": number_text(value)}


def _decimal(value: Decimal) -> AttributeValue:
    if not value.is_finite() or len(value.as_tuple().digits) > MAX_DIGITS:
        raise UnsupportedValueError(value, f"a number is finite and has at most {MAX_DIGITS} digits")
    if value and value.adjusted() not in EXPONENTS:
        raise UnsupportedValueError(value, _OUT_OF_RANGE)
    return {"N": str(value)}


def _text(value: str) -> AttributeValue:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnsupportedValueError(value, "half of a pair of UTF-16 is no text") from None
    return {"S": value}


def _map(value: Mapping[Any, object]) -> AttributeMap:
    written: AttributeMap = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise UnsupportedValueError(name, "names are texts")
        if not name.isascii():
            _text(name)
        kind = type(item)
        if kind is str and isinstance(item, str) and item.isascii():  # most are, and none can be wrong
            written[name] = {"S": item}
        elif item is not REMOVE:
            try:
                written[name] = (_WRITERS.get(kind) or _writer_of_base(item))(item)
            except UnsupportedValueError as error:
                error.lies_in(name)
                raise
    return written


def _list(value: Any) -> AttributeValue:
    written: list[AttributeValue] = []
    for index, item in enumerate(value):
        if item is not REMOVE:
            try:
                written.append(serialize(item))
            except UnsupportedValueError as error:
                error.lies_in(index)
                raise
    return {"L": written}


def _set(value: Any) -> AttributeValue:
    written = [serialize(item) for item in value]
    kinds = {kind for item in written for kind in item}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise UnsupportedValueError(value, "a set is not empty and holds only texts, numbers or bytes")
    kind = kinds.pop()
    contents = [item[kind] for item in written]
    return {f"{kind}S": sorted(contents, key=Decimal if kind == "N" else None)}


_WRITERS: dict[type, Callable[[Any], AttributeValue]] = {
    str: _text,
    bool: lambda value: {"BOOL": value},
    int: _integer,
    float: _float,
    Decimal: _decimal,
    type(None): lambda value: {"NULL": True},
    dict: lambda value: {"M": _map(value)},
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    bytes: lambda value: {"B": value},
    bytearray: lambda value: {"B": bytes(value)},
    datetime: lambda value: {"S": to_local_iso(value)},
    date: lambda value: {"S": value.isoformat()},
}


def _writer_of_base(value: object) -> Callable[[Any], AttributeValue]:
    """The writer of a value whose type is not listed itself."""
    if isinstance(value, Enum) and not isinstance(value, Removal):
        return lambda member: serialize(member.value)
    if isinstance(value, Mapping):
        return _WRITERS[dict]
    for base, convert in _WRITERS.items():
        if isinstance(value, base):
            return convert
    raise UnsupportedValueError(value)


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
        [kind] = value
        plain[name] = value[kind] if kind == "S" else _READERS[kind](value[kind])
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
