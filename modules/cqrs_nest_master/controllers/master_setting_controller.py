from __future__ import annotations

from typing import Annotated

from cqrs_nest.commands import CommandModel, DataEntity, DetailDto, DetailKey, DetailKeys
from cqrs_nest.common import ApiTags, Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query
from cqrs_nest.context import ROLE_SYSTEM_ADMIN, Auth, InvokeContext, Roles, caller_of, may_cross_tenants
from cqrs_nest_master.controllers.tenant_checks import check_tenant_of_key, check_tenants
from cqrs_nest_master.dto.setting_dto import (
    CommonSettingBulkDto,
    CommonSettingDto,
    GetSettingDto,
    GroupSettingDto,
    MasterSettingEntity,
    MasterSettingSearchDto,
    MasterSettingUpdateDto,
    TenantSettingDto,
    UpdateSettingDto,
    UserSettingDto,
)
from cqrs_nest_master.master_search import MasterPage
from cqrs_nest_master.master_setting_service import MasterSettingService

Key = Annotated[DetailDto, Param()]


@Auth()
@ApiTags("master-settings")
@Controller("api/master-setting")
class MasterSettingController:
    """Settings: of the caller's tenant, or of any for who has one of `CROSS_TENANT_ROLES`."""

    def __init__(self, settings: MasterSettingService) -> None:
        self._settings = settings

    @Get("list")
    async def list_settings(
        self, search: Annotated[MasterSettingSearchDto, Query()], invoke: InvokeContext
    ) -> MasterPage:
        """Search the settings of the caller's tenant."""
        return await self._settings.list_by_rds(search, invoke_context=invoke)

    @Get(":code")
    async def get_setting(
        self, dto: Annotated[GetSettingDto, Param()], invoke: InvokeContext
    ) -> MasterSettingEntity:
        """What holds for the caller: his own setting, his groups', his tenant's or the common one."""
        return await self._settings.get_setting(dto, invoke_context=invoke)

    @Post("common")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_common_tenant_setting(
        self, invoke: InvokeContext, dto: Annotated[CommonSettingDto, Body()]
    ) -> CommandModel:
        """Create a setting for all tenants."""
        return await self._settings.create_common_tenant_setting(dto, **caller_of(invoke))

    @Post("tenant")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_tenant_setting(
        self, invoke: InvokeContext, dto: Annotated[TenantSettingDto, Body()]
    ) -> CommandModel:
        """Create a setting of a tenant."""
        return await self._settings.create_tenant_setting(dto, **caller_of(invoke))

    @Post("group")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_group_setting(
        self, invoke: InvokeContext, dto: Annotated[GroupSettingDto, Body()]
    ) -> CommandModel:
        """Create a setting of a group."""
        return await self._settings.create_group_setting(dto, **caller_of(invoke))

    @Post("user")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_user_setting(
        self, invoke: InvokeContext, dto: Annotated[UserSettingDto, Body()]
    ) -> CommandModel:
        """Create a setting of a user; of the caller, unless it names another."""
        return await self._settings.create_user_setting(dto, **caller_of(invoke))

    @Patch(":pk/:sk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def update_setting(
        self, key: Key, dto: Annotated[UpdateSettingDto, Body()], invoke: InvokeContext
    ) -> CommandModel | None:
        """Change name and value; an empty answer when nothing changes."""
        return await self._settings.update_setting(DetailKey(key.pk, key.sk), dto, **caller_of(invoke))

    @Delete(":pk/:sk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def delete_setting(self, key: Key, invoke: InvokeContext) -> CommandModel | None:
        """Delete a setting; its history stays."""
        return await self._settings.delete_setting(DetailKey(key.pk, key.sk), **caller_of(invoke))

    @Get("detail/:id")
    async def get_detail(self, key: DetailKeys, invoke: InvokeContext) -> DataEntity:
        """A setting by its id, deleted or not."""
        return await self._settings.get_detail(key, allow_cross_tenant=may_cross_tenants(invoke))

    @Post()
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create(self, dto: Annotated[CommonSettingDto, Body()], invoke: InvokeContext) -> CommandModel:
        """Create a setting of the caller's tenant."""
        check_tenants([dto], invoke)
        return await self._settings.create(dto, invoke_context=invoke)

    @Post("bulk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_bulk(
        self, dto: Annotated[CommonSettingBulkDto, Body()], invoke: InvokeContext
    ) -> list[CommandModel]:
        """Create up to 100 settings of the caller's tenant: all of them or, when one is there, none."""
        check_tenants(dto.items, invoke)
        return await self._settings.create_bulk(dto, invoke_context=invoke)

    @Put(":id")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def update(
        self, key: DetailKeys, dto: Annotated[MasterSettingUpdateDto, Body()], invoke: InvokeContext
    ) -> CommandModel | None:
        """Change name and value by id, or bring a deleted setting back."""
        check_tenant_of_key(key, invoke)
        return await self._settings.update(key, dto, invoke_context=invoke)

    @Delete(":id")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def delete(self, key: DetailKeys, invoke: InvokeContext) -> CommandModel | None:
        """Delete a setting by id; its history stays."""
        check_tenant_of_key(key, invoke)
        return await self._settings.delete(key, invoke_context=invoke)

    @Post("check-exist/:code")
    @HttpCode(201)
    async def check_exist_code(self, dto: Annotated[GetSettingDto, Param()], invoke: InvokeContext) -> bool:
        """Whether the caller's tenant has such a setting."""
        return await self._settings.check_exist_code(dto.code, invoke_context=invoke)
