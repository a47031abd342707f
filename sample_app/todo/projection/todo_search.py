"""Queries of the read model."""

from cqrs_nest.read_models import SqlDatabase
from sample_app.todo.dto.todo_search_dto import SearchTodosDto, TodoPageDto


class TodoSearch:
    """Finds todos by keyword, tag and state."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    async def find(self, pk: str, dto: SearchTodosDto, page_size: int) -> TodoPageDto:
        """One page of a tenant's todos.

        Raises BadRequestException for an order by something that todos are not ordered by.
        """
        from sample_app.todo.projection.todo_statements import find_todos  # imports SQLAlchemy

        async with self._database.connect() as connection:
            return await find_todos(connection, pk, dto, page_size)
