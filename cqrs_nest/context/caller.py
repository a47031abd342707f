"""`Caller`: whom a service acts for, as the keywords of its methods."""

from __future__ import annotations

from typing import TypedDict

from cqrs_nest.context.invoke import Invoke
from cqrs_nest.context.tenants import may_cross_tenants


class Caller(TypedDict, total=False):
    """The keywords `invoke_context` and `allow_cross_tenant`, for methods that hand them on as they are.

    >>> from typing import Unpack
    >>> class Shops:
    ...     async def close(self, tenant_code: str, **caller: Unpack[Caller]) -> None: ...
    """

    invoke_context: Invoke | None
    """Who asks; the caller of the request being handled, unless it is given."""
    allow_cross_tenant: bool
    """Whether keys may be another tenant's."""


def caller_of(invoke: Invoke) -> Caller:
    """The keywords for a caller, who reaches every tenant if `may_cross_tenants` says so.

    >>> caller_of(Invoke({}, {}))["allow_cross_tenant"]
    False
    """
    return {"invoke_context": invoke, "allow_cross_tenant": may_cross_tenants(invoke)}
