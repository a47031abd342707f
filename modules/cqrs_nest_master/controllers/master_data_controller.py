from __future__ import annotations

from typing import Annotated

from cqrs_nest.commands import CommandModel, DataEntity, DetailDto, DetailKey, DetailKeys
from cqrs_nest.common import ApiTags, Body, Controller, Delete, Get, Param, Post, Put, Query
from cqrs_nest.context import ROLE_SYSTEM_ADMIN, Auth, InvokeContext, Roles, caller_of, may_cross_tenants
from cqrs_nest_master.controllers.tenant_checks import check_tenant_of_key, check_tenants
from cqrs_nest_master.dto.data_dto import (
    CreateMasterDataDto,
    CustomMasterDataSearchDto,
    MasterDataCreateBulkDto,
    MasterDataCreateDto,
    MasterDataListEntity,
    MasterDataSearchDto,
    MasterDataUpdateDto,
)
from cqrs_nest_master.dto.texts import Code
from cqrs_nest_master.master_data_service import MasterDataService
from cqrs_nest_master.master_search import MasterPage

Key = Annotated[DetailDto, Param()]


@Auth()
@ApiTags("master-data")
@Controller("api/master-data")
class MasterDataController:
    """Data of settings: of the caller's tenant, or of any for who has one of `CROSS_TENANT_ROLES`."""

    def __init__(self, data: MasterDataService) -> None:
        self._data = data

    @Get()
    async def list_data(
        self, search: Annotated[MasterDataSearchDto, Query()], invoke: InvokeContext
    ) -> MasterDataListEntity:
        """A page of the entries of a setting, of the common tenant unless another is named."""
        return await self._data.list_by_setting_code(search, allow_cross_tenant=may_cross_tenants(invoke))

    @Get("list")
    async def search(
        self, search: Annotated[CustomMasterDataSearchDto, Query()], invoke: InvokeContext
    ) -> MasterPage:
        """Search the data of the caller's tenant."""
        return await self._data.list_by_rds(search, invoke_context=invoke)

    @Get("detail/:id")
    async def get_detail_by_id(self, key: DetailKeys, invoke: InvokeContext) -> DataEntity:
        """An entry by its id, deleted or not."""
        return await self._data.get_detail(key, allow_cross_tenant=may_cross_tenants(invoke))

    @Get(":pk/:sk")
    async def get_detail(self, key: Key, invoke: InvokeContext) -> DataEntity | None:
        """An entry, deleted or not; an empty answer when there is none."""
        return await self._data.get(DetailKey(key.pk, key.sk), allow_cross_tenant=may_cross_tenants(invoke))

    @Post()
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_data_setting(
        self, invoke: InvokeContext, dto: Annotated[CreateMasterDataDto, Body()]
    ) -> CommandModel:
        """Create an entry of which everything is said."""
        return await self._data.create(dto, **caller_of(invoke))

    @Post("create")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create(
        self, invoke: InvokeContext, dto: Annotated[MasterDataCreateDto, Body()]
    ) -> CommandModel:
        """Create an entry of the caller's tenant; code and `seq` are found where they are not sent."""
        check_tenants([dto], invoke)
        return await self._data.create_setting(dto, invoke_context=invoke)

    @Post("bulk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def create_bulk(
        self, invoke: InvokeContext, dto: Annotated[MasterDataCreateBulkDto, Body()]
    ) -> list[CommandModel]:
        """Create up to 100 entries of the caller's tenant: all of them or, when one is there, none."""
        check_tenants(dto.items, invoke)
        return await self._data.create_bulk(dto, invoke_context=invoke)

    @Put(":pk/:sk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def update_data_setting(
        self, invoke: InvokeContext, key: Key, dto: Annotated[MasterDataUpdateDto, Body()]
    ) -> CommandModel | None:
        """Change an entry, or bring a deleted one back; an empty answer when nothing changes."""
        return await self._data.update(DetailKey(key.pk, key.sk), dto, **caller_of(invoke))

    @Put(":id")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def update(
        self, invoke: InvokeContext, key: DetailKeys, dto: Annotated[MasterDataUpdateDto, Body()]
    ) -> CommandModel | None:
        """The same by id, in the caller's tenant."""
        check_tenant_of_key(key, invoke)
        return await self._data.update(key, dto, invoke_context=invoke)

    @Delete(":pk/:sk")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def delete_data_setting(self, invoke: InvokeContext, key: Key) -> CommandModel | None:
        """Delete an entry; its history stays."""
        return await self._data.delete(DetailKey(key.pk, key.sk), **caller_of(invoke))

    @Delete(":id")
    @Roles(ROLE_SYSTEM_ADMIN)
    async def delete(self, invoke: InvokeContext, key: DetailKeys) -> CommandModel | None:
        """The same by id, in the caller's tenant."""
        check_tenant_of_key(key, invoke)
        return await self._data.delete(key, invoke_context=invoke)

    @Post("check-exist/:settingCode/:code")
    async def check_exist_code(
        self,
        invoke: InvokeContext,
        setting_code: Annotated[Code, Param("settingCode")],
        code: Annotated[Code, Param("code")],
    ) -> bool:
        """Whether the caller's tenant has such an entry."""
        return await self._data.check_exist_code(setting_code, code, invoke_context=invoke)
