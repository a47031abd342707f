"""SQLAlchemy's engine, with SQLite set up for several tasks at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, MetaData, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from cqrs_nest.aws.json_text import from_json, to_json
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.read_models.tenant_check import ALLOW_CROSS_TENANT, statement_check


class DatabaseUrlError(CqrsNestError):
    """The DATABASE_URL is none, or its driver is not installed."""


class TablesNotCreatedError(CqrsNestError):
    """The database could not be reached or written to when the tables of the read models were created."""

    def __init__(self, engine: AsyncEngine, error: Exception) -> None:
        # Not SQLAlchemy's own text, which holds the statement.
        cause = error.orig if isinstance(error, DBAPIError) else error
        super().__init__(
            f"The tables of the read models could not be created in {engine.url} "
            f"({type(cause).__name__}: {cause}).\n"
            "Fix: see that DATABASE_URL names a database that runs (for SQLite: a file in a folder that is "
            "there), and that its user may create tables."
        )


WRITING: Final = "cqrs_nest_writing"
"""Execution option of transactions that write."""

WITHOUT_FOREIGN_KEYS: Final = "cqrs_nest_without_foreign_keys"
"""Execution option of transactions in which SQLite heeds no foreign keys."""

_PASSING_STATES = ("40001", "40P01", "55P03")
"""PostgreSQL: serialization failure, deadlock, lock not available in time."""
_PASSING_ERRNOS = (1205, 1213)
"""MySQL and MariaDB: lock wait timeout, deadlock."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA busy_timeout = 10000",  # milliseconds a writer waits for the one before it
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


def create_engine(url: str, metadata: Sequence[MetaData] = ()) -> AsyncEngine:
    """An engine for the URL, whose statements are checked to be of the caller's tenant.

    Connections that the server has closed are noticed and replaced.

    Raises DatabaseUrlError for a URL that is none, or whose driver is not installed.
    """
    try:
        engine = create_async_engine(
            url, hide_parameters=True, json_serializer=to_json, json_deserializer=from_json, **_options(url)
        )
    except (ArgumentError, InvalidRequestError, ModuleNotFoundError) as error:
        # `from None`, and not the URL: it may hold a password.
        raise DatabaseUrlError(
            f"DATABASE_URL cannot be used ({type(error).__name__}: {_reason(error)}).\n"
            "Write it as sqlite+aiosqlite:///file, postgresql+asyncpg://user:password@host/name or "
            "mysql+asyncmy://user:password@host/name, and install its driver."
        ) from None
    event.listen(engine.sync_engine, "before_cursor_execute", statement_check(metadata))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare)
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {}
    if url.startswith(("mysql", "mariadb")):
        # Under their default, a delete locks the gaps between rows, and inserts of other items wait for it.
        return {"pool_pre_ping": True, "isolation_level": "READ COMMITTED"}
    return {"pool_pre_ping": True}


def is_passing(error: DBAPIError) -> bool:
    """Whether the database undid a transaction only because of others that ran at the same time."""
    cause = error.orig
    if getattr(cause, "sqlstate", None) in _PASSING_STATES:
        return True
    if getattr(cause, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
        return True
    return bool(cause and cause.args and cause.args[0] in _PASSING_ERRNOS)


def _reason(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the driver {error.name} is not installed"
    if isinstance(error, NoSuchModuleError):
        return "there is no such kind of database, or it has no such driver"
    return "it is no URL of an asynchronous driver"


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver must not begin by itself: `_begin` does
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that first reads and then writes could not wait for another writer: SQLite refuses it.
    options = connection.get_execution_options()
    if options.get(WITHOUT_FOREIGN_KEYS):
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    writing = options.get(WRITING, False)
    connection.exec_driver_sql(
        "BEGIN IMMEDIATE" if writing else "BEGIN", execution_options={ALLOW_CROSS_TENANT: True}
    )
