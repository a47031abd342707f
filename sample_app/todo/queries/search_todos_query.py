from dataclasses import dataclass

from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import Query
from sample_app.todo.dto.todo_search_dto import SearchTodosDto, TodoPageDto


@dataclass(frozen=True)
class SearchTodosQuery(Query[TodoPageDto]):
    """The todos of the caller's tenant that match."""

    search: SearchTodosDto
    invoke: Invoke
