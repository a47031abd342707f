"""Who did what to todos, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from cqrs_nest.read_models import SqlDatabase, upsert_newer


class ActivityLog:
    """A table with one line for each version of a todo."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    async def write(self, activity: dict[str, Any]) -> bool:
        """Write a line; false if it is there already, as events may come twice."""
        from sample_app.todo.projection.todo_tables import todo_activities

        async with self._database.begin() as connection:
            return await upsert_newer(connection, todo_activities, activity)

    async def of_todo(self, pk: str, sk: str) -> Sequence[Mapping[str, Any]]:
        """The lines of a todo, the oldest first."""
        from sqlalchemy import select

        from sample_app.todo.projection.todo_tables import todo_activities

        key = (todo_activities.c.pk == pk, todo_activities.c.sk == sk)
        statement = select(todo_activities).where(*key).order_by(todo_activities.c.version)
        async with self._database.connect() as connection:
            return [dict(row) for row in (await connection.execute(statement)).mappings()]
