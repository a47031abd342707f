"""Writing rows that may be there already, so that repeated and late commands do no harm."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from cqrs_nest.read_models.tenant_columns import TENANT_COLUMNS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.dml import Insert, Update

_DUPLICATE_KEY = 1062


class UnsupportedDatabaseError(Exception):
    """The database has no known statement for what is asked."""


async def upsert_newer(
    connection: AsyncConnection,
    table: Table,
    row: Mapping[str, Any],
    *,
    version: str = "version",
    insert_only: Collection[str] = (),
    or_same: bool = False,
) -> bool:
    """Insert the row, or update the stored one if its version is lower. False: it was not lower.

    `version` names the column that decides; `insert_only` columns that an update leaves alone, such as the
    time of creation; `or_same` updates a row of the same version too. Commands that arrive twice, out of
    order or at the same time end in the same row; a stored row of another tenant is left alone. A row that
    is removed forgets its version, so that an older command which comes later would bring it back: keep it,
    or write a `SqlProjection`.

    Raises UnsupportedDatabaseError for another database than SQLite, PostgreSQL, MySQL and MariaDB.
    """
    given = row[version]
    stored = table.c[version]
    newer = stored <= given if or_same else stored < given
    return await _upsert(connection, table, row, insert_only, newer)


async def upsert(connection: AsyncConnection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert the row, or update the stored one of the same tenant whatever it is."""
    await _upsert(connection, table, row, (), None)


def key_of(table: Table, row: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """The conditions under which a stored row is the given one."""
    names = [*(column.name for column in table.primary_key), *_owner_columns(table, row)]
    return [table.c[name] == row[name] for name in names]


async def _upsert(
    connection: AsyncConnection,
    table: Table,
    row: Mapping[str, Any],
    insert_only: Collection[str],
    condition: ColumnElement[bool] | None,
) -> bool:
    dialect = connection.dialect.name
    if dialect in ("mysql", "mariadb"):
        return await _update_or_insert(connection, table, row, insert_only, condition)
    statement = _on_conflict(dialect, table, row, insert_only, condition)
    return (await connection.execute(statement)).rowcount > 0


def _owner_columns(table: Table, row: Mapping[str, Any]) -> list[str]:
    """The columns that say whose the row is, unless the primary key does: it could lead to another's row."""
    if any(name in table.primary_key.columns for name in TENANT_COLUMNS):
        return []
    return [name for name in TENANT_COLUMNS if name in row]


def _changing(table: Table, row: Mapping[str, Any], insert_only: Collection[str]) -> list[str]:
    fixed = {*(column.name for column in table.primary_key), *_owner_columns(table, row), *insert_only}
    return [name for name in row if name not in fixed]


def _on_conflict(
    dialect: str,
    table: Table,
    row: Mapping[str, Any],
    insert_only: Collection[str],
    condition: ColumnElement[bool] | None,
) -> Insert:
    from sqlalchemy import and_
    from sqlalchemy.dialects import postgresql, sqlite

    inserts: dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]]
    inserts = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
    if dialect not in inserts:
        known = "SQLite, PostgreSQL, MySQL and MariaDB"
        raise UnsupportedDatabaseError(f"Read models can be written to {known}, not to {dialect}")
    statement = inserts[dialect](table).values(dict(row))
    changing = _changing(table, row, insert_only)
    keys = [column.name for column in table.primary_key]
    if not changing:
        return statement.on_conflict_do_nothing(index_elements=keys)
    conditions = [table.c[name] == statement.excluded[name] for name in _owner_columns(table, row)]
    if condition is not None:
        conditions.append(condition)
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: statement.excluded[name] for name in changing},
        where=and_(*conditions) if conditions else None,
    )


async def _update_or_insert(
    connection: AsyncConnection,
    table: Table,
    row: Mapping[str, Any],
    insert_only: Collection[str],
    condition: ColumnElement[bool] | None,
) -> bool:
    """What `ON DUPLICATE KEY UPDATE` cannot do.

    It takes a clash on any unique key for the row's own, and overwrites another item's row; and with
    the flag that SQLAlchemy connects with, its row count does not tell an inserted row from one left alone.
    """
    from sqlalchemy import insert, select
    from sqlalchemy.exc import IntegrityError

    from cqrs_nest.read_models.tenant_check import ALLOW_CROSS_TENANT

    update = _update(table, row, insert_only, condition)
    if (await connection.execute(update)).rowcount:
        return True
    try:
        await connection.execute(insert(table).values(dict(row)))
    except IntegrityError as error:
        if error.orig is None or error.orig.args[0] != _DUPLICATE_KEY:
            raise
        # Another tenant's row of that key counts: nothing but its key, which is known, is read of it.
        same_key = [column == row[column.name] for column in table.primary_key]
        is_there = select(*table.primary_key).where(*same_key).with_for_update()
        anybodys = is_there.execution_options(**{ALLOW_CROSS_TENANT: True})
        if (await connection.execute(anybodys)).first() is None:
            raise  # the clash is on another unique key
        # Somebody has inserted it since the update looked, or it was not to be updated.
        return (await connection.execute(update)).rowcount > 0
    return True


def _update(
    table: Table, row: Mapping[str, Any], insert_only: Collection[str], condition: ColumnElement[bool] | None
) -> Update:
    from sqlalchemy import update

    # A row of nothing but its key is "updated" to what it is, so that the count says whether it is there.
    names = _changing(table, row, insert_only) or [column.name for column in table.primary_key]
    statement = update(table).where(*key_of(table, row)).values({name: row[name] for name in names})
    return statement if condition is None else statement.where(condition)
