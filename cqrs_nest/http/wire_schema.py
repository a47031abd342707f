"""Validators for what comes over the wire, where pydantic is more generous than NestJS's clients expect."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeGuard

from pydantic import TypeAdapter
from pydantic_core import PydanticCustomError, PydanticKnownError, SchemaValidator, ValidationError
from pydantic_core import core_schema as core

from cqrs_nest.http.json import LARGEST_EXPONENT

_INTEGER = re.compile(r"-?[0-9]+")
_TIMESTAMP = re.compile(r"\s*[+-]?[0-9.]+\s*")

_DATES: Final = {
    "date": SchemaValidator(core.date_schema()),
    "datetime": SchemaValidator(core.datetime_schema()),
}
_DURATION: Final = SchemaValidator(core.timedelta_schema())
_OPAQUE: Final = ("default", "expected", "members", "metadata", "serialization")
"""Parts of a schema that hold values, not schemas."""


def wire_validator(annotation: Any, *, is_text: bool) -> SchemaValidator:
    """Validates against an annotation, models in it included; the models themselves stay as they are.

    Numbers are finite, decimals in the range of floats, moments in that of UTC. A date is not a number of
    seconds. Where everything is text, an integer is digits with an optional minus. Raises
    PydanticUndefinedAnnotation for a model that names what is not there.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    if not adapter.pydantic_complete:
        adapter.rebuild()
    rules = {**_ALWAYS, **(_OF_TEXT if is_text else {})}
    # Ready-made validators of the models would be without the rules.
    return SchemaValidator(_with_rules(adapter.core_schema, rules), _use_prebuilt=False)


def _with_rules(node: Any, rules: Mapping[str, Callable[[Any], Any]]) -> Any:
    if _is_sequence(node):
        return type(node)(_with_rules(each, rules) for each in node)
    if not _is_schema(node):
        return node
    changed = {key: value if key in _OPAQUE else _with_rules(value, rules) for key, value in node.items()}
    kind = node.get("type")
    rule = rules.get(kind) if isinstance(kind, str) else None
    return changed if rule is None else rule(changed)


def _is_sequence(node: object) -> TypeGuard[list[Any]]:
    return isinstance(node, list | tuple)


def _is_schema(node: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)


def _finite(schema: Any) -> Any:
    return {**schema, "allow_inf_nan": False}


def _decimal(schema: Any) -> Any:
    """Python reads more than digits: `1_000`, and the digits of other scripts."""

    def read(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise PydanticKnownError("decimal_type")
        if isinstance(value, str) and ("_" in value or not value.isascii()):
            raise PydanticKnownError("decimal_parsing")
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise PydanticKnownError("decimal_parsing") from None

    def check(value: Decimal) -> Decimal:
        if abs(value.adjusted()) > LARGEST_EXPONENT:
            raise PydanticKnownError("finite_number")
        return value

    # What has gone through `any` counts less in a union: the text or integer itself is chosen first.
    read_one = core.chain_schema([core.any_schema(), _finite(schema)])
    checked = core.no_info_after_validator_function(check, read_one)
    return core.no_info_before_validator_function(read, checked)


def _date(schema: Any) -> Any:
    parse = _DATES[schema["type"]].validate_python

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if _TIMESTAMP.fullmatch(value):
            raise PydanticCustomError("date_parsing", "Input should be a date, not a number")
        try:
            return _within_utc(parse(value))
        except OverflowError:
            raise PydanticCustomError(
                "date_parsing", "Input should be a date between 0001 and 9999"
            ) from None
        except ValidationError as error:
            details = error.errors(include_url=False)[0]
            raise PydanticCustomError("date_parsing", "{reason}", {"reason": details["msg"]}) from None

    return core.no_info_before_validator_function(read, schema)


def _duration(schema: Any) -> Any:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return _DURATION.validate_python(value)
        except OverflowError:
            reason = "Input should be a duration of at most 999999999 days"
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
        raise PydanticCustomError("time_delta_parsing", "{reason}", {"reason": reason})

    return core.no_info_before_validator_function(read, schema)


def _within_utc(value: date) -> date:
    """Raises OverflowError for a moment that cannot be written in UTC, as its year there is 0 or 10000."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        value.astimezone(UTC)
    return value


def _integer_text(schema: Any) -> Any:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not _INTEGER.fullmatch(value):
            raise PydanticKnownError("int_parsing")
        return value

    return core.no_info_before_validator_function(check, schema)


def _number_text(schema: Any) -> Any:
    def check(value: Any) -> Any:
        if isinstance(value, str) and "_" in value:
            raise PydanticKnownError("float_parsing")
        return value

    return core.no_info_before_validator_function(check, _finite(schema))


_ALWAYS: Final = {
    "date": _date,
    "datetime": _date,
    "timedelta": _duration,
    "float": _finite,
    "decimal": _decimal,
}
_OF_TEXT: Final = {"int": _integer_text, "float": _number_text}
