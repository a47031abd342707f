"""Exception filters: the nearest level that has a match answers, the default answer comes last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from cqrs_nest.common import ArgumentsHost
from cqrs_nest.common.execution import CATCHES
from cqrs_nest.common.metadata import find_metadata
from cqrs_nest.http.enhancers import FILTER, AsyncMethod, Enhancer, bind, class_of
from cqrs_nest.http.errors import default_reply
from cqrs_nest.http.headers import as_header_error, check_headers


class _BoundFilter(NamedTuple):
    name: str
    exceptions: tuple[type[BaseException], ...]
    catch: AsyncMethod


class ExceptionHandler:
    """Answers for exceptions with the filters of several levels, the nearest level first."""

    def __init__(self, levels: Sequence[Sequence[Enhancer]]) -> None:
        # Of two that match on one level, the one listed last answers.
        self._filters = [_bind(each) for level in levels for each in reversed(level)]

    async def __call__(self, error: Exception, host: ArgumentsHost) -> ASGIApp:
        """The answer; an exception that a filter raises gets the default answer."""
        request = host.switch_to_http().get_request()
        error = as_header_error(error)
        for candidate in self._filters:
            if not candidate.exceptions or isinstance(error, candidate.exceptions):
                try:
                    return _checked(candidate, await candidate.catch(error, host))
                except Exception as raised:  # noqa: BLE001 (whatever a filter raises is answered here)
                    return default_reply(as_header_error(raised), describe_request(request))
        return default_reply(error, describe_request(request))


def describe_request(request: Request) -> str:
    """Method and path, without the query: its values may be secret."""
    return f"{request.method} {request.scope['path']!r}"


def _bind(enhancer: Enhancer) -> _BoundFilter:
    cls = class_of(enhancer)
    return _BoundFilter(cls.__name__, find_metadata(cls, CATCHES, ()), bind(enhancer, FILTER.method))


def _checked(candidate: _BoundFilter, response: object) -> Response:
    if isinstance(response, Response):
        check_headers(response.raw_headers)
        return response
    raise TypeError(
        f"{candidate.name}.catch returned {type(response).__name__}; it must return a Starlette Response, "
        f'such as JSONResponse({{"message": ...}}, 400)'
    )
