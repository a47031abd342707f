"""A rebuild by the command line on emulated AWS, killed twice on the way: the rows are as if it was not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.rebuild import Rebuilds, commands, data_rows
from benchmarks.rebuild_service import app
from cqrs_nest.aws import DynamoDbService
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.local.embedded_aws import EmbeddedAws
from cqrs_nest.read_models import Projections, SqlDatabase

COMMANDS = 160


async def test_a_rebuild_that_is_killed_twice_ends_in_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = EmbeddedAws()
    variables = {
        **aws.variables(),
        "NODE_ENV": "local",
        "APP_NAME": "killed",
        "LOG_LEVEL": "error",
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'notes.sqlite3'}",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    container = await app.container()
    try:
        await container.get(CommandTables).create()
        database, dynamodb = container.get(SqlDatabase), container.get(DynamoDbService)
        await database.on_module_init()
        rows = list(commands(COMMANDS))
        table = dynamodb.get_table_name("note", "command")
        await asyncio.gather(*(dynamodb.put_item(table, row) for row in rows))
        table = dynamodb.get_table_name("note", "data")
        await asyncio.gather(*(dynamodb.put_item(table, row) for row in data_rows(rows)))
        projections = container.get(Projections)
        projection = projections.named("NoteProjection")
        assert await projections.rebuild(projection) == COMMANDS // 4
        rebuilds = Rebuilds(variables, 10, database, tmp_path)
        before = await rebuilds.digest()
        for part in (1, 2):
            await rebuilds.run("rebuild", kill_at=COMMANDS * part // 3)
            assert await rebuilds.digest() == before
        await rebuilds.run("rebuild")
        assert await rebuilds.digest() == before
        assert await projections.verify(projection) == []
    finally:
        await container.close()
        await aws.close()
