"""Searching a read model: keyword, filters, order, one page and the total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cqrs_nest.common import BadRequestException

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

_FARTHEST_ROW = 2**31


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
    shows on two pages. Takes two statements, or one when the first page holds everything.

    Raises BadRequestException (400) for a name that is not in `orderable` or stands there twice, and for a
    page that cannot be.
    """
    from sqlalchemy import false, func, or_, select

    if page < 1 or page_size < 1 or page * page_size > _FARTHEST_ROW:
        raise BadRequestException("page and pageSize must be 1 or more, and not beyond any table")
    statement = select(table).where(*filters)
    if keyword:
        statement = statement.where(
            or_(false(), *(c.icontains(keyword, autoescape=True) for c in keyword_columns))
        )
    ordered = statement.order_by(*_order(order_by, orderable or {}), *table.primary_key)
    rows = await connection.execute(ordered.limit(page_size).offset((page - 1) * page_size))
    items = [dict(row) for row in rows.mappings()]
    if page == 1 and len(items) < page_size:
        return SearchResult(items, len(items))
    total = await connection.scalar(select(func.count()).select_from(statement.subquery()))
    return SearchResult(items, total or 0)


def _order(
    order_by: str | Sequence[str], orderable: Mapping[str, ColumnElement[Any]]
) -> list[ColumnElement[Any]]:
    names = order_by.split(",") if isinstance(order_by, str) else order_by
    columns: dict[str, ColumnElement[Any]] = {}
    for name in filter(None, (name.strip() for name in names)):
        field = name.removeprefix("-")
        column = orderable.get(field)
        if column is None or field in columns:
            allowed = ", ".join(sorted(orderable)) or "nothing"
            raise BadRequestException(f"orderBys may name each of these once: {allowed}")
        columns[field] = column.desc() if name.startswith("-") else column.asc()
    return list(columns.values())
