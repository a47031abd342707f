"""`Projections`: the SQL projections of an application, to rebuild and to verify."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from cqrs_nest.commands import CommandTableRegistry, RegisteredTable, Replay, ReplayedItem, ReplaySource
from cqrs_nest.commands.replay import PAGE_ROWS, SEGMENTS
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.context import ensure_system
from cqrs_nest.core import CqrsNestError, DiscoveryService
from cqrs_nest.read_models.projection import PROJECTION, SqlProjection

if TYPE_CHECKING:
    from cqrs_nest.read_models.verify import Difference

Report = Callable[[int], None]
"""Is told how many more rows have been read."""


class UnknownProjectionError(CqrsNestError):
    """There is no projection of that name, or no module registers its table."""


@SetMetadata(HOW_TO_PROVIDE, "add SqlModule.register(...) to the imports of {module}")
@Injectable()
class Projections:
    """Finds every provider with `@Projection`.

    Rebuilding and verifying read all tenants' rows, so ForbiddenException is raised within a request,
    unless a `system_context` says that the request is not who acts.
    """

    def __init__(self, discovery: DiscoveryService) -> None:
        self._discovery = discovery

    @property
    def all(self) -> Sequence[SqlProjection]:
        """The projections, each once, in the order of their names."""
        found: dict[str, SqlProjection] = {}
        for binding, options in self._discovery.providers_with(PROJECTION):
            found.setdefault(options.name, binding.instance)
        return [found[name] for name in sorted(found)]

    def named(self, name: str) -> SqlProjection:
        """A projection by its name. Raises UnknownProjectionError."""
        for projection in self.all:
            if projection.options.name == name:
                return projection
        known = ", ".join(projection.options.name for projection in self.all) or "none"
        raise UnknownProjectionError(
            f"There is no projection {name}. There are: {known}.\n"
            "A handler with @DataSyncHandler only is filled by CommandService.re_sync_data."
        )

    async def count(self, projection: SqlProjection, source: ReplaySource = "data") -> int:
        """About how many rows a rebuild or a verification reads."""
        return await self._replay(projection).count(source)

    async def rebuild(
        self,
        projection: SqlProjection,
        *,
        source: ReplaySource = "data",
        segments: int = SEGMENTS,
        restart: bool = False,
        page_rows: int = PAGE_ROWS,
        report: Report = lambda rows: None,
        resumed: Report = lambda rows: None,
    ) -> int:
        """Fill fresh tables and swap them in, beside live traffic; how many rows it has read.

        `source`: "data" projects the newest state of each item, "commands" every command that has not
        expired, for projections that need them all. `page_rows` of each segment are read, kept in memory and
        written at a time. A rebuild that was killed is gone on with, unless
        `restart`; `resumed` is told how many rows that one had read. Raises what `Rebuild.run` raises.
        """
        from cqrs_nest.read_models.rebuild import Rebuild

        rebuild = Rebuild(
            projection,
            self._replay(projection),
            source=source,
            segments=segments,
            page_rows=page_rows,
            report=report,
            resumed=resumed,
        )
        return await rebuild.run(restart=restart)

    async def verify(
        self,
        projection: SqlProjection,
        *,
        source: ReplaySource = "data",
        segments: int = SEGMENTS,
        tenant: str | None = None,
        repair: bool = False,
        report: Report = lambda rows: None,
    ) -> list[Difference]:
        """The items whose rows are not what the command store says; with `repair` they are mended.

        Raises InvalidProjectionError for the repair of a projection that is written by hand.
        """
        from cqrs_nest.read_models.verify import Verification

        verification = Verification(
            projection,
            self._replay(projection),
            source=source,
            segments=segments,
            tenant=tenant,
            report=report,
        )
        return await verification.run(repair=repair)

    def on_application_bootstrap(self) -> None:
        """Let the projections read from their command tables when unique values change hands."""
        for projection in self.all:
            table = self._table(projection)
            if table is not None:
                projection.resolve_clash = _clash_resolver(projection, table)

    def _replay(self, projection: SqlProjection) -> Replay:
        ensure_system("A whole read model")
        table = self._table(projection)
        if table is None:
            name = projection.options.table_name
            raise UnknownProjectionError(
                f'{projection.options.name} projects the table "{name}", which no module registers.\n'
                f'Fix: import CqrsModule.register(table_name="{name}").'
            )
        return table.get(Replay)

    def _table(self, projection: SqlProjection) -> RegisteredTable | None:
        # Not injected: a read model can be tested without the table that it is made of.
        registries = [
            binding.instance
            for binding in self._discovery.providers()
            if binding.token is CommandTableRegistry
        ]
        return registries[0].table(projection.options.table_name) if registries else None


def _clash_resolver(
    projection: SqlProjection, table: RegisteredTable
) -> Callable[[ReplayedItem], Awaitable[None]]:
    async def resolve(item: ReplayedItem) -> None:
        from cqrs_nest.read_models.item_writer import ItemWriter

        writer = ItemWriter(projection, table.get(Replay).current, projection.tables)
        await writer.write([item])

    return resolve
