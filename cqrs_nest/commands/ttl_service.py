"""`TtlService`: how long rows live, by the configuration of the tenant and the table."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from cqrs_nest.aws import DynamoDbService, error_code
from cqrs_nest.aws.dynamodb import TableType
from cqrs_nest.commands.keys import master_pk, ttl_sk
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable, Logger
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.core.expiring_map import ExpiringMap

CACHE_SECONDS = 60
SECONDS_A_DAY = 86_400
MAX_CACHED = 10_000


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule.register(table_name=...) to the imports of {module}")
@Injectable()
class TtlService:
    """Reads TTL configurations: `attributes.days` of `MASTER#<tenant>` / `TTL#<table>` in `master-data`.

    A configuration is kept for 60 seconds, for each tenant and table.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._logger = Logger("TtlService")
        self._cache = ExpiringMap[tuple[TableType, str | None], tuple[float | None]](MAX_CACHED)

    async def calculate_ttl(
        self, type: TableType, tenant: str | None = None, start: datetime | None = None
    ) -> int | None:
        """When a row written at `start` (now) expires, in Unix seconds; None without a configuration.

        Raises ValueError for a configuration of less than one day.
        """
        days = await self.get_ttl_configuration(type, tenant)
        if not days:
            return None
        if days < 0:
            table = self._table.physical_name(type)
            raise ValueError(f"{master_pk(tenant)} / {ttl_sk(table)}: number of days must be greater than 0")
        return int((start or datetime.now(UTC)).timestamp()) + int(days * SECONDS_A_DAY)

    async def get_ttl_configuration(self, type: TableType, tenant: str | None = None) -> float | None:
        """The days a row of one of the tables lives; None when nothing is configured or it cannot be read."""
        # Wall-clock time: the monotonic clock stands still while a Lambda is frozen.
        now = time.time()
        if known := self._cache.get((type, tenant), now):
            return known[0]
        days, is_certain = await self._read(type, tenant)
        if is_certain:
            self._cache.put((type, tenant), (days,), until=now + CACHE_SECONDS, now=now)
        return days

    async def _read(self, type: TableType, tenant: str | None) -> tuple[float | None, bool]:
        """The days, and whether DynamoDB said so: a failed read must not hide a configuration for long."""
        from botocore.exceptions import BotoCoreError, ClientError

        table = self._dynamodb.get_table_name("master", TableType.DATA)
        key = {"pk": master_pk(tenant), "sk": ttl_sk(self._table.physical_name(type))}
        try:
            item = await self._dynamodb.get_item(table, key)
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "ResourceNotFoundException":
                return None, True
            self._logger.error("TTL configuration %s / %s not read", key["pk"], key["sk"], error=error)
            return None, False
        return (_days(item.get("attributes")) if item else None), True


def _days(attributes: Any) -> float | None:
    try:
        return float(attributes["days"])
    except (KeyError, TypeError, ValueError):
        return None
