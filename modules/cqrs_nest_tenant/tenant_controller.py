"""The HTTP side of tenants."""

from __future__ import annotations

from typing import Annotated

from cqrs_nest.commands import CommandModel, DataEntity, DetailDto, DetailKey
from cqrs_nest.common import ApiTags, Body, Controller, Delete, Get, Param, Patch, Post
from cqrs_nest.context import ROLE_SYSTEM_ADMIN, Auth, InvokeContext, Roles, caller_of, may_cross_tenants
from cqrs_nest_tenant.dto import (
    CommonTenantCreateDto,
    TenantCreateDto,
    TenantGroupAddDto,
    TenantGroupUpdateDto,
    TenantUpdateDto,
)
from cqrs_nest_tenant.tenant_service import TenantService

Key = Annotated[DetailDto, Param()]


@Auth()
@ApiTags("tenant")
@Controller("api/tenant")
class TenantController:
    """The caller's own tenant, or any for who has one of `CROSS_TENANT_ROLES`."""

    def __init__(self, tenants: TenantService) -> None:
        self._tenants = tenants

    @Get(":pk/:sk")
    async def get_tenant(self, key: Key, invoke: InvokeContext) -> DataEntity | None:
        """A tenant, deleted or not; an empty answer when there is none."""
        return await self._tenants.get_tenant(
            pk=key.pk, sk=key.sk, allow_cross_tenant=may_cross_tenants(invoke)
        )

    @Post("common")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_tenant_common(
        self, invoke: InvokeContext, dto: Annotated[CommonTenantCreateDto, Body()]
    ) -> CommandModel | None:
        """Create the tenant whose settings hold for all others."""
        return await self._tenants.create_common_tenant(dto, **caller_of(invoke))

    @Post()
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_tenant(
        self, invoke: InvokeContext, dto: Annotated[TenantCreateDto, Body()]
    ) -> CommandModel | None:
        """Create a tenant."""
        return await self._tenants.create_tenant(dto, **caller_of(invoke))

    @Patch(":pk/:sk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def update_tenant(
        self, invoke: InvokeContext, key: Key, dto: Annotated[TenantUpdateDto, Body()]
    ) -> CommandModel | None:
        """Change name and attributes; an empty answer when nothing changes."""
        return await self._tenants.update_tenant(DetailKey(key.pk, key.sk), dto, **caller_of(invoke))

    @Delete(":pk/:sk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def delete_tenant(self, invoke: InvokeContext, key: Key) -> CommandModel | None:
        """Delete a tenant; its history stays."""
        return await self._tenants.delete_tenant(DetailKey(key.pk, key.sk), **caller_of(invoke))

    @Post("group")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def add_group(
        self, invoke: InvokeContext, dto: Annotated[TenantGroupAddDto, Body()]
    ) -> CommandModel | None:
        """Give the users of a role the settings of one more group."""
        return await self._tenants.add_tenant_group(dto, **caller_of(invoke))

    @Patch("group")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def customize_setting_groups(
        self, invoke: InvokeContext, dto: Annotated[TenantGroupUpdateDto, Body()]
    ) -> CommandModel | None:
        """Set the groups of a role, the one whose settings count first first."""
        return await self._tenants.customize_setting_groups(dto, **caller_of(invoke))
