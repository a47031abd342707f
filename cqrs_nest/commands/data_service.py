"""`DataService`: reads the current state of items."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, Order, is_condition_failure
from cqrs_nest.commands.consistency import TIMEOUT_SECONDS, Awaited, AwaitedProjections, ProjectionWaiter
from cqrs_nest.commands.item_versions import ItemVersions
from cqrs_nest.commands.key_checks import check_read
from cqrs_nest.commands.keys import DetailKey, remove_sort_key_version
from cqrs_nest.commands.models import DataEntity, DataList
from cqrs_nest.commands.rows import data_row
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import BadRequestException, Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.context import ensure_tenant

DEFAULT_PAGE_SIZE = 10
MAX_READS = 20
"""How often one page is read on past deleted items; it may then be short, with the way to go on."""
NOT_DELETED = Condition("attribute_not_exists(isDeleted) OR isDeleted <> :deleted", {":deleted": True})


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule.register(table_name=...) to the imports of {module}")
@Injectable()
class DataService:
    """Reads the data table of one registered table.

    Every key must belong to the caller's tenant, unless `allow_cross_tenant=True` says that it need not;
    otherwise ForbiddenException is raised.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService, waiter: ProjectionWaiter) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._versions = ItemVersions(table, dynamodb)
        self._waiter = waiter

    @property
    def table_name(self) -> str:
        """The table as it was registered."""
        return self._table.name

    async def get_item(
        self,
        *,
        pk: str,
        sk: str,
        at_version: int | None = None,
        at_time: datetime | None = None,
        consistent_read: bool = False,
        allow_cross_tenant: bool = False,
    ) -> DataEntity | None:
        """The current state of an item, deleted or not; None when there is none.

        `at_version` or `at_time` gives the state that it had then, as far as history and commands have not
        expired. Raises ValueError for both at once, and for a time without a zone.
        """
        check_read(pk, sk, allow_cross_tenant)
        if at_version is not None and at_time is not None:
            raise ValueError("An item is asked for at a version or at a time, not at both")
        if at_version is not None:
            return await self._versions.at_version(pk, sk, at_version)
        if at_time is not None:
            return await self._versions.at_time(pk, sk, at_time)
        row = await self._dynamodb.get_item(self._table.data, {"pk": pk, "sk": sk}, consistent_read)
        return None if row is None else DataEntity.from_row(row)

    async def wait_for(
        self,
        key: DetailKey,
        version: int,
        *,
        projections: AwaitedProjections | None = None,
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109 - raises an answer of its own
        allow_cross_tenant: bool = False,
    ) -> None:
        """Return when a version of an item is applied, so that a query after it sees that version.

        `projections` names the data sync handlers that count (None: all of the table); `timeout` is in
        seconds. Raises NotAppliedException when it is over, ValueError for a handler that is none.

            await data_service.wait_for(DetailKey(pk, sk), version, projections=[TodoProjection])
        """
        check_read(key.pk, key.sk, allow_cross_tenant)
        await self._waiter.wait(key, version, Awaited(self._waiter.names(projections), timeout))

    async def list_items_by_pk(
        self,
        pk: str,
        *,
        sk: Condition | None = None,
        limit: int = DEFAULT_PAGE_SIZE,
        start_from_sk: str | None = None,
        order: Order = "asc",
        include_deleted: bool = True,
        allow_cross_tenant: bool = False,
    ) -> DataList:
        """A page of a partition, by sort key. Raises BadRequestException when `limit` is below 1.

        `include_deleted=False` leaves deleted items out and reads on until the page is full.

        `sk` narrows it, such as `Condition("begins_with(sk, :prefix)", {":prefix": "A"})`; the next page
        starts from the `last_sk` of this one.
        """
        check_read(pk, start_from_sk, allow_cross_tenant)
        if limit < 1:
            raise BadRequestException(f"A page of {limit} items was asked for; limit must be 1 or more")
        items: list[DataEntity] = []
        for _ in range(MAX_READS):
            page = await self._dynamodb.query(
                self._table.data,
                pk,
                sk=sk,
                start_from_sk=start_from_sk,
                limit=limit - len(items),
                order=order,
                filter=None if include_deleted else NOT_DELETED,
            )
            items += [DataEntity.from_row(row) for row in page.items]
            start_from_sk = page.last_key["sk"] if page.last_key else None
            if start_from_sk is None or len(items) >= limit or include_deleted:
                break
        return DataList(items, start_from_sk)

    async def iterate_items_by_pk(
        self,
        pk: str,
        *,
        sk: Condition | None = None,
        order: Order = "asc",
        allow_cross_tenant: bool = False,
    ) -> AsyncIterator[DataEntity]:
        """Every item of a partition, read page by page as it is consumed."""
        check_read(pk, None, allow_cross_tenant)
        async for row in self._dynamodb.query_all(self._table.data, pk, sk=sk, order=order):
            yield DataEntity.from_row(row)

    async def publish(self, command: Mapping[str, Any]) -> DataEntity:
        """Write the data row of a command row, unless a newer one is there: a step of the state machine.

        Gives the data row as it is afterwards.
        """
        ensure_tenant(command["pk"])
        key = {"pk": command["pk"], "sk": remove_sort_key_version(command["sk"])}
        existing = await self._dynamodb.get_item(
            self._table.data, key, consistent_read=True, attributes="load or keep"
        )
        row = data_row(command, existing, csk=command["sk"])
        try:
            await self._dynamodb.put_item(self._table.data, row, _not_newer_than(row["version"]))
        except Exception as error:
            if not is_condition_failure(error):
                raise
            newer = await self._dynamodb.get_item(self._table.data, key, consistent_read=True)
            return DataEntity.from_row(newer or row)
        return DataEntity.from_row(row)


def _not_newer_than(version: int) -> Condition:
    return Condition("attribute_not_exists(version) OR version <= :version", {":version": version})
