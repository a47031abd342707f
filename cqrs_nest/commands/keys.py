"""The rules of keys: `<TYPE>#<tenant>` for partitions, `<sort key>@<version>` for versions."""

from __future__ import annotations

from typing import Final, NamedTuple

from cqrs_nest.context import tenant_of

KEY_SEPARATOR: Final = "#"
VERSION_SEPARATOR: Final = "@"
VERSION_FIRST: Final = 0
"""The version to publish with when the item is new."""
VERSION_LATEST: Final = -1
"""The version to publish with when whatever is there may be overwritten."""
DEFAULT_TENANT_CODE: Final = "single"


class DetailKey(NamedTuple):
    """Partition and sort key of one item; a command's sort key carries its version.

    >>> DetailKey("TODO#acme", "A1").row()
    {'pk': 'TODO#acme', 'sk': 'A1'}
    """

    pk: str
    sk: str

    def row(self) -> dict[str, str]:
        """The key as DynamoDB takes it."""
        return {"pk": self.pk, "sk": self.sk}


CommandKey = DetailKey
"""The key of a command."""


def generate_id(pk: str, sk: str) -> str:
    """The id of an item: partition key and sort key without version.

    >>> generate_id("TODO#acme", "A1@3")
    'TODO#acme#A1'
    """
    return f"{pk}{KEY_SEPARATOR}{remove_sort_key_version(sk)}"


def add_sort_key_version(sk: str, version: int) -> str:
    """The sort key of one version; a version that is there already is replaced.

    >>> add_sort_key_version("A1@1", 3)
    'A1@3'
    """
    return f"{remove_sort_key_version(sk)}{VERSION_SEPARATOR}{version}"


def get_sort_key_version(sk: str) -> int:
    """The version in a sort key, or -1 when it has none.

    >>> get_sort_key_version("A1@3"), get_sort_key_version("A1")
    (3, -1)
    """
    _, separator, version = sk.rpartition(VERSION_SEPARATOR)
    return int(version) if separator and version.isdecimal() else VERSION_LATEST


def remove_sort_key_version(sk: str) -> str:
    """The sort key without its version.

    >>> remove_sort_key_version("A1@3"), remove_sort_key_version("A1")
    ('A1', 'A1')
    """
    base, separator, _ = sk.rpartition(VERSION_SEPARATOR)
    return base if separator else sk


def sort_key_from_id(pk: str, id: str) -> str | None:
    """The sort key of an id in a known partition; None when it belongs to another one.

    >>> sort_key_from_id("T#x", "T#x#A#1")
    'A#1'
    """
    prefix = pk + KEY_SEPARATOR
    return id.removeprefix(prefix) if id.startswith(prefix) else None


get_tenant_code = tenant_of
"""The tenant of a partition key, by the rule that the tenant checks go by."""


def get_message_tenant_code(pk: str) -> str:
    """The tenant that messages name: what follows the first `#`, or the whole key without one.

    It differs from `get_tenant_code` only for keys of more than two parts, and subscribers rely on it.

    >>> get_message_tenant_code("TODO#acme#x"), get_message_tenant_code("TODO")
    ('acme#x', 'TODO')
    """
    head, separator, tenant = pk.partition(KEY_SEPARATOR)
    return tenant if separator else head


def master_pk(tenant: str | None = None) -> str:
    """The partition of a tenant's master data.

    >>> master_pk("acme"), master_pk()
    ('MASTER#acme', 'MASTER#single')
    """
    return f"MASTER{KEY_SEPARATOR}{tenant or DEFAULT_TENANT_CODE}"


def ttl_sk(table: str) -> str:
    """The sort key of the TTL configuration of a physical table.

    >>> ttl_sk("dev-order-todo-data")
    'TTL#dev-order-todo-data'
    """
    return f"TTL{KEY_SEPARATOR}{table}"


def get_command_source(module: str, controller: str, method: str) -> str:
    """Where a command came from, as rows and messages name it.

    >>> get_command_source("todo", "TodoController", "create")
    '[todo]:TodoController.create'
    """
    return f"[{module}]:{controller}.{method}"
