"""What is asked of the tables. Imports SQLAlchemy, so it is itself imported with the first search."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cqrs_nest.read_models import search
from sample_app.todo.dto.todo_search_dto import SearchTodosDto, TodoPageDto, TodoRowDto
from sample_app.todo.projection.todo_tables import todo_tags, todos

_ORDERABLE: Mapping[str, ColumnElement[Any]] = {
    "name": todos.c.name,
    "priority": todos.c.priority,
    "dueDate": todos.c.due_date,
    "done": todos.c.done,
    "createdAt": todos.c.created_at,
    "updatedAt": todos.c.updated_at,
}


async def find_todos(
    connection: AsyncConnection, pk: str, dto: SearchTodosDto, page_size: int
) -> TodoPageDto:
    """One page of a partition's todos, each with its tags."""
    found = await search(
        connection,
        todos,
        filters=_filters(pk, dto),
        keyword=dto.keyword,
        keyword_columns=[todos.c.name, todos.c.description],
        order_by=",".join(dto.order_bys),
        orderable=_ORDERABLE,
        page=dto.page,
        page_size=page_size,
    )
    tags = await _tags(connection, pk, [row["sk"] for row in found.items])
    items = [TodoRowDto.model_validate({**row, "tags": tags.get(row["sk"], [])}) for row in found.items]
    return TodoPageDto(total=found.total, items=items)


def _filters(pk: str, dto: SearchTodosDto) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = [todos.c.pk == pk]
    if dto.tag is not None:
        tagged = select(todo_tags.c.sk).where(todo_tags.c.pk == pk, todo_tags.c.tag == dto.tag)
        filters.append(todos.c.sk.in_(tagged))
    if dto.done is not None:
        filters.append(todos.c.done.is_(dto.done))
    return filters


async def _tags(connection: AsyncConnection, pk: str, sks: Sequence[str]) -> Mapping[str, list[str]]:
    """The tags of all todos of a page, read at once."""
    statement = select(todo_tags.c.sk, todo_tags.c.tag).where(todo_tags.c.pk == pk, todo_tags.c.sk.in_(sks))
    tags: dict[str, list[str]] = {}
    for sk, tag in await connection.execute(statement.order_by(todo_tags.c.tag)):
        tags.setdefault(sk, []).append(tag)
    return tags
