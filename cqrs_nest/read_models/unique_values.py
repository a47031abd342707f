"""Which items hold a value that another one is to have, where a table lets only one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, Table, UniqueConstraint, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands import DetailKey
from cqrs_nest.read_models.projected_tables import KEY, ProjectedTables
from cqrs_nest.read_models.projection_target import SqlRow

Columns: TypeAlias = tuple[Column[Any], ...]
_AT_ONCE = 200


async def find_holders(
    connection: AsyncConnection,
    tables: ProjectedTables,
    rows: Mapping[Table, Sequence[SqlRow]],
    but: Collection[DetailKey],
) -> dict[DetailKey, int]:
    """The items, with their versions, whose stored rows have a unique value of the given rows."""
    found: dict[DetailKey, int] = {}
    versions = tables.versions
    for table, new in rows.items():
        for columns in unique_columns(table):
            wanted = list(_values(columns, new))
            for start in range(0, len(wanted), _AT_ONCE):
                same_item = and_(table.c.pk == versions.c.pk, table.c.sk == versions.c.sk)
                statement = (
                    select(table.c.pk, table.c.sk, func.coalesce(versions.c.version, 0))
                    .select_from(table.outerjoin(versions, same_item))
                    .where(tuple_(*columns).in_(wanted[start : start + _AT_ONCE]))
                )
                holders = await connection.execute(statement)
                found |= {DetailKey(pk, sk): version for pk, sk, version in holders}
    return {key: version for key, version in found.items() if key not in but}


def find_repeated(rows: Mapping[Table, Sequence[SqlRow]]) -> str | None:
    """The first unique value that two of the rows have, in words."""
    for table, new in rows.items():
        for columns in unique_columns(table):
            seen: dict[tuple[Any, ...], DetailKey] = {}
            for row in new:
                key = DetailKey(row["pk"], row["sk"])
                for value in _values(columns, [row]):
                    if (other := seen.setdefault(value, key)) != key:
                        both = " and ".join(f"{each.pk} {each.sk}" for each in sorted((key, other)))
                        return f"{both} have the same {', '.join(column.name for column in columns)}"
    return None


def unique_columns(table: Table) -> Iterator[Columns]:
    """The columns of each constraint and index by which rows of several items can clash."""
    groups: list[Columns] = [tuple(table.primary_key)]
    groups += (tuple(each) for each in table.constraints if isinstance(each, UniqueConstraint))
    groups += (tuple(index.columns) for index in table.indexes if index.unique)
    for columns in dict.fromkeys(groups):
        if columns and not set(KEY) <= {column.name for column in columns}:
            yield columns


def _values(columns: Columns, rows: Sequence[SqlRow]) -> Iterator[tuple[Any, ...]]:
    """What the rows have in the columns; no value clashes with none."""
    for row in rows:
        values = tuple(row.get(column.name) for column in columns)
        if None not in values:
            yield values
