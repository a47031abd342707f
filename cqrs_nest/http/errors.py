"""From an exception to the answer that the caller gets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeGuard

from starlette.exceptions import HTTPException as StarletteHttpException

from cqrs_nest.common import HttpException, Logger
from cqrs_nest.core.errors import CqrsNestError, error_text
from cqrs_nest.http.headers import InvalidHeaderException, encoded_header
from cqrs_nest.http.json import is_object
from cqrs_nest.http.responses import Reply, json_reply

_logger = Logger("ExceptionsHandler")

_CONDITION_CODES: Final = frozenset(("ConditionalCheckFailedException", "ConditionalCheckFailed"))
"""Of a single write, and of one write in a transaction."""
_CONDITION_FAILED: Final = {
    "statusCode": 409,
    "message": "ConditionalCheckFailedException: The conditional request failed",
}
_BUSY: Final[Mapping[str, HTTPStatus]] = {
    "ProvisionedThroughputExceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "ProvisionedThroughputExceededException": HTTPStatus.TOO_MANY_REQUESTS,
    "RequestLimitExceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "Throttling": HTTPStatus.TOO_MANY_REQUESTS,
    "ThrottlingError": HTTPStatus.TOO_MANY_REQUESTS,
    "ThrottlingException": HTTPStatus.TOO_MANY_REQUESTS,
    "TooManyRequestsException": HTTPStatus.TOO_MANY_REQUESTS,
    "ServiceUnavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "ServiceUnavailableException": HTTPStatus.SERVICE_UNAVAILABLE,
    "SlowDown": HTTPStatus.SERVICE_UNAVAILABLE,
}


class InvalidControllerError(CqrsNestError):
    """A controller or a route cannot be served as it is written."""


def invalid_route(
    controller: type[Any], handler: Callable[..., Any], problem: str, *, fix: str
) -> InvalidControllerError:
    """The error for a route, naming class, method, file, what is wrong and what to do."""
    code = getattr(inspect.unwrap(handler), "__code__", None)
    file = None if code is None else f"{code.co_filename}:{code.co_firstlineno}"
    headline = f"{controller.__name__}.{handler.__name__} cannot be served: {problem}."
    return InvalidControllerError(
        error_text(headline, {"module": controller.__module__, "file": file, "fix": fix})
    )


def default_reply(error: Exception, request: str) -> Reply:
    """The answer when no filter gives one; `request` is named in the log, without query values.

    HTTP exceptions speak for themselves. A failed condition of a DynamoDB write is 409, throttling 429 or
    503. Everything else is 500, and its stack is logged here, once.
    """
    if isinstance(error, HttpException):
        return json_reply(error.status, error.body())
    if isinstance(error, StarletteHttpException):
        return _starlette_reply(error)
    codes = _aws_error_codes(error)
    if not codes.isdisjoint(_CONDITION_CODES):
        return json_reply(409, _CONDITION_FAILED)
    for code in codes & _BUSY.keys():
        status = _BUSY[code]
        _logger.warn("%s was throttled by AWS: %s", request, code)
        return json_reply(status, {"statusCode": int(status), "message": status.phrase})
    _logger.error("%s failed: %s", request, type(error).__name__, error=error)
    return json_reply(500, {"statusCode": 500, "message": "Internal server error"})


def _starlette_reply(error: StarletteHttpException) -> Reply:
    try:
        headers = [encoded_header(name, value) for name, value in (error.headers or {}).items()]
    except InvalidHeaderException as invalid:
        return json_reply(invalid.status, invalid.body())
    content = {"statusCode": error.status_code, "message": error.detail}
    return json_reply(error.status_code, content, headers)


def _aws_error_codes(error: Exception) -> set[str]:
    """The codes of a botocore ClientError, told by its shape: serving HTTP must not import AWS."""
    response: object = getattr(error, "response", None)
    if not is_object(response):
        return set()
    reasons: object = response.get("CancellationReasons")
    details = [response.get("Error"), *(reasons if _is_list(reasons) else ())]
    return {str(detail.get("Code")) for detail in details if is_object(detail)}


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
