"""Which partitions a query reads, told from its conditions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, TypeGuard

from sqlalchemy import BindParameter, CompoundSelect, FromClause, Join, Select
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BooleanClauseList,
    ClauseElement,
    ColumnClause,
    TextClause,
)
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromGrouping, SelectBase
from sqlalchemy.sql.visitors import ExternallyTraversible

PARTITION_KEY: Final = "pk"
"""A table with this column holds the rows of tenants."""

_HOLDING: Final = (operators.eq, operators.in_op)


class UnboundQueryError(Exception):
    """A query reads a table across its partitions, or in a way that cannot be told."""


def partition_binds(query: object) -> set[BindParameter[Any]]:
    """The parameters that a query (a SELECT or a union of them) compares partition keys with.

    Every table with a column `pk`, in subqueries too, must be held to partitions: by `pk = value` or
    `pk IN (values)` among the conditions that are joined by AND, or by `pk = other.pk` of a table that is.
    Raises UnboundQueryError where one is not.
    """
    return set(_binds(query, outer=()))


def _binds(query: object, outer: Collection[FromClause]) -> Iterator[BindParameter[Any]]:
    """`outer` is what the query around reads, to which this one may refer."""
    if isinstance(query, CompoundSelect):
        for part in query.selects:
            yield from _binds(part, outer)
        return
    if not _is_select(query):
        raise UnboundQueryError(f"it holds a {type(query).__name__}, which cannot be looked into")
    sources = list(_sources(query.get_final_froms()))
    # As SQLAlchemy does: what the query around reads already is not read once more.
    own = [source for source in sources if source not in outer] or sources
    bounds = _Bounds(source for source in outer if source not in own)
    bounds.read(query.whereclause, own)
    for source in query.get_final_froms():
        bounds.read_joins(source)
    for source in own:
        if isinstance(source, AliasedReturnsRows) and isinstance(source.element, SelectBase):
            yield from _binds(source.element, outer=())
        elif any(column.name == PARTITION_KEY for column in source.columns) and not bounds.hold(source):
            raise UnboundQueryError("it reads a table across its partitions")
    yield from bounds.binds
    for inner in _inner_queries(query):
        yield from _binds(inner, outer=own)


class _Bounds:
    """What conditions say of partition keys: values, and which table has the key of which other one."""

    def __init__(self, held: Iterable[FromClause]) -> None:
        self.binds: list[BindParameter[Any]] = []
        self._held = set(held)
        self._followers: dict[FromClause, list[FromClause]] = {}

    def read(self, condition: ClauseElement | None, sources: Collection[FromClause]) -> None:
        """Take in a condition that the rows of `sources` must meet."""
        if isinstance(condition, TextClause):
            raise UnboundQueryError("a condition of it is text")
        if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
            for part in condition.clauses:
                self.read(part, sources)
        elif isinstance(condition, BinaryExpression) and condition.operator in _HOLDING:
            self._read_pair(condition.left, condition.right, sources)
            self._read_pair(condition.right, condition.left, sources)

    def read_joins(self, source: FromClause) -> None:
        """Take in the conditions of joins; those of an outer one say nothing of its left side."""
        if isinstance(source, FromGrouping):
            self.read_joins(source.element)
        elif isinstance(source, Join):
            self.read_joins(source.left)
            self.read_joins(source.right)
            if not source.full:
                sides = [source.right] if source.isouter else [source.left, source.right]
                self.read(source.onclause, list(_sources(sides)))

    def hold(self, source: FromClause) -> bool:
        """Whether the rows of a table are those of partitions that the query names."""
        waiting = list(self._held)
        while waiting:
            followers = self._followers.pop(waiting.pop(), [])
            waiting += [follower for follower in followers if follower not in self._held]
            self._held.update(followers)
        return source in self._held

    def _read_pair(self, key: Any, other: Any, sources: Collection[FromClause]) -> None:
        source = _owner(key)
        if source is None or source not in sources:
            return
        if _is_bind(other):
            self._held.add(source)
            self.binds.append(other)
        elif (leader := _owner(other)) is not None:
            self._followers.setdefault(leader, []).append(source)


def _owner(key: Any) -> FromClause | None:
    """The table whose partition key it is."""
    return key.table if isinstance(key, ColumnClause) and key.name == PARTITION_KEY else None


def _is_select(query: object) -> TypeGuard[Select[Any]]:
    return isinstance(query, Select)


def _is_bind(value: object) -> TypeGuard[BindParameter[Any]]:
    return isinstance(value, BindParameter)


def _sources(froms: Iterable[FromClause]) -> Iterator[FromClause]:
    """The tables and subqueries in a FROM, out of their joins."""
    for source in froms:
        if isinstance(source, Join):
            yield from _sources([source.left, source.right])
        elif isinstance(source, FromGrouping):
            yield from _sources([source.element])
        else:
            yield source


def _inner_queries(element: ExternallyTraversible) -> Iterator[SelectBase]:
    """The queries within conditions and columns; those in the FROM are sources of their own."""
    for child in element.get_children():
        if isinstance(child, SelectBase):
            yield child
        elif not isinstance(child, FromClause):
            yield from _inner_queries(child)
