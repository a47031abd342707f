"""What is wrong with an input, in the words that front ends of NestJS services know, or in pydantic's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from cqrs_nest.http.options import ErrorStyle

Path: TypeAlias = tuple[str | int, ...]

_MOST_TEXTS: Final = 100
"""A short body can break rules thousands of times; nobody reads on after this many."""

_STRING = "must be a string"
_INTEGER = "must be an integer number"
_NUMBER = "must be a number conforming to the specified constraints"
_BOOLEAN = "must be a boolean value"
_DATE = "must be a valid ISO 8601 date string"
_UUID = "must be a UUID"
_ARRAY = "must be an array"
_OBJECT = "must be an object"
_ABSENT = "should not be null or undefined"

_BY_PREFIX: Final[Mapping[str, str]] = {
    "string_type": _STRING,
    "string_sub_type": _STRING,
    "int_": _INTEGER,
    "float_": _NUMBER,
    "decimal_": _NUMBER,
    "finite_number": _NUMBER,
    "bool_": _BOOLEAN,
    "date_": _DATE,
    "datetime_": _DATE,
    "time_": "must be a valid ISO 8601 time string",
    "timezone_aware": f"{_DATE} with a time zone",
    "uuid_": _UUID,
    "url_": "must be a URL address",
    "list_type": _ARRAY,
    "tuple_type": _ARRAY,
    "set_type": _ARRAY,
    "frozen_set_type": _ARRAY,
    "iterable_type": _ARRAY,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "none_required": "must be null",
}

_BY_TYPE: Final[Mapping[type[Any], str]] = {
    str: _STRING,
    bool: _BOOLEAN,
    int: _INTEGER,
    float: _NUMBER,
    Decimal: _NUMBER,
    datetime: _DATE,
    date: _DATE,
    time: "must be a valid ISO 8601 time string",
    UUID: _UUID,
    list: _ARRAY,
    tuple: _ARRAY,
    set: _ARRAY,
    frozenset: _ARRAY,
    dict: _OBJECT,
    BaseModel: _OBJECT,
}


def _one_of(expected: str) -> str:
    return "must be one of the following values: " + expected.replace("'", "").replace(" or ", ", ")


_BY_LIMIT: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_too_short": lambda limit: (
        "should not be empty"
        if limit["min_length"] == 1
        else f"must be longer than or equal to {limit['min_length']} characters"
    ),
    "string_too_long": lambda limit: f"must be shorter than or equal to {limit['max_length']} characters",
    "string_pattern_mismatch": lambda limit: f"must match {limit['pattern']} regular expression",
    "greater_than_equal": lambda limit: f"must not be less than {limit['ge']}",
    "less_than_equal": lambda limit: f"must not be greater than {limit['le']}",
    "greater_than": lambda limit: (
        "must be a positive number" if limit["gt"] == 0 else f"must be greater than {limit['gt']}"
    ),
    "less_than": lambda limit: (
        "must be a negative number" if limit["lt"] == 0 else f"must be less than {limit['lt']}"
    ),
    "multiple_of": lambda limit: f"must be divisible by {limit['multiple_of']}",
    "too_short": lambda limit: (
        "should not be empty"
        if limit["min_length"] == 1
        else f"must contain at least {limit['min_length']} elements"
    ),
    "too_long": lambda limit: f"must contain no more than {limit['max_length']} elements",
    "enum": lambda limit: _one_of(limit["expected"]),
    "literal_error": lambda limit: _one_of(limit["expected"]),
}


def violation_texts(
    details: list[ErrorDetails],
    data: Any,
    annotation: Any,
    name: str | None = None,
    style: ErrorStyle = "class-validator",
) -> list[str]:
    """One text for each broken rule, fields in declaration order, nested ones by their path.

    `data` is the input, `annotation` its declared type, `name` what a single value is called.
    """
    texts: dict[str, None] = {}
    for detail in details:
        path = input_path(data, detail)
        path = path if name is None else (name, *path)
        if style == "pydantic":
            text = f"{'.'.join(map(str, path))}: {detail['msg']}" if path else detail["msg"]
        else:
            text = _sentence(path, _rule_text(detail, annotation), detail["type"])
        texts[text] = None
        if len(texts) == _MOST_TEXTS:
            break
    return list(texts)


def input_path(data: Any, detail: ErrorDetails) -> Path:
    """Where in the input the error is; the names of union members in its location are left out."""
    path: list[str | int] = []
    for step in detail["loc"]:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            if detail["type"] != "missing" or step != detail["loc"][-1]:
                continue
        path.append(step)
    return tuple(path)


def _sentence(path: Path, text: str, kind: str) -> str:
    if kind == "extra_forbidden":
        *parents, last = path
        return f"{''.join(f'{parent}.' for parent in parents)}property {last} {text}"
    if kind in ("value_error", "assertion_error") and (not path or str(path[-1]) in text):
        return text
    subject = ".".join(map(str, path))
    if path and isinstance(path[-1], int):
        subject = f"each value in {'.'.join(map(str, path[:-1])) or 'the array'}"
    return f"{subject or 'the value'} {text}"


def _rule_text(detail: ErrorDetails, annotation: Any) -> str:
    kind = detail["type"]
    if kind == "missing":
        return _text_of_type(_declared_type(annotation, detail["loc"]))
    if kind == "extra_forbidden":
        return "should not exist"
    context = detail.get("ctx", {})
    if kind in _BY_LIMIT:
        return _BY_LIMIT[kind](context)
    for prefix, text in _BY_PREFIX.items():
        if kind.startswith(prefix):
            return text
    if kind == "value_error" and "reason" in context and "email" in detail["msg"]:
        return "must be an email"
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", detail["msg"]))
    return detail["msg"].replace("Input should be", "must be")


def _text_of_type(annotation: Any) -> str:
    """What is said about a value that is absent although its type demands one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _text_of_type(get_args(annotation)[0])
    if origin is Literal:
        return _one_of(", ".join(map(str, get_args(annotation))))
    cls: object = origin or annotation
    if not isinstance(cls, type):
        return _ABSENT
    if issubclass(cls, Enum):
        return _one_of(", ".join(str(member.value) for member in cls))
    return next((text for known, text in _BY_TYPE.items() if issubclass(cls, known)), _ABSENT)


def _declared_type(annotation: Any, location: Path) -> Any:
    """The annotation of the field at a location, None if it cannot be told."""
    for step in location:
        annotation = _step_into(annotation, step)
    return annotation


def _step_into(annotation: Any, step: str | int) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _step_into(arguments[0], step)
    if origin in (Union, UnionType):
        found = (_step_into(member, step) for member in arguments if member is not type(None))
        return next((each for each in found if each is not None), None)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if step in (name, field.alias, field.validation_alias):
                return field.annotation
        return None
    return arguments[-1] if arguments and (isinstance(step, int) or origin is dict) else None
