"""`@Projection` and `SqlProjection`: how a table's commands become rows of SQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic.alias_generators import to_camel

from cqrs_nest.commands import CommandModel, DataSyncHandler, ReplayedItem
from cqrs_nest.commands.keys import remove_sort_key_version
from cqrs_nest.common.metadata import MetadataKey, define_metadata, find_metadata
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.read_models.database import SqlDatabase
from cqrs_nest.read_models.projected_tables import InvalidProjectionError, ProjectedTables, declare_tables
from cqrs_nest.read_models.projection_target import (
    DetailRows,
    ItemRows,
    ProjectedItem,
    ProjectionTarget,
    SqlRow,
)

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True)
class ProjectionOptions:
    """What `@Projection` was told, and about which class."""

    owner: str
    table_name: str
    name: str
    table: Table | str
    details: Sequence[Table | str]
    keep_deleted: bool
    _kept: dict[Table, ProjectedTables] = field(default_factory=dict["Table", ProjectedTables])

    def keep(self, table: Table, details: Sequence[Table]) -> ProjectedTables:
        """The tables with that of the versions, which joins their metadata at the first call.

        Raises InvalidProjectionError.
        """
        if table not in self._kept:
            self._kept[table] = declare_tables(self.owner, table, tuple(details))
        return self._kept[table]


PROJECTION = MetadataKey[ProjectionOptions]("projection")


class ProjectionFailedError(CqrsNestError):
    """A projection could not say what the rows of an item are, or the database refuses them."""


class SqlProjection:
    """Base of the projections that keep one row for each item, and rows of other tables that belong to it.

    Commands may come late, twice and at the same time: what is there in the end is what the newest one
    says, in all tables at once, and nothing of an item whose newest command deletes it.

    Override `row` and `details` to say what the rows are; override `apply` and `forget` to write by hand.
    """

    resolve_clash: Callable[[ReplayedItem], Awaitable[None]] | None = None
    """Writes an item together with those that have a unique value which it takes over, if they are behind.

    `Projections` sets it, where the application has the command table. Raises ProjectionFailedError.
    """

    def __init__(self, database: SqlDatabase) -> None:
        self.database = database
        database.adds_tables(lambda: self.tables)

    @property
    def options(self) -> ProjectionOptions:
        """What `@Projection` was told. Raises InvalidProjectionError without it."""
        options = find_metadata(type(self), PROJECTION)
        if options is None:
            raise InvalidProjectionError(
                f"{type(self).__name__} does not say which tables it keeps.\n"
                'Fix: put @Projection("...", table=...) on it.'
            )
        return options

    @cached_property
    def tables(self) -> ProjectedTables:
        """The tables that it keeps, found at the first use. Raises InvalidProjectionError."""
        options = self.options
        details = [self._declared(each) for each in options.details]
        return options.keep(self._declared(options.table), details)

    @property
    def is_declared(self) -> bool:
        """Whether `row` and `details` say everything, so that rows can be compared and written in bulk."""
        return type(self).apply is SqlProjection.apply

    def row(self, command: CommandModel) -> SqlRow:
        """The row of an item whose newest command is the given one.

        Unless overridden each column takes what has its name: a property of the command (`tenant_code`,
        `updated_at` ...), or else an attribute, `due_date` from `attributes["dueDate"]`. `sk` comes without
        version; `created_at`, `created_by` and `created_ip` become those of the item's first command.
        """
        return {column.name: _value(command, column.name) for column in self.tables.table.c}

    def details(self, command: CommandModel) -> DetailRows:
        """The rows of other tables that belong to the item; their `pk` and `sk` are filled in.

        `{"todo_tags": [{"tag": "a"}]}`, or `{todo_tags: ...}` with the table itself.
        """
        return {}

    async def apply(self, target: ProjectionTarget, command: CommandModel) -> None:
        """Write a command that is newer than what is there. Nobody else writes its item meanwhile.

        Statements go through `target.connection` to `target[table]`, which is a fresh copy of the table
        while the projection is rebuilt.
        """
        await target.write(self.expected(command))

    async def forget(self, target: ProjectionTarget, command: CommandModel) -> None:
        """Take back what `apply` has written for the command's item."""
        await target.write(_nothing(command))

    def expected(self, command: CommandModel) -> ItemRows:
        """What the tables hold when the command is the newest of its item."""
        nothing = _nothing(command)
        if command.is_deleted and not self.options.keep_deleted:
            return nothing
        key = {"pk": nothing.pk, "sk": nothing.sk}
        details = {
            self.tables.actual(self.tables, table): [{**row, **key} for row in rows]
            for table, rows in self.details(command).items()
        }
        return ItemRows(**key, row={**self.row(command), **key}, details=details)

    async def up(self, command: CommandModel) -> None:
        """Apply a command, all tables in one transaction."""
        await self._write(ReplayedItem([command], command.version), or_same=False)

    async def replay(self, command: CommandModel) -> None:
        """Write an item once more, as its data row says: whoever created it did so in version 1."""
        await self._write(ReplayedItem([command], 1), or_same=self.is_declared)

    async def down(self, command: CommandModel) -> None:
        """Take an item back, as if no command of it had come."""
        await self._in_transaction(lambda target: self.erase(target, command))

    async def project(
        self, target: ProjectionTarget, command: CommandModel, first_version: int, *, or_same: bool = False
    ) -> None:
        """Apply a command within a transaction, unless what is there is newer (with `or_same`: or as new).

        The command's times and users of creation are those of `first_version`.
        """
        if await target.advance(command, first_version, or_same=or_same):
            await self.apply(target, command)

    async def erase(self, target: ProjectionTarget, command: CommandModel) -> None:
        """Take an item back within a transaction."""
        await self.forget(target, command)
        await target.forget(_nothing(command))

    def projected(self, item: ReplayedItem) -> ProjectedItem:
        """An item with its rows. Raises ProjectionFailedError when `row` or `details` fail."""
        command = item.newest
        try:
            return ProjectedItem(command, item.first_version, self.expected(command))
        except Exception as error:
            raise ProjectionFailedError(
                f"{self.options.name} cannot say what the rows of {command.pk} {command.sk} are "
                f"({type(error).__name__}: {error}).\nFix: correct its row() or details(); {self.begin_anew}."
            ) from error

    @property
    def begin_anew(self) -> str:
        """What to run for a rebuild that shall not go on where another one ended."""
        return f"then run cqrs-nest projections rebuild ... --projection {self.options.name} --restart"

    async def _write(self, item: ReplayedItem, *, or_same: bool) -> None:
        from sqlalchemy.exc import IntegrityError

        command = item.newest
        try:
            await self._in_transaction(
                lambda target: self.project(target, command, item.first_version, or_same=or_same)
            )
        except IntegrityError as error:
            if self.resolve_clash is None or not self.is_declared:
                raise
            try:
                await self.resolve_clash(item)
            except ProjectionFailedError:
                raise error from None

    async def _in_transaction(self, write: Callable[[ProjectionTarget], Awaitable[None]]) -> None:
        tables = self.tables

        async def work(connection: AsyncConnection) -> None:
            await write(ProjectionTarget(connection, tables))

        # The commands were checked when they were published.
        await self.database.in_transaction(work, allow_cross_tenant=True)

    def _declared(self, table: Table | str) -> Table:
        found = self.database.table(table) if isinstance(table, str) else table
        if found is None:
            raise InvalidProjectionError(
                f'{self.options.owner} keeps the table "{table}", which is in no MetaData that the '
                f"database was given (there are: {', '.join(self.database.table_names) or 'none'}).\n"
                "Fix: SqlModule.register(...) with the MetaData that declares it, or correct the name."
            )
        return found


ProjectionT = TypeVar("ProjectionT", bound=type[SqlProjection])


def Projection(
    table_name: str,
    *,
    table: Table | str,
    details: Sequence[Table | str] = (),
    keep_deleted: bool = False,
    name: str | None = None,
) -> Callable[[ProjectionT], ProjectionT]:
    """Make a `SqlProjection` keep `table`: one row for each item of a command table, named as in `register`.

    `details` are tables with further rows of an item. Tables are given by their names, and found in the
    metadata that `SqlModule` was given, or themselves. Deleted items leave no rows; with `keep_deleted` they
    keep them, and a column `is_deleted` says so. `name` is the class's name unless given, and must stay
    the same: rebuilds are known by it. A table `<table>_versions` is added to the metadata.

        @Projection("todo", table="todos")
        class TodoProjection(SqlProjection):
            "Keeps todos."

    Raises InvalidProjectionError for tables that cannot be kept. Of tables that are named, the application
    does at its start; in AWS Lambda at the first use.
    """

    def decorate(cls: ProjectionT) -> ProjectionT:
        owner = cls.__name__
        options = ProjectionOptions(owner, table_name, name or owner, table, details, keep_deleted)
        given = [each for each in details if not isinstance(each, str)]
        if not isinstance(table, str) and len(given) == len(details):
            options.keep(table, given)
        define_metadata(cls, PROJECTION, options)
        return DataSyncHandler(table_name, name=name)(cls)

    return decorate


def _nothing(command: CommandModel) -> ItemRows:
    return ItemRows(command.pk, remove_sort_key_version(command.sk))


def _value(command: CommandModel, column: str) -> Any:
    if column in ("cpk", "csk"):
        return command.pk if column == "cpk" else command.sk
    if column in type(command).model_fields:
        return getattr(command, column)
    name = to_camel(column)
    extra = command.model_extra or {}
    return extra[name] if name in extra else command.attributes.get(name)
