"""What stands in one FROM, and which of it the conditions hold to a tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from sqlglot import exp

from cqrs_nest.read_models.sql_text import PARAMETER
from cqrs_nest.read_models.tenant_columns import TENANT_COLUMNS

_TEXT: Final = (exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT)


class UnboundStatementError(Exception):
    """A statement touches a table across tenants, or in a way that cannot be told."""


class Claim(NamedTuple):
    """A parameter that says whose rows are meant."""

    column: str
    """One of `TENANT_COLUMNS`."""
    parameter: int
    """Its number in the tree."""
    writes: bool = False


class _Place(NamedTuple):
    """A column of something in a FROM."""

    source: str
    column: str


class Scope:
    """The sources of one FROM by name, each with whether it is a table of tenants' rows.

    `around` are those of the queries around this one, which see to it themselves that theirs are held.
    """

    def __init__(self, around: Mapping[str, bool]) -> None:
        self.claims: list[Claim] = []
        self.sources: dict[str, bool] = {}
        self._around = around
        self._held: set[_Place] = set()
        self._followers: dict[_Place, list[_Place]] = {}

    def add(self, name: str, *, is_tenants: bool) -> None:
        """Put something in the FROM. Raises UnboundStatementError for a second one of that name."""
        if name in self.sources:
            raise UnboundStatementError(f"two of its sources are named {name}")
        self.sources[name] = is_tenants

    def visible(self) -> Mapping[str, bool]:
        """What a query within this one may refer to."""
        return {**self._around, **self.sources}

    def require(self, condition: exp.Expr, sources: Collection[str]) -> None:
        """Take in a condition that no row of `sources` is read without."""
        if isinstance(condition, exp.Paren):
            self.require(condition.this, sources)
        elif isinstance(condition, exp.And):
            self.require(condition.this, sources)
            self.require(condition.expression, sources)
        elif isinstance(condition, exp.EQ):
            self._equal(condition.this, condition.expression, sources)
            self._equal(condition.expression, condition.this, sources)
        elif isinstance(condition, exp.In):
            for column, values in _choices(condition):
                self._among(column, values, sources)

    def unheld(self) -> str | None:
        """A table whose rows may be anybody's; None when all are held."""
        tables = [name for name, is_tenants in self.sources.items() if is_tenants]
        waiting = list(self._held)
        held = set(waiting)
        while waiting:
            place = waiting.pop()
            # All columns of a tenant's row say the same.
            same = [_Place(place.source, each) for each in TENANT_COLUMNS if place.source in tables]
            new = {*same, *self._followers.get(place, ())} - held
            held |= new
            waiting += new
        names = {place.source for place in held}
        return next((name for name in tables if name not in names), None)

    def _equal(self, left: exp.Expr, right: exp.Expr, sources: Collection[str]) -> None:
        if (parameter := parameter_of(right)) is not None:
            self._among(left, [parameter], sources)
            return
        place, other = self._place(left), self._place(right)
        if place is None or other is None or place.source not in sources or place.column != other.column:
            return
        if other.source in self.sources:
            self._followers.setdefault(other, []).append(place)
        elif self._around.get(other.source):
            self._held.add(place)

    def _among(self, left: exp.Expr, parameters: Collection[int], sources: Collection[str]) -> None:
        place = self._place(left)
        if place is not None and place.source in sources:
            self._held.add(place)
            self.claims += [Claim(place.column, parameter) for parameter in parameters]

    def _place(self, expression: exp.Expr) -> _Place | None:
        """Where a tenant's column stands. One without the name of its table could be that of any."""
        if not isinstance(expression, exp.Column) or expression.name not in TENANT_COLUMNS:
            return None
        source = ".".join(part.name for part in expression.parts[:-1])
        return _Place(source, expression.name) if source in self.sources or source in self._around else None


def parameter_of(expression: exp.Expr) -> int | None:
    """The number of a parameter, which may be cast to a text; None for anything else."""
    while isinstance(expression, exp.Cast) and expression.to.this in _TEXT and not expression.to.expressions:
        expression = expression.this
    if isinstance(expression, exp.Placeholder) and expression.name.startswith(PARAMETER):
        return int(expression.name.removeprefix(PARAMETER))
    return None


def _choices(condition: exp.In) -> Iterator[tuple[exp.Expr, Collection[int]]]:
    """The columns that must be in a list of parameters, and these; an empty list shows as NULL or a query.

    Both `pk IN (...)` and `(pk, sk) IN ((...), ...)`.
    """
    chosen = condition.this
    columns = chosen.expressions if isinstance(chosen, exp.Tuple) else [chosen]
    rows = [
        row
        for each in condition.expressions
        for row in (each.expressions if isinstance(each, exp.Values) else [each])
    ]
    if (query := condition.args.get("query")) is not None and _finds_nothing(query):
        rows = [exp.null()]
    if not rows:
        return
    for index, column in enumerate(columns):
        values = [row.expressions[index] if isinstance(row, exp.Tuple) else row for row in rows]
        given = [value for value in values if not isinstance(value, exp.Null)]
        parameters = [number for value in given if (number := parameter_of(value)) is not None]
        if len(parameters) == len(given):
            yield column, parameters


def _finds_nothing(query: exp.Expr) -> bool:
    """Whether it is what SQLAlchemy writes for an empty list on SQLite: a query where 1 != 1."""
    where = query.this.args.get("where")
    condition = None if where is None else where.this
    return isinstance(condition, exp.NEQ) and all(
        isinstance(side, exp.Literal) and side.name == "1" for side in (condition.this, condition.expression)
    )
