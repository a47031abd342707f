"""`ProjectionTarget`: writes an item's rows in one transaction, to the tables or to copies of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from cqrs_nest.commands import CommandModel, DetailKey
from cqrs_nest.commands.keys import remove_sort_key_version
from cqrs_nest.read_models.projected_tables import CREATED, KEY, ProjectedTables
from cqrs_nest.read_models.upsert import upsert, upsert_newer

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

_AT_ONCE = 200
"""How many items a statement names."""

SqlRow: TypeAlias = Mapping[str, Any]
"""A row by column name."""

DetailRows: TypeAlias = "Mapping[Table, Sequence[SqlRow]] | Mapping[str, Sequence[SqlRow]]"
"""Rows by the table that they belong to, or by its name."""


@dataclass(frozen=True)
class ItemRows:
    """Everything that the tables hold of one item; no row for one that is deleted."""

    pk: str
    sk: str
    row: SqlRow | None = None
    details: Mapping[Table, Sequence[SqlRow]] = field(default_factory=dict["Table", "Sequence[SqlRow]"])


@dataclass(frozen=True)
class ProjectedItem:
    """An item's newest command, the version from which its creation is known, and its rows."""

    command: CommandModel
    first_version: int
    rows: ItemRows


class ProjectionTarget:
    """A transaction on a projection's tables: `target[table]` is the one to write to."""

    def __init__(
        self, connection: AsyncConnection, declared: ProjectedTables, actual: ProjectedTables | None = None
    ) -> None:
        self.connection = connection
        self._declared = declared
        self.tables = actual or declared
        self._created: dict[DetailKey, SqlRow] = {}

    def __getitem__(self, table: Table | str) -> Table:
        """The table, given or named, or while the projection is rebuilt its fresh copy."""
        return self.tables.actual(self._declared, table)

    async def advance(self, command: CommandModel, first_version: int, *, or_same: bool = False) -> bool:
        """Note the version of a command, and keep its item for this transaction. False: it is not newer."""
        row = _version_row(command, first_version)
        advanced = await upsert_newer(
            self.connection,
            self.tables.versions,
            row,
            insert_only=("first_version", *CREATED),
            or_same=or_same,
        )
        if first_version < command.version or not advanced:
            await self._lower_first(row, correct_row=not advanced)
        if advanced:
            self._created[DetailKey(row["pk"], row["sk"])] = await self._first(row)
        return advanced

    async def write(self, item: ItemRows) -> None:
        """Replace everything that is there of an item."""
        from sqlalchemy import delete

        for table in reversed(self.tables.details):
            await self.connection.execute(delete(table).where(*_of_item(table, item)))
        table = self.tables.table
        if item.row is None:
            await self.connection.execute(delete(table).where(*_of_item(table, item)))
            return
        await upsert(self.connection, table, {**item.row, **self._creation(item.row)})
        for declared, rows in item.details.items():
            await self._insert_all(self[declared], rows)

    async def forget(self, item: ItemRows) -> None:
        """Forget the version of an item, so that any command counts as newer."""
        from sqlalchemy import delete

        table = self.tables.versions
        await self.connection.execute(delete(table).where(*_of_item(table, item)))

    async def insert(self, items: Sequence[ProjectedItem]) -> None:
        """Insert many items that are not there: one statement for each table."""
        versions = [_version_row(item.command, item.first_version) for item in items]
        for row in versions:
            self._created[DetailKey(row["pk"], row["sk"])] = row
        await self._insert_all(self.tables.versions, versions)
        await self._insert_rows(items)

    async def replace(self, items: Sequence[ProjectedItem]) -> None:
        """Write many items, but for those that are there in a newer version.

        All their rows go before the first comes, as one may take over another's unique value.
        """
        from sqlalchemy import delete, tuple_

        # In one order, so that two who do this wait for each other and do not deadlock.
        ordered = sorted(items, key=lambda item: (item.rows.pk, item.rows.sk))
        newer = [
            item for item in ordered if await self.advance(item.command, item.first_version, or_same=True)
        ]
        keys = [(item.rows.pk, item.rows.sk) for item in newer]
        for table in (*reversed(self.tables.details), self.tables.table):
            for start in range(0, len(keys), _AT_ONCE):
                some = tuple_(table.c.pk, table.c.sk).in_(keys[start : start + _AT_ONCE])
                await self.connection.execute(delete(table).where(some))
        await self._insert_rows(newer)

    async def _insert_rows(self, items: Sequence[ProjectedItem]) -> None:
        for table, rows in rows_by_table(items, self._declared, self.tables).items():
            if table is self.tables.table:
                rows = [{**row, **self._creation(row)} for row in rows]
            await self._insert_all(table, rows)

    async def _insert_all(self, table: Table, rows: Sequence[SqlRow]) -> None:
        from sqlalchemy import insert

        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for row in rows:
            alike.setdefault(tuple(row), []).append(dict(row))
        for group in alike.values():
            await self.connection.execute(insert(table), group)

    def _creation(self, row: SqlRow) -> dict[str, Any]:
        """Who created an item that this transaction has kept, and when, in the columns that there are."""
        return _only(self._created.get(DetailKey(row["pk"], row["sk"]), {}), self.tables.table)

    async def _lower_first(self, row: SqlRow, *, correct_row: bool) -> None:
        """Take over who created the item, and when, from an older command than any before."""
        from sqlalchemy import update

        versions, table = self.tables.versions, self.tables.table
        first = {name: row[name] for name in ("first_version", *CREATED)}
        statement = update(versions).where(*_of_row(versions, row)).values(first)
        changed = await self.connection.execute(
            statement.where(versions.c.first_version > row["first_version"])
        )
        created = _only(first, table)
        if changed.rowcount and correct_row and created:
            await self.connection.execute(update(table).where(*_of_row(table, row)).values(created))

    async def _first(self, row: SqlRow) -> SqlRow:
        """Who created the item, and when."""
        from sqlalchemy import select

        if row["first_version"] == 1 or not _only(row, self.tables.table):
            return {name: row[name] for name in CREATED}
        versions = self.tables.versions
        statement = select(*(versions.c[name] for name in CREATED)).where(*_of_row(versions, row))
        return dict((await self.connection.execute(statement)).mappings().one())


def rows_by_table(
    items: Sequence[ProjectedItem], declared: ProjectedTables, actual: ProjectedTables
) -> dict[Table, list[SqlRow]]:
    """The rows of items by the actual table that they go to, those that others refer to first."""
    rows: dict[Table, list[SqlRow]] = {table: [] for table in (actual.table, *actual.details)}
    for item in items:
        if item.rows.row is not None:
            rows[actual.table].append(item.rows.row)
        for table, details in item.rows.details.items():
            rows[actual.actual(declared, table)] += details
    return rows


def _version_row(command: CommandModel, first_version: int) -> dict[str, Any]:
    return {
        "pk": command.pk,
        "sk": remove_sort_key_version(command.sk),
        "version": command.version,
        "first_version": first_version,
        **{name: getattr(command, name) for name in CREATED},
    }


def _only(row: SqlRow, table: Table) -> dict[str, Any]:
    """The columns of creation that the table has."""
    return {name: row[name] for name in CREATED if name in table.c and name in row}


def _of_item(table: Table, item: ItemRows) -> list[ColumnElement[bool]]:
    return [table.c.pk == item.pk, table.c.sk == item.sk]


def _of_row(table: Table, row: SqlRow) -> list[ColumnElement[bool]]:
    return [table.c[name] == row[name] for name in KEY]
