"""Tenant isolation in the data layer: a caller's keys are those of his tenant."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from cqrs_nest.common import ForbiddenException, Logger
from cqrs_nest.context.invoke import Invoke, current_invoke
from cqrs_nest.context.user import CLAIM_TENANT, UserContext, get_user_context

_audit = Logger("Audit")


@dataclass(frozen=True, slots=True)
class TenantRules:
    """Who may name a tenant by the header `x-tenant-code`: everybody these, these roles any."""

    common_tenants: frozenset[str] = frozenset({"common"})
    cross_tenant_roles: frozenset[str] = frozenset({"system_admin"})

    @classmethod
    def of(cls, common_tenants: Iterable[str], cross_tenant_roles: Iterable[str]) -> TenantRules:
        """Tenants in any case, as callers' codes are compared in lower case; roles as they are."""
        return cls(frozenset(code.lower() for code in common_tenants), frozenset(cross_tenant_roles))

    def allow_override(self, user: UserContext) -> bool:
        """Whether a caller may act for the tenant that the header names."""
        return user.tenant_code in self.common_tenants or user.tenant_role in self.cross_tenant_roles


current_tenant_rules: ContextVar[TenantRules] = ContextVar("current_tenant_rules", default=TenantRules())  # noqa: B039
"""The rules of the service that handles the request."""


def tenant_of(pk: str) -> str | None:
    """The tenant a partition key belongs to: what follows its last `#`.

    >>> tenant_of("TODO#acme"), tenant_of("TODO")
    ('acme', None)
    """
    _, separator, tenant = pk.rpartition("#")
    return tenant if separator else None


def is_header_override(invoke: Invoke) -> bool:
    """Whether the tenant is the caller's wish (the header), as his token names none."""
    return not invoke.claims.get(CLAIM_TENANT)


def ensure_tenant(pk: str, allow_cross_tenant: bool = False, *, reading: bool = False) -> None:
    """Refuse a partition key of another tenant than the caller's, whatever route he came by.

    Without a current Invoke the system itself acts, and every key is allowed. A caller has the tenant of
    his token, or the one of the header where the rules let him name it. Case does not matter, as codes
    of callers are in lower case while stored keys may not be. Common tenants' keys may be read
    (`reading=True`), not written, by every caller who has a tenant. A key without a tenant is refused.

    Raises ForbiddenException (403), and writes an audit line that names the caller but not the key.
    """
    invoke = current_invoke.get()
    if invoke is None or allow_cross_tenant:
        return
    user = get_user_context(invoke)
    allowed = _tenants(invoke, user, current_tenant_rules.get(), reading)
    if (tenant_of(pk) or "").lower() not in allowed:
        _audit.warn(
            "refused a key of another tenant: user %r of tenant %r, request %r",
            user.user_id,
            user.tenant_code,
            invoke.request_id,
        )
        raise ForbiddenException("The key belongs to another tenant")


def _tenants(invoke: Invoke, user: UserContext, rules: TenantRules, reading: bool) -> Iterable[str]:
    if not invoke.claims or user.tenant_code is None:
        return ()
    if is_header_override(invoke) and not rules.allow_override(user):
        return ()
    return {user.tenant_code, *rules.common_tenants} if reading else {user.tenant_code}
