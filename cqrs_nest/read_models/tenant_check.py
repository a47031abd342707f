"""Tenant isolation of the read models: a caller's queries name partitions, and those are his."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.selectable import SelectBase

from cqrs_nest.context import current_caller, ensure_tenant
from cqrs_nest.context.tenants import refusal
from cqrs_nest.read_models.partitions import UnboundQueryError, partition_binds

ALLOW_CROSS_TENANT: Final = "cqrs_nest_allow_cross_tenant"
"""Execution option of connections and statements that may read every tenant's rows."""

_ANSWER: Final = "The query is not one of the caller's tenant"

_names: WeakKeyDictionary[SQLCompiler, Sequence[str]] = WeakKeyDictionary()
"""The parameters of compiled statements, which SQLAlchemy keeps, that hold partition keys."""


def check_query(
    _connection: Connection, _cursor: object, _statement: str, _parameters: object, context: Any, _many: bool
) -> None:
    """Refuse a caller's query of rows that are not of his tenant: a listener of `before_cursor_execute`.

    Raises ForbiddenException (403) where a table with a column `pk` is read across partitions, or in one that
    the caller may not read. SQL as text cannot be looked into and is refused as well. Statements that write
    pass: what they write comes from commands, which were checked when they were published.
    """
    caller = current_caller()
    if caller is None or context.execution_options.get(ALLOW_CROSS_TENANT):
        return
    compiled: SQLCompiler | None = context.compiled
    if compiled is None or isinstance(compiled.statement, TextClause):
        raise refusal(caller, "SQL as text, which needs allow_cross_tenant=True", _ANSWER)
    if not isinstance(compiled.statement, SelectBase):
        return
    try:
        names = _names_of(compiled)
    except UnboundQueryError as error:
        raise refusal(caller, f"a query ({error})", _ANSWER) from None
    for parameters in context.compiled_parameters:
        for key in _values(names, parameters):
            ensure_tenant(str(key), reading=True)


def _names_of(compiled: SQLCompiler) -> Sequence[str]:
    names = _names.get(compiled)
    if names is None:
        binds = partition_binds(compiled.statement)
        names = _names[compiled] = tuple({str(compiled.bind_names[bind]) for bind in binds})
    return names


def _values(names: Sequence[str], parameters: Mapping[str, Any]) -> Iterator[object]:
    """The keys that are asked for; a list is spread over parameters with numbers behind the name."""
    for name in names:
        if name in parameters:
            yield parameters[name]
        else:
            numbered = re.compile(rf"{re.escape(name)}_\d+")
            yield from (value for other, value in parameters.items() if numbered.fullmatch(other))
