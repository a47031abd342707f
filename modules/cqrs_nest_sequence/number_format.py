"""How a number is written: text with `%%name%%` in the places of values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Value: TypeAlias = "str | int | None"

DEFAULT_FORMAT: Final = "%%no%%"
NAMES: Final = frozenset(
    {"no", "fiscal_year", "year", "month", "day", "date", *(f"code{number}" for number in range(1, 6))}
)
_PADDING = re.compile(r":(\d)>(\d)", re.ASCII)


class InvalidFormatError(ValueError):
    """A format has a padding that cannot be read."""


@dataclass(frozen=True)
class _Piece:
    """What stands between two `%%`: the text, the value that it may name, and how that is padded."""

    text: str
    name: str
    filler: str = ""
    width: int = 0

    def fill(self, values: Mapping[str, Value]) -> str:
        value = values.get(self.name)
        # 0 and '' count as no value, as they do for the services that share the counters.
        return str(value).rjust(self.width, self.filler or " ") if value else self.text


class NumberFormat:
    """A format, read once.

    Between two `%%` stands `no`, `fiscal_year`, `year`, `month`, `day`, `date` or `code1` to `code5`;
    `no#:0>5` pads it on the left with one digit to a width of one digit. Anything else stays as it is,
    and so does a name whose value is missing, 0 or empty. Raises InvalidFormatError for a padding of
    another form.

    >>> NumberFormat("INV-%%code1%%-%%no#:0>5%%").fill({"code1": "A", "no": 42})
    'INV-A-00042'
    """

    def __init__(self, text: str) -> None:
        self._pieces = [_piece(each) for each in text.split("%%")]

    def fill(self, values: Mapping[str, Value]) -> str:
        """The text with the values in their places."""
        return "".join(piece.fill(values) for piece in self._pieces)


def _piece(text: str) -> _Piece:
    name, separator, rest = text.partition("#")
    if name not in NAMES or not separator:
        return _Piece(text, text)
    padding = _PADDING.search(rest.partition("#")[0])
    if padding is None:
        raise InvalidFormatError(f"%%{text}%%: a padding is written as in %%{name}#:0>5%%")
    return _Piece(text, name, padding[1], int(padding[2]))
