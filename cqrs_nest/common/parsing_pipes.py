"""Pipes that read one text of a request, with the answers that clients of NestJS services know.

An annotation such as `Annotated[int, Query("page")]` converts by itself. These are for NestJS's stricter
rules, for another status, and for values that may be missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import Enum
from typing import Any
from uuid import UUID

from cqrs_nest.common.exceptions import BadRequestException
from cqrs_nest.common.pipes import ArgumentMetadata

ErrorOf = Callable[[str], Exception]
"""Makes the error of a message, such as `NotAcceptableException` for the status 406."""

_INTEGER = re.compile(r"-?[0-9]{1,4000}")


class _ParsePipe:
    """Lets `_parse` read the value; a missing one passes if it is optional, and is refused otherwise."""

    _expected: str

    def __init__(self, *, optional: bool = False, error: ErrorOf = BadRequestException) -> None:
        self._optional = optional
        self._error = error

    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        """The value as read. Raises the pipe's error."""
        if value is None and self._optional:
            return None
        try:
            return self._parse(value)
        except (ValueError, TypeError):
            raise self._error(f"Validation failed ({self._expected})") from None

    def _parse(self, value: Any) -> Any:
        """Raises ValueError or TypeError for what is not of the expected form."""
        raise TypeError(value)


class ParseIntPipe(_ParsePipe):
    """Digits with an optional minus: `5`, `-5`, `05`, but not `5.0`, `1e3`, `+5` or an empty text.

    >>> from cqrs_nest.common import ParameterSource
    >>> ParseIntPipe().transform("-5", ArgumentMetadata(ParameterSource.PARAM, int))
    -5
    """

    _expected = "numeric string is expected"

    def _parse(self, value: Any) -> int:
        text = _text_of_number(value)
        if not _INTEGER.fullmatch(text):
            raise ValueError(text)
        return int(text)


class ParseFloatPipe(_ParsePipe):
    """A decimal number, also `1e3`; no NaN and no infinity."""

    _expected = "numeric string is expected"

    def _parse(self, value: Any) -> float:
        number = float(_text_of_number(value))
        if not math.isfinite(number):
            raise ValueError(value)
        return number


class ParseBoolPipe(_ParsePipe):
    """`true` and `false`, and nothing else."""

    _expected = "boolean string is expected"

    def _parse(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        return {"true": True, "false": False}[value] if value in ("true", "false") else _refuse(value)


class ParseUUIDPipe(_ParsePipe):
    """A UUID in its 36 letters, of one version or of any. The text passes as it is.

    The parameter's annotation says what becomes of it: `str` or `UUID`.
    """

    def __init__(
        self, *, version: int | None = None, optional: bool = False, error: ErrorOf = BadRequestException
    ) -> None:
        super().__init__(optional=optional, error=error)
        self._version = version
        self._expected = "uuid is expected" if version is None else f"uuid v {version} is expected"

    def _parse(self, value: Any) -> str:
        text = str(value)
        uuid = UUID(text)
        if str(uuid) != text.lower() or self._version not in (None, uuid.version):
            raise ValueError(text)
        return text


class ParseEnumPipe(_ParsePipe):
    """One of the values of an enum. It passes as it is; the parameter's annotation makes the member."""

    _expected = "enum string is expected"

    def __init__(
        self, enum: type[Enum], *, optional: bool = False, error: ErrorOf = BadRequestException
    ) -> None:
        super().__init__(optional=optional, error=error)
        self._values = frozenset(str(member.value) for member in enum)

    def _parse(self, value: Any) -> Any:
        return value if str(value) in self._values else _refuse(value)


class ParseArrayPipe(_ParsePipe):
    """A list, or a text of several items: `?ids=1,2`. The parameter's annotation checks the items.

    >>> from cqrs_nest.common import ParameterSource
    >>> ParseArrayPipe(separator="|").transform("a|b", ArgumentMetadata(ParameterSource.QUERY, list[str]))
    ['a', 'b']
    """

    _expected = "parsable array expected"

    def __init__(
        self, *, separator: str = ",", optional: bool = False, error: ErrorOf = BadRequestException
    ) -> None:
        super().__init__(optional=optional, error=error)
        self._separator = separator

    def _parse(self, value: Any) -> Any:
        if isinstance(value, list):
            return value  # pyright: ignore[reportUnknownVariableType]
        text = value.strip() if isinstance(value, str) else ""
        return text.split(self._separator) if text else _refuse(value)


class DefaultValuePipe:
    """Stands in for a missing value; an empty text is not missing. Comes before the pipe that parses.

    >>> from cqrs_nest.common import ParameterSource
    >>> DefaultValuePipe(7).transform(None, ArgumentMetadata(ParameterSource.QUERY, int))
    7
    """

    def __init__(self, default: Any) -> None:
        self._default = default

    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any:
        """The value, or the default if there is none."""
        return self._default if value is None else value


def _text_of_number(value: Any) -> str:
    """The text of what came as text or, from JSON, as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(value)
    text = str(value)
    return text if text.isascii() and "_" not in text else _refuse(value)


def _refuse(value: Any) -> Any:
    raise ValueError(value)
