"""The life of one request: the request object and what was built for it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from cqrs_nest.common.tokens import REQUEST


class RequestScope:
    """One request, or one execution of a handler, and the instances that belong to it alone.

    >>> RequestScope("the request").request
    'the request'
    """

    __slots__ = ("instances",)

    def __init__(self, request: Any = None) -> None:
        self.instances: dict[Any, Any] = {REQUEST: request}
        """By binding; the request itself under the `REQUEST` token."""

    @property
    def request(self) -> Any:
        """What the `REQUEST` token gives."""
        return self.instances[REQUEST]


current_request_scope: ContextVar[RequestScope | None] = ContextVar("current_request_scope", default=None)
"""The scope of the request being answered, None outside of one."""
