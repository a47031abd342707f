"""How tenants are keyed: `TENANT#<code>` and `MASTER`."""

from __future__ import annotations

from typing import Final

from cqrs_nest.commands import KEY_SEPARATOR, DetailKey

TENANT_TABLE: Final = "tenant"
TENANT_SK: Final = "MASTER"
COMMON_TENANT: Final = "common"
"""The code of the tenant whose settings hold for all others."""


def tenant_pk(code: str) -> str:
    """The partition of a tenant, or of a group of tenants.

    >>> tenant_pk("acme")
    'TENANT#acme'
    """
    return f"TENANT{KEY_SEPARATOR}{code}"


def tenant_key(code: str) -> DetailKey:
    """The key of a tenant.

    >>> tenant_key("acme")
    DetailKey(pk='TENANT#acme', sk='MASTER')
    """
    return DetailKey(tenant_pk(code), TENANT_SK)
