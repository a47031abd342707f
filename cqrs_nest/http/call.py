"""One request on its way through a route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from cqrs_nest.common import BadRequestException, ExecutionContext
from cqrs_nest.http.forms import Form
from cqrs_nest.http.json import is_object
from cqrs_nest.http.router import PathValue

QueryValues = dict[str, str | list[str]]


class Call(ExecutionContext):
    """The context that guards and interceptors get, with what the route has read so far."""

    __slots__ = ("_fields", "_query", "body", "params")

    def __init__(
        self,
        request: Request,
        controller: type[Any],
        handler: Callable[..., Any],
        status: int,
        params: dict[str, PathValue],
    ) -> None:
        super().__init__(request, controller, handler, status)
        self.params = params
        self.body: bytes | Form | None = None
        """The bytes of a JSON body, or a form, once the route has read it."""
        self._fields: Mapping[str, Any] | None = None
        self._query: QueryValues | None = None

    def changed_response(self) -> Response | None:
        """The response that somebody asked for, perhaps to change it."""
        return self._response

    def body_fields(self) -> Mapping[str, Any]:
        """The properties of the body; none if there is no body or it is an array."""
        if self._fields is None:
            body = self.body.fields if isinstance(self.body, Form) else parse_json(self.body or b"{}")
            self._fields = body if is_object(body) else {}
        return self._fields

    def query(self) -> QueryValues:
        """The query string; a key that is repeated holds a list."""
        if self._query is None:
            self._query = parse_query(self.request.scope["query_string"])
        return self._query


def parse_json(body: bytes) -> Any:
    """The value. Raises BadRequestException where it is malformed or nested too deeply."""
    try:
        return from_json(body)
    except ValueError as error:
        raise BadRequestException(f"Invalid JSON: {error}") from None


def parse_query(query_string: bytes) -> QueryValues:
    """The values by key, in lists where a key is repeated.

    >>> parse_query(b"page=2&tag=a&tag=b&q=")
    {'page': '2', 'tag': ['a', 'b'], 'q': ''}
    """
    values: QueryValues = {}
    for key, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        known = values.get(key)
        if known is None:
            values[key] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            values[key] = [known, value]
    return values
