"""`HistoryService`: reads the earlier states of items."""

from __future__ import annotations

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, TableType
from cqrs_nest.commands.key_checks import check_read
from cqrs_nest.commands.keys import VERSION_SEPARATOR, get_tenant_code
from cqrs_nest.commands.models import DataEntity
from cqrs_nest.commands.rows import history_row
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.context import ensure_tenant


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule.register(table_name=...) to the imports of {module}")
@Injectable()
class HistoryService:
    """Reads the history table of one registered table, which holds each state that was replaced.

    Keys must belong to the caller's tenant, as in `DataService`.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService, ttl: TtlService) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._ttl = ttl

    async def get_item(self, *, pk: str, sk: str, allow_cross_tenant: bool = False) -> DataEntity | None:
        """One earlier state; the sort key carries its version, as in `A1@2`."""
        check_read(pk, sk, allow_cross_tenant)
        row = await self._dynamodb.get_item(self._table.history, {"pk": pk, "sk": sk})
        return None if row is None else DataEntity.from_row(row)

    async def list_versions(self, *, pk: str, sk: str, allow_cross_tenant: bool = False) -> list[DataEntity]:
        """Every state of an item in the order of the versions, the current one (the data row) last.

        States that expired, or that were replaced while there was no history, are missing.
        """
        check_read(pk, sk, allow_cross_tenant)
        # In this order: a state that is replaced in between is in the history when that is read.
        current = await self._dynamodb.get_item(self._table.data, {"pk": pk, "sk": sk}, consistent_read=True)
        earlier = await self._earlier(pk, sk)
        versions = {entity.version: entity for entity in earlier}
        if current is not None:
            entity = DataEntity.from_row(current)
            versions[entity.version] = entity
        return [versions[version] for version in sorted(versions)]

    async def publish(self, *, pk: str, sk: str) -> DataEntity | None:
        """Copy the data row to the history, if there is one: one step of the Step Functions pipeline."""
        ensure_tenant(pk)
        existing = await self._dynamodb.get_item(
            self._table.data, {"pk": pk, "sk": sk}, consistent_read=True, attributes="load or keep"
        )
        if existing is None:
            return None
        row = history_row(existing, await self._ttl.calculate_ttl(TableType.HISTORY, get_tenant_code(pk)))
        await self._dynamodb.put_item(self._table.history, row)
        return DataEntity.from_row(row)

    async def _earlier(self, pk: str, sk: str) -> list[DataEntity]:
        prefix = Condition("begins_with(sk, :prefix)", {":prefix": f"{sk}{VERSION_SEPARATOR}"})
        rows = self._dynamodb.query_all(self._table.history, pk, sk=prefix, consistent_read=True)
        return [DataEntity.from_row(row) async for row in rows]
