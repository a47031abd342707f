"""Tenant isolation in the data layer: a caller's keys are those of his tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from cqrs_nest.common import ForbiddenException, Logger
from cqrs_nest.context.invoke import Invoke
from cqrs_nest.context.system import current_caller
from cqrs_nest.context.user import CLAIM_TENANT, UserContext, get_user_context, roles_everywhere

_audit = Logger("Audit")


@dataclass(frozen=True, slots=True)
class TenantRules:
    """Who may name a tenant by the header `x-tenant-code`: everybody these, these roles any."""

    common_tenants: frozenset[str] = frozenset({"common"})
    cross_tenant_roles: frozenset[str] = frozenset({"system_admin"})

    @classmethod
    def of(cls, common_tenants: Iterable[str], cross_tenant_roles: Iterable[str]) -> TenantRules:
        """Tenants in any case, as callers' codes are compared in lower case; roles as they are."""
        rules = cls(frozenset(code.lower() for code in common_tenants), frozenset(cross_tenant_roles))
        return DEFAULT_RULES if rules == DEFAULT_RULES else rules

    def allow_override(self, user: UserContext) -> bool:
        """Whether a caller may act for the tenant that the header names."""
        return user.tenant_code in self.common_tenants or user.tenant_role in self.cross_tenant_roles


DEFAULT_RULES = TenantRules()

current_tenant_rules: ContextVar[TenantRules] = ContextVar("current_tenant_rules", default=DEFAULT_RULES)
"""The rules of the service that handles the request."""


def tenant_of(pk: str) -> str | None:
    """The tenant a partition key belongs to: what follows its last `#`.

    >>> tenant_of("TODO#acme"), tenant_of("TODO")
    ('acme', None)
    """
    _, separator, tenant = pk.rpartition("#")
    return tenant if separator else None


def _owner(pk: str) -> str | None:
    """The tenant of a key of the form `<TYPE>#<tenant>`, in lower case; None for a key of another form.

    A key of more parts has the tenant in two places, by the rule of rows and by that of messages: it is
    nobody's.
    """
    parts = pk.split("#")
    return parts[1].lower() if len(parts) == 2 else None


def is_header_override(invoke: Invoke) -> bool:
    """Whether the tenant is the caller's wish (the header), as his token names none."""
    return not invoke.claims.get(CLAIM_TENANT)


def ensure_tenant(
    pk: str, allow_cross_tenant: bool = False, *, reading: bool = False, invoke: Invoke | None = None
) -> None:
    """Refuse a partition key of another tenant than the caller's, whatever route he came by.

    The caller is that of the request being handled, and the one that `invoke` names besides: both must
    be allowed. Without either the system itself acts, and every key is allowed. A caller has the tenant of
    his token, or the one of the header where the rules let him name it. Case does not matter, as codes
    of callers are in lower case while stored keys may not be. Common tenants' keys may be read
    (`reading=True`) by every caller who has a tenant; to name one by the header gives no right to write them.
    A key of another form than `<TYPE>#<tenant>` is refused.

    Raises ForbiddenException (403), and writes an audit line that names the caller but not the key.
    """
    if allow_cross_tenant:
        return
    tenant = _owner(pk)
    for caller in callers(invoke):
        if tenant not in _tenants(caller, reading):
            raise refusal(caller, "a key of another tenant", "The key belongs to another tenant")


def ensure_system(what: str) -> None:
    """Refuse a caller what concerns every tenant: `what` it is, for the audit line and the answer.

    Raises ForbiddenException (403) within a request, unless a `system_context` is around.
    """
    caller = current_caller()
    if caller is not None:
        raise refusal(caller, what, f"{what} concerns every tenant's data and is not for a request")


def callers(invoke: Invoke | None) -> Collection[Invoke]:
    """Those whose rights count: the caller of the request, and the one that the code has named.

    An Invoke that code has made without a tenant says who is written down, and gives or takes no rights.
    """
    found = [] if (caller := current_caller()) is None else [caller]
    if invoke is not None and invoke is not caller and not is_header_override(invoke):
        found.append(invoke)
    return found


def refusal(caller: Invoke, what: str, answer: str) -> ForbiddenException:
    """The exception that refuses a caller; the audit line is written."""
    user = get_user_context(caller)
    _audit.warn(
        "refused %s: user %r of tenant %r, request %r",
        what,
        user.user_id,
        user.tenant_code,
        caller.request_id,
    )
    return ForbiddenException(answer)


def may_cross_tenants(invoke: Invoke) -> bool:
    """Whether a caller has one of `CROSS_TENANT_ROLES` everywhere; to have it in a tenant is not enough.

    It grants nothing by itself: it is what code may base its `allow_cross_tenant` on.
    """
    return not current_tenant_rules.get().cross_tenant_roles.isdisjoint(roles_everywhere(invoke))


def acting_tenant(invoke: Invoke) -> str | None:
    """The tenant that a caller acts for, in lower case; None for one who has none or may not name it."""
    user = get_user_context(invoke)
    if not invoke.claims or (
        is_header_override(invoke) and not current_tenant_rules.get().allow_override(user)
    ):
        return None
    return user.tenant_code


def own_tenant(invoke: Invoke) -> str | None:
    """The tenant whose rows a caller may write, in lower case; None for one who is its guest at most.

    Everybody may name a common tenant by the header. That makes him its reader, not its owner.
    """
    tenant, rules = acting_tenant(invoke), current_tenant_rules.get()
    is_guest = (
        is_header_override(invoke) and get_user_context(invoke).tenant_role not in rules.cross_tenant_roles
    )
    return None if is_guest else tenant


def _tenants(caller: Invoke, reading: bool) -> Collection[str]:
    tenant = acting_tenant(caller) if reading else own_tenant(caller)
    if tenant is None:
        return ()
    return {tenant, *current_tenant_rules.get().common_tenants} if reading else {tenant}
