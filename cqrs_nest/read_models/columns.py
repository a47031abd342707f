"""Column types that mean the same on SQLite, PostgreSQL, MySQL and MariaDB.

This module imports SQLAlchemy; the package itself does not, so import it where the tables are declared:

    from cqrs_nest.read_models.columns import KeyText, UtcDateTime
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["KeyText", "UtcDateTime"]

MYSQL = ("mysql", "mariadb")


class KeyText(TypeDecorator[str]):
    """A partition or sort key: compared and ordered byte for byte, as in DynamoDB, on every database.

    The default collations of MySQL and MariaDB take `a1`, `A1` and `a1 ` for one key, and PostgreSQL's order
    is that of a language. `length` is in bytes, as DynamoDB counts.
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int = 255) -> None:
        super().__init__()
        self.length = length

    @property
    def python_type(self) -> type[str]:
        """str"""
        return str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """VARBINARY on MySQL and MariaDB, TEXT in the order of its bytes on PostgreSQL."""
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.VARBINARY(self.length))
        return dialect.type_descriptor(Text(collation="C" if dialect.name == "postgresql" else None))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """The text, or its bytes."""
        return value.encode() if value is not None and dialect.name in MYSQL else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """The text."""
        return value.decode() if isinstance(value, bytes) else value

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """What a key is compared with is text of the same kind."""
        return LargeBinary() if isinstance(value, bytes) else self


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. It goes in with any zone and comes back in UTC; microseconds are kept.

    SQLite and MySQL have no zones: there a plain DateTime gives back a time that does not say which.
    """

    impl = DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """datetime"""
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """With a zone where there is one, with microseconds where they have to be asked for."""
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC. Raises ValueError for one without a zone: nobody knows when that is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; write datetime.now(UTC)")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
