from typing import Annotated, TypeAlias

from pydantic import StringConstraints

from sample_app.todo.dto.todo_attributes import TodoAttributes, TodoName

Ulid: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]


class CreateTodoDto(TodoAttributes):
    """The body of `POST /api/todo`."""

    name: TodoName
