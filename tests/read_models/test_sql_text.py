"""The statements of the tenant check, as they are written for databases that need not run here."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects.mysql import asyncmy
from sqlalchemy.dialects.postgresql import asyncpg, psycopg

from cqrs_nest.read_models.partitions import claims_of
from cqrs_nest.read_models.query_scope import UnboundStatementError
from cqrs_nest.read_models.sql_text import UnreadableSqlError, read_sql
from tests.read_models.test_tenant_check import ALLOWED, COMMON, MINE, REFUSED

DIALECTS: dict[str, Any] = {
    "asyncpg": asyncpg.dialect(),
    "psycopg": psycopg.dialect(),
    "asyncmy": asyncmy.dialect(),
}
OWN = {
    ("pk", MINE),
    ("pk", COMMON),
    ("tenant_code", "acme"),
    ("tenant_code", "Acme"),
    ("tenant_code", "common"),
}


def claimed(statement: Any, dialect: Dialect) -> set[tuple[str, Any]]:
    """To what the tables of a statement are held."""
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    sent = read_sql(str(compiled), dialect.name, dialect.paramstyle)
    parameters = compiled.params
    values = [parameters[name] for name in compiled.positiontup] if compiled.positional else parameters
    claims = claims_of(sent.tree, ["countries"])
    return {(claim.column, values[sent.parameters[claim.parameter]]) for claim in claims}


@pytest.mark.parametrize("name", DIALECTS)
def test_own_rows_are_recognised(name: str) -> None:
    for what, statement in ALLOWED.items():
        assert claimed(statement, DIALECTS[name]) <= OWN, what


@pytest.mark.parametrize("name", DIALECTS)
def test_others_rows_are_recognised(name: str) -> None:
    for what, statement in REFUSED.items():
        try:
            assert not claimed(statement, DIALECTS[name]) <= OWN, what
        except (UnboundStatementError, UnreadableSqlError):
            continue


@pytest.mark.parametrize(
    ("sql", "paramstyle"),
    [
        ("SELECT todos.sk FROM todos WHERE todos.pk = ? AND todos.name = '?' AND todos.sk = ?", "qmark"),
        ("SELECT todos.sk FROM todos WHERE todos.pk = %s AND todos.name = '%%s' AND todos.sk = %s", "format"),
        (
            "SELECT todos.sk FROM todos WHERE todos.pk = $1 AND todos.name = '$3' AND todos.sk = $2",
            "numeric_dollar",
        ),
    ],
)
def test_a_parameter_is_none_within_quotes(sql: str, paramstyle: str) -> None:
    dialect = {"qmark": "sqlite", "format": "mysql", "numeric_dollar": "postgresql"}[paramstyle]
    read = read_sql(sql, dialect, paramstyle)
    assert read.parameters == (0, 1)
    assert [claim.parameter for claim in claims_of(read.tree, ())] == [0]


@pytest.mark.parametrize("quoted", ["'%s'", "'\\' %s'", "`%s`", '"%s"'])
def test_a_driver_writes_values_within_quotes_too(quoted: str) -> None:
    """Where that is so, the values behind would stand for other parameters than they seem to."""
    with pytest.raises(UnreadableSqlError, match="within quotes"):
        read_sql(f"SELECT todos.sk FROM todos WHERE {quoted} != '' AND todos.pk = %s", "mysql", "format")


def test_the_parser_writes_no_statement_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for sql in (
        "CALL forget('secret')",
        "EXPLAIN SELECT 'secret'",
        "GRANT ALL ON todos TO secret",
        "SELEC 1",
    ):
        with pytest.raises(UnreadableSqlError):
            read_sql(sql, "mysql", "format")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT 1", "oracle"),
        ("", "sqlite"),
        ("SELEC 1", "sqlite"),
        ("SELECT 1; SELECT 2", "sqlite"),
        ("SELECT todos.sk FROM todos WHERE todos.pk = :parameter_0", "sqlite"),
        ("SELECT todos.sk FROM todos WHERE todos.pk = ? /*! OR 1 = 1 */", "mysql"),
        ("SELECT todos.sk FROM todos WHERE todos.pk = ? -- OR 1 = 1", "mysql"),
        ("SELECT todos.sk FROM todos WHERE todos.pk = ? # OR 1 = 1", "mysql"),
        ("SELECT todos.sk INTO copy FROM todos WHERE todos.pk = ?", "postgresql"),
        ("SELECT todos.sk FROM todos WHERE todos.pk = ? || 1", "mysql"),
        ("UPDATE todos, tags SET name = 'x' WHERE todos.pk = ?", "mysql"),
        ("DELETE todos FROM todos JOIN tags ON 1 WHERE todos.pk = ?", "mysql"),
        ("INSERT INTO todos (pk) VALUES (?) ON DUPLICATE KEY UPDATE name = 'x'", "mysql"),
        ("REPLACE INTO todos (pk) VALUES (?)", "mysql"),
        ("INSERT INTO todos (pk) VALUES (?) ON CONFLICT (lower(pk)) DO UPDATE SET name = 'x'", "postgresql"),
        ("MERGE INTO todos USING tags ON todos.pk = tags.pk WHEN MATCHED THEN DELETE", "postgresql"),
        ("COPY todos TO STDOUT", "postgresql"),
        ("CALL search_todos()", "mysql"),
        ("EXPLAIN SELECT * FROM todos", "mysql"),
        ("TABLE todos", "postgresql"),
        ("SELECT todos.sk FROM todos NATURAL JOIN tags WHERE todos.pk = ?", "sqlite"),
        ("SELECT todos.sk FROM todos JOIN tags USING (pk) WHERE todos.pk = ?", "sqlite"),
        ("SELECT (SELECT name FROM todos) FROM todos WHERE todos.pk = ?", "sqlite"),
        ("WITH x AS (DELETE FROM todos RETURNING sk) SELECT x.sk FROM x", "postgresql"),
    ],
)
def test_what_is_not_understood_is_refused(sql: str, dialect: str) -> None:
    with pytest.raises((UnboundStatementError, UnreadableSqlError)):
        claims_of(read_sql(sql, dialect, "qmark").tree, ())
