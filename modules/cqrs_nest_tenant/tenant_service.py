"""`TenantService`: creates, changes and reads tenants."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from cqrs_nest.commands import (
    CommandInput,
    CommandModel,
    CommandService,
    DataEntity,
    DataService,
    DetailKey,
    generate_id,
)
from cqrs_nest.common import BadRequestException, Injectable
from cqrs_nest.context import Caller
from cqrs_nest_tenant.dto import (
    CommonTenantCreateDto,
    TenantCreateDto,
    TenantGroupAddDto,
    TenantGroupUpdateDto,
    TenantUpdateDto,
)
from cqrs_nest_tenant.role_groups import RoleGroups, with_customized_groups, with_group
from cqrs_nest_tenant.tenant_keys import COMMON_TENANT, tenant_key, tenant_pk

GROUP_TYPE = "TENANT"


@Injectable()
class TenantService:
    """Tenants as items of the table `tenant`; every change is an asynchronous command.

    A change is made to the newest version, applied or not, and made anew when somebody else was faster.
    It gives None when it changes nothing. Keys must belong to the caller's tenant, unless
    `allow_cross_tenant=True` says that they need not (ForbiddenException): for who administrates others.
    """

    def __init__(self, commands: CommandService, data: DataService) -> None:
        self._commands = commands
        self._data = data

    async def get_tenant(self, *, pk: str, sk: str, allow_cross_tenant: bool = False) -> DataEntity | None:
        """A tenant, deleted or not; None when there is none."""
        return await self._data.get_item(pk=pk, sk=sk, allow_cross_tenant=allow_cross_tenant)

    async def create_common_tenant(
        self, dto: CommonTenantCreateDto, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        """Create the tenant whose settings hold for all. Raises BadRequestException when it is there."""
        key, code = tenant_key(COMMON_TENANT), COMMON_TENANT
        tenant = _tenant(key, dto, tenant_code=code, type=code)
        return await self._create(tenant, f"Tenant already exists: {code}", **caller)

    async def create_tenant(self, dto: TenantCreateDto, **caller: Unpack[Caller]) -> CommandModel | None:
        """Create a tenant, or anew one that was deleted. Raises BadRequestException when it is there."""
        tenant = _tenant(tenant_key(dto.code), dto, tenant_code=dto.code, type=dto.code, is_deleted=False)
        return await self._create(tenant, f"Tenant already exists: {dto.code}", **caller)

    async def create_tenant_group(
        self, group_code: str, dto: TenantCreateDto, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        """Put a tenant into a group of tenants: the row `TENANT#<group>` / `<tenant's code>`."""
        key = DetailKey(tenant_pk(group_code), dto.code)
        tenant = _tenant(key, dto, tenant_code=group_code, type=GROUP_TYPE, is_deleted=False)
        return await self._create(tenant, f"Tenant already exists: {GROUP_TYPE} - sk: {key.sk}", **caller)

    async def update_tenant(
        self, key: DetailKey, dto: TenantUpdateDto, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        """Change name and attributes; attributes are merged. Raises BadRequestException without a tenant."""
        changes = {
            name: value
            for name, value in (("name", dto.name), ("attributes", dto.attributes))
            if value is not None
        }
        return await self._change(
            key, f"Tenant not found for update: {_json(key)}", lambda tenant: changes or None, **caller
        )

    async def delete_tenant(self, key: DetailKey, **caller: Unpack[Caller]) -> CommandModel | None:
        """Delete a tenant softly. Raises BadRequestException without a tenant."""
        return await self._change(
            key, f"Tenant not found for delete: {_json(key)}", lambda tenant: {"isDeleted": True}, **caller
        )

    async def add_tenant_group(self, dto: TenantGroupAddDto, **caller: Unpack[Caller]) -> CommandModel | None:
        """Give the users of a role the settings of one more group."""

        def add(tenant: CommandModel) -> Mapping[str, Any]:
            return _setting(with_group(_entries(tenant), dto.role, dto.group_id))

        return await self._change(tenant_key(dto.tenant_code), "Tenant not found", add, **caller)

    async def customize_setting_groups(
        self, dto: TenantGroupUpdateDto, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        """Set the groups of a role, in order. Raises BadRequestException for a role without groups."""

        def customize(tenant: CommandModel) -> Mapping[str, Any]:
            entries = with_customized_groups(_entries(tenant), dto.role, dto.setting_groups)
            if entries is None:
                raise BadRequestException(
                    f"The role {dto.role} has no groups yet: add one with POST /api/tenant/group"
                )
            return _setting(entries)

        missing = f"Tenant not found for key: {json.dumps(dto.tenant_code, ensure_ascii=False)}"
        return await self._change(tenant_key(dto.tenant_code), missing, customize, **caller)

    async def _create(
        self, tenant: CommandInput, exists: str, **caller: Unpack[Caller]
    ) -> CommandModel | None:
        newest = await self._commands.get_latest_item(
            pk=tenant.pk, sk=tenant.sk, allow_cross_tenant=caller.get("allow_cross_tenant", False)
        )
        if newest is not None and not newest.is_deleted:
            raise BadRequestException(exists)
        if newest is not None:
            tenant.version = newest.version
        return await self._commands.publish_async(tenant, **caller)

    async def _change(
        self,
        key: DetailKey,
        missing: str,
        change: Callable[[CommandModel], Mapping[str, Any] | None],
        **caller: Unpack[Caller],
    ) -> CommandModel | None:
        def change_present(tenant: CommandModel | None) -> Mapping[str, Any] | None:
            if tenant is None or tenant.is_deleted:
                raise BadRequestException(missing)
            return change(tenant)

        return await self._commands.update(key, change_present, **caller)


def _tenant(key: DetailKey, dto: CommonTenantCreateDto, **fields: Any) -> CommandInput:
    if dto.attributes is not None:
        fields["attributes"] = dto.attributes
    return CommandInput(
        pk=key.pk, sk=key.sk, id=generate_id(*key), code=key.sk, name=dto.name, version=0, **fields
    )


def _entries(tenant: CommandModel) -> Sequence[RoleGroups]:
    entries: Sequence[RoleGroups] = tenant.attributes.get("setting") or []
    return entries


def _setting(entries: Sequence[RoleGroups]) -> Mapping[str, Any]:
    return {"attributes": {"setting": list(entries)}}


def _json(key: DetailKey) -> str:
    return json.dumps(key.row(), separators=(",", ":"), ensure_ascii=False)
