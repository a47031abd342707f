"""Types of settings that are written as text: lists, sizes."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?\s*", re.IGNORECASE)
_UNITS = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(item for part in value.split(",") if (item := part.strip()))
    return value


def parse_size(value: Any) -> Any:
    """Bytes of a text such as `100kb`; a kilobyte has 1024 bytes, as in the TypeScript framework.

    >>> parse_size("100kb"), parse_size("1.5 MB"), parse_size("2048")
    (102400, 1572864, 2048)

    Raises ValueError for any other text; what is no text passes as it is.
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError("write a size as 100kb, 2mb or a number of bytes")
    return int(float(match[1]) * _UNITS[(match[2] or "b").lower()])


SplitByComma = BeforeValidator(_split)

CommaList = Annotated[tuple[str, ...], SplitByComma]
"""`a, b,,c` as `("a", "b", "c")`: blanks trimmed, empty items dropped."""

Bytes = Annotated[int, BeforeValidator(parse_size)]
"""A number of bytes, written as a number or as `100kb`, `2mb`."""
