from dataclasses import dataclass

from cqrs_nest.context import Invoke
from cqrs_nest.cqrs import Command, CommandModel
from sample_app.todo.dto.todo_key_dto import TodoKeyDto


@dataclass(frozen=True)
class CompleteTodoCommand(Command[CommandModel]):
    """Mark a todo as done."""

    key: TodoKeyDto
    version: int
    invoke: Invoke
