"""`ItemWriter`: writes the newest states of items, also those that take over each other's unique values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands import DetailKey, ReplayedItem
from cqrs_nest.read_models.engine import is_passing
from cqrs_nest.read_models.projected_tables import ProjectedTables
from cqrs_nest.read_models.projection import ProjectionFailedError, SqlProjection
from cqrs_nest.read_models.projection_target import ProjectionTarget, SqlRow, rows_by_table
from cqrs_nest.read_models.unique_values import find_holders, find_repeated

Current: TypeAlias = Callable[[Mapping[DetailKey, int]], Awaitable[Mapping[DetailKey, ReplayedItem]]]
"""Reads what items are now, at least at the given versions."""
Begin: TypeAlias = Callable[[ProjectionTarget], Awaitable[object]]
"""What a transaction does before items are written."""

ROUNDS: Final = 5


class ItemWriter:
    """Writes items to the tables of a declared projection.

    The code 1 goes from item A to item B, and B is written first: then A's row is behind, and in the way. So
    whenever a value is taken, the items that have it are read anew and written in the same transaction; all
    rows of them go before the first comes.
    """

    def __init__(self, projection: SqlProjection, current: Current, tables: ProjectedTables) -> None:
        self._projection = projection
        self._current = current
        self._tables = tables

    async def write(
        self, items: Sequence[ReplayedItem], begin: Begin | None = None, *, are_new: bool = False
    ) -> None:
        """Write items unless what is there is newer, in one transaction with what `begin` does.

        `are_new` says that none of them is there, which is quicker.

        Raises ProjectionFailedError for rows that cannot be told, that the database refuses, or that need a
        value which an item has that is not behind.
        """
        for attempt in range(ROUNDS):
            try:
                return await self._try(items, begin, are_new and attempt == 0)
            except (OperationalError, InterfaceError):
                raise
            except IntegrityError as error:
                holders = await self._holders(items)
                # When no unique value is to blame, it can be that the items are there after all.
                is_solvable = holders or self._repeated(items) or (are_new and attempt == 0)
                if not is_solvable or attempt == ROUNDS - 1:
                    raise self._refused(items, error) from error
            except DBAPIError as error:
                if error.connection_invalidated or is_passing(error):
                    raise
                raise self._refused(items, error) from error
            known = {item.key: item for item in items}
            versions = {key: item.newest.version for key, item in known.items()} | holders
            items = list((known | dict(await self._current(versions))).values())
            # Read a moment apart, two items can be what they never were at the same time.
            await asyncio.sleep(0.01 * attempt)
        raise AssertionError("the last attempt returns or raises")

    async def _try(self, items: Sequence[ReplayedItem], begin: Begin | None, are_new: bool) -> None:
        projected = [self._projection.projected(item) for item in items]

        async def work(connection: AsyncConnection) -> None:
            target = self._target(connection)
            if begin is not None:
                await begin(target)
            await (target.insert(projected) if are_new else target.replace(projected))

        await self._projection.database.in_transaction(work, allow_cross_tenant=True)

    async def _holders(self, items: Sequence[ReplayedItem]) -> dict[DetailKey, int]:
        async with self._projection.database.connect(allow_cross_tenant=True) as connection:
            return await find_holders(
                connection, self._tables, self._rows(items), {item.key for item in items}
            )

    def _repeated(self, items: Sequence[ReplayedItem]) -> str | None:
        return find_repeated(self._rows(items))

    def _rows(self, items: Sequence[ReplayedItem]) -> Mapping[Table, Sequence[SqlRow]]:
        projected = [self._projection.projected(item) for item in items]
        return rows_by_table(projected, self._projection.tables, self._tables)

    def _target(self, connection: AsyncConnection) -> ProjectionTarget:
        return ProjectionTarget(connection, self._projection.tables, self._tables)

    def _refused(self, items: Sequence[ReplayedItem], error: DBAPIError) -> ProjectionFailedError:
        keys = sorted(item.key for item in items)
        place = f"{keys[0].pk} {keys[0].sk}"
        if len(keys) > 1:
            place = f"the {len(keys)} items from {place} to {keys[-1].pk} {keys[-1].sk}"
        repeated = self._repeated(items)
        return ProjectionFailedError(
            f"{self._projection.options.name}: the database refuses the rows of {place} "
            f"({repeated or error.orig}).\n"
            f"Fix: correct the items, the table or the projection; {self._projection.begin_anew}."
        )
