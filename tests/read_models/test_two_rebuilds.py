"""Two rebuilds of one projection, interleaved at every step: one is stopped, the other has all rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.read_models import SqlDatabase
from cqrs_nest.read_models.rebuild import Rebuild
from cqrs_nest.read_models.rebuild_state import RebuildTakenOverError
from tests.read_models.command_store import CommandStore, command_store
from tests.read_models.projections import TaskProjection, command, contents

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def store(shared_database_url: str) -> AsyncIterator[CommandStore]:
    async with command_store(shared_database_url) as store:
        await store.fill(*(command(sk, 1) for sk in "ABC"))
        yield store


class SteppingDatabase(SqlDatabase):
    """The same database, in which something comes before every transaction."""

    def __init__(self, database: SqlDatabase, before: Callable[[int], Awaitable[object]]) -> None:
        super().__init__("")
        self._engine = database.engine
        self._before = before
        self.steps = 0

    async def _step(self) -> None:
        self.steps += 1
        await self._before(self.steps)

    @asynccontextmanager
    async def connect(self, **options: Any) -> AsyncIterator[AsyncConnection]:
        await self._step()
        async with super().connect(**options) as connection:
            yield connection

    async def in_transaction(self, work: Any, **options: Any) -> Any:
        await self._step()
        return await super().in_transaction(work, **options)


class Stepping:
    """A rebuild that stops before one of its steps until it is let go on."""

    def __init__(self, store: CommandStore, stop: int) -> None:
        self._stop = stop
        self._go_on = asyncio.Event()
        self.stopped = asyncio.Event()
        self.database = SteppingDatabase(store.database, self._before)
        self.rebuild = Rebuild(
            TaskProjection(self.database),
            store.replay,
            source="data",
            segments=1,
            page_rows=2,
            report=lambda rows: None,
        )

    async def _before(self, step: int) -> None:
        if step == self._stop:
            self.stopped.set()
            await self._go_on.wait()

    async def run_to_the_stop(self, restart: bool) -> asyncio.Task[int]:
        task = asyncio.create_task(self.rebuild.run(restart=restart))
        stopped = asyncio.create_task(self.stopped.wait())
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        return task

    def go_on(self) -> None:
        self._go_on.set()


async def count_of_steps(store: CommandStore) -> int:
    alone = Stepping(store, 0)
    await alone.rebuild.run()
    return alone.database.steps


async def test_one_is_stopped_and_the_other_has_all_rows(store: CommandStore) -> None:
    before = await contents(store.database)
    steps = await count_of_steps(store)
    assert steps >= 8
    for first_stop in range(2, steps + 1):
        second_stop = 2 + first_stop * 5 % (steps - 1)
        first, second = Stepping(store, first_stop), Stepping(store, second_stop)
        one = await first.run_to_the_stop(restart=False)
        other = await second.run_to_the_stop(restart=first_stop % 3 > 0)
        first.go_on()
        with pytest.raises(RebuildTakenOverError, match="Another process"):
            await one
        second.go_on()
        assert await other == 3
        assert await contents(store.database) == before, (first_stop, second_stop)


async def test_many_that_begin_at_once_leave_one(store: CommandStore) -> None:
    before = await contents(store.database)
    rebuilds = [Stepping(store, 0).rebuild.run(restart=True) for _ in range(4)]
    results = await asyncio.gather(*rebuilds, return_exceptions=True)
    failures = [result for result in results if result != 3]
    assert len(failures) < 4
    assert all(isinstance(each, RebuildTakenOverError) for each in failures), failures
    assert await contents(store.database) == before
