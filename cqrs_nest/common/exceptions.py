"""Exceptions that become HTTP answers with the body `{message, error, statusCode}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, TypeAlias

JsonBody: TypeAlias = Mapping[str, Any]


class HttpException(Exception):
    """An answer other than success.

    `response` is the text, or the whole body as a mapping.

    >>> HttpException("no tea", 418).body()
    {'statusCode': 418, 'message': 'no tea'}
    """

    def __init__(self, response: str | JsonBody, status: int) -> None:
        super().__init__(response if isinstance(response, str) else response.get("message", response))
        self.response = response
        self.status = int(status)

    def body(self) -> JsonBody:
        """The JSON body of the answer."""
        if isinstance(self.response, str):
            return {"statusCode": self.status, "message": self.response}
        return self.response


class _StatusException(HttpException):
    """A built-in exception: its class says the status and the reason."""

    code: ClassVar[HTTPStatus]
    reason: ClassVar[str]

    def __init__(
        self, message: str | Sequence[str] | JsonBody | None = None, description: str | None = None
    ) -> None:
        if isinstance(message, Mapping):
            response: JsonBody = message
        elif message is None:
            response = {"message": self.reason, "statusCode": int(self.code)}
        else:
            text = message if isinstance(message, str) else list(message)
            response = {"message": text, "error": description or self.reason, "statusCode": int(self.code)}
        super().__init__(response, self.code)


class BadRequestException(_StatusException):
    """400. The request cannot be understood.

    >>> BadRequestException("name is missing").body()
    {'message': 'name is missing', 'error': 'Bad Request', 'statusCode': 400}
    """

    code, reason = HTTPStatus.BAD_REQUEST, "Bad Request"


class UnauthorizedException(_StatusException):
    """401. Nobody, or nobody known, is asking."""

    code, reason = HTTPStatus.UNAUTHORIZED, "Unauthorized"


class ForbiddenException(_StatusException):
    """403. The caller may not do this."""

    code, reason = HTTPStatus.FORBIDDEN, "Forbidden"


class NotFoundException(_StatusException):
    """404. There is no such thing."""

    code, reason = HTTPStatus.NOT_FOUND, "Not Found"


class MethodNotAllowedException(_StatusException):
    """405. The thing cannot be used like this."""

    code, reason = HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed"


class NotAcceptableException(_StatusException):
    """406. No form of the answer suits the caller."""

    code, reason = HTTPStatus.NOT_ACCEPTABLE, "Not Acceptable"


class RequestTimeoutException(_StatusException):
    """408. The request took too long to arrive."""

    code, reason = HTTPStatus.REQUEST_TIMEOUT, "Request Timeout"


class ConflictException(_StatusException):
    """409. Somebody else changed it first, or it exists already."""

    code, reason = HTTPStatus.CONFLICT, "Conflict"


class GoneException(_StatusException):
    """410. It was here once."""

    code, reason = HTTPStatus.GONE, "Gone"


class PreconditionFailedException(_StatusException):
    """412. A condition of the request does not hold."""

    code, reason = HTTPStatus.PRECONDITION_FAILED, "Precondition Failed"


class PayloadTooLargeException(_StatusException):
    """413. The body is over the limit."""

    code, reason = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Payload Too Large"


class UnsupportedMediaTypeException(_StatusException):
    """415. The body is of a kind that is not read."""

    code, reason = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"


class ImATeapotException(_StatusException):
    """418."""

    code, reason = HTTPStatus.IM_A_TEAPOT, "I'm a teapot"


class MisdirectedException(_StatusException):
    """421. The request reached the wrong server."""

    code, reason = HTTPStatus.MISDIRECTED_REQUEST, "Misdirected"


class UnprocessableEntityException(_StatusException):
    """422. Understood, but it makes no sense."""

    code, reason = HTTPStatus.UNPROCESSABLE_ENTITY, "Unprocessable Entity"


class TooManyRequestsException(_StatusException):
    """429. The caller asks too often."""

    code, reason = HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests"


class InternalServerErrorException(_StatusException):
    """500. The fault is on this side."""

    code, reason = HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error"


class NotImplementedException(_StatusException):
    """501. The server cannot do this."""

    code, reason = HTTPStatus.NOT_IMPLEMENTED, "Not Implemented"


class BadGatewayException(_StatusException):
    """502. Another server gave a wrong answer."""

    code, reason = HTTPStatus.BAD_GATEWAY, "Bad Gateway"


class ServiceUnavailableException(_StatusException):
    """503. Not now."""

    code, reason = HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable"


class GatewayTimeoutException(_StatusException):
    """504. Another server did not answer in time."""

    code, reason = HTTPStatus.GATEWAY_TIMEOUT, "Gateway Timeout"


class HttpVersionNotSupportedException(_StatusException):
    """505. The protocol version is not spoken."""

    code, reason = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP Version Not Supported"
