"""What is asked of `masters`. Imports SQLAlchemy, so it is itself imported with the first search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands import SearchDto, master_pk
from cqrs_nest.read_models import search
from cqrs_nest_master.dto.data_dto import CustomMasterDataSearchDto
from cqrs_nest_master.dto.setting_dto import MasterSettingSearchDto
from cqrs_nest_master.master_keys import DATA_TYPE, SETTING_PREFIX
from cqrs_nest_master.master_search import MasterPage, MasterRow
from cqrs_nest_master.read_model.masters_table import masters

_ORDERABLE: Final[Mapping[str, ColumnElement[Any]]] = {
    "id": masters.c.id,
    "pk": masters.c.pk,
    "sk": masters.c.sk,
    "masterTypeCode": masters.c.master_type_code,
    "masterCode": masters.c.master_code,
    "seq": masters.c.seq,
    "code": masters.c.code,
    "name": masters.c.name,
    "version": masters.c.version,
    "isDeleted": masters.c.is_deleted,
    "createdAt": masters.c.created_at,
    "createdBy": masters.c.created_by,
    "updatedAt": masters.c.updated_at,
    "updatedBy": masters.c.updated_by,
}
_DATA_ORDER: Final = ("seq", "masterCode")
_SETTING_ORDER: Final = ("-createdAt",)


async def find_settings(
    connection: AsyncConnection, tenant_code: str, dto: MasterSettingSearchDto
) -> MasterPage:
    """One page of settings."""
    filters = _filters(tenant_code, SETTING_PREFIX, dto, dto.code, dto.is_deleted)
    if name := _text(dto.name):
        filters.append(masters.c.name.icontains(name, autoescape=True))
    described = masters.c.attributes["description"].as_string()
    return await _page(connection, dto, filters, [described], _SETTING_ORDER)


async def find_data(
    connection: AsyncConnection, tenant_code: str, dto: CustomMasterDataSearchDto
) -> MasterPage:
    """One page of data of settings that are not deleted."""
    filters = _filters(tenant_code, DATA_TYPE, dto, dto.code, dto.is_deleted)
    if setting_code := _text(dto.setting_code):
        filters.append(masters.c.master_type_code == setting_code)
    setting = masters.alias("settings")
    deleted_settings = select(setting.c.master_code).where(
        setting.c.pk == master_pk(tenant_code),
        setting.c.master_type == SETTING_PREFIX,
        setting.c.is_deleted.is_(True),
    )
    filters.append(masters.c.master_type_code.not_in(deleted_settings))
    return await _page(connection, dto, filters, [masters.c.name], _DATA_ORDER)


async def _page(
    connection: AsyncConnection,
    dto: SearchDto,
    filters: Sequence[ColumnElement[bool]],
    keyword_columns: Sequence[ColumnElement[str]],
    order: Sequence[str],
) -> MasterPage:
    found = await search(
        connection,
        masters,
        filters=filters,
        keyword=_text(dto.keyword),
        keyword_columns=keyword_columns,
        order_by=",".join(dto.order_bys or order),
        orderable=_ORDERABLE,
        page=dto.page,
        page_size=dto.page_size,
    )
    return MasterPage(total=found.total, items=[MasterRow.model_validate(row) for row in found.items])


def _filters(
    tenant_code: str, master_type: str, dto: SearchDto, code: str | None, is_deleted: bool | None
) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = [
        masters.c.pk == master_pk(tenant_code),
        masters.c.master_type == master_type,
    ]
    if not is_deleted:
        filters.append(masters.c.is_deleted.is_(False))
    if code := _text(code):
        filters.append(masters.c.master_code.icontains(code, autoescape=True))
    if dto.id:
        filters.append(masters.c.id == dto.id)
    if dto.sk:
        filters.append(masters.c.sk == dto.sk)
    if dto.pk:
        filters.append(masters.c.pk == dto.pk)
    return filters


def _text(text: str | None) -> str | None:
    return (text or "").strip() or None
