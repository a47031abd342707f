"""`SqlModule`: the read models' database for every module."""

from __future__ import annotations

from cqrs_nest.common import DynamicModule, Module, provide
from cqrs_nest.config import Environment
from cqrs_nest.read_models.database import SqlDatabase, database_url
from cqrs_nest.read_models.declared_metadata import DeclaredMetadata
from cqrs_nest.read_models.projections import Projections


@Module()
class SqlModule:
    """Provides `SqlDatabase` and `Projections`."""

    @staticmethod
    def register(
        metadata: DeclaredMetadata = (), url: str | None = None, *, create_tables: bool = False
    ) -> DynamicModule:
        """Global module with one `SqlDatabase`.

        `metadata` has the application's own tables, and those of modules that keep tables: MetaData, or
        their names, `"my_service.tables:metadata"`, which are imported when they are needed. Then SQLAlchemy
        takes no time of a cold start.

        `url` defaults to the variable DATABASE_URL; with NODE_ENV=local and none, the database is
        temporary. `create_tables` creates the missing tables of `metadata` at the start, in AWS Lambda at
        the first use of the database.
        """

        def create_database(environment: Environment) -> SqlDatabase:
            return SqlDatabase(database_url(environment, url), metadata, create_tables=create_tables)

        return DynamicModule(
            SqlModule,
            providers=[
                provide(SqlDatabase, use_factory=create_database, inject=[Environment]),
                Projections,
            ],
            exports=[SqlDatabase, Projections],
            is_global=True,
        )
