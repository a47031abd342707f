"""The tables that the read models are tested with, on every database there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

from cqrs_nest.read_models import SqlDatabase
from cqrs_nest.read_models.columns import KeyText, UtcDateTime

METADATA = MetaData()
TODOS = Table(
    "todos",
    METADATA,
    Column("pk", KeyText(100), primary_key=True),
    Column("sk", KeyText(100), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("tags", JSON),
    Column("is_deleted", Boolean, nullable=False, default=False),
    Column("version", Integer, nullable=False),
)

PROJECTED = MetaData()
TASKS = Table(
    "tasks",
    PROJECTED,
    Column("pk", KeyText(100), primary_key=True),
    Column("sk", KeyText(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", String(100), nullable=False),
    Column("code", String(50)),
    Column("tenant_code", String(50)),
    Column("due_date", String(40)),
    Column("attributes", JSON),
    Column("created_at", UtcDateTime),
    Column("created_by", String(50)),
    Column("updated_at", UtcDateTime),
    Index("ix_tasks_name", "name"),
)
TASK_TAGS = Table(
    "task_tags",
    PROJECTED,
    Column("pk", KeyText(100), primary_key=True),
    Column("sk", KeyText(100), primary_key=True),
    Column("tag", String(50), primary_key=True),
    ForeignKeyConstraint(["pk", "sk"], ["tasks.pk", "tasks.sk"], name="fk_task_tags_task"),
)


@pytest.fixture
def metadata() -> MetaData:
    return METADATA


@pytest.fixture
def todos() -> Table:
    return TODOS


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[SqlDatabase]:
    """A database with the table `todos`."""
    database = SqlDatabase(database_url, METADATA, create_tables=True)
    await database.on_module_init()
    yield database
    await database.on_application_shutdown()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared_database(shared_database_url: str) -> AsyncIterator[SqlDatabase]:
    """The same for all tests of a file."""
    database = SqlDatabase(shared_database_url, METADATA, create_tables=True)
    await database.on_module_init()
    yield database
    await database.on_application_shutdown()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqlDatabase]:
    """The same on SQLite, for what is about SQLite."""
    database = SqlDatabase(f"sqlite+aiosqlite:///{tmp_path / 'todos.sqlite3'}", METADATA, create_tables=True)
    await database.on_module_init()
    yield database
    await database.on_application_shutdown()
