"""`Rebuild`: fills fresh tables of a projection from the data table or the commands, and swaps them in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from typing import Final

from sqlalchemy import Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands import DetailKey, Replay, ReplayedItem, ReplaySource
from cqrs_nest.commands.replay import PAGE_ROWS, ReplayPage
from cqrs_nest.core.concurrency import run_together
from cqrs_nest.read_models.database import SqlDatabase
from cqrs_nest.read_models.fresh_tables import FreshTables
from cqrs_nest.read_models.projected_tables import ProjectedTables
from cqrs_nest.read_models.projection import SqlProjection
from cqrs_nest.read_models.projection_target import ProjectionTarget
from cqrs_nest.read_models.rebuild_state import RebuildState
from cqrs_nest.read_models.stored_rows import is_after

CATCH_UP_ITEMS: Final = 500
"""How many items of live traffic are looked for at a time."""
ENOUGH: Final = 50
"""With so few items behind, the tables are swapped; those are caught up with after it."""
MAX_ROUNDS: Final = 20


class Rebuild:
    """Rebuilds one projection beside live traffic.

    1. The segments of the source are read side by side into fresh tables. Live commands go to the live ones.
    2. Items that live commands have changed meanwhile are written to the fresh tables, until few are left.
    3. The fresh tables are swapped in. What came in between is caught up with from the old versions table.

    A rebuild that was ended at any point is gone on with by the next one that has the same plan.
    """

    def __init__(
        self,
        projection: SqlProjection,
        replay: Replay,
        *,
        source: ReplaySource,
        segments: int,
        report: Callable[[int], None],
        resumed: Callable[[int], None] = lambda rows: None,
        page_rows: int = PAGE_ROWS,
    ) -> None:
        self._projection = projection
        self._database: SqlDatabase = projection.database
        self._replay = replay
        self._source: ReplaySource = source
        self._report = report
        self._resumed = resumed
        self._page_rows = page_rows
        self._tables = FreshTables(projection.options.tables, self._database.engine.dialect.name)
        self._state = RebuildState(projection.options.name, _plan(projection, source, segments))
        self._segments = segments
        self._one_writer = asyncio.Lock()

    async def run(self, *, restart: bool = False) -> int:
        """Rebuild, or go on with a rebuild unless `restart`; how many rows of the source it has read in all.

        Raises ProjectionFailedError, RebuildTakenOverError and TablesNotSwappableError; what is done stays.
        """
        if not await self._is_swapped():
            await self._prepare(restart)
            await self._fill()
            await self._catch_up_while_live()
            await self._database.in_transaction(self._tables.swap, allow_cross_tenant=True)
        return await self._finish()

    async def _is_swapped(self) -> bool:
        async with self._database.connect(allow_cross_tenant=True) as connection:
            return await self._tables.are_swapped(connection)

    async def _prepare(self, restart: bool) -> None:
        async def work(connection: AsyncConnection) -> None:
            await self._tables.check(connection)
            is_known = await self._state.take_over(connection)
            if restart or not is_known or not await self._tables.exist(connection):
                await self._tables.create(connection)
                await self._state.begin(connection, self._segments)

        await self._database.in_transaction(work, allow_cross_tenant=True)

    async def _fill(self) -> None:
        async with self._database.connect(allow_cross_tenant=True) as connection:
            states = await self._state.segments(connection)
        self._resumed(sum(state.read for state in states))
        async with run_together() as start:
            for number, state in enumerate(states):
                if not state.done:
                    start(f"segment {number}", self._fill_segment(number, state.position))

    async def _fill_segment(self, segment: int, start: Mapping[str, str] | None) -> None:
        part = (segment, self._segments)
        async for page in self._replay.pages(self._source, part, start=start, rows=self._page_rows):
            await self._write(segment, page)
            self._report(page.read)

    async def _write(self, segment: int, page: ReplayPage) -> None:
        async def work(connection: AsyncConnection) -> None:
            await self._state.advance(connection, segment, page)
            await self._projection.fill(self._target(connection, self._tables.fresh), page.items)

        async with AsyncExitStack() as stack:
            if self._database.engine.dialect.name == "sqlite":
                # It has one writer at a time, and those who wait for it poll.
                await stack.enter_async_context(self._one_writer)
            await self._database.in_transaction(work, allow_cross_tenant=True)

    async def _catch_up_while_live(self) -> None:
        for _ in range(MAX_ROUNDS):
            if await self._catch_up(self._tables.live, self._tables.fresh) <= ENOUGH:
                return

    async def _catch_up(self, ahead: ProjectedTables, behind: ProjectedTables) -> int:
        """Write the items that are newer in one set of tables to the other; how many there were.

        Items of which the command store knows nothing any more are left out.
        """
        total = 0
        last: DetailKey | None = None
        while keys := await self._newer(ahead.versions, behind.versions, last):
            found = list((await self._replay.current(keys)).values())
            await self._project(found, behind)
            total += len(found)
            last = max(keys)
        return total

    async def _project(self, items: Sequence[ReplayedItem], tables: ProjectedTables) -> None:
        async def work(connection: AsyncConnection) -> None:
            target = self._target(connection, tables)
            for item in items:
                await self._projection.project(target, item.newest, item.first_version)

        await self._database.in_transaction(work, allow_cross_tenant=True)

    async def _newer(self, ahead: Table, behind: Table, after: DetailKey | None) -> dict[DetailKey, int]:
        same_item = and_(ahead.c.pk == behind.c.pk, ahead.c.sk == behind.c.sk)
        statement = (
            select(ahead.c.pk, ahead.c.sk, ahead.c.version)
            .select_from(ahead.outerjoin(behind, same_item))
            .where(or_(behind.c.version.is_(None), behind.c.version < ahead.c.version))
            .order_by(ahead.c.pk, ahead.c.sk)
            .limit(CATCH_UP_ITEMS)
        )
        if after is not None:
            statement = statement.where(is_after(ahead, after))
        async with self._database.connect(allow_cross_tenant=True) as connection:
            return {DetailKey(pk, sk): version for pk, sk, version in await connection.execute(statement)}

    async def _finish(self) -> int:
        await self._catch_up(self._tables.old, self._tables.live)

        async def work(connection: AsyncConnection) -> int:
            read = sum(state.read for state in await self._state.segments(connection))
            await self._state.end(connection)
            await self._tables.drop(connection, self._tables.old)
            return read

        return await self._database.in_transaction(work, allow_cross_tenant=True)

    def _target(self, connection: AsyncConnection, tables: ProjectedTables) -> ProjectionTarget:
        return ProjectionTarget(connection, self._projection.options.tables, tables)


def _plan(projection: SqlProjection, source: ReplaySource, segments: int) -> str:
    """What must be the same for a rebuild to be gone on with: where it reads, how, and what it fills."""
    columns = "\n".join(repr(column) for table in projection.options.tables for column in table.c)
    return f"{source} {segments} {sha256(columns.encode()).hexdigest()}"
