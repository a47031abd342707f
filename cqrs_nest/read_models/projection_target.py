"""`ProjectionTarget`: writes an item's rows in one transaction, to the tables or to copies of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from cqrs_nest.commands import CommandModel
from cqrs_nest.commands.keys import remove_sort_key_version
from cqrs_nest.read_models.projected_tables import CREATED, KEY, ProjectedTables
from cqrs_nest.read_models.upsert import upsert, upsert_newer

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

SqlRow: TypeAlias = Mapping[str, Any]
"""A row by column name."""


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
        self._created: SqlRow = {}

    def __getitem__(self, table: Table) -> Table:
        """The table, or while the projection is rebuilt its fresh copy."""
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
            self._created = await self._first(row)
        return advanced

    async def write(self, item: ItemRows) -> None:
        """Replace everything that is there of an item."""
        from sqlalchemy import delete, insert

        for table in reversed(self.tables.details):
            await self.connection.execute(delete(table).where(*_of_item(table, item)))
        table = self.tables.table
        if item.row is None:
            await self.connection.execute(delete(table).where(*_of_item(table, item)))
            return
        await upsert(self.connection, table, {**item.row, **_only(self._created, table)})
        for declared, rows in item.details.items():
            if rows:
                await self.connection.execute(insert(self[declared]), [dict(row) for row in rows])

    async def forget(self, item: ItemRows) -> None:
        """Forget the version of an item, so that any command counts as newer."""
        from sqlalchemy import delete

        table = self.tables.versions
        await self.connection.execute(delete(table).where(*_of_item(table, item)))

    async def insert(self, items: Sequence[ProjectedItem]) -> None:
        """Insert many items that are not there: one statement for each table."""
        wanted: dict[Table, list[SqlRow]] = {table: [] for table in self.tables}
        table = self.tables.table
        for item in items:
            version = _version_row(item.command, item.first_version)
            wanted[self.tables.versions].append(version)
            if item.rows.row is not None:
                wanted[table].append({**item.rows.row, **_only(version, table)})
            for declared, details in item.rows.details.items():
                wanted[self[declared]] += details
        for each, rows in wanted.items():
            await self._insert_all(each, rows)

    async def _insert_all(self, table: Table, rows: Sequence[SqlRow]) -> None:
        from sqlalchemy import insert

        alike: dict[tuple[str, ...], list[SqlRow]] = {}
        for row in rows:
            alike.setdefault(tuple(row), []).append(row)
        for group in alike.values():
            await self.connection.execute(insert(table), group)

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
