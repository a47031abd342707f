"""Read models in SQL: the database, projections that bear repetition, replay and search."""

from cqrs_nest.read_models.database import DatabaseNotConfiguredError, SqlDatabase
from cqrs_nest.read_models.module import SqlModule
from cqrs_nest.read_models.projected_tables import InvalidProjectionError
from cqrs_nest.read_models.projection import Projection, SqlProjection
from cqrs_nest.read_models.projection_target import ProjectionTarget, SqlRow
from cqrs_nest.read_models.search import SearchResult, search
from cqrs_nest.read_models.upsert import UnsupportedDatabaseError, upsert_newer

__all__ = [
    "DatabaseNotConfiguredError",
    "InvalidProjectionError",
    "Projection",
    "ProjectionTarget",
    "SearchResult",
    "SqlDatabase",
    "SqlModule",
    "SqlProjection",
    "SqlRow",
    "UnsupportedDatabaseError",
    "search",
    "upsert_newer",
]
