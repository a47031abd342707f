"""Results and errors in the form recordings have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import error_code
from cqrs_nest.aws.errors import error_response
from cqrs_nest.commands import DataList
from cqrs_nest.commands.wire_model import WireModel
from cqrs_nest.common import HttpException
from tests.golden.recordings import encode, normal_result

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
CONFLICT = "ConditionalCheckFailedException"


def encode_result(result: Any) -> Any:
    """What an operation gave."""
    if isinstance(result, WireModel):
        return encode(result.to_row())
    if isinstance(result, DataList):
        items = [encode(item.to_row()) for item in result.items]
        return {"items": items} | ({"lastSk": result.last_sk} if result.last_sk else {})
    if isinstance(result, list | tuple):
        return [encode_result(item) for item in result]
    return encode(result)


def encode_error(error: Exception) -> dict[str, Any]:
    """What an operation raised; an error of AWS by its name there."""
    code = error_code(error)
    if code is not None:
        details = error_response(error)["Error"]
        return {"$error": {"name": code, "message": details.get("Message"), "http": _http(error, code)}}
    return {
        "$error": {
            "name": type(error).__name__,
            "message": str(error),
            "http": _http(error, None),
        }
    }


def normal_outcome(recorded: Any) -> Any:
    """A recorded result or error with only what can be compared."""
    if isinstance(recorded, Mapping) and "contentType" in recorded:
        return {name: recorded[name] for name in ("status", "contentType", "body")}
    if not (isinstance(recorded, Mapping) and "$error" in recorded):
        return normal_result(recorded)
    error = recorded["$error"]
    return {"$error": {name: error.get(name) for name in ("name", "message", "http")}}


def _http(error: Exception, code: str | None) -> dict[str, Any]:
    if isinstance(error, HttpException):
        return {"status": error.status, "body": dict(error.body())}
    if code == CONFLICT:
        message = f"{CONFLICT}: The conditional request failed"
        return {"status": 409, "body": {"statusCode": 409, "message": message}}
    return {"status": 500, "body": {"statusCode": 500, "message": "Internal server error"}}


def with_dates(value: Any) -> Any:
    """A JSON result with its dates tagged, as recordings have them."""
    match value:
        case str() if _MOMENT.fullmatch(value):
            return {"$date": value}
        case dict():
            return {name: with_dates(item) for name, item in value.items()}
        case list():
            return [with_dates(item) for item in value]
        case _:
            return value
