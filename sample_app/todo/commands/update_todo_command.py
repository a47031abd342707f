from dataclasses import dataclass

from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import Command, CommandModel
from sample_app.todo.dto.todo_key_dto import TodoKeyDto
from sample_app.todo.dto.update_todo_dto import UpdateTodoDto


@dataclass(frozen=True)
class UpdateTodoCommand(Command[CommandModel]):
    """Change the fields that are set in `dto`."""

    key: TodoKeyDto
    dto: UpdateTodoDto
    invoke: Invoke
