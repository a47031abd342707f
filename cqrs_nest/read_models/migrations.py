"""`Migrations`: Alembic on the read models' database, with nothing to set up in the application.

The application's folder holds the migrations and nothing else; Alembic's environment is in this package.
"""

from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import MigrationScript
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import SQLAlchemyError

from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.read_models import columns
from cqrs_nest.read_models.database import SqlDatabase

T = TypeVar("T")
_ENVIRONMENT: Final = Path(__file__).parent / "migration_environment"


class MigrationError(CqrsNestError):
    """There is nothing to migrate, or the database or Alembic refused."""


class Migrations:
    """Writes and applies the migrations in a folder. Raises MigrationError."""

    def __init__(self, database: SqlDatabase, directory: Path) -> None:
        if not database.metadata:
            raise MigrationError(
                "The application declares no tables.\nFix: SqlModule.register(metadata) with their MetaData."
            )
        self._database = database
        self._metadata = database.metadata
        self._directory = directory

    async def generate(self, message: str) -> Path | None:
        """Write what leads from the database to the declarations; None when there is nothing to do."""
        self._directory.mkdir(parents=True, exist_ok=True)

        def run(connection: Connection) -> Path | None:
            script = command.revision(self._config(connection), message, autogenerate=True)
            return Path(script.path) if script and not isinstance(script, list) else None

        return await self._run(run)

    async def apply(self, to: str = "head") -> str | None:
        """Apply what is missing up to a revision; the revision that the database has then."""
        return await self._migrate(lambda config: command.upgrade(config, to))

    async def undo(self, to: str = "-1") -> str | None:
        """Take back what is behind a revision; the revision that the database has then."""
        return await self._migrate(lambda config: command.downgrade(config, to))

    async def sql(self, to: str = "head") -> str:
        """The statements that `apply` would run on an empty database."""
        text = io.StringIO()
        config = self._config(None, text)
        config.attributes["context_options"] |= {"dialect_name": self._database.engine.dialect.name}
        await self._run(lambda _: command.upgrade(config, to, sql=True))
        return text.getvalue()

    async def check(self) -> list[str]:
        """What is missing: migrations in the database, or declarations in the migrations."""

        def run(connection: Connection) -> list[str]:
            head = ScriptDirectory.from_config(self._config(connection)).get_current_head()
            at = _revision(connection)
            if at != head:
                return [f"the database is at {at or 'no revision'}, the newest is {head}: apply"]
            context = MigrationContext.configure(connection, opts=self._options())
            # Alembic takes several, and its types say one.
            changes = compare_metadata(context, cast("MetaData", self._metadata))
            return [f"not in a migration yet: {_described(change)}" for change in changes]

        return await self._run(run)

    async def _migrate(self, work: Callable[[Config], None]) -> str | None:
        def run(connection: Connection) -> str | None:
            work(self._config(connection))
            return _revision(connection)

        return await self._run(run)

    async def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            async with self._database.begin_migration() as connection:
                return await connection.run_sync(work)
        except CommandError as error:
            raise MigrationError(f"Alembic refused: {error}") from error
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise MigrationError(f"The database refused ({type(cause).__name__}: {cause}).") from error

    def _config(self, connection: Connection | None, output: io.StringIO | None = None) -> Config:
        config = Config(output_buffer=output, cmd_opts=Namespace(quiet=True))
        config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
        config.set_main_option("version_locations", str(self._directory.absolute()).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.attributes["connection"] = connection
        config.attributes["context_options"] = self._options()
        return config

    def _options(self) -> dict[str, Any]:
        return {
            "target_metadata": self._metadata,
            "include_object": _is_ours,
            "render_item": _render,
            "render_as_batch": True,  # SQLite cannot alter a table otherwise
            "process_revision_directives": _nothing_for_nothing,
        }


def _is_ours(_object: object, _name: str | None, kind: str, reflected: bool, declared: object) -> bool:
    """Leave out tables that the application does not declare: other services may share the database."""
    return not (kind == "table" and reflected and declared is None)


def _render(kind: str, item: object, context: AutogenContext) -> str | bool:
    """The framework's own types by their names; everything else as Alembic does."""
    if kind != "type" or type(item).__module__ != columns.__name__:
        return False
    name = type(item).__name__
    context.imports.add(f"from {columns.__name__} import {name}")
    return f"{name}({item.length})" if isinstance(item, columns.KeyText) else f"{name}()"


def _nothing_for_nothing(_context: object, _revision: object, directives: list[MigrationScript]) -> None:
    """Write no file when nothing has changed."""
    operations = directives[0].upgrade_ops
    if operations is not None and operations.is_empty():
        directives.clear()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _described(change: Sequence[Any]) -> str:
    """One of Alembic's differences in a few words, such as "add column todos done"."""
    first: Sequence[Any] = change if isinstance(change[0], str) else change[0]
    names = [part if isinstance(part, str) else getattr(part, "name", None) for part in first]
    return " ".join(str(name) for name in names if name).replace("_", " ", 1)
