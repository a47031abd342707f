from dataclasses import dataclass

from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import Query
from sample_app.todo.dto.todo_list_dto import ListTodosDto, TodoListDto


@dataclass(frozen=True)
class ListTodosQuery(Query[TodoListDto]):
    """A page of the caller's tenant."""

    page: ListTodosDto
    invoke: Invoke
