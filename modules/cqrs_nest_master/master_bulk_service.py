"""`MasterBulkService`: settings and data in one go."""

from __future__ import annotations

from typing import Unpack

from cqrs_nest.commands import CommandModel
from cqrs_nest.common import Injectable
from cqrs_nest.context import Caller
from cqrs_nest_master.dto.bulk_dto import MasterBulkDto, MasterBulkItemDto
from cqrs_nest_master.dto.data_dto import MasterDataCreateBulkDto, MasterDataCreateDto
from cqrs_nest_master.dto.setting_dto import CommonSettingDto
from cqrs_nest_master.master_data_service import MasterDataService
from cqrs_nest_master.master_setting_service import MasterSettingService


@Injectable()
class MasterBulkService:
    """Hands each item to the service it belongs to."""

    def __init__(self, settings: MasterSettingService, data: MasterDataService) -> None:
        self._settings = settings
        self._data = data

    async def upsert(self, dto: MasterBulkDto, **caller: Unpack[Caller]) -> list[CommandModel]:
        """Create or replace all items, one after the other; those that are the same already stay.

        The answers come in the order of the items.
        """
        settings = [_setting(item) for item in dto.items if item.setting_code is None]
        entries = [_entry(item, item.setting_code) for item in dto.items if item.setting_code is not None]
        of_settings = iter([await self._settings.upsert_setting(each, **caller) for each in settings])
        of_data = iter(await self._upsert_data(entries, **caller))
        return [next(of_settings if item.setting_code is None else of_data) for item in dto.items]

    async def _upsert_data(
        self, entries: list[MasterDataCreateDto], **caller: Unpack[Caller]
    ) -> list[CommandModel]:
        if not entries:
            return []
        return await self._data.upsert_bulk(MasterDataCreateBulkDto(items=entries), **caller)


def _setting(item: MasterBulkItemDto) -> CommonSettingDto:
    return CommonSettingDto(
        name=item.name, code=item.code, tenant_code=item.tenant_code, setting_value=item.attributes
    )


def _entry(item: MasterBulkItemDto, setting_code: str) -> MasterDataCreateDto:
    return MasterDataCreateDto(
        tenant_code=item.tenant_code,
        setting_code=setting_code,
        name=item.name,
        code=item.code,
        seq=item.seq,
        attributes=item.attributes,
    )
