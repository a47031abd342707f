"""Copies of a projection's tables under other names, and the moment in which they take their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKeyConstraint,
    MetaData,
    Table,
    inspect,
    quoted_name,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import DropTable

from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.read_models.columns import MYSQL
from cqrs_nest.read_models.projected_tables import ProjectedTables

FRESH: Final = "__fresh"
OLD: Final = "__old"
_SECONDS = 2
"""How long a swap holds up others while it waits for those who use the tables; then it tries again."""


class TablesNotSwappableError(CqrsNestError):
    """The tables are not there, or another table refers to them."""


class FreshTables:
    """The tables of a projection, empty copies of them to fill, and the old ones after the swap."""

    def __init__(self, live: ProjectedTables, dialect: str) -> None:
        self.live = live
        self.fresh = _copies(live, FRESH, dialect)
        self.old = _copies(live, OLD, dialect)

    async def check(self, connection: AsyncConnection) -> None:
        """Raises TablesNotSwappableError unless the tables are there and only refer to each other."""
        for table in self.live:
            if not await _is_there(connection, table):
                raise TablesNotSwappableError(
                    f"There is no table {table.name}.\nFix: cqrs-nest migrations apply, or start a service "
                    "with SqlModule.register(metadata, create_tables=True)."
                )
        for other in self.live.table.metadata.tables.values():
            referred = {element.column.table for element in other.foreign_keys} & set(self.live)
            if referred and other not in set(self.live):
                name = ", ".join(table.name for table in referred)
                raise TablesNotSwappableError(
                    f"The table {other.name} refers to {name} by a foreign key, and would refer to the old "
                    f"rows.\nFix: list it in @Projection(..., details=[...]), or drop the foreign key."
                )

    async def exist(self, connection: AsyncConnection) -> bool:
        """Whether a rebuild has begun to fill fresh tables."""
        return await _is_there(connection, self.fresh.versions)

    async def are_swapped(self, connection: AsyncConnection) -> bool:
        """Whether the old tables are still there behind the new ones."""
        return await _is_there(connection, self.old.versions)

    async def create(self, connection: AsyncConnection) -> None:
        """Make empty fresh tables, in the place of those that there may be."""
        await self.drop(connection, self.fresh)
        metadata = self.fresh.table.metadata
        await connection.run_sync(lambda sync: metadata.create_all(sync, tables=list(self.fresh)))

    async def drop(self, connection: AsyncConnection, tables: ProjectedTables) -> None:
        """Remove the fresh or the old tables."""
        for table in reversed(list(tables)):
            # `table.drop` of SQLAlchemy 2.0 drops enumerations too, which the live table has as well.
            await connection.execute(DropTable(table, if_exists=True))

    async def swap(self, connection: AsyncConnection) -> None:
        """Put the fresh tables in the place of the live ones, which become the old ones: all or none at once.

        On PostgreSQL and SQLite the caller's transaction does it, on MySQL and MariaDB one statement.
        Raises DBAPIError when somebody uses the tables for more than two seconds.
        """
        dialect = connection.dialect.name
        if dialect in MYSQL:
            await self._swap_mysql(connection)
        elif dialect == "postgresql":
            await self._swap_postgresql(connection)
        else:
            await self._swap_sqlite(connection)

    async def _swap_mysql(self, connection: AsyncConnection) -> None:
        pairs = ", ".join(f"{_name(connection, a)} TO {_name(connection, b)}" for a, b in self._renames())
        await connection.execute(text(f"SET SESSION lock_wait_timeout = {_SECONDS}"))
        try:
            await connection.execute(text(f"RENAME TABLE {pairs}"))
        finally:
            await connection.execute(text("SET SESSION lock_wait_timeout = DEFAULT"))

    async def _swap_postgresql(self, connection: AsyncConnection) -> None:
        await connection.execute(text(f"SET LOCAL lock_timeout = '{_SECONDS}s'"))
        # In the order in which projections write, the versions first.
        names = ", ".join(_name(connection, table) for table in self.live)
        await connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
        for table in self.live:
            await _rename_parts(connection, table, lambda name: name + OLD, constraints=False)
        for table in self.fresh:
            await _rename_parts(connection, table, lambda name: name.replace(FRESH, ""), constraints=True)
        for before, after in self._renames():
            await _rename(connection, before, after)

    async def _swap_sqlite(self, connection: AsyncConnection) -> None:
        # Names of indexes are the database's there, and cannot be changed.
        for table in self.live:
            for index in table.indexes:
                await connection.run_sync(index.drop, checkfirst=True)
        for before, after in self._renames():
            await _rename(connection, before, after)
        for table in self.live:
            for index in table.indexes:
                await connection.run_sync(index.create)

    def _renames(self) -> Iterator[tuple[Table, Table]]:
        yield from zip(self.live, self.old, strict=True)
        yield from zip(self.fresh, self.live, strict=True)


def _copies(live: ProjectedTables, suffix: str, dialect: str) -> ProjectedTables:
    """The tables under other names, which refer to each other as the live ones do."""
    metadata = MetaData()
    copied = {table: table.to_metadata(metadata) for table in live.table.metadata.tables.values()}
    for table in live:
        _rename_copy(copied[table], suffix, dialect)
    return ProjectedTables(
        copied[live.table], tuple(copied[table] for table in live.details), copied[live.versions]
    )


def _rename_copy(table: Table, suffix: str, dialect: str) -> None:
    table.name = quoted_name(f"{table.name}{suffix}", None)
    if dialect == "sqlite":
        table.indexes.clear()  # they are made after the swap
    for index in table.indexes:
        if isinstance(index.name, str) and dialect == "postgresql":
            index.name = quoted_name(f"{index.name}{suffix}", None)
    for constraint in table.constraints:
        if isinstance(constraint.name, str) and dialect == "postgresql":
            constraint.name = quoted_name(f"{constraint.name}{suffix}", None)
        elif isinstance(constraint, ForeignKeyConstraint | CheckConstraint) and dialect in MYSQL:
            constraint.name = None  # the database's own names follow the table's


async def _is_there(connection: AsyncConnection, table: Table) -> bool:
    def look(sync: Connection) -> bool:
        return inspect(sync).has_table(table.name, schema=table.schema)

    return await connection.run_sync(look)


async def _rename_parts(
    connection: AsyncConnection, table: Table, rename: Callable[[str], str], *, constraints: bool
) -> None:
    """Rename the indexes of a PostgreSQL table, and the constraints that are no indexes."""
    name = _name(connection, table)
    indexes = text(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = to_regclass(:table)"
    )
    quote = connection.dialect.identifier_preparer.quote
    schema = f"{quote(table.schema)}." if table.schema else ""
    for index in (await connection.scalars(indexes, {"table": name})).all():
        if rename(index) != index:
            renamed = f"{schema}{quote(index)} RENAME TO {quote(rename(index))}"
            await connection.execute(text(f"ALTER INDEX {renamed}"))
    if not constraints:
        return
    others = text(
        "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:table) AND contype IN ('c', 'f')"
    )
    for constraint in (await connection.scalars(others, {"table": name})).all():
        if rename(constraint) != constraint:
            renamed = f"{quote(constraint)} TO {quote(rename(constraint))}"
            await connection.execute(text(f"ALTER TABLE {name} RENAME CONSTRAINT {renamed}"))


async def _rename(connection: AsyncConnection, before: Table, after: Table) -> None:
    new_name = connection.dialect.identifier_preparer.quote(after.name)
    await connection.execute(text(f"ALTER TABLE {_name(connection, before)} RENAME TO {new_name}"))


def _name(connection: AsyncConnection, table: Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)
