"""Tenant isolation of the read models: a caller's statement is sent if all it touches is his tenant's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from sqlalchemy import Connection, MetaData

from cqrs_nest.context import Invoke, current_caller, ensure_tenant
from cqrs_nest.context.tenants import refusal
from cqrs_nest.read_models.tenant_columns import TENANT_COLUMNS

if TYPE_CHECKING:
    from cqrs_nest.read_models.query_scope import Claim

ALLOW_CROSS_TENANT: Final = "cqrs_nest_allow_cross_tenant"
"""Execution option of connections and statements that may read and write every tenant's rows."""

_SAVEPOINT: Final = re.compile(r"(?:ROLLBACK TO |RELEASE )?SAVEPOINT \w+")
_STATEMENTS: Final = 1024
"""How many statements' claims are remembered: reading one anew takes a millisecond."""
_ANSWER: Final = (
    "The query is not one of the caller's tenant. Fix: hold each table to it by table.pk == key or "
    "table.tenant_code == code, or state allow_cross_tenant=True"
)

Listener = Callable[[Connection, object, str, Any, Any, bool], None]


def statement_check(metadata: Sequence[MetaData]) -> Listener:
    """A listener of `before_cursor_execute` that refuses a caller's statements on rows not of his tenant.

    What counts is the SQL that is about to be sent, with its parameters: however it was built, it passes only
    if every table in it is held to partitions or tenants that the caller may read, or write. Tables of
    `metadata` without a column `pk` or `tenant_code` hold nobody's rows; one that is not in it may.

    Raises ForbiddenException (403); the audit line and its cause say what is wrong with the statement.
    """

    @lru_cache(_STATEMENTS)
    def claims_of(sql: str, dialect: str, paramstyle: str) -> Sequence[tuple[Claim, int | str]]:
        # The parser is imported with a caller's first statement: it takes a tenth of a second.
        from cqrs_nest.read_models import partitions
        from cqrs_nest.read_models.sql_text import read_sql

        statement = read_sql(sql, dialect, paramstyle)
        claims = partitions.claims_of(statement.tree, _shared(metadata))
        return [(claim, statement.parameters[claim.parameter]) for claim in claims]

    def check(
        connection: Connection, _cursor: object, sql: str, parameters: Any, context: Any, _many: bool
    ) -> None:
        caller = current_caller()
        if caller is None or context.execution_options.get(ALLOW_CROSS_TENANT) or _SAVEPOINT.fullmatch(sql):
            return
        from cqrs_nest.read_models.query_scope import UnboundStatementError
        from cqrs_nest.read_models.sql_text import UnreadableSqlError

        try:
            claims = claims_of(sql, connection.dialect.name, connection.dialect.paramstyle)
        except (UnboundStatementError, UnreadableSqlError) as error:
            raise refusal(caller, f"a statement ({error})", _ANSWER) from error
        for row in parameters if _is_list(parameters) else [parameters]:
            for claim, key in claims:
                _check_value(caller, claim, row[key])

    return check


def _check_value(caller: Invoke, claim: Claim, value: object) -> None:
    if isinstance(value, bytes):  # as MySQL compares keys
        value = value.decode(errors="replace")
    if not isinstance(value, str):
        raise refusal(caller, f"a statement (a {claim.column} that is no text)", _ANSWER)
    # A code is the tenant's part of a key.
    ensure_tenant(value if claim.column == "pk" else f"#{value}", reading=not claim.writes)


def _is_list(parameters: Any) -> TypeGuard[list[Any]]:
    """Whether a statement is executed for several rows of parameters."""
    return isinstance(parameters, list)


def _shared(metadata: Iterable[MetaData]) -> frozenset[str]:
    """The names of the tables that hold no tenant's rows."""
    tables = [table for each in metadata for table in each.tables.values()]
    owned = {table.fullname.lower() for table in tables if any(name in table.c for name in TENANT_COLUMNS)}
    return frozenset(table.fullname.lower() for table in tables) - owned
