"""The tenant that a caller acts for."""

from __future__ import annotations

from typing import Unpack

from cqrs_nest.common import BadRequestException
from cqrs_nest.context import Caller, Tenant, current_invoke


def callers_tenant(**caller: Unpack[Caller]) -> str:
    """The tenant of the caller that is named, or of the request being handled.

    Raises BadRequestException where there is no caller: the tenant must then be said.
    """
    invoke = caller.get("invoke_context") or current_invoke.get()
    if invoke is None:
        raise BadRequestException("tenantCode must be a string")
    return Tenant.of(invoke)
