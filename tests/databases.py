"""Databases for the tests of what is written in SQL: SQLite, and the servers that `TEST_DATABASES` names.

`.ci/databases start DIRECTORY` starts a PostgreSQL and a MariaDB and prints that variable.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

SERVERS = {url.partition("+")[0]: url for url in os.environ.get("TEST_DATABASES", "").split()}
KINDS = ("sqlite", "postgresql", "mysql")


@pytest.fixture(params=KINDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of each kind."""
    kind: str = request.param
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'read_models.sqlite3'}"
        return
    if kind not in SERVERS:
        pytest.skip(f"no {kind} in TEST_DATABASES; .ci/databases starts one")
    name = f"test_{uuid4().hex}"
    server = f"{SERVERS[kind]}/{'postgres' if kind == 'postgresql' else ''}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
        yield f"{SERVERS[kind]}/{name}"
        await connection.execute(text(f"DROP DATABASE {name}"))
    await engine.dispose()
