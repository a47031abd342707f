"""`UserContext`: user, tenant, roles and groups, read from the claims of a verified token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from cqrs_nest.common import UnauthorizedException
from cqrs_nest.context.invoke import Invoke

HEADER_TENANT_CODE = "x-tenant-code"
ROLE_SYSTEM_ADMIN = "system_admin"

CLAIM_TENANT = "custom:tenant"
CLAIM_ROLES = "custom:roles"
CLAIM_GROUPS = "custom:groups"


@dataclass(frozen=True, slots=True)
class UserContext:
    """The caller as an application sees him."""

    user_id: str | None
    tenant_code: str | None
    """In lower case: of the token, or of the header `x-tenant-code` for a token without a tenant."""
    tenant_role: str = ""
    """The first role in the tenant, else the last one that holds everywhere."""
    tenant_roles: tuple[str, ...] = ()
    """Every role that counts in the tenant: its own first, then those that hold everywhere."""
    tenant_group_ids: tuple[str, ...] = ()


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value or ""


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, defer_build=True)
    tenant: Annotated[str, BeforeValidator(_lower)] = ""


class _RoleEntry(_Entry):
    role: str = ""


class _GroupEntry(_Entry):
    groups: tuple[str, ...] = ()


T = TypeVar("T")
_AT_FIRST_USE = ConfigDict(defer_build=True)
_ROLE_ENTRIES = TypeAdapter(list[_RoleEntry], config=_AT_FIRST_USE)
_GROUP_ENTRIES = TypeAdapter(list[_GroupEntry], config=_AT_FIRST_USE)


def get_user_context(invoke: Invoke) -> UserContext:
    """Who calls, and for which tenant.

    Raises UnauthorizedException (401) when a claim of the token is malformed; a malformed
    `custom:groups` means no groups.

    >>> claims = {"sub": "u1", "custom:tenant": "Acme", "custom:roles": '[{"tenant":"","role":"user"}]'}
    >>> event = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    >>> get_user_context(Invoke(event, {})).tenant_role
    'user'
    """
    return invoke.once(_user_of)


def _user_of(invoke: Invoke) -> UserContext:
    claims = invoke.claims
    header = invoke.headers.get(HEADER_TENANT_CODE)
    tenant = (_text(claims, CLAIM_TENANT) or header or "").lower() or None
    roles = invoke.once(_roles_of)
    return UserContext(
        user_id=_text(claims, "sub"),
        tenant_code=tenant,
        tenant_role=_tenant_role(roles, tenant),
        tenant_roles=_tenant_roles(roles, tenant),
        tenant_group_ids=_tenant_groups(claims, tenant),
    )


def roles_everywhere(invoke: Invoke) -> tuple[str, ...]:
    """The roles that a caller has in every tenant: those of entries that name none.

    Raises UnauthorizedException (401) when the claim is malformed.
    """
    return tuple(entry.role for entry in invoke.once(_roles_of) if not entry.tenant)


def _roles_of(invoke: Invoke) -> Sequence[_RoleEntry]:
    return _entries(_ROLE_ENTRIES, invoke.claims, CLAIM_ROLES)


def _tenant_role(roles: Sequence[_RoleEntry], tenant: str | None) -> str:
    role = ""
    for entry in roles:
        if entry.tenant == tenant:
            return entry.role
        if not entry.tenant:
            role = entry.role
    return role


def _tenant_roles(roles: Sequence[_RoleEntry], tenant: str | None) -> tuple[str, ...]:
    if tenant is None:
        return ()
    ordered = [entry.role for owner in (tenant, "") for entry in roles if entry.tenant == owner]
    return tuple(dict.fromkeys(role for role in ordered if role))


def _tenant_groups(claims: Mapping[str, Any], tenant: str | None) -> tuple[str, ...]:
    try:
        memberships = _entries(_GROUP_ENTRIES, claims, CLAIM_GROUPS)
    except UnauthorizedException:
        return ()
    return next((entry.groups for entry in memberships if tenant and entry.tenant == tenant), ())


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None or isinstance(value, str):
        return value
    raise _malformed(name)


def _entries(adapter: TypeAdapter[list[T]], claims: Mapping[str, Any], name: str) -> list[T]:
    """The claim's JSON list; its text is never quoted, as it is the caller's own data."""
    try:
        return adapter.validate_json(_text(claims, name) or "[]")
    except ValidationError:
        raise _malformed(name) from None


def _malformed(claim: str) -> UnauthorizedException:
    return UnauthorizedException(f"The claim {claim} of the token is malformed")
