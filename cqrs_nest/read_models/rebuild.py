"""`Rebuild`: fills fresh tables of a projection from the data table or the commands, and swaps them in."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from hashlib import sha256
from typing import Final, TypeAlias, TypeVar

from sqlalchemy import Table, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands import DetailKey, Replay, ReplayedItem, ReplaySource
from cqrs_nest.commands.replay import PAGE_ROWS, ReplayPage
from cqrs_nest.core.concurrency import run_together
from cqrs_nest.read_models.database import SqlDatabase
from cqrs_nest.read_models.fresh_tables import FreshTables
from cqrs_nest.read_models.item_writer import Begin, ItemWriter
from cqrs_nest.read_models.projected_tables import ProjectedTables
from cqrs_nest.read_models.projection import SqlProjection
from cqrs_nest.read_models.projection_target import ProjectionTarget
from cqrs_nest.read_models.rebuild_state import RebuildState, exclusively
from cqrs_nest.read_models.stored_rows import is_after

CATCH_UP_ITEMS: Final = 500
"""How many items of live traffic are looked for at a time."""
ENOUGH: Final = 50
"""With so few items behind, the tables are swapped; those are caught up with after it."""
MAX_ROUNDS: Final = 20

T = TypeVar("T")
Spans: TypeAlias = Mapping[DetailKey, tuple[int, int]]
"""Items by their keys, with the version behind which and up to which commands are to be applied."""


class Rebuild:
    """Rebuilds one projection beside live traffic.

    1. The segments of the source are read side by side into fresh tables. Live commands go to the live ones.
    2. Items that live commands have changed meanwhile are written to the fresh tables, until few are left.
    3. The fresh tables are swapped in. What came in between is caught up with from the old versions table.

    A rebuild that was ended at any point is gone on with by the next one that has the same plan. Each step
    first makes sure, in its own transaction, that nobody else has taken the rebuild over.
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
        self._tables = FreshTables(projection.tables, self._database.engine.dialect.name)
        self._plan = plan_of(projection, source, segments)
        self._state = RebuildState(projection.options.name, self._plan)
        self._segments = segments
        self._one_writer = asyncio.Lock()

    async def run(self, *, restart: bool = False) -> int:
        """Rebuild, or go on with a rebuild unless `restart`; how many rows of the source it has read in all.

        Raises ProjectionFailedError, RebuildTakenOverError and TablesNotSwappableError; what is done stays.
        """
        begin = partial(self._begin, restart=restart)
        while (earlier := await self._exclusively(begin)) is not None:
            read = await self._finish()
            if earlier == self._plan and not restart:
                return read
        await self._fill()
        await self._catch_up_while_live()
        await self._exclusively(self._swap)
        return await self._finish()

    async def _begin(self, connection: AsyncConnection, restart: bool) -> str | None:
        """Make ready to fill; the plan of an earlier rebuild, if that is swapped in and has to end first."""
        plan = await self._state.claim(connection)
        if await self._tables.are_swapped(connection):
            if plan is None:
                await self._state.begin(connection, 1)
            return plan or ""
        await self._tables.check(connection)
        if restart or plan != self._plan or not await self._tables.exist(connection):
            # In this order, as MySQL keeps what was done when it is killed in between: no position may stand
            # beside tables that are empty.
            await self._state.end(connection)
            await self._tables.create(connection)
            await self._state.begin(connection, self._segments)
        return None

    async def _fill(self) -> None:
        states = await self._owned(self._state.segments)
        self._resumed(sum(state.read for state in states))
        async with run_together() as start:
            for number, state in enumerate(states):
                if not state.done:
                    start(f"segment {number}", self._fill_segment(number, state.position))

    async def _fill_segment(self, segment: int, start: Mapping[str, str] | None) -> None:
        pages = self._replay.pages(
            self._source,
            (segment, self._segments),
            start=start,
            rows=self._page_rows,
            every_version=not self._projection.is_declared,
        )
        async for page in pages:
            async with AsyncExitStack() as stack:
                if self._database.engine.dialect.name == "sqlite":
                    # It has one writer at a time, and those who wait for it poll.
                    await stack.enter_async_context(self._one_writer)
                await self._write(segment, page)
            self._report(page.read)

    async def _write(self, segment: int, page: ReplayPage) -> None:
        async def note(target: ProjectionTarget) -> None:
            await self._state.advance(target.connection, segment, page)

        if self._projection.is_declared:
            await self._writer(self._tables.fresh).write(page.items, note, are_new=True)
        else:
            await self._apply(page.items, self._tables.fresh, note)

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
        while spans := await self._newer(ahead.versions, behind.versions, last):
            if self._projection.is_declared:
                found = await self._replay.current({key: to for key, (_, to) in spans.items()})
                await self._writer(behind).write(list(found.values()), self._own)
            else:
                await self._catch_up_by_hand(spans, behind)
            total += len(spans)
            last = max(spans)
        return total

    async def _catch_up_by_hand(self, spans: Spans, behind: ProjectedTables) -> None:
        """From the commands every version in between, as from the data table the newest ones only."""
        if self._source == "data":
            found = await self._replay.current({key: to for key, (_, to) in spans.items()})
            await self._apply(list(found.values()), behind, self._own)
            return
        for key, (after, to) in spans.items():
            async for item in self._replay.since(key, after, to):
                await self._apply([item], behind, self._own)

    async def _newer(self, ahead: Table, behind: Table, after: DetailKey | None) -> Spans:
        same_item = and_(ahead.c.pk == behind.c.pk, ahead.c.sk == behind.c.sk)
        statement = (
            select(ahead.c.pk, ahead.c.sk, func.coalesce(behind.c.version, 0), ahead.c.version)
            .select_from(ahead.outerjoin(behind, same_item))
            .where(or_(behind.c.version.is_(None), behind.c.version < ahead.c.version))
            .order_by(ahead.c.pk, ahead.c.sk)
            .limit(CATCH_UP_ITEMS)
        )
        if after is not None:
            statement = statement.where(is_after(ahead, after))
        rows = await self._owned(lambda connection: connection.execute(statement))
        return {DetailKey(pk, sk): (first, last) for pk, sk, first, last in rows}

    async def _apply(self, items: Sequence[ReplayedItem], tables: ProjectedTables, begin: Begin) -> None:
        """Let a projection that is written by hand apply every command of some items."""

        async def work(connection: AsyncConnection) -> None:
            target = ProjectionTarget(connection, self._projection.tables, tables)
            await begin(target)
            for item in items:
                for command in item.commands:
                    await self._projection.project(target, command, item.first_version)

        await self._database.in_transaction(work, allow_cross_tenant=True)

    async def _swap(self, connection: AsyncConnection) -> None:
        await self._state.own(connection)
        await self._tables.swap(connection)

    async def _finish(self) -> int:
        await self._catch_up(self._tables.old, self._tables.live)
        return await self._exclusively(self._end)

    async def _end(self, connection: AsyncConnection) -> int:
        await self._state.own(connection)
        read = sum(state.read for state in await self._state.segments(connection))
        await self._tables.drop(connection, self._tables.old)
        await self._state.end(connection)
        return read

    async def _own(self, target: ProjectionTarget) -> None:
        await self._state.own(target.connection)

    async def _owned(self, read: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Read while the rebuild is this process's."""
        async with self._database.connect(allow_cross_tenant=True) as connection:
            await self._state.own(connection)
            return await read(connection)

    async def _exclusively(self, change: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Change tables, or whose the rebuild is, while nobody else does."""

        async def work(connection: AsyncConnection) -> T:
            async with exclusively(connection):
                return await change(connection)

        return await self._database.in_transaction(work, allow_cross_tenant=True)

    def _writer(self, tables: ProjectedTables) -> ItemWriter:
        return ItemWriter(self._projection, self._replay.current, tables)


def plan_of(projection: SqlProjection, source: ReplaySource, segments: int) -> str:
    """What must be the same for a rebuild to be gone on with: where it reads, what it fills, and how.

    A projection that was corrected begins anew, as its first rows would be those of the code before.
    """
    columns = (repr(column) for table in projection.tables for column in table.c)
    return f"{source} {segments} {sha256(chr(10).join((*columns, *_code(projection))).encode()).hexdigest()}"


def _code(projection: SqlProjection) -> Iterator[str]:
    """The files of the projection's classes, where there are files."""
    for cls in type(projection).__mro__:
        if cls is SqlProjection:
            return
        try:
            yield inspect.getsource(inspect.getmodule(cls) or cls)
        except (OSError, TypeError):
            yield cls.__qualname__
