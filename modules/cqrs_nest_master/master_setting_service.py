"""`MasterSettingService`: settings of all tenants, of tenants, groups and users."""

from __future__ import annotations

from typing import Any, Unpack

from cqrs_nest.commands import (
    CommandInput,
    CommandModel,
    DataEntity,
    DataService,
    DetailKey,
    generate_id,
    master_pk,
)
from cqrs_nest.common import BadRequestException, Injectable, NotFoundException
from cqrs_nest.context import Caller, Invoke, current_invoke
from cqrs_nest_master.callers_tenant import callers_tenant
from cqrs_nest_master.dto.setting_dto import (
    CommonSettingBulkDto,
    CommonSettingDto,
    GetSettingDto,
    GroupSettingDto,
    MasterSettingEntity,
    MasterSettingSearchDto,
    MasterSettingUpdateDto,
    SettingDto,
    TenantSettingDto,
    UpdateSettingDto,
    UserSettingDto,
)
from cqrs_nest_master.effective_setting import EffectiveSettings
from cqrs_nest_master.master_items import MasterItems
from cqrs_nest_master.master_keys import (
    COMMON_TENANT,
    MASTER_TYPE,
    group_setting_sk,
    setting_key,
    setting_sk,
    user_setting_sk,
)
from cqrs_nest_master.master_search import MasterPage, MasterSearch

MISSING_SETTING = "Setting doesn't exist"
MISSING_MASTER_SETTING = "Master setting not found"


@Injectable()
class MasterSettingService:
    """Settings as items of the master table. Every change is an asynchronous command.

    Keys must belong to the caller's tenant, unless `allow_cross_tenant=True` says that they need not
    (ForbiddenException).
    """

    def __init__(
        self, items: MasterItems, data: DataService, effective: EffectiveSettings, search: MasterSearch
    ) -> None:
        self._items = items
        self._data = data
        self._effective = effective
        self._search = search

    async def get_setting(
        self, dto: GetSettingDto, *, invoke_context: Invoke | None = None
    ) -> MasterSettingEntity:
        """What holds for the caller: see `EffectiveSettings`. Raises BadRequestException for nothing."""
        return await self._effective.of(dto.code, invoke_context)

    async def find_setting(
        self, code: str, *, invoke_context: Invoke | None = None
    ) -> MasterSettingEntity | None:
        """What holds for the caller, or None: for a service that has a value of its own for that."""
        return await self._effective.find(code, invoke_context)

    async def create_common_tenant_setting(
        self, dto: CommonSettingDto, **caller: Unpack[Caller]
    ) -> CommandModel:
        """Create a setting for all tenants. Raises BadRequestException when it is there."""
        return await self._create(COMMON_TENANT, setting_sk(dto.code), dto, **caller)

    async def create_tenant_setting(self, dto: TenantSettingDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create a setting of a tenant. Raises BadRequestException when it is there."""
        return await self._create(dto.tenant_code, setting_sk(dto.code), dto, **caller)

    async def create_group_setting(self, dto: GroupSettingDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create a setting of a group. Raises BadRequestException when it is there, or without a group."""
        if dto.group_id is None:
            raise BadRequestException("groupId must be a string")
        sk = group_setting_sk(dto.group_id, dto.code)
        return await self._create(dto.tenant_code, sk, dto, **caller)

    async def create_user_setting(self, dto: UserSettingDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create a setting of a user, by default the caller. BadRequestException when it is there."""
        invoke = caller.get("invoke_context") or current_invoke.get()
        user_id = dto.user_id or (invoke.user_id if invoke else None)
        if user_id is None:
            raise BadRequestException("userId must be a string")
        sk = user_setting_sk(user_id, dto.code)
        return await self._create(dto.tenant_code, sk, dto, **caller)

    async def create(self, dto: CommonSettingDto, **caller: Unpack[Caller]) -> CommandModel:
        """Create a setting of the tenant that it names, else of the caller's."""
        tenant_code = dto.tenant_code or callers_tenant(**caller)
        return await self._create(tenant_code, setting_sk(dto.code), dto, **caller)

    async def create_bulk(self, dto: CommonSettingBulkDto, **caller: Unpack[Caller]) -> list[CommandModel]:
        """Create all settings, or none when one of them is there (BadRequestException)."""
        items = [
            _setting(each.tenant_code or callers_tenant(**caller), setting_sk(each.code), each)
            for each in dto.items
        ]
        return await self._items.create(items, _exists, **caller)

    async def upsert_setting(
        self, dto: CommonSettingDto | TenantSettingDto, **caller: Unpack[Caller]
    ) -> CommandModel:
        """Create or replace a setting of the tenant that it names, else of the caller's."""
        tenant_code = dto.tenant_code or callers_tenant(**caller)
        item = _setting(tenant_code, setting_sk(dto.code), dto)
        return await self._items.upsert(item, **caller)

    upsert_tenant_setting = upsert_setting

    async def upsert_bulk(self, dto: CommonSettingBulkDto, **caller: Unpack[Caller]) -> list[CommandModel]:
        """Create or replace settings, one after the other."""
        return [await self.upsert_setting(each, **caller) for each in dto.items]

    async def update_setting(
        self, key: DetailKey, dto: UpdateSettingDto, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        """Change name and value; the value is merged. Raises BadRequestException without a setting."""
        changes = _given(name=dto.name, attributes=dto.setting_value)
        return await self._items.change(
            key, BadRequestException(MISSING_SETTING), lambda _: changes, **caller
        )

    async def update(
        self, key: DetailKey, dto: MasterSettingUpdateDto, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        """Change name and attributes, or bring a deleted setting back. Raises NotFoundException."""
        changes = _given(name=dto.name, isDeleted=dto.is_deleted, attributes=dto.attributes)
        missing = NotFoundException(MISSING_MASTER_SETTING)
        return await self._items.change(key, missing, lambda _: changes, **caller)

    async def delete_setting(self, key: DetailKey, **caller: Unpack[Caller]) -> CommandModel | None:
        """Delete a setting softly. Raises BadRequestException without one."""
        return await self._items.change(
            key, BadRequestException(MISSING_SETTING), lambda _: {"isDeleted": True}, **caller
        )

    async def delete(self, key: DetailKey, **caller: Unpack[Caller]) -> CommandModel | None:
        """Delete a setting softly. Raises NotFoundException without one."""
        return await self._items.change(
            key, NotFoundException(MISSING_MASTER_SETTING), lambda _: {"isDeleted": True}, **caller
        )

    async def get_detail(self, key: DetailKey, *, allow_cross_tenant: bool = False) -> DataEntity:
        """A setting, deleted or not. Raises NotFoundException."""
        setting = await self._data.get_item(pk=key.pk, sk=key.sk, allow_cross_tenant=allow_cross_tenant)
        if setting is None:
            raise NotFoundException(MISSING_MASTER_SETTING)
        return setting

    async def check_exist_code(self, code: str, *, invoke_context: Invoke | None = None) -> bool:
        """Whether the caller's tenant has a setting of this code that is not deleted."""
        key = setting_key(callers_tenant(invoke_context=invoke_context), code)
        setting = await self._data.get_item(pk=key.pk, sk=key.sk)
        return setting is not None and not setting.is_deleted

    async def list_by_rds(
        self, dto: MasterSettingSearchDto, *, invoke_context: Invoke | None = None
    ) -> MasterPage:
        """Search the settings of the caller's tenant in SQL."""
        return await self._search.settings(callers_tenant(invoke_context=invoke_context), dto)

    async def _create(
        self, tenant_code: str, sk: str, dto: SettingDto, **caller: Unpack[Caller]
    ) -> CommandModel:
        item = _setting(tenant_code, sk, dto)
        [command] = await self._items.create([item], _exists, **caller)
        return command


def _setting(tenant_code: str, sk: str, dto: SettingDto) -> CommandInput:
    pk = master_pk(tenant_code)
    return CommandInput(
        pk=pk,
        sk=sk,
        id=generate_id(pk, sk),
        code=dto.code,
        name=dto.name,
        tenant_code=tenant_code,
        type=MASTER_TYPE,
        is_deleted=False,
        attributes=dto.setting_value,
    )


def _exists(item: CommandInput) -> str:
    return f"Setting already exists: {item.code}"


def _given(**changes: Any) -> dict[str, Any] | None:
    return {name: value for name, value in changes.items() if value is not None} or None
