"""`DetailKeys`: the key of an item from the `:id` of a path."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from cqrs_nest.commands.keys import KEY_SEPARATOR, DetailKey
from cqrs_nest.common import BadRequestException, ExecutionContext, create_param_decorator

_BAD_ID = 'Invalid ID format. Expected ID to contain valid PK and SK components separated by "#".'


def parse_detail_key(id: str) -> DetailKey:
    """The key in an id of the form `<TYPE>#<tenant>#<sk>`; the sort key may have parts of its own.

    Raises BadRequestException (400) for any other text.

    >>> parse_detail_key("TODO#acme#A#1")
    DetailKey(pk='TODO#acme', sk='A#1')
    """
    if not id.strip():
        raise BadRequestException("ID must be a non-empty string.")
    kind, _, rest = id.partition(KEY_SEPARATOR)
    tenant, _, sk = rest.partition(KEY_SEPARATOR)
    if not (kind and tenant and sk):
        raise BadRequestException(_BAD_ID)
    return DetailKey(f"{kind}{KEY_SEPARATOR}{tenant}", sk)


def _key_of_path(data: str | None, context: ExecutionContext) -> DetailKey:
    parameters = context.switch_to_http().get_request().path_params
    return parse_detail_key(parameters.get(data or "id", ""))


DetailKeys: TypeAlias = Annotated[DetailKey, create_param_decorator(_key_of_path)()]
"""Declares a handler's parameter, `key: DetailKeys`, on a route with `:id`; a bad id answers 400."""
