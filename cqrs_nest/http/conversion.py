"""Checking one argument of a handler against its annotation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails, ValidationError, to_json
from starlette.datastructures import UploadFile

from cqrs_nest.common import BadRequestException
from cqrs_nest.http.call import parse_json
from cqrs_nest.http.options import ErrorStyle, ValidationOptions
from cqrs_nest.http.violations import Path, input_path, violation_texts
from cqrs_nest.http.wire_schema import wire_validator

Convert: TypeAlias = Callable[[Any], Any]

_EXPECTED: Final[Mapping[str, str]] = {
    "int_": "numeric string",
    "float_": "numeric string",
    "decimal_": "numeric string",
    "finite_number": "numeric string",
    "bool_": "boolean string",
    "uuid_": "uuid",
    "enum": "enum string",
}
"""How NestJS's parsing pipes call what a single text should have been."""


class JsonConverter:
    """Validates the bytes of a JSON value without coercion, as JSON has types of its own."""

    def __init__(self, annotation: Any, name: str | None, options: ValidationOptions) -> None:
        self._annotation = annotation
        self._name = None if is_model(annotation) else name
        self._style: ErrorStyle = options.error_style
        validator = wire_validator(annotation, is_text=False)
        self._validate: Convert = partial(validator.validate_json, strict=True, **_options(options))

    def __call__(self, body: bytes) -> Any:
        """Raises BadRequestException with one text for each broken rule."""
        try:
            return self._validate(body)
        except ValidationError as error:
            details = error.errors(include_url=False)
        data = parse_json(body)
        whole_numbers = [detail for detail in details if _is_whole_number(detail)]
        if whole_numbers:
            for detail in whole_numbers:
                data = _replaced(data, input_path(data, detail), int(detail["input"]))
            try:
                return self._validate(to_json(data))
            except ValidationError as error:
                details = error.errors(include_url=False)
        raise BadRequestException(violation_texts(details, data, self._annotation, self._name, self._style))


class TextConverter:
    """Validates what arrived as text, in path, query, headers or cookies; numbers are read from it."""

    def __init__(self, annotation: Any, name: str | None, options: ValidationOptions) -> None:
        self._annotation = annotation
        self._name = name
        self._style: ErrorStyle = options.error_style
        self._is_list = is_list(annotation)
        self._list_keys = _list_keys(annotation) if name is None else frozenset[str]()
        validator = wire_validator(annotation, is_text=True)
        self._validate: Convert = partial(validator.validate_python, **_options(options))

    def __call__(self, value: Any) -> Any:
        """Raises BadRequestException, for a single value with the text of NestJS's parsing pipes."""
        if self._name is None:
            value = {key: self._listed(key, item) for key, item in value.items()}
        elif isinstance(value, str) and self._is_list:
            value = [value]
        try:
            return self._validate(value)
        except ValidationError as error:
            details = error.errors(include_url=False)
        is_single = self._name is not None and self._style == "class-validator"
        expected = _expected_text(details) if is_single else None
        if expected is not None:
            raise BadRequestException(f"Validation failed ({expected} is expected)")
        raise BadRequestException(violation_texts(details, value, self._annotation, self._name, self._style))

    def _listed(self, key: str, item: Any) -> Any:
        return [item] if key in self._list_keys and isinstance(item, str) else item


def is_model(annotation: Any) -> bool:
    """Whether an annotation is a pydantic model, so that its texts name its own fields."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_list(annotation: Any) -> bool:
    """Whether an annotation is a list, a set or the like, so that one value stands for a list of one."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return is_list(arguments[0])
    if origin in (Union, UnionType):
        return any(is_list(member) for member in arguments if member is not NoneType)
    cls: object = origin or annotation
    return (
        isinstance(cls, type) and issubclass(cls, Collection) and not issubclass(cls, str | bytes | Mapping)
    )


def takes_files(annotation: Any) -> bool:
    """Whether an annotation says nothing against an uploaded file, or a list of them."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return takes_files(arguments[0])
    if origin in (Union, UnionType):
        return any(map(takes_files, arguments))
    if is_list(annotation):
        return all(map(takes_files, arguments))
    cls: Any = origin or annotation
    try:
        return cls is Any or issubclass(UploadFile, cls)
    except TypeError:  # of a protocol, which cannot be asked
        return True


def _list_keys(annotation: Any) -> frozenset[str]:
    """The keys that take lists even when they stand once in a query."""
    if not is_model(annotation):
        return frozenset()
    fields: Mapping[str, Any] = annotation.model_fields
    listed = {name: field for name, field in fields.items() if is_list(field.annotation)}
    return frozenset(listed) | {field.alias for field in listed.values() if field.alias}


def _options(options: ValidationOptions) -> dict[str, Any]:
    """A property has one name on the wire, so that none slips in by that of its attribute."""
    extra = {"extra": "forbid"} if options.forbid_non_whitelisted else {}
    return {"by_alias": True, "by_name": False, **extra}


def _is_whole_number(detail: ErrorDetails) -> bool:
    """JSON has one kind of number: 3.0 is an integer, though pydantic's strict mode thinks otherwise."""
    value = detail["input"]
    return detail["type"] == "int_type" and isinstance(value, float) and value.is_integer()


def _replaced(data: Any, path: Path, value: int) -> Any:
    if not path:
        return value
    *parents, last = path
    parent = data
    for step in parents:
        parent = parent[step]
    parent[last] = value
    return data


def _expected_text(details: list[ErrorDetails]) -> str | None:
    kind = details[0]["type"] if len(details) == 1 and not details[0]["loc"] else ""
    return next((text for prefix, text in _EXPECTED.items() if kind.startswith(prefix)), None)
