"""Commands -> rows of the read model."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.commands import remove_sort_key_version
from cqrs_nest.cqrs import CommandModel, DataSyncHandler
from cqrs_nest.read_models import SqlDatabase, upsert_newer
from sample_app.todo.projection.todo_tables import todo_tags, todos
from sample_app.todo.todo_key import TODO_TABLE


@DataSyncHandler(TODO_TABLE)
class TodoProjection:
    """Keeps one row a todo, with its tags.

    A command may arrive twice or late: an older version never overwrites a newer row, and a deleted todo
    stays as a row that says so.
    """

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    async def up(self, command: CommandModel) -> None:
        """Apply one command."""
        async with self._database.begin() as connection:
            # Each command has its own time of creation; the todo's is that of the first.
            if await upsert_newer(connection, todos, _row(command), insert_only=["created_at"]):
                await _replace_tags(connection, command)

    async def down(self, command: CommandModel) -> None:
        """Forget the todo, so that it can be projected anew."""
        async with self._database.begin() as connection:
            for table in (todo_tags, todos):
                await connection.execute(delete(table).filter_by(**_key(command)))


def _key(command: CommandModel) -> dict[str, str]:
    return {"pk": command.pk, "sk": remove_sort_key_version(command.sk)}


def _row(command: CommandModel) -> dict[str, Any]:
    attributes = command.attributes
    return {
        **_key(command),
        "id": command.id,
        "version": command.version,
        "name": command.name,
        "description": attributes.get("description"),
        "priority": attributes.get("priority"),
        "due_date": _sortable(attributes.get("dueDate")),
        "done": bool(attributes.get("done")),
        "is_deleted": bool(command.is_deleted),
        "created_at": command.created_at,
        "updated_at": command.updated_at,
    }


def _sortable(due: str | None) -> str | None:
    """A moment in UTC, so that texts sort as the moments do; a mere date stays one."""
    if due is None or "T" not in due:
        return due
    moment = datetime.fromisoformat(due)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except OverflowError:  # within a day of the first or the last moment that there is
        return due


async def _replace_tags(connection: AsyncConnection, command: CommandModel) -> None:
    key = _key(command)
    await connection.execute(delete(todo_tags).filter_by(**key))
    tags = dict.fromkeys(command.attributes.get("tags") or ())
    if tags:
        await connection.execute(insert(todo_tags), [{**key, "tag": tag} for tag in tags])
