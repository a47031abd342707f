from typing import Annotated, TypeAlias

from pydantic import Field, field_validator

from cqrs_nest.http import Dto
from sample_app.todo.dto.create_todo_dto import CreateTodoDto

SeenVersion: TypeAlias = Annotated[int, Field(ge=1)]


class TodoVersionDto(Dto):
    """The version that the caller has seen."""

    version: SeenVersion


class UpdateTodoDto(CreateTodoDto, partial=True):
    """The body of `PATCH /api/todo/:pk/:sk`: a field that is not sent stays, null empties an optional one."""

    version: SeenVersion

    @field_validator("name")
    @classmethod
    def _named(cls, name: str | None) -> str:
        if name is None:
            raise ValueError("name must be a string")
        return name
