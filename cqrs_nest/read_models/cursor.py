"""Paging by cursor: each page goes on behind the last row of the one before, wherever that is by now."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from cqrs_nest.aws.json_text import from_json, to_json
from cqrs_nest.common import BadRequestException
from cqrs_nest.read_models.ordering import OrderedColumn, ordering
from cqrs_nest.read_models.search import FARTHEST_ROW, is_storable_text, matching

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, Table
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.types import TypeEngine

MAX_CURSOR: Final = 4000
_DIGITS: Final = 200
"""How many places before or behind the point a decimal of a cursor may have."""
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

    if not 1 <= page_size < FARTHEST_ROW:
        raise BadRequestException("pageSize must be 1 or more, and not beyond any table")
    order = ordering(table, order_by, orderable)
    statement = select(table).where(*matching(filters, keyword, keyword_columns))
    if cursor is not None:
        statement = statement.where(_behind(order, _decode(cursor, order, connection.dialect)))
    ordered = statement.order_by(*(clause for each in order for clause in each.clauses))
    rows = (await connection.execute(ordered.limit(page_size + 1))).mappings().all()
    items = [dict(row) for row in rows[:page_size]]
    return CursorPage(items, _encode(order, rows[page_size - 1]) if len(rows) > page_size else None)


def _behind(order: Sequence[OrderedColumn], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows that differ from the last one first in a column where they come later."""
    from sqlalchemy import and_, literal, or_

    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for each, value in zip(order, values, strict=True):
        compared = each.compared
        bound = literal(value, compared.type)  # True and False as such are not greater than anything
        if value is not None:
            later = compared < bound if each.is_descending else compared > bound
            alternatives.append(
                and_(*equal, or_(later, each.column.is_(None)) if each.is_nullable else later)
            )
        equal.append(each.column.is_(None) if value is None else compared == bound)
    return or_(*alternatives)


def _encode(order: Sequence[OrderedColumn], row: Mapping[Any, Any]) -> str:
    values = [_plain(row[each.column]) for each in order]
    text = to_json([_signature(order), *values])
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decode(cursor: str, order: Sequence[OrderedColumn], dialect: Dialect) -> list[Any]:
    if len(cursor) > MAX_CURSOR:
        raise BadRequestException(_INVALID)
    try:
        content = from_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        signature, *values = content
        if signature != _signature(order) or len(values) != len(order):
            raise BadRequestException(_INVALID)
        return [_value(each, value, dialect) for each, value in zip(order, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise BadRequestException(_INVALID) from error


def _signature(order: Sequence[OrderedColumn]) -> str:
    return ",".join(f"{'-' if each.is_descending else ''}{each.name}" for each in order)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.name
    return str(value) if isinstance(value, Decimal | UUID) else value


def _value(each: OrderedColumn, value: Any, dialect: Dialect) -> Any:
    """A value of the cursor as its column takes it, so that no database refuses it.

    Raises ValueError, TypeError, ArithmeticError or LookupError for another one.
    """
    if value is None:
        if not each.is_nullable:
            raise ValueError(each.name)
        return None
    wanted = each.column.type.python_type
    if issubclass(wanted, float) and type(value) is int:
        value = float(value)
    elif issubclass(wanted, datetime | date | time):
        value = wanted.fromisoformat(value)
    elif issubclass(wanted, Enum):
        value = wanted[value]
    elif issubclass(wanted, Decimal | UUID):
        value = wanted(value)
    if type(value) is not wanted or not _is_storable(value, each.column.type, dialect):
        raise TypeError(each.name)
    process = each.column.type.dialect_impl(dialect).bind_processor(dialect)
    # It refuses a moment without a zone, or outside of all years.
    stored = process(value) if process is not None else value
    return stored if isinstance(value, Enum) else value


def _is_storable(value: Any, column_type: TypeEngine[Any], dialect: Dialect) -> bool:
    if isinstance(value, str):
        return is_storable_text(value)
    if isinstance(value, Decimal):
        return value.is_finite() and abs(value.adjusted()) <= _DIGITS
    if type(value) is int:
        bits = 63 if dialect.name == "sqlite" else _bits(column_type)
        return bool(-(2**bits) <= value < 2**bits)
    if isinstance(value, datetime) and dialect.name == "postgresql":
        has_zone: bool | None = getattr(column_type.dialect_impl(dialect), "timezone", None)
        return has_zone is None or has_zone == (value.tzinfo is not None)
    return True


def _bits(column_type: TypeEngine[Any]) -> int:
    from sqlalchemy import BigInteger, SmallInteger

    if isinstance(column_type, BigInteger):
        return 63
    return 15 if isinstance(column_type, SmallInteger) else 31
