"""`TtlConfigurations`: how long the rows of a tenant's tables live, as `TtlService` reads it."""

from __future__ import annotations

from typing import Unpack

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import TableType
from cqrs_nest.commands import CommandModel
from cqrs_nest.common import Injectable
from cqrs_nest.context import Caller
from cqrs_nest_master.dto.data_dto import CreateMasterDataDto
from cqrs_nest_master.master_data_service import MasterDataService

TTL_SETTING = "TTL"


@Injectable()
class TtlConfigurations:
    """Sets the days that rows live: entries of the setting `TTL` whose code is a table's physical name."""

    def __init__(self, data: MasterDataService, dynamodb: DynamoDbService) -> None:
        self._data = data
        self._dynamodb = dynamodb

    async def set_days(
        self, tenant_code: str, table_name: str, type: TableType, days: float | None, **caller: Unpack[Caller]
    ) -> CommandModel:
        """Let the rows of a table (`todo`, as in `register`) that are written from now on live so many days.

        None lets them stay. Readers keep a configuration for a minute. Raises ValueError for 0 days or less.
        """
        if days is not None and days <= 0:
            raise ValueError(f"rows live for more than 0 days, not {days:g}")
        table = self._dynamodb.get_table_name(table_name, type)
        dto = CreateMasterDataDto(
            tenant_code=tenant_code,
            setting_code=TTL_SETTING,
            code=table,
            name=table,
            attributes={"days": days or 0},
        )
        return await self._data.upsert(dto, **caller)
