"""`Invoke`: the event a request came in with, in the shape API Gateway gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, TypeAlias, TypeGuard, TypeVar

from cqrs_nest.common import ExecutionContext, HttpException, UnauthorizedException, create_param_decorator

T = TypeVar("T")

INVOKE = "cqrs_nest.invoke"
IDENTITY_ERROR = "cqrs_nest.identity_error"
"""Keys of the ASGI scope: the Invoke, and why the caller's token was refused, if it was."""


@dataclass(frozen=True)
class Invoke:
    """Who asks, from where, in which request: an HTTP API (or REST API) event and its Lambda context.

    >>> claims = {"sub": "u1", "custom:tenant": "acme"}
    >>> authorizer = {"authorizer": {"jwt": {"claims": claims}}}
    >>> Invoke({"requestContext": authorizer}, {"awsRequestId": "r1"}).user_id
    'u1'
    """

    event: Mapping[str, Any]
    context: Mapping[str, Any]

    @cached_property
    def claims(self) -> Mapping[str, Any]:
        """What the verified token says; empty for a caller without one."""
        authorizer = _mapping(self._request_context, "authorizer")
        return _mapping(authorizer, "jwt", "claims") or _mapping(authorizer, "claims")

    @property
    def user_id(self) -> str | None:
        """The claim `sub`."""
        return self.claims.get("sub")

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The request's headers with names in lower case."""
        return {name.lower(): value for name, value in _mapping(self.event, "headers").items()}

    @property
    def source_ip(self) -> str | None:
        """The caller's address."""
        request = self._request_context
        return _mapping(request, "http").get("sourceIp") or _mapping(request, "identity").get("sourceIp")

    @property
    def request_id(self) -> str | None:
        """The name of this request in logs and rows."""
        return self.context.get("awsRequestId") or self._request_context.get("requestId")

    @property
    def _request_context(self) -> Mapping[str, Any]:
        return _mapping(self.event, "requestContext")

    def once(self, make: Callable[[Invoke], T]) -> T:
        """What `make` finds out of this invocation: it is asked once, as an invocation does not change."""
        known: T | None = self.__dict__.get(make.__qualname__)
        return self.__dict__.setdefault(make.__qualname__, make(self)) if known is None else known

    def __repr__(self) -> str:
        # The event holds headers and claims, which are nobody's business in a log.
        return f"Invoke(user_id={self.user_id!r}, request_id={self.request_id!r})"


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether the value is a JSON object."""
    return isinstance(value, Mapping)


def _mapping(source: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The object at the path, empty where there is none."""
    for name in path:
        found = source.get(name)
        source = found if is_mapping(found) else {}
    return source


ANONYMOUS = Invoke({}, {})

current_invoke: ContextVar[Invoke | None] = ContextVar("current_invoke", default=None)
"""The Invoke of the HTTP request being handled; None for work that no caller asked for."""


def was_refused(scope: MutableMapping[str, Any]) -> bool:
    """Whether the request came with a token that is not to be believed."""
    return isinstance(scope.get(IDENTITY_ERROR), UnauthorizedException)


def invoke_of(scope: MutableMapping[str, Any]) -> Invoke:
    """The Invoke of a request, by its ASGI scope; anonymous where nothing authenticates.

    Raises the exception that refused the caller's token.
    """
    refused = scope.get(IDENTITY_ERROR)
    if isinstance(refused, HttpException):
        raise copy(refused)
    invoke = scope.get(INVOKE)
    return invoke if isinstance(invoke, Invoke) else ANONYMOUS


def _invoke_parameter(data: None, context: ExecutionContext) -> Invoke:
    return invoke_of(context.switch_to_http().get_request().scope)


InvokeContext: TypeAlias = Annotated[Invoke, create_param_decorator(_invoke_parameter)()]
"""Declares a handler's parameter: `context: InvokeContext`. A bad token answers 401."""
