"""Searching a read model: keyword, filters, order, one page and the total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cqrs_nest.common import BadRequestException
from cqrs_nest.read_models.ordering import ordering

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

FARTHEST_ROW = 2**31
_LONGEST_KEYWORD = 1000
"""Characters; SQLite takes no pattern of more than 50,000 bytes."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of rows, by column name, and how many rows there are on all pages."""

    items: Sequence[Mapping[str, Any]]
    total: int


async def search(
    connection: AsyncConnection,
    table: Table,
    *,
    filters: Sequence[ColumnElement[bool]] = (),
    keyword: str | None = None,
    keyword_columns: Sequence[ColumnElement[str]] = (),
    order_by: str | Sequence[str] = (),
    orderable: Mapping[str, ColumnElement[Any]] | None = None,
    page: int = 1,
    page_size: int = 10,
) -> SearchResult:
    """The rows for which all filters hold and a keyword column contains the keyword, in any case.

    `order_by` is one name, several with commas or a list, each a key of `orderable`; `-name` is descending.
    Pages count from 1. Rows that are equal in order are told apart by their primary key, so that none
    shows on two pages; those without a value come last. Takes two statements, or one when the first page
    holds everything.

    Raises BadRequestException (400) for a name that is not in `orderable` or stands there twice, for a page
    that cannot be, and for a keyword that no database takes.
    """
    from sqlalchemy import func, select

    if page < 1 or page_size < 1 or page * page_size > FARTHEST_ROW:
        raise BadRequestException("page and pageSize must be 1 or more, and not beyond any table")
    statement = select(table).where(*matching(filters, keyword, keyword_columns))
    order = (clause for each in ordering(table, order_by, orderable) for clause in each.clauses)
    ordered = statement.order_by(*order)
    rows = await connection.execute(ordered.limit(page_size).offset((page - 1) * page_size))
    items = [dict(row) for row in rows.mappings()]
    if page == 1 and len(items) < page_size:
        return SearchResult(items, len(items))
    total = await connection.scalar(select(func.count()).select_from(statement.subquery()))
    return SearchResult(items, total or 0)


def matching(
    filters: Sequence[ColumnElement[bool]], keyword: str | None, columns: Sequence[ColumnElement[str]]
) -> list[ColumnElement[bool]]:
    """The conditions of a search; a keyword is taken literally, in any case.

    Raises BadRequestException (400) for a keyword that is too long or no text.
    """
    from sqlalchemy import false, or_

    if not keyword:
        return list(filters)
    if len(keyword) > _LONGEST_KEYWORD or not is_storable_text(keyword):
        raise BadRequestException(
            f"keyword must be text of at most {_LONGEST_KEYWORD} characters, none of them NUL or a surrogate"
        )
    found = (column.icontains(keyword, autoescape=True) for column in columns)
    return [*filters, or_(false(), *found)]


def is_storable_text(value: str) -> bool:
    """Whether every database takes it: NUL and half of a surrogate pair stand in no text of PostgreSQL."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value)
