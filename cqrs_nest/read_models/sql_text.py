"""The SQL that is sent to a driver, as a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlglot import ErrorLevel, exp, tokenize
from sqlglot import parse as parse_statements
from sqlglot.errors import SqlglotError

_DIALECTS: Final = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_QUOTED: Final = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`"
_PLACEHOLDERS: Final = {
    "qmark": r"\?",
    "format": r"%(?:%|s)",
    "pyformat": r"%(?:%|\((?P<name>\w+)\)s)",
    "named": r"(?<!:):(?P<name>[A-Za-z_]\w*)",
    "numeric_dollar": r"\$(?P<name>\d+)",
}
"""How drivers write a parameter: by its place among all of them, by its number or by its name."""
_BEGINNINGS: Final = re.compile(r"[\s(]*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


PARAMETER: Final = "parameter_"
"""How the names of parameters in a tree begin; their number follows."""


class UnreadableSqlError(Exception):
    """The SQL is in no language that is known here."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, and the keys of its parameters: in the tree they are `:parameter_0`, `:parameter_1` ..."""

    tree: exp.Expr
    parameters: tuple[int | str, ...]


def read_sql(sql: str, dialect: str, paramstyle: str) -> Statement:
    """The one statement that a text holds.

    Raises UnreadableSqlError for more or less than one, for comments, which databases may carry out, and for
    what is not the SQL of SQLite, PostgreSQL, MySQL or MariaDB.
    """
    if dialect not in _DIALECTS or paramstyle not in _PLACEHOLDERS:
        raise UnreadableSqlError(f"it is sent to {dialect}, whose SQL cannot be read")
    if _BEGINNINGS.match(sql) is None:  # the parser would write it to the log
        raise UnreadableSqlError("it is no SELECT, INSERT, UPDATE or DELETE")
    if f":{PARAMETER}" in sql:
        raise UnreadableSqlError(f"it has a parameter whose name begins with {PARAMETER}")
    text, parameters = _with_names(sql, paramstyle)
    read = _DIALECTS[dialect]
    try:
        statements = parse_statements(text, read=read, error_level=ErrorLevel.IMMEDIATE)
        has_comments = any(token.comments for token in tokenize(text, read=read))
    except SqlglotError:
        raise UnreadableSqlError("its SQL cannot be read") from None
    if has_comments:
        raise UnreadableSqlError("it holds a comment")
    if len(statements) != 1 or statements[0] is None:
        raise UnreadableSqlError("it is not one statement")
    found = {each.name for each in statements[0].find_all(exp.Placeholder)}
    if not found.issuperset(f"{PARAMETER}{number}" for number in range(len(parameters))):
        raise UnreadableSqlError("it has a parameter within quotes")
    return Statement(statements[0], parameters)


def _with_names(sql: str, paramstyle: str) -> tuple[str, tuple[int | str, ...]]:
    """The text with the same names for parameters whatever the driver writes, and their keys."""
    placeholder = _PLACEHOLDERS[paramstyle]
    # Drivers that write the values into the text by `%` do so within quotes as well.
    quoted = "(?!)" if paramstyle in ("format", "pyformat") else _QUOTED
    keys: list[int | str] = []

    def replace(found: re.Match[str]) -> str:
        if found["quoted"] is not None:
            return found[0]
        if found[0] == "%%":
            return "%"
        name = found.groupdict().get("name")
        if name is None:
            keys.append(len(keys))
        else:
            keys.append(int(name) - 1 if name.isdecimal() else name)
        return f":{PARAMETER}{len(keys) - 1}"

    return re.sub(f"(?P<quoted>{quoted})|{placeholder}", replace, sql), tuple(keys)
