from typing import Annotated, Literal

from pydantic import Field

from cqrs_nest.cqrs import DataEntity
from cqrs_nest.http import Dto
from sample_app.todo.dto.query_string_dto import QueryStringDto
from sample_app.todo.dto.todo_key_dto import KeyText


class ListTodosDto(QueryStringDto):
    """The query string of `GET /api/todo`."""

    page_size: Annotated[int, Field(ge=1)] | None = None
    """As the setting `todo` says, unless it is sent."""
    start_from_sk: KeyText | None = None
    order: Literal["asc", "desc"] = "asc"


class TodoListDto(Dto):
    """A page; `lastSk` is the `startFromSk` of the next one, null on the last."""

    items: list[DataEntity]
    last_sk: str | None
