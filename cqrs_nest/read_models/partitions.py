"""Whose rows a statement reads and writes, told from the SQL that is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from sqlglot import exp

from cqrs_nest.read_models.known_functions import is_known
from cqrs_nest.read_models.query_scope import (
    Claim,
    Scope,
    UnboundStatementError,
    parameter_of,
)
from cqrs_nest.read_models.tenant_columns import TENANT_COLUMNS

_FILTERED: Final = frozenset(("from_", "joins", "where", "with_"))
_SELECT: Final = _FILTERED | frozenset(
    ("distinct", "expressions", "group", "having", "limit", "locks", "offset", "order", "windows")
)
_INSERT: Final = frozenset(("this", "expression", "conflict", "returning"))
_UPDATE: Final = frozenset(("this", "expressions", "where", "returning"))
_DELETE: Final = frozenset(("this", "where", "returning"))
_NOTHING: Final[Mapping[str, bool]] = {}


def claims_of(tree: exp.Expr, shared: Collection[str]) -> tuple[Claim, ...]:
    """The parameters to which a statement holds the tables that it reads and writes.

    Every table must be held, wherever it stands, but for the `shared` ones (names in lower case), which hold
    nobody's rows: by `table.pk = parameter`, `table.pk IN (parameters)` or the same of `tenant_code`, among
    the conditions that no row is read without; or by `table.pk = other.pk` of a table that is held. A row
    that is inserted says by a parameter whose it is.

    Raises UnboundStatementError where one is not, and for whatever is not understood.
    """
    return _Reader(shared).read(tree)


class _Reader:
    def __init__(self, shared: Collection[str]) -> None:
        self._shared = shared
        self._claims: list[Claim] = []
        self._understood: set[int] = set()
        """The ids of the tables whose part in the statement is known."""

    def read(self, tree: exp.Expr) -> tuple[Claim, ...]:
        if isinstance(tree, exp.Query):
            self._query(tree, frozenset(), _NOTHING)
        elif isinstance(tree, exp.Insert):
            self._insert(tree)
        elif isinstance(tree, exp.Update):
            self._update(tree)
        elif isinstance(tree, exp.Delete):
            _refuse_others(tree, _DELETE)
            self._changed_rows(tree)
        else:
            raise UnboundStatementError("it is no SELECT, INSERT, UPDATE or DELETE")
        for table in tree.find_all(exp.Table):
            if id(table) not in self._understood:
                raise UnboundStatementError(f"it is not clear what it does with {_name(table)}")
        for function in tree.find_all(exp.Func):
            if not is_known(function):
                raise UnboundStatementError(f"it is not known what the function {function.name} reads")
        return tuple(self._claims)

    def _query(self, query: exp.Expr, ctes: frozenset[str], around: Mapping[str, bool]) -> None:
        """`ctes` are the names of WITH that are known here, `around` what the queries around read."""
        if not isinstance(query, exp.Query):
            raise UnboundStatementError(f"it reads from {query.key.upper()}")
        ctes = self._with(query, ctes)
        if isinstance(query, exp.Select):
            self._select(query, ctes, around)
            return
        parts = [query.this, query.expression] if isinstance(query, exp.SetOperation) else [query.this]
        for part in parts:
            self._query(part, ctes, around)
        self._queries_in((each for each in _parts(query) if each not in parts), ctes, around)

    def _with(self, query: exp.Expr, ctes: frozenset[str]) -> frozenset[str]:
        for clause in _parts(query):
            if isinstance(clause, exp.With):
                if clause.recursive:
                    ctes |= {each.alias for each in clause.expressions}
                for each in clause.expressions:
                    self._query(each.this, ctes, _NOTHING)
                    ctes |= {each.alias}
        return ctes

    def _select(self, select: exp.Select, ctes: frozenset[str], around: Mapping[str, bool]) -> None:
        _refuse_others(select, _SELECT)
        scope = Scope(around)
        start = next((each for each in _parts(select) if isinstance(each, exp.From)), None)
        if start is not None:
            self._from(start.this, select.args.get("joins") or (), scope, ctes)
        for lock in select.args.get("locks") or ():
            self._understood |= {id(table) for table in lock.find_all(exp.Table)}
        for part in _parts(select):
            if isinstance(part, exp.Where):
                scope.require(part.this, scope.sources)
            if not isinstance(part, exp.From | exp.Join | exp.With):
                self._queries_in([part], ctes, scope.visible())
        self._close(scope)

    def _close(self, scope: Scope, *, writes: bool = False) -> None:
        if (table := scope.unheld()) is not None:
            raise UnboundStatementError(f"it holds {table} to no tenant")
        self._claims += [claim._replace(writes=writes) for claim in scope.claims]

    def _from(self, first: exp.Expr, joins: Iterable[exp.Join], scope: Scope, ctes: frozenset[str]) -> None:
        """Put a source and what is joined to it into the scope; a condition says something of these only."""
        outside = set(scope.sources)
        self._source(first, scope, ctes)
        for join in joins:
            left = set(scope.sources)
            self._source(join.this, scope, ctes)
            condition = join.args.get("on")
            if condition is None:
                continue
            self._queries_in([condition], ctes, scope.visible())
            # The rows of the outer side of a join are there whether the condition holds or not.
            if join.side == "":
                scope.require(condition, scope.sources.keys() - outside)
            elif join.side == "LEFT":
                scope.require(condition, scope.sources.keys() - left)

    def _source(self, source: exp.Expr, scope: Scope, ctes: frozenset[str]) -> None:
        if isinstance(source, exp.Lateral):
            self._query(source.this, ctes, scope.visible())
            scope.add(source.alias, is_tenants=False)
        elif isinstance(source, exp.Subquery) and isinstance(source.this, exp.Table) and not source.alias:
            self._from(source.this, source.this.args.get("joins") or (), scope, ctes)
        elif isinstance(source, exp.Subquery):
            self._query(source, ctes, _NOTHING)
            scope.add(source.alias, is_tenants=False)
        elif isinstance(source, exp.Values):
            self._queries_in(_parts(source), ctes, scope.visible())
            scope.add(source.alias, is_tenants=False)
        elif isinstance(source, exp.Table):
            self._table(source, scope, ctes)
        else:
            raise UnboundStatementError(f"it reads from {source.key.upper()}")

    def _table(self, table: exp.Table, scope: Scope, ctes: frozenset[str]) -> None:
        self._understood.add(id(table))
        name = _name(table)
        if not isinstance(table.this, exp.Identifier):  # a function that gives rows
            self._queries_in([table.this], ctes, scope.visible())
            scope.add(table.alias, is_tenants=False)
            return
        is_tenants = name.lower() not in self._shared and (bool(table.db) or name not in ctes)
        scope.add(table.alias or name, is_tenants=is_tenants)

    def _queries_in(
        self, parts: Iterable[exp.Expr], ctes: frozenset[str], around: Mapping[str, bool]
    ) -> None:
        for query in _outermost_queries(parts):
            self._query(query, ctes, around)

    def _insert(self, insert: exp.Insert) -> None:
        _refuse_others(insert, _INSERT)
        rows, schema = _listed_rows(insert.expression), insert.this
        if rows is None or not isinstance(schema, exp.Schema):
            raise UnboundStatementError("it inserts what is no list of values")
        scope = self._target(schema.this)
        columns = [column.name for column in schema.expressions]
        for row in rows:
            given = _by_name(columns, row)
            self._given(given, scope)
            if any(scope.sources.values()) and given.keys().isdisjoint(TENANT_COLUMNS):
                raise UnboundStatementError(f"a row that it inserts has no {' or '.join(TENANT_COLUMNS)}")
        conflict = insert.args.get("conflict")
        if conflict is not None and any(scope.sources.values()):
            self._conflict(conflict, scope)
        self._queries_in(_parts(insert), frozenset(), scope.visible())

    def _conflict(self, conflict: exp.OnConflict, scope: Scope) -> None:
        """The row that is there already must be the tenant's too, as its key says or a condition."""
        if conflict.args["action"].name == "DO NOTHING":
            return
        keys = {_key(each) for each in conflict.args.get("conflict_keys") or ()}
        where = conflict.args.get("where")
        existing = Scope({"excluded": True})
        for name, is_tenants in scope.sources.items():
            existing.add(name, is_tenants=is_tenants)
        if where is not None:
            existing.require(where.this, existing.sources)
        if keys.isdisjoint(TENANT_COLUMNS) and existing.unheld() is not None:
            raise UnboundStatementError(
                "the row that it updates in the place of an insert may be another tenant's"
            )
        self._claims += [claim._replace(writes=True) for claim in existing.claims]
        self._assigned(conflict.expressions, scope)

    def _update(self, update: exp.Update) -> None:
        _refuse_others(update, _UPDATE)
        self._changed_rows(update)
        self._assigned(update.expressions, self._target(update.this))

    def _changed_rows(self, statement: exp.Update | exp.Delete) -> None:
        scope = self._target(statement.this)
        where = statement.args.get("where")
        if where is not None:
            scope.require(where.this, scope.sources)
        self._close(scope, writes=True)
        self._queries_in(_parts(statement), frozenset(), scope.visible())

    def _target(self, table: exp.Expr) -> Scope:
        """The scope of the table that is written to."""
        if not isinstance(table, exp.Table):
            raise UnboundStatementError(f"it writes to {table.key.upper()}")
        scope = Scope(_NOTHING)
        self._table(table, scope, frozenset())
        return scope

    def _assigned(self, assignments: Iterable[exp.Expr], scope: Scope) -> None:
        given: dict[str, exp.Expr] = {}
        for each in assignments:
            if not isinstance(each, exp.EQ) or not isinstance(each.this, exp.Column):
                raise UnboundStatementError("it sets what is no column")
            value = each.expression
            if not (
                isinstance(value, exp.Column) and (value.table, value.name) == ("excluded", each.this.name)
            ):
                given[each.this.name] = value
        self._given(given, scope)

    def _given(self, given: Mapping[str, exp.Expr], scope: Scope) -> None:
        """Whose a written row says it is."""
        if not any(scope.sources.values()):
            return
        for column in TENANT_COLUMNS:
            if column in given:
                number = parameter_of(given[column])
                if number is None:
                    raise UnboundStatementError(f"it writes a {column} that is no parameter")
                self._claims.append(Claim(column, number, writes=True))


def _listed_rows(values: exp.Expr) -> list[list[exp.Expr]] | None:
    """The rows that are inserted; None if they are no list.

    For rows whose keys PostgreSQL gives, SQLAlchemy writes a query that reads nothing but the list.
    """
    if isinstance(values, exp.Values):
        return [row.expressions for row in values.expressions]
    start = values.args.get("from_") if isinstance(values, exp.Select) else None
    if start is None or not isinstance(start.this, exp.Values) or values.args.keys() & {"joins", "where"}:
        return None
    names = [column.name for column in start.this.args["alias"].columns]
    given = [_by_name(names, row.expressions) for row in start.this.expressions]
    return [[each.transform(_filled_in, row) for each in values.expressions] for row in given]


def _by_name(names: Sequence[str], values: Sequence[exp.Expr]) -> dict[str, exp.Expr]:
    if len(names) != len(values):
        raise UnboundStatementError("a row that it inserts does not have the columns that are named")
    return dict(zip(names, values, strict=True))


def _filled_in(node: exp.Expr, values: Mapping[str, exp.Expr]) -> exp.Expr:
    return values.get(node.name, node) if isinstance(node, exp.Column) else node


def _parts(node: exp.Expr) -> Iterator[exp.Expr]:
    return iter(node.iter_expressions())


def _outermost_queries(parts: Iterable[exp.Expr]) -> Iterator[exp.Expr]:
    for part in parts:
        if isinstance(part, exp.Query):
            yield part
        else:
            yield from _outermost_queries(_parts(part))


def _name(table: exp.Table) -> str:
    return ".".join(part.name for part in table.parts)


def _key(part: exp.Expr) -> str | None:
    """The column of a part of a key; None for an expression."""
    column = part.this if isinstance(part, exp.Ordered) else part
    return column.name if isinstance(column, exp.Column | exp.Identifier) else None


def _refuse_others(node: exp.Expr, known: Collection[str]) -> None:
    """Refuse clauses that are not understood, which might read or write something."""
    if strange := [name for name, value in node.args.items() if value and name not in known]:
        raise UnboundStatementError(f"it has a clause that is not understood ({strange[0].strip('_')})")
