"""Searching `masters`."""

from __future__ import annotations

from cqrs_nest.read_models import SqlDatabase
from cqrs_nest_master.dto.data_dto import CustomMasterDataSearchDto
from cqrs_nest_master.dto.setting_dto import MasterSettingSearchDto
from cqrs_nest_master.master_search import MasterPage


class SqlMasterSearch:
    """Finds settings and data in the table `masters`; texts are compared in any case."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    async def settings(self, tenant_code: str, dto: MasterSettingSearchDto) -> MasterPage:
        """Settings, the newest first unless the search says another order."""
        from cqrs_nest_master.read_model.master_statements import find_settings

        async with self._database.connect() as connection:
            return await find_settings(connection, tenant_code, dto)

    async def data(self, tenant_code: str, dto: CustomMasterDataSearchDto) -> MasterPage:
        """Data of settings that are not deleted, by `seq` and code unless the search says another order."""
        from cqrs_nest_master.read_model.master_statements import find_data

        async with self._database.connect() as connection:
            return await find_data(connection, tenant_code, dto)
