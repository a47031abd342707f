from dataclasses import dataclass

from cqrs_nest.cqrs import Query
from sample_app.todo.dto.todo_history_dto import TodoHistoryDto
from sample_app.todo.dto.todo_key_dto import TodoKeyDto


@dataclass(frozen=True)
class GetTodoHistoryQuery(Query[TodoHistoryDto]):
    """Every version of one todo."""

    key: TodoKeyDto
