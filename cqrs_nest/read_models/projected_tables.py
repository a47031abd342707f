"""The tables of a projection, and the copies of them that a rebuild fills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cqrs_nest.core.errors import CqrsNestError

if TYPE_CHECKING:
    from sqlalchemy import Table

KEY: Final = ("pk", "sk")
CREATED: Final = ("created_at", "created_by", "created_ip")
"""Columns that hold what the first command said, whatever is applied when."""

_PK_BYTES, _SK_BYTES = 2048, 1024


class InvalidProjectionError(CqrsNestError):
    """A projection has no table that it could keep, or one that another projection keeps."""


@dataclass(frozen=True)
class ProjectedTables:
    """What one projection writes: a row for each item, rows that belong to it, and the item's version.

    `versions` says of each item how far it is projected, also when it is deleted and has no row: that is
    what keeps a late command out.
    """

    table: Table
    details: tuple[Table, ...]
    versions: Table

    def __iter__(self) -> Iterator[Table]:
        """Every table, those that others refer to first."""
        return iter((self.versions, self.table, *self.details))

    def actual(self, declared: ProjectedTables, table: Table | str) -> Table:
        """The table of this set that stands for a declared one, or for the one of that name."""
        for each, mine in zip(declared, self, strict=True):
            if each is table or each.fullname == table:
                return mine
        known = ", ".join(each.fullname for each in (declared.table, *declared.details))
        raise InvalidProjectionError(
            f"The table {table} is not one of the projection's, which are: {known}.\n"
            "Fix: name it in @Projection(..., details=[...])."
        )


def declare_tables(owner: str, table: Table, details: tuple[Table, ...]) -> ProjectedTables:
    """The tables of a projection; that of the versions joins the metadata of the others.

    Raises InvalidProjectionError.
    """
    from cqrs_nest.read_models.columns import KeyText

    for each in (table, *details):
        if missing := [name for name in KEY if name not in each.c]:
            raise InvalidProjectionError(
                f"{owner}: the table {each.name} has no column {' and no '.join(missing)}, by which "
                "an item's rows are found.\nFix: add a Column of KeyText for each."
            )
        if other := [name for name in KEY if not isinstance(each.c[name].type, KeyText)]:
            raise InvalidProjectionError(
                f"{owner}: {' and '.join(other)} of the table {each.name} must be KeyText: other text does "
                'not tell all keys apart on every database.\nFix: Column("pk", KeyText(), primary_key=True).'
            )
        if each.metadata is not table.metadata:
            raise InvalidProjectionError(
                f"{owner}: the tables {table.name} and {each.name} are of two MetaData.\nFix: give them one."
            )
    if sorted(column.name for column in table.primary_key) != sorted(KEY):
        raise InvalidProjectionError(
            f"{owner}: the table {table.name} must hold one row for each item.\n"
            "Fix: make (pk, sk) its primary key, and list tables of several rows an item as details."
        )
    return ProjectedTables(table, details, _versions_of(owner, table))


def _versions_of(owner: str, table: Table) -> Table:
    from sqlalchemy import BigInteger, Column, Table, Text

    from cqrs_nest.read_models.columns import KeyText, UtcDateTime

    name = f"{table.name}_versions"
    if name in table.metadata.tables:
        raise InvalidProjectionError(
            f"{owner}: the table {table.name} is kept by two projections, or there is a table {name} already."
            "\nFix: let one projection write it, and list the others' tables as its details."
        )
    return Table(
        name,
        table.metadata,
        Column("pk", KeyText(_PK_BYTES), primary_key=True),
        Column("sk", KeyText(_SK_BYTES), primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("first_version", BigInteger, nullable=False),
        Column("created_at", UtcDateTime),
        Column("created_by", Text),
        Column("created_ip", Text),
        comment=f"How far the items of {table.name} are projected.",
    )
