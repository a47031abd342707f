"""The tenant that a caller acts for."""

from __future__ import annotations

from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Invoke, Tenant, current_invoke


def callers_tenant(invoke_context: Invoke | None) -> str:
    """The tenant of the caller that is named, or of the request being handled.

    Raises BadRequestException where there is no caller: the tenant must then be said.
    """
    invoke = invoke_context or current_invoke.get()
    if invoke is None:
        raise BadRequestException("tenantCode must be a string")
    return Tenant.of(invoke)
