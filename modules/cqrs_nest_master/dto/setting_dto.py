"""Settings: what creates, changes and finds them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from cqrs_nest.commands import SearchDto, TenantCode
from cqrs_nest.http import Dto
from cqrs_nest_master.dto.texts import MAX_BULK, Code, Flag


class GetSettingDto(Dto):
    """`:code` of a path."""

    code: Code


class SettingDto(Dto):
    """What every setting says."""

    name: str
    code: Code
    setting_value: dict[str, Any]


class CommonSettingDto(SettingDto):
    """A setting for all tenants, or of the one that `tenantCode` names."""

    tenant_code: TenantCode | None = None


class TenantSettingDto(SettingDto):
    """A setting of one tenant."""

    tenant_code: TenantCode


class GroupSettingDto(TenantSettingDto):
    """A setting of one group; of the tenant, unless `groupId` names the group."""

    group_id: Code | None = None


class UserSettingDto(TenantSettingDto):
    """A setting of one user; of the caller, unless `userId` names another."""

    user_id: Code | None = None


class UpdateSettingDto(Dto):
    """The body of `PATCH /:pk/:sk`: what is not sent stays."""

    name: str | None = None
    code: str | None = None
    tenant_code: str | None = None
    setting_value: dict[str, Any] | None = None


class MasterSettingUpdateDto(Dto):
    """The body of `PUT /:id`: what is not sent stays."""

    name: str | None = None
    is_deleted: Flag | None = None
    attributes: dict[str, Any] | None = None


class CommonSettingBulkDto(Dto):
    """The body of `POST /bulk`."""

    items: Annotated[list[CommonSettingDto], Field(min_length=1, max_length=MAX_BULK)]


class MasterSettingSearchDto(SearchDto):
    """The query string of `GET /list`."""

    name: str | None = None
    code: str | None = None
    is_deleted: Flag | None = None


class MasterSettingEntity(Dto):
    """What holds for a caller, and the id of the setting that says so."""

    id: str
    setting_value: dict[str, Any]
