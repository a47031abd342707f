"""Writing read-model rows so that repeated and late commands do no harm."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.dml import Insert


class UnsupportedDatabaseError(Exception):
    """The database has no known statement for what is asked."""


async def upsert_newer(
    connection: AsyncConnection,
    table: Table,
    row: Mapping[str, Any],
    *,
    version: str = "version",
    insert_only: Collection[str] = (),
) -> bool:
    """Insert the row, or update the stored one if its version is lower. False: it was not lower.

    `version` names the column that decides; `insert_only` columns that an update leaves alone, such as the
    time of creation. One statement, so commands that arrive twice, out of order
    or at the same time end in the same row. A deleted item must stay as a row (with a column such as
    `is_deleted`) and must not be removed: an older command that comes later would bring it back.

    Raises UnsupportedDatabaseError for another database than SQLite, PostgreSQL, MySQL and MariaDB.
    """
    statement = _statement(connection.dialect.name, table, row, version, insert_only)
    result = await connection.execute(statement)
    return result.rowcount > 0


def _statement(
    dialect: str, table: Table, row: Mapping[str, Any], version: str, insert_only: Collection[str]
) -> Insert:
    from sqlalchemy.dialects import postgresql, sqlite

    keys = [column.name for column in table.primary_key]
    # MySQL assigns from left to right, so the version, which the others are compared with, comes last.
    changing = sorted((name for name in row if name not in {*keys, *insert_only}), key=version.__eq__)
    if dialect in ("mysql", "mariadb"):
        return _mysql_statement(table, row, version, changing)
    inserts: dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]]
    inserts = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
    if dialect not in inserts:
        known = "SQLite, PostgreSQL, MySQL and MariaDB"
        raise UnsupportedDatabaseError(f"upsert_newer knows {known}, not {dialect}")
    statement = inserts[dialect](table).values(dict(row))
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: statement.excluded[name] for name in changing},
        where=table.c[version] < statement.excluded[version],
    )


def _mysql_statement(table: Table, row: Mapping[str, Any], version: str, changing: list[str]) -> Insert:
    from sqlalchemy import func
    from sqlalchemy.dialects.mysql import insert

    statement = insert(table).values(dict(row))
    given = statement.inserted
    is_newer = table.c[version] < given[version]
    return statement.on_duplicate_key_update(
        [(name, func.if_(is_newer, given[name], table.c[name])) for name in changing]
    )
