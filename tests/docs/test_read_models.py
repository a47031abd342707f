"""The Python of docs/read_models.md runs as it stands there."""

from __future__ import annotations

from pathlib import Path

from cqrs_nest.commands import CommandModel
from cqrs_nest.read_models import SqlDatabase
from tests.docs.pages import run_python

PK = "NOTE#acme"


async def test_the_page_makes_a_read_model(tmp_path: Path) -> None:
    names = run_python("read_models.md")
    database = SqlDatabase(
        f"sqlite+aiosqlite:///{tmp_path / 'notes.sqlite3'}", names["metadata"], create_tables=True
    )
    await database.on_module_init()
    projection = names["NoteProjection"](database)
    for sk in ("A", "B"):
        attributes = {"dueDate": f"2030-01-0{1 + (sk == 'B')}", "tags": ["home"]}
        row = {"pk": PK, "sk": f"{sk}@1", "version": 1, "name": f"milk {sk}", "attributes": attributes}
        await projection.up(CommandModel.from_row(row))
    found = await names["find"](database, PK, "MILK")
    assert [row["sk"] for row in found.items] == ["B", "A"]
    assert [row["sk"] for row in (await names["scroll"](database, PK, None)).items] == ["A", "B"]
    await database.on_application_shutdown()
