"""`cqrs-nest projections`, `migrations` and `history` on emulated AWS."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from benchmarks.rebuild import commands, data_rows
from benchmarks.rebuild_service import app, notes
from cqrs_nest.aws import DynamoDbService
from cqrs_nest.cli.main import main
from cqrs_nest.commands.rows import history_row
from cqrs_nest.commands.tables import CommandTables
from cqrs_nest.core import Container
from cqrs_nest.local.embedded_aws import EmbeddedAws
from cqrs_nest.read_models import Projections, SqlDatabase

SERVICE = "benchmarks.rebuild_service"
KEY = "NOTE#tenant0#" + "0" * 26


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Container]:
    """Two notes of four versions, the first of which is deleted in the last one; the read model is empty."""
    aws = EmbeddedAws()
    database = f"sqlite+aiosqlite:///{tmp_path / 'notes.sqlite3'}"
    variables = {"NODE_ENV": "local", "APP_NAME": "tools", "DATABASE_URL": database, "LOG_LEVEL": "error"}
    for name, value in {**aws.variables(), **variables}.items():
        monkeypatch.setenv(name, value)
    container = await app.container()
    await container.get(CommandTables).create()
    dynamodb = container.get(DynamoDbService)
    names = {kind: dynamodb.get_table_name("note", kind) for kind in ("command", "data", "history")}
    rows = list(commands(8))
    for row in rows:
        await dynamodb.put_item(names["command"], row)
    for row in data_rows(rows):
        await dynamodb.put_item(names["data"], row)
    for row in rows[:3]:
        kept = {name: value for name, value in row.items() if name not in ("status", "source")}
        await dynamodb.put_item(names["history"], history_row({**kept, "sk": row["code"]}, None))
    yield container
    await container.close()
    await aws.close()


Run = Callable[..., Awaitable[str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; what it prints, or its one line of error when it is to fail."""

    async def run_command(*arguments: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["cqrs-nest", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main)
        printed = capsys.readouterr()
        assert (ended.value.code or 0) == status, printed.err
        return printed.err if status else printed.out

    return run_command


async def test_a_read_model_from_nothing_to_repaired(service: Container, run: Run, tmp_path: Path) -> None:
    directory = ("--directory", str(tmp_path / "migrations"))
    assert "wrote" in await run("migrations", "generate", SERVICE, "-m", "notes", *directory)
    assert "the database is at" in await run("migrations", "apply", SERVICE, *directory)
    assert await run("projections", "list", SERVICE) == (
        "NoteProjection: note -> notes_versions, notes, note_tags\n"
    )
    assert await run("projections", "rebuild", SERVICE) == "NoteProjection: rebuilt from 2 rows\n"
    assert await service.get(Projections).verify(service.get(Projections).all[0]) == []
    async with service.get(SqlDatabase).begin() as connection:
        await connection.execute(update(notes).values(name="damaged"))
    error = await run("projections", "verify", SERVICE, "--projection", "NoteProjection", status=1)
    assert "1 items differ" in error
    repaired = await run("projections", "rebuild", SERVICE, "--tenant", "tenant1")
    assert repaired == "NoteProjection: 1 items of tenant1 were written anew\n"
    assert await service.get(Projections).verify(service.get(Projections).all[0]) == []


async def test_what_programs_read(service: Container, run: Run, tmp_path: Path) -> None:
    async def document(*arguments: str) -> Any:
        return json.loads(await run(*arguments, "--json"))

    directory = ("--directory", str(tmp_path / "migrations"))
    written = await document("migrations", "generate", SERVICE, "-m", "notes", *directory)
    revision = (await document("migrations", "apply", SERVICE, *directory))["revision"]
    assert Path(written["written"]).name.startswith(revision)
    assert await document("migrations", "check", SERVICE, *directory) == {"problems": []}
    tables = ["notes_versions", "notes", "note_tags"]
    assert await document("projections", "list", SERVICE) == [
        {"projection": "NoteProjection", "commands": "note", "tables": tables}
    ]
    assert await document("projections", "rebuild", SERVICE) == [{"projection": "NoteProjection", "rows": 2}]
    async with service.get(SqlDatabase).begin() as connection:
        await connection.execute(update(notes).values(name="damaged"))
    [found] = await document("projections", "verify", SERVICE, "--repair")
    assert (found["projection"], found["pk"]) == ("NoteProjection", "NOTE#tenant1")
    assert "'damaged'" in found["what"]
    assert await document("projections", "verify", SERVICE) == []
    undone = await document("migrations", "undo", SERVICE, "--to", "base", *directory)
    assert undone == {"revision": None}


async def test_the_history_of_an_item(service: Container, run: Run) -> None:
    lines = (await run("history", SERVICE, KEY)).splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert [head.split("  ")[0] for head in heads] == [f"version {number}" for number in range(1, 5)]
    assert heads[1] == "version 2  2026-01-01T00:02:00+00:00  by user 2"
    changed = lines[lines.index(heads[1]) + 1 : lines.index(heads[2])]
    assert changed == ['  - name: "Note 0 in version 1"', '  + name: "Note 0 in version 2"']
    assert "  + isDeleted: true" in lines
    pk, sk = "NOTE#tenant0", "0" * 26
    versions = json.loads(await run("history", SERVICE, pk, sk, "--json"))
    assert [version["by"] for version in versions] == [f"user {number}" for number in range(1, 5)]
    assert versions[1]["changes"] == [
        {"name": "name", "before": "Note 0 in version 1", "after": "Note 0 in version 2"}
    ]


REFUSED = [
    (["history", SERVICE, "NOTE#tenant0#none"], "there is no item with the partition key 'NOTE#tenant0'"),
    (["history", SERVICE, "note"], "is no id of the form TYPE#tenant#sort-key"),
    (
        ["history", SERVICE, KEY, "--table", "todo"],
        "no module registers the table 'todo' (registered: note)",
    ),
    (["projections", "rebuild", SERVICE, "--projection", "X"], "There are: NoteProjection"),
    (["projections", "rebuild", SERVICE], "There is no table notes_versions. Fix: cqrs-nest migrations"),
]


async def test_an_error_is_one_line(service: Container, run: Run) -> None:
    for arguments, said in REFUSED:
        error = await run(*arguments, status=2 if "no id" in said else 1)
        assert said in error
        assert error.count("\n") == 1
