"""Databases for the tests of what is written in SQL: SQLite, and the servers that `TEST_DATABASES` names.

`.ci/databases start DIRECTORY` starts a PostgreSQL and a MariaDB and prints that variable.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

SERVERS = {url.partition("+")[0]: url for url in os.environ.get("TEST_DATABASES", "").split()}
KINDS = ("sqlite", "postgresql", "mysql")


@asynccontextmanager
async def empty_database(kind: str, directory: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{directory / 'read_models.sqlite3'}"
        return
    if kind not in SERVERS:
        pytest.skip(f"no {kind} in TEST_DATABASES; .ci/databases starts one")
    name = f"test_{uuid4().hex}"
    server = f"{SERVERS[kind]}/{'postgres' if kind == 'postgresql' else ''}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        charset = " CHARACTER SET utf8mb4" if kind == "mysql" else ""
        await connection.execute(text(f"CREATE DATABASE {name}{charset}"))
        yield f"{SERVERS[kind]}/{name}"
        # PostgreSQL ends the sessions of a client that has gone a moment later.
        force = " WITH (FORCE)" if kind == "postgresql" else ""
        await connection.execute(text(f"DROP DATABASE {name}{force}"))
    await engine.dispose()


@pytest.fixture(params=KINDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of each kind."""
    async with empty_database(request.param, tmp_path) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=KINDS)
async def shared_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A database of each kind for all tests of a file, empty at the first one."""
    async with empty_database(request.param, tmp_path_factory.mktemp("database")) as url:
        yield url
