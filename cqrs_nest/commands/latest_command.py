"""Finding the newest command of an item, whose version stands unpadded in the sort key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb.service import BATCH_GET_KEYS
from cqrs_nest.commands.keys import DetailKey, add_sort_key_version
from cqrs_nest.commands.rows import Row, command_of_data
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable


@Injectable()
class LatestCommand:
    """Looks for the highest version of an item's commands.

    A Query cannot: `@10` sorts before `@9`. The data row says what has been applied, and one batch reads
    that command and the next 99, so two calls do, holes or not, unless more than 99 wait.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._dynamodb = dynamodb

    async def find(self, key: DetailKey) -> Row | None:
        """The newest command's row; the applied one is told from the data row when it has expired."""
        data = await self._dynamodb.get_item(self._table.data, key.row(), consistent_read=True)
        newest = command_of_data(data) if data and "version" in data else None
        start = newest["version"] if newest else 1
        while True:
            found = await self._read(key, start)
            if not found:
                return newest
            newest = max(found, key=_version)
            if _version(newest) < start + BATCH_GET_KEYS - 1:
                return newest
            start += BATCH_GET_KEYS

    async def _read(self, key: DetailKey, start: int) -> list[Row]:
        keys = [
            {"pk": key.pk, "sk": add_sort_key_version(key.sk, version)}
            for version in range(start, start + BATCH_GET_KEYS)
        ]
        return await self._dynamodb.batch_get_items(self._table.command, keys, consistent_read=True)


def _version(row: Mapping[str, Any]) -> int:
    version: int = row["version"]
    return version
