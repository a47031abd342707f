from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from cqrs_nest.http import Dto
from sample_app.todo.dto.query_string_dto import QueryStringDto


class SearchTodosDto(QueryStringDto):
    """The query string of `GET /api/todo/search`."""

    keyword: Annotated[str, StringConstraints(max_length=100)] | None = None
    tag: Annotated[str, StringConstraints(max_length=50)] | None = None
    done: bool | None = None
    page: Annotated[int, Field(ge=1)] = 1
    page_size: Annotated[int, Field(ge=1)] = 10
    order_bys: Annotated[list[str], Field(max_length=10)] = Field(default_factory=list[str])
    """Fields in order of their weight, repeated or with commas; `-` before one turns it round."""


class TodoRowDto(Dto):
    """A todo as the search knows it."""

    pk: str
    sk: str
    id: str
    version: int
    name: str
    description: str | None
    priority: int | None
    tags: list[str]
    due_date: str | None
    done: bool
    created_at: datetime | None
    updated_at: datetime | None


class TodoPageDto(Dto):
    """One page of the todos that match, and how many there are in all."""

    total: int
    items: list[TodoRowDto]
