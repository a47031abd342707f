from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import JSON, Boolean, Column, Integer, MetaData, String, Table

from cqrs_nest.read_models import SqlDatabase

METADATA = MetaData()
TODOS = Table(
    "todos",
    METADATA,
    Column("pk", String(100), primary_key=True),
    Column("sk", String(100), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("tags", JSON),
    Column("is_deleted", Boolean, nullable=False, default=False),
    Column("version", Integer, nullable=False),
)


@pytest.fixture
def metadata() -> MetaData:
    return METADATA


@pytest.fixture
def todos() -> Table:
    return TODOS


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqlDatabase]:
    database = SqlDatabase(f"sqlite+aiosqlite:///{tmp_path / 'todos.sqlite3'}", METADATA, create_tables=True)
    await database.on_module_init()
    yield database
    await database.on_application_shutdown()
