"""`SqlDatabase`: connections and transactions on the database of the read models."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cqrs_nest.common.lambda_runtime import in_lambda, starts_on_demand
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config import Environment
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.read_models.declared_metadata import DeclaredMetadata, import_metadata

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

T = TypeVar("T")
ATTEMPTS = 8
"""How often a transaction is tried that the database undoes because of others."""
_IN_MEMORY = "sqlite+aiosqlite:///:memory:"


class DatabaseNotConfiguredError(CqrsNestError):
    """Nobody said which database the read models are in."""


@SetMetadata(HOW_TO_PROVIDE, "add SqlModule.register(...) to the imports of {module}")
class SqlDatabase:
    """The read models' database. Inject it into projections and query handlers.

        async with database.begin() as connection:
            await upsert_newer(connection, todos, row)

    Within a caller's request a query is refused (ForbiddenException) unless it holds every table with a
    column `pk` to partitions of his tenant, by `pk = key`; so is SQL as text. `allow_cross_tenant=True`
    states the exception.

    Nothing is opened before the first use, and with MetaData that are named (`"package.module:name"`)
    SQLAlchemy is not imported. Unless a caller of AWS Lambda waits for it, the start reads the declarations,
    so that what is wrong with them is said then.
    """

    def __init__(self, url: str, metadata: DeclaredMetadata = (), *, create_tables: bool = False) -> None:
        self._url = url
        self._given = metadata
        self._declared: Sequence[MetaData] | None = None
        self._additions: list[Callable[[], object]] = []
        self._create_tables = create_tables
        self._is_started = False
        self._owes_tables = False
        self._creating = asyncio.Lock()
        self._engine: AsyncEngine | None = None
        self._directory: Path | None = None

    @property
    def metadata(self) -> Sequence[MetaData]:
        """The tables as they are declared, with those that projections add to them.

        Raises UnknownMetadataError or InvalidProjectionError for declarations that are wrong.
        """
        for add in self._additions:
            add()
        return self._imported()

    def table(self, name: str) -> Table | None:
        """The declared table of that name, `schema.name` where it has a schema."""
        return next((each.tables[name] for each in self._imported() if name in each.tables), None)

    @property
    def table_names(self) -> Sequence[str]:
        """What `table` knows."""
        return sorted(name for each in self._imported() for name in each.tables)

    def adds_tables(self, add: Callable[[], object]) -> None:
        """Let `add` declare further tables before `metadata` is read. It must bear to be called again.

        After the start too: what is missing then is created before the next use.
        """
        self._additions.append(add)
        self._owes_tables = self._is_started and self._create_tables

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, made at the first use."""
        if self._engine is None:
            from cqrs_nest.read_models.engine import create_engine

            self._engine = create_engine(
                self._file_url() if self._url == _IN_MEMORY else self._url, self.metadata
            )
        return self._engine

    @asynccontextmanager
    async def connect(self, *, allow_cross_tenant: bool = False) -> AsyncGenerator[AsyncConnection, None]:
        """A connection to read with; what is written on it is undone unless committed."""
        await self._settle_tables()
        async with self._checked(allow_cross_tenant).connect() as connection:
            yield connection

    @asynccontextmanager
    async def begin(self, *, allow_cross_tenant: bool = False) -> AsyncGenerator[AsyncConnection, None]:
        """A transaction to write in: committed at the end of the block, undone when the block raises."""
        await self._settle_tables()
        async with self._transaction(allow_cross_tenant) as connection:
            yield connection

    async def in_transaction(
        self, work: Callable[[AsyncConnection], Awaitable[T]], *, allow_cross_tenant: bool = False
    ) -> T:
        """Run `work` in a transaction, and once more when the database undoes it for the sake of others.

        Databases end deadlocks that way, which transactions that write several rows can get into.
        """
        from sqlalchemy.exc import DBAPIError

        from cqrs_nest.read_models.engine import is_passing

        for attempt in range(ATTEMPTS):
            try:
                async with self.begin(allow_cross_tenant=allow_cross_tenant) as connection:
                    return await work(connection)
            except DBAPIError as error:
                if not is_passing(error) or attempt == ATTEMPTS - 1:
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def session(self, *, allow_cross_tenant: bool = False) -> AsyncGenerator[AsyncSession, None]:
        """A session for mapped classes, in a transaction as `begin()` gives."""
        from sqlalchemy.ext.asyncio import AsyncSession

        async with (
            self.begin(allow_cross_tenant=allow_cross_tenant) as connection,
            AsyncSession(connection, expire_on_commit=False) as session,
        ):
            yield session
            await session.flush()

    @asynccontextmanager
    async def begin_migration(self) -> AsyncGenerator[AsyncConnection, None]:
        """A transaction to change tables in.

        SQLite changes a table by making another one, and would take the rows that refer to it along.
        """
        from cqrs_nest.read_models.engine import WITHOUT_FOREIGN_KEYS, WRITING

        options = {WRITING: True, WITHOUT_FOREIGN_KEYS: True}
        async with self._checked(True).execution_options(**options).begin() as connection:
            yield connection
        if self.engine.dialect.name == "sqlite":
            await self.engine.dispose()  # the next connections heed foreign keys again

    async def on_module_init(self) -> None:
        """Create missing tables if the module was told to; in AWS Lambda when they are first needed.

        Raises UnknownMetadataError, InvalidProjectionError or TablesNotCreatedError.
        """
        self._is_started, self._owes_tables = True, self._create_tables
        if not starts_on_demand():
            _ = self.metadata
        if not in_lambda():
            await self._settle_tables()

    async def on_application_shutdown(self, signal: str | None = None) -> None:
        """Close all connections."""
        self._is_started = self._owes_tables = False
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()
        directory, self._directory = self._directory, None
        if directory is not None:
            await asyncio.to_thread(shutil.rmtree, directory)

    def _imported(self) -> Sequence[MetaData]:
        if self._declared is None:
            self._declared = import_metadata(self._given)
        return self._declared

    async def _settle_tables(self) -> None:
        """Create the tables that are still owed. A failed attempt is repeated at the next use."""
        if not self._owes_tables:
            return
        async with self._creating:
            if self._owes_tables:
                known = len(self._additions)
                await self._create_missing()
                self._owes_tables = len(self._additions) > known

    async def _create_missing(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        from cqrs_nest.read_models.engine import TablesNotCreatedError

        try:
            async with self._transaction(allow_cross_tenant=True) as connection:
                for metadata in self.metadata:
                    await connection.run_sync(metadata.create_all)
        except (SQLAlchemyError, OSError) as error:
            raise TablesNotCreatedError(self.engine, error) from error

    def _transaction(self, allow_cross_tenant: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        from cqrs_nest.read_models.engine import WRITING

        return self._checked(allow_cross_tenant).execution_options(**{WRITING: True}).begin()

    def _checked(self, allow_cross_tenant: bool) -> AsyncEngine:
        from cqrs_nest.read_models.tenant_check import ALLOW_CROSS_TENANT

        return (
            self.engine.execution_options(**{ALLOW_CROSS_TENANT: True}) if allow_cross_tenant else self.engine
        )

    def _file_url(self) -> str:
        # SQLite in memory has one connection, and concurrent requests would share its transaction.
        self._directory = Path(tempfile.mkdtemp(prefix="cqrs_nest-"))
        return f"sqlite+aiosqlite:///{self._directory / 'read_models.sqlite3'}"


def database_url(environment: Environment, url: str | None) -> str:
    """The URL given, or DATABASE_URL, or a temporary SQLite database in development.

    Raises DatabaseNotConfiguredError when there is none of them.
    """
    chosen = url or environment.database_url
    if chosen is None and environment.node_env != "local":
        raise DatabaseNotConfiguredError(
            "SqlModule: DATABASE_URL is not set. Set it to the read models' database "
            "(postgresql+asyncpg://user:password@host/name) or pass SqlModule.register(url=...)."
        )
    return chosen or _IN_MEMORY
