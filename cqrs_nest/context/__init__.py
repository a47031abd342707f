"""Who asks: the invocation, the user and his tenant, and what lets him pass."""

from cqrs_nest.context.authentication import AuthenticationMiddleware
from cqrs_nest.context.caller import Caller, caller_of
from cqrs_nest.context.errors import InvalidTokenError, KeysUnavailableError
from cqrs_nest.context.group_roles import (
    GroupMembership,
    GroupRoleResolver,
    GroupRoleResolverError,
    IGroupRoleResolver,
)
from cqrs_nest.context.invoke import Invoke, InvokeContext, current_invoke
from cqrs_nest.context.jwt import JwtVerifier
from cqrs_nest.context.module import ContextModule
from cqrs_nest.context.roles_guard import ROLES, Auth, HeaderTenant, Roles, RolesGuard
from cqrs_nest.context.system import SystemInvoke, current_caller, system_context
from cqrs_nest.context.tenant import Tenant
from cqrs_nest.context.tenants import ensure_system, ensure_tenant, may_cross_tenants, tenant_of
from cqrs_nest.context.user import HEADER_TENANT_CODE, ROLE_SYSTEM_ADMIN, UserContext, get_user_context

__all__ = [
    "HEADER_TENANT_CODE",
    "ROLES",
    "ROLE_SYSTEM_ADMIN",
    "Auth",
    "AuthenticationMiddleware",
    "Caller",
    "ContextModule",
    "GroupMembership",
    "GroupRoleResolver",
    "GroupRoleResolverError",
    "HeaderTenant",
    "IGroupRoleResolver",
    "InvalidTokenError",
    "Invoke",
    "InvokeContext",
    "JwtVerifier",
    "KeysUnavailableError",
    "Roles",
    "RolesGuard",
    "SystemInvoke",
    "Tenant",
    "UserContext",
    "caller_of",
    "current_caller",
    "current_invoke",
    "ensure_system",
    "ensure_tenant",
    "get_user_context",
    "may_cross_tenants",
    "system_context",
    "tenant_of",
]
