"""Verifying a projection: every kind of difference is found and mended, and nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, update

from cqrs_nest.common import ForbiddenException
from cqrs_nest.context import Invoke, current_invoke
from cqrs_nest.read_models import InvalidProjectionError, SqlDatabase, UnknownProjectionError
from tests.read_models.command_store import CommandStore, command_store
from tests.read_models.conftest import TASK_TAGS, TASKS
from tests.read_models.projections import PK, START, command, contents
from tests.read_models.test_projection import COUNTS, Counting

OTHER = "TASK#umbrella"
VERSIONS = TASKS.metadata.tables["tasks_versions"]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def service(shared_database_url: str) -> AsyncIterator[CommandStore]:
    async with command_store(shared_database_url) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="module")
async def store(service: CommandStore) -> CommandStore:
    await service.clear()
    await service.fill(
        *(command(sk, version) for sk in "ABCDEFG" for version in (1, 2)),
        command("gone", 1),
        command("gone", 2, isDeleted=True),
        command("A", 1, pk=OTHER),
    )
    return service


async def damage(database: SqlDatabase) -> None:
    """One difference of each kind."""
    async with database.begin() as connection:
        for table in (TASK_TAGS, TASKS):
            await connection.execute(delete(table).where(table.c.pk == PK, table.c.sk == "B"))
        await connection.execute(delete(VERSIONS).where(VERSIONS.c.sk == "C"))
        await connection.execute(update(VERSIONS).where(VERSIONS.c.sk == "D").values(version=9))
        await connection.execute(update(TASKS).where(TASKS.c.sk == "E").values(name="x", created_at=START))
        await connection.execute(delete(TASK_TAGS).where(TASK_TAGS.c.sk == "F", TASK_TAGS.c.tag == "all"))
        row = {"pk": PK, "version": 1, "name": "?"}
        await connection.execute(insert(TASKS), [{**row, "sk": "gone"}, {**row, "sk": "never"}])
        await connection.execute(update(TASKS).where(TASKS.c.pk == OTHER).values(code=None))


FOUND = [
    "TASK#acme B: its row is missing",
    "TASK#acme C: version 2 is not projected",
    "TASK#acme D: it is at version 9, not at 2",
    "TASK#acme E: name is 'x', not 'E in version 2'; "
    "created_at is '2026-01-01T00:00:00+00:00', not '2026-01-01T00:01:00+00:00'",
    "TASK#acme F: its rows in task_tags are others",
    "TASK#acme gone: it is deleted, and has a row",
    "TASK#acme never: there is no such item, and it has rows",
    "TASK#umbrella A: code is None, not 'A'",
]


async def test_nothing_differs(store: CommandStore) -> None:
    assert await store.projections.verify(store.projection) == []
    assert await store.projections.verify(store.projection, source="commands") == []


async def test_what_differs_is_named_and_mended(store: CommandStore) -> None:
    before = await contents(store.database)
    await damage(store.database)
    assert [str(found) for found in await store.projections.verify(store.projection)] == FOUND
    repaired = await store.projections.verify(store.projection, repair=True)
    assert [str(found) for found in repaired] == FOUND
    assert await contents(store.database) == before
    assert await store.projections.verify(store.projection) == []


async def test_one_tenant_only(store: CommandStore) -> None:
    await damage(store.database)
    found = await store.projections.verify(store.projection, tenant="umbrella", repair=True)
    assert [str(each) for each in found] == FOUND[-1:]
    assert [str(each) for each in await store.projections.verify(store.projection)] == FOUND[:-1]


async def test_a_command_on_its_way_is_no_difference_and_a_failed_one_is(store: CommandStore) -> None:
    await store.write("A", 3)
    await store.write("B", 3)
    for sk, status in {"A": "sync_data:STARTED", "B": "sync_data:FAILED"}.items():
        row = command(sk, 3, status=status).to_row()
        await store.dynamodb.put_item(store.table.command, row)
    [found] = await store.projections.verify(store.projection)
    assert str(found) == "TASK#acme B: it is at version 2, not at 3"


async def test_a_data_row_that_disagrees_with_its_command_is_named(store: CommandStore) -> None:
    key = {"pk": PK, "sk": "B"}
    row = await store.dynamodb.get_item(store.table.data, key)
    assert row is not None
    await store.dynamodb.put_item(store.table.data, {**row, "name": "by hand", "version": 2})
    await store.dynamodb.delete_item(store.table.data, {"pk": PK, "sk": "C"})
    found = await store.projections.verify(store.projection, source="commands", repair=True)
    assert [str(each) for each in found] == [
        "TASK#acme B: its data row has another name than the command",
        "TASK#acme C: there is no data row",
    ]


async def test_a_command_that_comes_while_its_rows_are_erased_keeps_them(store: CommandStore) -> None:
    """A row of an item that nobody knows is erased, unless it has become one meanwhile."""
    await store.fill(command("N", 1))
    row = await store.dynamodb.get_item(store.table.data, {"pk": PK, "sk": "N"})
    assert row is not None
    for table, sk in ((store.table.data, "N"), (store.table.command, "N@1")):
        await store.dynamodb.delete_item(table, {"pk": PK, "sk": sk})
    in_transaction = store.database.in_transaction

    async def late(work: Any, **options: Any) -> Any:
        store.database.in_transaction = in_transaction  # type: ignore[method-assign]
        await store.fill(command("N", 2))
        return await in_transaction(work, **options)

    store.database.in_transaction = late  # type: ignore[method-assign]
    [found] = await store.projections.verify(store.projection, repair=True)
    assert str(found) == "TASK#acme N: there is no such item, and it has rows"
    assert [row["version"] for row in (await contents(store.database))["tasks"] if row["sk"] == "N"] == [2]


async def test_a_request_may_not_verify(store: CommandStore) -> None:
    token = current_invoke.set(Invoke({}, {}))
    try:
        with pytest.raises(ForbiddenException):
            await store.projections.verify(store.projection)
    finally:
        current_invoke.reset(token)


async def test_a_projection_by_hand_is_not_mended_but_rebuilt(store: CommandStore) -> None:
    async with store.database.begin() as connection:
        await connection.run_sync(COUNTS.metadata.create_all)
    counting = Counting(store.database)
    assert len(await store.projections.verify(counting)) == 9
    with pytest.raises(InvalidProjectionError, match="rebuild it"):
        await store.projections.verify(counting, repair=True)
    await store.projections.rebuild(counting, source="commands")
    assert await store.projections.verify(counting) == []
    assert sum(row["times"] for row in (await contents(store.database, COUNTS))["counts"]) == 17


async def test_an_unknown_projection_is_named(store: CommandStore) -> None:
    with pytest.raises(UnknownProjectionError, match="There are: TaskProjection"):
        store.projections.named("TodoProjection")
