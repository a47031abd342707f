"""Rebuilding a projection: the rows are those that live commands made, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, update

from cqrs_nest.commands import Replay
from cqrs_nest.commands.replay import ReplayPage, ReplaySource
from cqrs_nest.read_models import Projections, SqlDatabase
from cqrs_nest.read_models.rebuild import Rebuild
from cqrs_nest.read_models.rebuild_state import REBUILDS, RebuildTakenOverError
from tests.read_models.command_store import CommandStore, command_store
from tests.read_models.conftest import PROJECTED, TASKS
from tests.read_models.projections import command, contents

OTHER = "TASK#umbrella"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[CommandStore]:
    """Items of many versions and two tenants, one deleted, one deleted and made anew; all projected."""
    async with command_store(database_url) as store:
        for sk, versions in {"A": 12, "B": 1, "C": 3}.items():
            for version in range(1, versions + 1):
                await store.write(sk, version, project=True)
        for sk in ("D", "E"):
            await store.write(sk, 1, pk=OTHER, project=True)
            await store.write(sk, 2, pk=OTHER, project=True, isDeleted=True)
        await store.write("E", 3, pk=OTHER, project=True)
        yield store


async def damage(database: SqlDatabase) -> None:
    """Rows as a bug could leave them."""
    async with database.begin() as connection:
        await connection.execute(update(TASKS).values(name="damaged", created_by="nobody"))


@pytest.mark.parametrize("source", ["data", "commands"])
async def test_the_rows_are_those_that_live_commands_made(store: CommandStore, source: ReplaySource) -> None:
    before = await contents(store.database)
    await damage(store.database)
    read: list[int] = []
    total = await store.projections.rebuild(store.projection, source=source, report=read.append)
    assert await contents(store.database) == before
    assert total == sum(read) == await store.projections.count(store.projection, source)
    assert total == {"data": 5, "commands": 21}[source]


async def test_the_schema_is_as_before_and_nothing_is_left(store: CommandStore) -> None:
    def differences(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection), PROJECTED)

    def names(connection: Connection) -> list[str]:
        return sorted(inspect(connection).get_table_names())

    for _ in range(2):
        await store.projections.rebuild(store.projection)
        async with store.database.connect() as connection:
            assert await connection.run_sync(names) == [
                "projection_rebuilds",
                "task_tags",
                "tasks",
                "tasks_versions",
            ]
            changes = await connection.run_sync(differences)
            assert [change for change in changes if change[0] != "remove_table"] == []
            assert (await connection.execute(select(REBUILDS))).all() == []


class SlowReplay(Replay):
    """Reads a row at a time, and does something after each page."""

    def __init__(self, replay: Replay, after: Any) -> None:
        vars(self).update(vars(replay))
        self.after = after
        self.count_of_pages = 0

    async def pages(self, *arguments: Any, **options: Any) -> AsyncIterator[ReplayPage]:
        async for page in super().pages(*arguments, **{**options, "rows": 1}):
            yield page
            self.count_of_pages += 1
            await self.after(self.count_of_pages)


def rebuild(store: CommandStore, after: Any, source: ReplaySource = "commands") -> Rebuild:
    replay = SlowReplay(store.replay, after)
    return Rebuild(store.projection, replay, source=source, segments=2, report=lambda rows: None)


class EndedError(Exception):
    """The process was killed."""


@pytest.mark.parametrize(("source", "last_page"), [("data", 2), ("commands", 14)])
async def test_a_rebuild_that_ends_at_any_page_is_gone_on_with(
    store: CommandStore, source: ReplaySource, last_page: int
) -> None:
    before = await contents(store.database)
    await damage(store.database)
    ends, done = 0, False
    pages = await store.projections.count(store.projection, source)

    async def end(page: int) -> None:
        if page == last_page:
            raise EndedError

    while not done and ends < pages:
        try:
            await rebuild(store, end, source).run()
            done = True
        except EndedError:
            ends += 1
    assert 1 <= ends < pages
    assert await contents(store.database) == before


async def test_live_commands_go_on_and_nothing_of_them_is_lost(store: CommandStore) -> None:
    written = 0

    async def live(page: int) -> None:
        nonlocal written
        written += 1
        await store.write("A", 12 + written, project=True)
        await store.write(f"new {written}", 1, project=True)
        await store.write("C", 3 + written, project=True, isDeleted=written % 2 == 0)

    await rebuild(store, live, "data").run()
    assert written > 3
    after = await contents(store.database)
    assert {row["sk"]: row["version"] for row in after["tasks_versions"]}["A"] == 12 + written
    assert await store.projections.verify(store.projection) == []


async def test_commands_that_come_at_the_swap_are_caught_up_with(
    store: CommandStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = Rebuild._finish

    async def late(self: Rebuild) -> int:
        """What a live projection committed to the old tables just before they were renamed."""
        target = self._target
        await store.write("late", 1)
        monkeypatch.setattr(Rebuild, "_finish", swap)
        async with store.database.begin() as connection:
            old = target(connection, self._tables.old)
            await store.projection.project(old, command("late", 1), 1)
        raise EndedError

    monkeypatch.setattr(Rebuild, "_finish", late)
    with pytest.raises(EndedError):
        await store.projections.rebuild(store.projection)
    await store.projections.rebuild(store.projection)
    assert "late" in [row["sk"] for row in (await contents(store.database))["tasks"]]
    assert await store.projections.verify(store.projection) == []


async def test_whoever_begins_last_goes_on_and_the_other_stops(store: CommandStore) -> None:
    before = await contents(store.database)
    second: list[asyncio.Task[int]] = []

    async def begin_another(page: int) -> None:
        if page == 2 and not second:
            second.append(asyncio.create_task(rebuild(store, lambda page: asyncio.sleep(0)).run()))
            await asyncio.wait(second)

    with pytest.raises(RebuildTakenOverError, match="Another process"):
        await rebuild(store, begin_another).run()
    await second[0]
    assert await contents(store.database) == before


async def test_a_command_that_was_never_applied_is_left_out(store: CommandStore) -> None:
    before = await contents(store.database)
    await store.dynamodb.put_item(
        store.table.command, command("B", 2, status="check_version:FAILED").to_row()
    )
    await store.dynamodb.put_item(store.table.command, command("Z", 1).to_row())
    await store.projections.rebuild(store.projection, source="commands")
    assert await contents(store.database) == before


async def test_re_sync_writes_the_rows_again(store: CommandStore) -> None:
    before = await contents(store.database)
    await damage(store.database)
    await store.commands.re_sync_data()
    assert await contents(store.database) == before


async def test_it_is_injected(store: CommandStore) -> None:
    assert store.container.get(Projections).all == [store.projection]
    assert store.projections.named("TaskProjection") is store.projection
