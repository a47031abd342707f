"""How todos are keyed: `TODO#<tenant>` and a ULID."""

from cqrs_nest.common import ForbiddenException
from cqrs_nest.context import Invoke, get_user_context

TODO_TYPE = "TODO"
TODO_TABLE = "todo"


def tenant_of(invoke: Invoke) -> str:
    """The caller's tenant. Raises ForbiddenException for a caller without one."""
    tenant_code = get_user_context(invoke).tenant_code
    if tenant_code is None:
        raise ForbiddenException("The token names no tenant")
    return tenant_code


def todo_pk(tenant_code: str) -> str:
    """The partition of a tenant's todos.

    >>> todo_pk("acme")
    'TODO#acme'
    """
    return f"{TODO_TYPE}#{tenant_code}"
