"""Pipes: what checks or changes one argument of a handler, and what it is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol


class ParameterSource(Enum):
    """The part of the request that an argument is taken from."""

    BODY = "body"
    PARAM = "param"
    QUERY = "query"
    HEADERS = "headers"
    COOKIES = "cookies"
    FILE = "file"
    REQUEST = "request"
    RESPONSE = "response"
    IP = "ip"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class ArgumentMetadata:
    """What a pipe is told about the value: where it came from, its declared type and its name."""

    source: ParameterSource
    annotation: Any
    name: str | None = None


class PipeTransform(Protocol):
    """Checks or changes one argument of a handler."""

    def transform(self, value: Any, metadata: ArgumentMetadata) -> Any: ...
