"""Finding the newest command of an item, whose version stands unpadded in the sort key."""

from __future__ import annotations

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb.service import BATCH_GET_KEYS, Reading
from cqrs_nest.commands.keys import DetailKey, add_sort_key_version
from cqrs_nest.commands.rows import Row, command_of_data
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable

FEW = 10
"""How many versions are read from the one that is applied on: a key that is not there costs as much as one
that is, and more than nine commands wait only where something is wrong."""


@Injectable()
class LatestCommand:
    """Looks for the highest version of an item's commands.

    A Query cannot: `@10` sorts before `@9`. The data row says what has been applied, and one batch reads
    that command and the next nine, or the first hundred where nothing has been applied: two calls, holes
    or not. Only when the last of them is there are more read, a hundred at a time.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._dynamodb = dynamodb

    async def find(self, key: DetailKey, attributes: Reading = "load") -> Row | None:
        """The newest command's row; the applied one is told from the data row when it has expired."""
        data = await self._dynamodb.get_item(
            self._table.data, key.row(), consistent_read=True, attributes="keep"
        )
        if data is None or "version" not in data:
            newest = await self._search(key, 1, BATCH_GET_KEYS)
        else:
            newest = await self._search(key, data["version"], FEW)
            if newest is None:
                loaded = await self._dynamodb.load_attributes(self._table.data, data, attributes)
                return command_of_data(loaded)
        return newest and await self._dynamodb.load_attributes(self._table.command, newest, attributes)

    async def _search(self, key: DetailKey, start: int, count: int) -> Row | None:
        """The highest command from a version on, as it is stored."""
        newest: Row | None = None
        while rows := await self._read(key, start, count):
            newest = max(rows, key=lambda row: int(row["version"]))
            if newest["version"] < start + count - 1:
                break
            start, count = start + count, BATCH_GET_KEYS
        return newest

    async def _read(self, key: DetailKey, start: int, count: int) -> list[Row]:
        keys = [
            {"pk": key.pk, "sk": add_sort_key_version(key.sk, version)}
            for version in range(start, start + count)
        ]
        return await self._dynamodb.batch_get_items(
            self._table.command, keys, consistent_read=True, attributes="keep"
        )
