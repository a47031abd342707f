"""A projection of two tables, the commands it is tested with, and what it has written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, select

from cqrs_nest.commands import CommandModel
from cqrs_nest.read_models import Projection, SqlDatabase, SqlProjection, SqlRow
from tests.read_models.conftest import PROJECTED, TASK_TAGS, TASKS

PK = "TASK#acme"
START = datetime(2026, 1, 1, tzinfo=UTC)


@Projection("task", table=TASKS, details=[TASK_TAGS])
class TaskProjection(SqlProjection):
    """Everything by the names of the columns, and tags."""

    def details(self, command: CommandModel) -> Mapping[Table, Sequence[SqlRow]]:
        tags = dict.fromkeys(command.attributes.get("tags") or ())
        return {TASK_TAGS: [{"tag": tag} for tag in tags]}


def command(sk: str, version: int, *, pk: str = PK, **fields: Any) -> CommandModel:
    """The command of a version: each by another user, a minute after the one before."""
    moment = START + timedelta(minutes=version)
    return CommandModel.from_row(
        {
            "pk": pk,
            "sk": f"{sk}@{version}",
            "id": f"{pk}#{sk}",
            "version": version,
            "name": f"{sk} in version {version}",
            "code": sk,
            "tenantCode": pk.rpartition("#")[2],
            "createdAt": moment,
            "updatedAt": moment,
            "createdBy": f"user {version}",
            "updatedBy": f"user {version}",
            "attributes": {"dueDate": f"2030-01-{version:02}", "tags": [f"v{version}", "all"]},
            **fields,
        }
    )


async def create_tables(database: SqlDatabase) -> None:
    """The tables of the projection."""
    async with database.begin() as connection:
        await connection.run_sync(PROJECTED.create_all)


async def contents(database: SqlDatabase, *tables: Table) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables (all of the projection's), by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with database.connect() as connection:
        for table in tables or PROJECTED.sorted_tables:
            rows = await connection.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [dict(row) for row in rows.mappings()]
    return found


async def clear(database: SqlDatabase) -> None:
    """Empty the tables."""
    async with database.begin() as connection:
        for table in reversed(PROJECTED.sorted_tables):
            await connection.execute(table.delete())
