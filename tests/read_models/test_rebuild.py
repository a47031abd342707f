"""Rebuilding a projection: the rows are those that live commands made, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, update

from cqrs_nest.commands import ReplaySource
from cqrs_nest.read_models import ProjectionFailedError, Projections, ProjectionTarget, SqlDatabase
from cqrs_nest.read_models.rebuild import Rebuild
from cqrs_nest.read_models.rebuild_state import REBUILDS, RebuildState
from tests.read_models.command_store import CommandStore, command_store
from tests.read_models.conftest import PROJECTED, TASKS
from tests.read_models.projections import PK, command, contents
from tests.read_models.slow_replay import EndedError, rebuild
from tests.read_models.test_projection import COUNTS, Counting

OTHER = "TASK#umbrella"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def service(shared_database_url: str) -> AsyncIterator[CommandStore]:
    async with command_store(shared_database_url) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="module")
async def store(service: CommandStore) -> CommandStore:
    """Items of many versions and two tenants, one deleted, one deleted and made anew; all projected."""
    await service.clear()
    await service.fill(
        *(
            command(sk, version)
            for sk, last in {"A": 12, "B": 1, "C": 3}.items()
            for version in range(1, last + 1)
        ),
        *(command(sk, 1, pk=OTHER) for sk in "DE"),
        *(command(sk, 2, pk=OTHER, isDeleted=True) for sk in "DE"),
        command("E", 3, pk=OTHER),
    )
    return service


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
        await store.write("late", 1)
        monkeypatch.setattr(Rebuild, "_finish", swap)
        async with store.database.begin() as connection:
            old = ProjectionTarget(connection, store.projection.tables, self._tables.old)
            await store.projection.project(old, command("late", 1), 1)
        raise EndedError

    monkeypatch.setattr(Rebuild, "_finish", late)
    with pytest.raises(EndedError):
        await store.projections.rebuild(store.projection)
    await store.projections.rebuild(store.projection)
    assert "late" in [row["sk"] for row in (await contents(store.database))["tasks"]]
    assert await store.projections.verify(store.projection) == []


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


async def test_a_swap_that_was_not_finished_does_not_stand_for_another_rebuild(
    store: CommandStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await contents(store.database)
    finish = Rebuild._finish

    async def end(self: Rebuild) -> int:
        raise EndedError

    for options, total in (({}, 0), ({"restart": True}, 5), ({"source": "commands"}, 21)):
        monkeypatch.setattr(Rebuild, "_finish", end)
        with pytest.raises(EndedError):
            await store.projections.rebuild(store.projection)
        monkeypatch.setattr(Rebuild, "_finish", finish)
        read: list[int] = []
        assert await store.projections.rebuild(store.projection, report=read.append, **options) == (
            total or 5
        )
        assert sum(read) == total
        assert await contents(store.database) == before


async def test_an_end_between_the_tables_and_their_position_skips_nothing(
    store: CommandStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL and MariaDB keep each change of a table, whatever becomes of its transaction."""
    before = await contents(store.database)

    async def end(*arguments: object) -> None:
        if arguments[0] == 5 or isinstance(arguments[0], RebuildState):
            raise EndedError

    with pytest.raises(EndedError):
        await rebuild(store, end).run()
    with monkeypatch.context() as patch:
        patch.setattr(RebuildState, "begin", end)
        with pytest.raises(EndedError):
            await rebuild(store, end).run(restart=True)
    await rebuild(store, lambda page: asyncio.sleep(0)).run()
    assert await contents(store.database) == before


async def test_a_projection_by_hand_gets_every_version_that_came_meanwhile(store: CommandStore) -> None:
    async with store.database.begin() as connection:
        await connection.run_sync(COUNTS.metadata.create_all)
    counting = Counting(store.database)
    written = 0

    async def live(page: int) -> None:
        nonlocal written
        if written == 3:
            return
        written += 1
        for sk, version in (("A", 12 + 2 * written), (f"new {written}", 2)):
            for number in (version - 1, version):
                await counting.up(await store.write(sk, number, name="live"))

    await rebuild(store, live, projection=counting).run()
    counts = await contents(store.database, COUNTS)
    assert {row["sk"]: row["times"] for row in counts["counts"]}["live"] == 4 * written


async def test_who_created_an_item_is_known_when_its_first_commands_have_expired(store: CommandStore) -> None:
    before = await contents(store.database)
    for sk, version in (("A", 1), ("A", 2), ("C", 1), ("C", 2)):
        key = {"pk": PK, "sk": f"{sk}@{version}"}
        await store.dynamodb.delete_item(store.table.command, key)
    await store.projections.rebuild(store.projection, source="commands")
    assert await contents(store.database) == before


async def test_an_item_of_many_versions_is_read_without_holding_them(store: CommandStore) -> None:
    held: list[int] = []
    for segment in range(2):
        async for page in store.replay.pages("commands", (segment, 2), rows=3, every_version=False):
            held += (len(item.commands) for item in page.items)
    assert sorted(held) == [1, 2, 2, 2, 2]


async def test_an_item_without_rows_is_named_with_what_to_run(
    store: CommandStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store.projection), "row", lambda self, command: command.attributes["none"])
    with pytest.raises(ProjectionFailedError, match=r"TASK#\w+ \w@\d+ are \(KeyError.*\n.*--restart"):
        await store.projections.rebuild(store.projection)


async def test_rows_that_the_database_refuses_are_placed(
    store: CommandStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = type(store.projection).row
    nameless = lambda self, command: {**row(self, command), "name": None}  # noqa: E731
    monkeypatch.setattr(type(store.projection), "row", nameless)
    with pytest.raises(ProjectionFailedError, match=r"(?is)refuses the rows of .*TASK#.*null.*--restart"):
        await store.projections.rebuild(store.projection)
