"""`RolesGuard`, and the decorators that put it on routes: `@Auth`, `@Roles`, `@HeaderTenant`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from cqrs_nest.common import (
    CanActivate,
    ExecutionContext,
    MetadataKey,
    Reflector,
    SetMetadata,
    UnauthorizedException,
    UseGuards,
    apply_decorators,
)
from cqrs_nest.common.api_documentation import ApiBearerAuth, ApiHeader
from cqrs_nest.config import Environment
from cqrs_nest.context.group_roles import GroupRoles
from cqrs_nest.context.invoke import Invoke, invoke_of
from cqrs_nest.context.tenants import TenantRules, is_header_override
from cqrs_nest.context.user import HEADER_TENANT_CODE, ROLE_SYSTEM_ADMIN, UserContext, get_user_context

TargetT = TypeVar("TargetT", bound=Callable[..., object])

ROLES = MetadataKey[tuple[str, ...]]("roles")
"""The roles of a controller or route; `Reflector` reads them."""


class RolesGuard:
    """Lets a caller pass who has a tenant he may act for and one of the roles asked for.

    Subclass it and override a method to change one rule, then say `@Auth("admin", guard=MyGuard)`. A rule
    widened here widens the route only: `ensure_tenant` keeps to the rules of the environment.
    """

    def __init__(
        self, reflector: Reflector, environment: Environment, group_roles: GroupRoles | None = None
    ) -> None:
        self._reflector = reflector
        self._environment = environment
        self._group_roles = group_roles

    async def can_activate(self, context: ExecutionContext) -> bool:
        """First the tenant, then the role. Raises UnauthorizedException (401) without a good token."""
        if not _invoke(context).claims:
            raise UnauthorizedException()
        return await self.verify_tenant(context) and await self.verify_role(context)

    async def verify_tenant(self, context: ExecutionContext) -> bool:
        """Whether the caller may act for the tenant: the one of his token, or a header he may set."""
        if _user(context).tenant_code is None:
            return False
        return not self.is_header_override(context) or self.can_override_tenant(context)

    async def verify_role(self, context: ExecutionContext) -> bool:
        """Whether the caller has one of the roles; those of the route go before those of the controller.

        No roles means any. `system_admin` may do everything. The roles of his groups are asked for when
        those of his token are not enough.
        """
        asked = self._reflector.get_all_and_override(ROLES, [context.get_handler(), context.get_class()])
        if not asked:
            return True
        wanted = {*asked, ROLE_SYSTEM_ADMIN}
        found = self.get_user_role(context)
        roles = {found} if isinstance(found, str) else set(found)
        return not (wanted.isdisjoint(roles) and wanted.isdisjoint(await self.get_group_roles(context)))

    def get_user_role(self, context: ExecutionContext) -> str | Collection[str]:
        """The caller's role or roles in his tenant."""
        return _user(context).tenant_roles

    async def get_group_roles(self, context: ExecutionContext) -> Collection[str]:
        """The roles that the application's `@GroupRoleResolver` gives the caller's groups."""
        return () if self._group_roles is None else await self._group_roles.of(_invoke(context))

    def is_header_override(self, context: ExecutionContext) -> bool:
        """Whether the tenant comes from the header `x-tenant-code`, as the token names none."""
        return is_header_override(_invoke(context))

    def can_override_tenant(self, context: ExecutionContext) -> bool:
        """Whether the caller may name his tenant by the header."""
        rules = TenantRules.of(self.get_common_tenant_codes(), self.get_cross_tenant_roles())
        return rules.allow_override(_user(context))

    def get_common_tenant_codes(self) -> Collection[str]:
        """Tenants that everybody may name."""
        return self._environment.common_tenant_codes

    def get_cross_tenant_roles(self) -> Collection[str]:
        """Roles whose holders may name any tenant."""
        return self._environment.cross_tenant_roles


def _invoke(context: ExecutionContext) -> Invoke:
    return invoke_of(context.switch_to_http().get_request().scope)


def _user(context: ExecutionContext) -> UserContext:
    return get_user_context(_invoke(context))


def Roles(*roles: str) -> Callable[[TargetT], TargetT]:
    """The roles of which a caller needs one, on a controller or a route. Case counts."""
    return SetMetadata(ROLES, roles)


def Auth(*roles: str, guard: type[CanActivate] = RolesGuard) -> Callable[[TargetT], TargetT]:
    """Only callers with a good token, a tenant and, if roles are named, one of them.

    >>> class TodoController:
    ...     @Auth("admin", "editor")
    ...     async def create(self) -> None: ...
    >>> Reflector().get(ROLES, TodoController.create)
    ('admin', 'editor')
    """
    return apply_decorators(Roles(*roles), UseGuards(guard), ApiBearerAuth())


def HeaderTenant() -> Callable[[TargetT], TargetT]:
    """Show the header `x-tenant-code` in the API's documentation; it changes nothing else."""
    return ApiHeader(HEADER_TENANT_CODE, "The tenant, for callers whose token names none")
