"""What can go wrong before or at a call to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AwsConfigurationError(Exception):
    """A setting that a service of AWS needs is missing; the text names the variable."""


class UnsupportedValueError(ValueError):
    """A value cannot be written: its type has no form in DynamoDB or JSON, or it is not a number there."""

    def __init__(self, path: str, value: object, reason: str | None = None) -> None:
        where = f'"{path}"' if path else "the value"
        text = _text(value)
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        why = (
            reason or "convert it to a text, number, boolean, None, list, dict, set, bytes or datetime first"
        )
        super().__init__(f"{where} cannot be written: {shown} of type {type(value).__qualname__}; {why}")
        self.path = path


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
