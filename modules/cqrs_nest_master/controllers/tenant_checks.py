"""What the bulk routes and those by id answer to another tenant's code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from cqrs_nest.commands import DetailKey
from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Invoke, get_user_context, tenant_of


class OfTenant(Protocol):
    """What a body holds for one tenant."""

    @property
    def tenant_code(self) -> str | None:
        """The tenant; None stands for the caller's."""
        ...


def check_tenants(items: Iterable[OfTenant], invoke: Invoke) -> None:
    """Raises BadRequestException for an item of another tenant than the caller's."""
    own = get_user_context(invoke).tenant_code
    for item in items:
        if item.tenant_code is not None and item.tenant_code != own:
            raise BadRequestException(f"Invalid tenant code: {item.tenant_code}")


def check_tenant_of_key(key: DetailKey, invoke: Invoke) -> None:
    """Raises BadRequestException for a key of another tenant than the caller's."""
    if tenant_of(key.pk) != get_user_context(invoke).tenant_code:
        raise BadRequestException("Invalid tenant code")
