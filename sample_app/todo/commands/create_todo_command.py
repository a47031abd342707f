from dataclasses import dataclass

from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import Command, CommandModel
from sample_app.todo.dto.create_todo_dto import CreateTodoDto, Ulid


@dataclass(frozen=True)
class CreateTodoCommand(Command[CommandModel | None]):
    """Create a todo; `sk` is its ULID, if the caller has chosen one."""

    dto: CreateTodoDto
    invoke: Invoke
    sk: Ulid | None = None
