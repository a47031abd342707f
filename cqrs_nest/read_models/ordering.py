"""The order of a search: by the names that a caller may order by, the same on every database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cqrs_nest.common import BadRequestException

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table


@dataclass(frozen=True)
class OrderedColumn:
    """A column, its name for callers, and which way it goes."""

    name: str
    column: ColumnElement[Any]
    is_descending: bool = False

    @property
    def is_nullable(self) -> bool:
        """Whether rows may have no value there."""
        return bool(getattr(self.column, "nullable", True))

    @property
    def compared(self) -> ColumnElement[Any]:
        """What is ordered by. Enumerations go by their names: as such, each database has its own order."""
        from sqlalchemy import Enum, String, cast

        return cast(self.column, String) if isinstance(self.column.type, Enum) else self.column

    @property
    def clauses(self) -> list[ColumnElement[Any]]:
        """For ORDER BY. Rows without a value come last: left to themselves, databases do not agree on it."""
        direction = self.compared.desc() if self.is_descending else self.compared.asc()
        return [self.column.is_(None), direction] if self.is_nullable else [direction]


def ordering(
    table: Table, order_by: str | Sequence[str], orderable: Mapping[str, ColumnElement[Any]] | None
) -> list[OrderedColumn]:
    """The columns of an order; those of the primary key come last, so that no two rows are equal in it.

    Raises BadRequestException (400) for a name that is not in `orderable` or stands there twice.
    """
    allowed = orderable or {}
    names = order_by.split(",") if isinstance(order_by, str) else order_by
    found: dict[str, OrderedColumn] = {}
    for name in filter(None, (name.strip() for name in names)):
        field = name.removeprefix("-")
        if field not in allowed or field in found:
            known = ", ".join(sorted(allowed)) or "nothing"
            raise BadRequestException(f"orderBys may name each of these once: {known}")
        found[field] = OrderedColumn(field, allowed[field], name.startswith("-"))
    return [*found.values(), *(OrderedColumn(column.name, column) for column in table.primary_key)]
