"""Read models in SQL: the database, projections that bear repetition, and search."""

from cqrs_nest.read_models.database import DatabaseNotConfiguredError, SqlDatabase
from cqrs_nest.read_models.module import SqlModule
from cqrs_nest.read_models.projection import UnsupportedDatabaseError, upsert_newer
from cqrs_nest.read_models.search import SearchResult, search

__all__ = [
    "DatabaseNotConfiguredError",
    "SearchResult",
    "SqlDatabase",
    "SqlModule",
    "UnsupportedDatabaseError",
    "search",
    "upsert_newer",
]
