"""`ItemVersions`: the states that an item has had, from whatever is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands.keys import VERSION_SEPARATOR, add_sort_key_version
from cqrs_nest.commands.models import CommandModel, DataEntity
from cqrs_nest.commands.rows import CREATED, Row, data_row
from cqrs_nest.commands.table import CommandTable


class ItemVersions:
    """Rebuilds earlier states of the items of one table.

    A state is the data row while it is the current one, then a history row; where there is none, as it has
    expired, it is told from its command.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._dynamodb = dynamodb

    async def at_version(self, pk: str, sk: str, version: int) -> DataEntity | None:
        """The item as it was in a version; None when it never was applied, or nothing is left of it."""
        current = await self._data(pk, sk)
        if current is None or not 0 < version <= current.get("version", 0):
            return None
        if current["version"] == version:
            return DataEntity.from_row(current)
        key = {"pk": pk, "sk": add_sort_key_version(sk, version)}
        kept, command = await asyncio.gather(
            self._dynamodb.get_item(self._table.history, key),
            self._dynamodb.get_item(self._table.command, key),
        )
        found = kept or command
        return None if found is None else _entity(found, current)

    async def at_time(self, pk: str, sk: str, time: datetime) -> DataEntity | None:
        """The item as it was at a moment: in the newest version that was published by then.

        Times are kept in whole seconds; a version of that second counts. Raises ValueError for a moment
        without a time zone.
        """
        if time.tzinfo is None:
            raise ValueError(f"{time!r} has no time zone; write datetime.now(UTC)")
        known = [
            state for state in await self.applied(pk, sk) if state.updated_at and state.updated_at <= time
        ]
        return known[-1] if known else None

    async def applied(self, pk: str, sk: str) -> list[DataEntity]:
        """Every state of which something is left, in the order of the versions; the current one is last."""
        # The data row first: a state that is replaced in between is in the history when that is read.
        current = await self._data(pk, sk)
        if current is None:
            return []
        kept, commands = await asyncio.gather(self._rows(self._table.history, pk, sk), self.commands(pk, sk))
        states = {command.version: _entity(command.to_row(), current) for command in commands}
        states |= {row["version"]: _entity(row, current) for row in kept}
        states |= {current["version"]: DataEntity.from_row(current)}
        return [states[version] for version in sorted(states) if version <= current["version"]]

    async def commands(self, pk: str, sk: str) -> list[CommandModel]:
        """Every command that has not expired, applied or not, in the order of the versions."""
        rows = await self._rows(self._table.command, pk, sk)
        return sorted((CommandModel.from_row(row) for row in rows), key=lambda command: command.version)

    async def _data(self, pk: str, sk: str) -> Row | None:
        return await self._dynamodb.get_item(self._table.data, {"pk": pk, "sk": sk}, consistent_read=True)

    async def _rows(self, table: str, pk: str, sk: str) -> list[Row]:
        versions = Condition("begins_with(sk, :prefix)", {":prefix": f"{sk}{VERSION_SEPARATOR}"})
        return [row async for row in self._dynamodb.query_all(table, pk, sk=versions, consistent_read=True)]


def _entity(row: Mapping[str, Any], current: Row) -> DataEntity:
    """The data row that once was: the history's expiry is not its own, and an item is created once."""
    created = {name: current[name] for name in CREATED if name in current}
    state = data_row({**row, **created}, None, csk=row.get("csk") or row["sk"])
    return DataEntity.from_row({name: value for name, value in state.items() if name != "ttl"})
