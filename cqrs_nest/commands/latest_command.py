"""Finding the newest command of an item, whose version stands unpadded in the sort key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

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
    versions lie there too: all that are below a hundred, else about ten. Where the number of digits changes
    all would, so two Queries, side by side, read the versions of each number. When older ones are too large,
    the hundred versions are asked for by their keys. Another call follows where a hundred wait.
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
            versions = range(start, start + WINDOW)
            spans = [versions] if start < WINDOW else _of_equal_length(versions)
            older = start if start < WINDOW else len(spans) * WINDOW // 9
            is_cheap = older * size <= WINDOW * READ_UNIT
            rows = await (self._among(key, spans) if is_cheap else self._each(key, versions))
            if not rows:
                return newest
            newest = max(rows, key=lambda row: int(row["version"]))
            found: int = newest["version"]
            if (is_cheap and start < WINDOW) or found < start + WINDOW - LONGEST_GAP:
                return newest
            start = found + 1

    async def _among(self, key: DetailKey, spans: Sequence[range]) -> list[Row]:
        """The commands among the sort keys of some versions that are not older than these."""
        first, *others = spans
        if not others:
            return await self._between(key, first)
        found = await asyncio.gather(*(self._between(key, versions) for versions in spans))
        return [row for rows in found for row in rows]

    async def _between(self, key: DetailKey, versions: range) -> list[Row]:
        first, last = str(versions[0]), str(versions[-1])
        if len(first) < len(last):
            first, last = min(map(str, versions)), max(map(str, versions))
        # `:` follows on the digits, so that versions count in that begin like the last one.
        span = {":first": _sk(key, first), ":last": f"{_sk(key, last)}:"}
        rows = self._dynamodb.query_all(
            self._table.command,
            key.pk,
            sk=Condition("sk BETWEEN :first AND :last", span),
            filter=Condition("version >= :start", {":start": versions.start}),
            consistent_read=True,
            attributes="keep",
        )
        # Another service may have sort keys with an `@`: the commands of `A@1` lie among those of `A`.
        return [row async for row in rows if remove_sort_key_version(row["sk"]) == key.sk]

    async def _each(self, key: DetailKey, versions: range) -> list[Row]:
        """The commands of some versions that are there."""
        keys = [{"pk": key.pk, "sk": _sk(key, str(version))} for version in versions]
        rows = await self._dynamodb.batch_get_items(
            self._table.command, keys, consistent_read=True, attributes="keep"
        )
        return [row for row in rows if "version" in row]


def _of_equal_length(versions: range) -> list[range]:
    """The versions, apart where the number of their digits changes; they are no more than a hundred.

    >>> _of_equal_length(range(950, 1050)), _of_equal_length(range(100, 200))
    ([range(950, 1000), range(1000, 1050)], [range(100, 200)])
    """
    turn = 10 ** len(str(versions.start))
    if versions.stop <= turn:
        return [versions]
    return [range(versions.start, turn), range(turn, versions.stop)]


def _sk(key: DetailKey, version: str) -> str:
    return f"{key.sk}{VERSION_SEPARATOR}{version}"
