from dataclasses import dataclass

from cqrs_nest.cqrs import DataEntity, Query
from sample_app.todo.dto.todo_key_dto import TodoKeyDto


@dataclass(frozen=True)
class GetTodoQuery(Query[DataEntity]):
    """One todo by its key."""

    key: TodoKeyDto
