"""What can go wrong before or at a call to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AwsConfigurationError(Exception):
    """A setting that a service of AWS needs is missing; the text names the variable."""


class UnsupportedValueError(ValueError):
    """A value cannot be written: its type has no form in DynamoDB or JSON, or it is not a number there.

    >>> error = UnsupportedValueError(2, "too large")
    >>> for place in (0, "tags", "attributes"):
    ...     error.lies_in(place)
    >>> str(error)
    '"attributes.tags[0]" cannot be written: 2 of type int; too large'
    """

    def __init__(self, value: object, reason: str | None = None) -> None:
        text = _text(value)
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        why = (
            reason or "convert it to a text, number, boolean, None, list, dict, set, bytes or datetime first"
        )
        super().__init__(f"cannot be written: {shown} of type {type(value).__qualname__}; {why}")
        self._places: list[str | int] = []

    def lies_in(self, place: str | int) -> None:
        """Say where it was found, from the inside out: its name in an object, or its index in a list."""
        self._places.append(place)

    @property
    def path(self) -> str:
        """Where the value stands in what was to be written, such as `attributes.tags[0]`."""
        path = ""
        for place in reversed(self._places):
            if isinstance(place, int):
                path += f"[{place}]"
            else:
                path += f".{place}" if path else place
        return path

    def __str__(self) -> str:
        where = f'"{self.path}"' if self.path else "the value"
        return f"{where} {super().__str__()}"


def _text(value: object) -> str:
    try:
        return repr(value)
    except ValueError:
        return "an integer of thousands of digits"  # more than Python writes


def error_code(error: BaseException) -> str | None:
    """AWS's name of a failed call, such as `ConditionalCheckFailedException`; None for any other exception.

    >>> error_code(ValueError()) is None
    True
    """
    code: object = error_response(error).get("Error", {}).get("Code")
    return code if isinstance(code, str) else None


def error_response(error: BaseException) -> Mapping[str, Any]:
    """AWS's answer to a refused call, as botocore's ClientError carries it; empty for any other exception."""
    from botocore.exceptions import ClientError

    return {**error.response} if isinstance(error, ClientError) else {}
