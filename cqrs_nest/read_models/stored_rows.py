"""Reading what a projection's tables hold, item by item, and comparing it with what they should hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.aws.json_text import from_json, to_json
from cqrs_nest.commands import DetailKey
from cqrs_nest.read_models.projected_tables import ProjectedTables
from cqrs_nest.read_models.projection_target import ItemRows, SqlRow

_SHOWN = 60


@dataclass
class StoredItem:
    """What the tables hold of an item."""

    version: int | None = None
    row: SqlRow | None = None
    details: dict[Table, list[SqlRow]] = field(default_factory=dict[Table, list[SqlRow]])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but, at most, the version of an item that is deleted."""
        return self.row is None and not self.details


async def read_items(
    connection: AsyncConnection, tables: ProjectedTables, keys: Collection[DetailKey]
) -> dict[DetailKey, StoredItem]:
    """All that there is of some items; one statement for each table."""
    found = {key: StoredItem() for key in keys}
    for row in await _rows(connection, tables.versions, keys):
        found[_key(row)].version = row["version"]
    for row in await _rows(connection, tables.table, keys):
        found[_key(row)].row = row
    for table in tables.details:
        for row in await _rows(connection, table, keys):
            found[_key(row)].details.setdefault(table, []).append(row)
    return found


async def read_keys(
    connection: AsyncConnection, tables: ProjectedTables, after: DetailKey | None, limit: int
) -> dict[DetailKey, int]:
    """The next items in the order of their keys, with their versions, 0 where none is noted."""
    found: dict[DetailKey, int] = {}
    for table, version in ((tables.table, literal(0)), (tables.versions, tables.versions.c.version)):
        statement = select(table.c.pk, table.c.sk, version).order_by(table.c.pk, table.c.sk).limit(limit)
        if after is not None:
            statement = statement.where(is_after(table, after))
        found |= {DetailKey(pk, sk): number for pk, sk, number in await connection.execute(statement)}
    return {key: found[key] for key in sorted(found)[:limit]}


def is_after(table: Table, key: DetailKey) -> ColumnElement[bool]:
    """The condition of rows whose key comes later."""
    return or_(table.c.pk > key.pk, and_(table.c.pk == key.pk, table.c.sk > key.sk))


def difference(expected: ItemRows, stored: StoredItem, ignored: Collection[str]) -> str | None:
    """In what an item's rows are not as expected; None when they are."""
    if expected.row is not None and stored.row is not None:
        columns = list(_different_columns(expected, stored.row, ignored))
        if columns:
            return "; ".join(columns)
    elif expected.row is not None:
        return "its row is missing"
    elif stored.row is not None:
        return "it is deleted, and has a row"
    for table in {*expected.details, *stored.details}:
        if not _are_same(expected.details.get(table, ()), stored.details.get(table, ())):
            return f"its rows in {table.name} are others"
    return None


def _different_columns(expected: ItemRows, stored: SqlRow, ignored: Collection[str]) -> Iterator[str]:
    for name, value in (expected.row or {}).items():
        if name not in ignored and not _is_same(value, stored[name]):
            yield f"{name} is {_shown(stored[name])}, not {_shown(value)}"


def _are_same(expected: Sequence[SqlRow], stored: Sequence[SqlRow]) -> bool:
    left = list(stored)
    for row in expected:
        match = next((each for each in left if all(_is_same(row[name], each[name]) for name in row)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _is_same(expected: Any, stored: Any) -> bool:
    """Whether a value came back as it was written, in the form that its column gives back."""
    if isinstance(expected, datetime) and isinstance(stored, datetime):
        return _moment(expected) == _moment(stored)
    if isinstance(stored, dict | list):
        return bool(from_json(to_json(expected)) == stored)
    if isinstance(stored, Decimal) and isinstance(expected, float):
        return Decimal(str(expected)) == stored
    return bool(expected == stored)


def _moment(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _shown(value: object) -> str:
    text = repr(value.isoformat() if isinstance(value, datetime) else value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


async def _rows(connection: AsyncConnection, table: Table, keys: Collection[DetailKey]) -> list[SqlRow]:
    wanted = tuple_(table.c.pk, table.c.sk).in_([tuple(key) for key in keys])
    return [dict(row) for row in (await connection.execute(select(table).where(wanted))).mappings()]


def _key(row: SqlRow) -> DetailKey:
    return DetailKey(row["pk"], row["sk"])
