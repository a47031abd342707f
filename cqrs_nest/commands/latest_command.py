"""Finding the newest command of an item, whose version stands unpadded in the sort key."""

from __future__ import annotations

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.aws.dynamodb.attribute_values import serialize_item
from cqrs_nest.aws.dynamodb.item_size import item_size
from cqrs_nest.aws.dynamodb.service import BATCH_GET_KEYS, Reading
from cqrs_nest.commands.keys import (
    VERSION_SEPARATOR,
    DetailKey,
    remove_sort_key_version,
)
from cqrs_nest.commands.rows import Row, command_of_data
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable

WINDOW = BATCH_GET_KEYS
"""How many versions are looked for at once."""
LONGEST_GAP = 10
"""How many versions may be missing where one window ends."""
READ_UNIT = 4096
"""The bytes of one unit of read capacity; a key that is not there costs a unit as well."""


@Injectable()
class LatestCommand:
    """Looks for the highest version of an item's commands: two calls, whatever waits and whatever is missing.

    The data row says from which version on to look. The last command of a Query is not the newest, as `@10`
    sorts before `@9`, but a Query can read all sort keys among which the next hundred versions are. Older
    versions lie there too, ten of them or, where the number of digits changes, all. When these are too many
    or too large, the hundred versions are asked for by their keys. Another call follows where a hundred wait.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._dynamodb = dynamodb

    async def find(self, key: DetailKey, attributes: Reading = "load") -> Row | None:
        """The newest command's row; the applied one is told from the data row when it has expired."""
        data = await self._dynamodb.get_item(
            self._table.data, key.row(), consistent_read=True, attributes="keep"
        )
        applied: int = (data or {}).get("version") or 0
        newest = await self._newest(key, applied, item_size(serialize_item(data or {})))
        if newest is not None:
            return await self._dynamodb.load_attributes(self._table.command, newest, attributes)
        if data is None or not applied:
            return None
        return command_of_data(await self._dynamodb.load_attributes(self._table.data, data, attributes))

    async def _newest(self, key: DetailKey, start: int, size: int) -> Row | None:
        """The command with the highest version from one on, as it is stored."""
        newest: Row | None = None
        while True:
            versions = [str(version) for version in range(start, start + WINDOW)]
            first, last = min(versions), max(versions)
            older = start if len(first) != len(last) or start < WINDOW else WINDOW // 9
            is_cheap = older * size <= WINDOW * READ_UNIT
            rows = await (self._between(key, first, last, start) if is_cheap else self._each(key, versions))
            if not rows:
                return newest
            newest = max(rows, key=lambda row: int(row["version"]))
            found: int = newest["version"]
            if (is_cheap and start < WINDOW) or found < start + WINDOW - LONGEST_GAP:
                return newest
            start = found + 1

    async def _between(self, key: DetailKey, first: str, last: str, start: int) -> list[Row]:
        """The commands of the item among some sort keys whose version is not below `start`."""
        # `:` follows on the digits, so that versions count in that begin like the last one.
        span = {":first": _sk(key, first), ":last": f"{_sk(key, last)}:"}
        rows = self._dynamodb.query_all(
            self._table.command,
            key.pk,
            sk=Condition("sk BETWEEN :first AND :last", span),
            filter=Condition("version >= :start", {":start": start}),
            consistent_read=True,
            attributes="keep",
        )
        # Another service may have sort keys with an `@`: the commands of `A@1` lie among those of `A`.
        return [row async for row in rows if remove_sort_key_version(row["sk"]) == key.sk]

    async def _each(self, key: DetailKey, versions: list[str]) -> list[Row]:
        """The commands of some versions that are there."""
        keys = [{"pk": key.pk, "sk": _sk(key, version)} for version in versions]
        rows = await self._dynamodb.batch_get_items(
            self._table.command, keys, consistent_read=True, attributes="keep"
        )
        return [row for row in rows if "version" in row]


def _sk(key: DetailKey, version: str) -> str:
    return f"{key.sk}{VERSION_SEPARATOR}{version}"
