"""Read models in SQL: the database, projections that bear repetition, replay and search."""

from cqrs_nest.read_models.cursor import CursorPage, search_after
from cqrs_nest.read_models.database import DatabaseNotConfiguredError, SqlDatabase
from cqrs_nest.read_models.module import SqlModule
from cqrs_nest.read_models.projected_tables import InvalidProjectionError
from cqrs_nest.read_models.projection import Projection, ProjectionFailedError, SqlProjection
from cqrs_nest.read_models.projection_target import ProjectionTarget, SqlRow
from cqrs_nest.read_models.projections import Projections, UnknownProjectionError
from cqrs_nest.read_models.search import SearchResult, search
from cqrs_nest.read_models.upsert import UnsupportedDatabaseError, upsert_newer

__all__ = [
    "CursorPage",
    "DatabaseNotConfiguredError",
    "InvalidProjectionError",
    "Projection",
    "ProjectionFailedError",
    "ProjectionTarget",
    "Projections",
    "SearchResult",
    "SqlDatabase",
    "SqlModule",
    "SqlProjection",
    "SqlRow",
    "UnknownProjectionError",
    "UnsupportedDatabaseError",
    "search",
    "search_after",
    "upsert_newer",
]
