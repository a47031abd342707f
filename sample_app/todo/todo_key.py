"""How todos are keyed: `TODO#<tenant>` and a ULID."""

from cqrs_nest.commands import TenantKey

TODO_TABLE = "todo"


class TodoKey(TenantKey, type="TODO"):
    """The key of a todo.

    >>> from cqrs_nest.context import Tenant
    >>> TodoKey(Tenant("acme"), "01J9Z3K7Q8V5W2X4Y6Z8A0B2C4").pk
    'TODO#acme'
    """
