"""Paging by cursor: each page goes on behind the last row of the one before, wherever that is by now."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from cqrs_nest.aws.json_text import from_json, to_json
from cqrs_nest.common import BadRequestException
from cqrs_nest.read_models.ordering import OrderedColumn, ordering
from cqrs_nest.read_models.search import matching

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

MAX_CURSOR: Final = 4000
_INVALID: Final = "cursor is not one of this search"


@dataclass(frozen=True, slots=True)
class CursorPage:
    """Rows by column name, and the cursor of the next page; None after the last one."""

    items: Sequence[Mapping[str, Any]]
    next_cursor: str | None


async def search_after(
    connection: AsyncConnection,
    table: Table,
    *,
    filters: Sequence[ColumnElement[bool]] = (),
    keyword: str | None = None,
    keyword_columns: Sequence[ColumnElement[str]] = (),
    order_by: str | Sequence[str] = (),
    orderable: Mapping[str, ColumnElement[Any]] | None = None,
    cursor: str | None = None,
    page_size: int = 10,
) -> CursorPage:
    """A page as of `search`, from a cursor on: one statement, as fast on the thousandth page as on the first.

    Rows that are added or removed meanwhile shift nothing. There is no total. What `order_by` names must be
    columns of `table`. The cursor holds the last row's values, which a caller can read; it is no
    permission: `filters` hold on every page.

    Raises BadRequestException (400) as `search` does, and for a cursor of another order.
    """
    from sqlalchemy import select

    if page_size < 1:
        raise BadRequestException("pageSize must be 1 or more")
    order = ordering(table, order_by, orderable)
    statement = select(table).where(*matching(filters, keyword, keyword_columns))
    if cursor is not None:
        statement = statement.where(_behind(order, _decode(cursor, order)))
    ordered = statement.order_by(*(clause for each in order for clause in each.clauses))
    rows = (await connection.execute(ordered.limit(page_size + 1))).mappings().all()
    items = [dict(row) for row in rows[:page_size]]
    return CursorPage(items, _encode(order, rows[page_size - 1]) if len(rows) > page_size else None)


def _behind(order: Sequence[OrderedColumn], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows that differ from the last one first in a column where they come later."""
    from sqlalchemy import and_, or_

    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for each, value in zip(order, values, strict=True):
        if value is not None:
            later = each.column < value if each.is_descending else each.column > value
            alternatives.append(
                and_(*equal, or_(later, each.column.is_(None)) if each.is_nullable else later)
            )
        equal.append(each.column.is_(None) if value is None else each.column == value)
    return or_(*alternatives)


def _encode(order: Sequence[OrderedColumn], row: Mapping[Any, Any]) -> str:
    values = [_plain(row[each.column]) for each in order]
    text = to_json([_signature(order), *values])
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decode(cursor: str, order: Sequence[OrderedColumn]) -> list[Any]:
    if len(cursor) > MAX_CURSOR:
        raise BadRequestException(_INVALID)
    try:
        content = from_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        signature, *values = content
        if signature != _signature(order) or len(values) != len(order):
            raise BadRequestException(_INVALID)
        return [_value(each, value) for each, value in zip(order, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, ArithmeticError) as error:
        raise BadRequestException(_INVALID) from error


def _signature(order: Sequence[OrderedColumn]) -> str:
    return ",".join(f"{'-' if each.is_descending else ''}{each.name}" for each in order)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _value(each: OrderedColumn, value: Any) -> Any:
    """A value of the cursor in the type of its column. Raises ValueError or TypeError for another one."""
    if value is None:
        if not each.is_nullable:
            raise ValueError(each.name)
        return None
    wanted = each.column.type.python_type
    if issubclass(wanted, datetime | date):
        return wanted.fromisoformat(value)
    if wanted is Decimal:
        return Decimal(value)
    is_whole_float = wanted is float and isinstance(value, int)
    if not isinstance(value, str | int | float) or not (isinstance(value, wanted) or is_whole_float):
        raise TypeError(each.name)
    return value
