"""`Verification`: compares what a projection's tables hold with what the command store says they should."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from cqrs_nest.commands import CommandModel, DetailKey, Replay, ReplayedItem, ReplaySource, get_tenant_code
from cqrs_nest.commands.replay import ReplayPage
from cqrs_nest.read_models.item_writer import Current, ItemWriter
from cqrs_nest.read_models.projected_tables import CREATED, InvalidProjectionError
from cqrs_nest.read_models.projection import SqlProjection
from cqrs_nest.read_models.projection_target import ProjectionTarget
from cqrs_nest.read_models.stored_rows import StoredItem, difference, read_items, read_keys

T = TypeVar("T")
ITEMS: Final = 100
"""How many items are compared at a time."""


@dataclass(frozen=True, order=True)
class Difference:
    """An item whose rows are not what its commands say, and in what."""

    key: DetailKey
    what: str

    def __str__(self) -> str:
        return f"{self.key.pk} {self.key.sk}: {self.what}"


class Verification:
    """Verifies one projection beside live traffic: commands that are on their way are no differences."""

    def __init__(
        self,
        projection: SqlProjection,
        replay: Replay,
        *,
        source: ReplaySource,
        segments: int,
        tenant: str | None,
        report: Callable[[int], None],
    ) -> None:
        self._projection = projection
        self._database = projection.database
        self._tables = projection.tables
        self._replay = replay
        self._source: ReplaySource = source
        self._segments = segments
        self._tenant = tenant
        self._report = report

    async def run(self, *, repair: bool = False) -> list[Difference]:
        """What differs, in the order of the keys; with `repair` it does so no longer.

        Raises InvalidProjectionError for the repair of a projection that is written by hand.
        """
        if repair and not self._projection.is_declared:
            raise InvalidProjectionError(
                f"{self._projection.options.name} writes its rows by hand, so a single item cannot be mended."
                "\nFix: rebuild it."
            )
        suspects: dict[DetailKey, int] = {}

        async def take(page: ReplayPage) -> None:
            for items in _chunks(page.items):
                suspects.update(await self._suspects(items))
            self._report(page.read)

        await self._replay.run(
            self._source, take, segments=self._segments, tenant=self._tenant, every_version=False
        )
        suspects.update(await self._unknown_to_the_store())
        found: list[Difference] = []
        for keys in _chunks(sorted(suspects)):
            found += await self._differences({key: suspects[key] for key in keys}, repair)
        return found

    async def _suspects(self, items: Sequence[ReplayedItem]) -> dict[DetailKey, int]:
        """Items that may differ; they are looked at once more, as live commands may have come in between."""
        stored = await self._stored([item.key for item in items])
        wrong_data = await self._wrong_data(items)
        return {
            item.key: item.newest.version
            for item in items
            if item.key in wrong_data or self._difference(item, stored[item.key])
        }

    async def _unknown_to_the_store(self) -> dict[DetailKey, int]:
        unknown: dict[DetailKey, int] = {}
        last: DetailKey | None = None
        while keys := await self._next_keys(last):
            last = max(keys)
            mine = {key: version for key, version in keys.items() if self._is_wanted(key)}
            current = await self._replay.current(mine)
            unknown |= {key: version for key, version in mine.items() if key not in current}
        return unknown

    async def _differences(self, suspects: Mapping[DetailKey, int], repair: bool) -> list[Difference]:
        # What is stored is read first: then the command store knows at least as much.
        stored = await self._stored(list(suspects))
        current = await self._current(
            {key: max(version, stored[key].version or 0) for key, version in suspects.items()}
        )
        behind = {key: item.newest.version for key, item in current.items() if _is_behind(item, stored[key])}
        on_their_way = await self._replay.on_their_way(behind)
        settled = [key for key in suspects if key not in on_their_way]
        different = {
            key: what for key in settled if (what := self._difference(current.get(key), stored[key]))
        }
        if repair and different:
            await self._mend({key: stored[key].version for key in different}, current)
        data = await self._wrong_data([current[key] for key in settled if key in current])
        return [
            Difference(key, "; ".join(filter(None, (different.get(key), data.get(key)))))
            for key in settled
            if key in different or key in data
        ]

    @property
    def _current(self) -> Current:
        return self._replay.current if self._source == "data" else self._replay.logged

    async def _wrong_data(self, items: Sequence[ReplayedItem]) -> Mapping[DetailKey, str]:
        """Data rows that are not what the commands say; only they themselves know when they are read."""
        return {} if self._source == "data" else await self._replay.different_data(items)

    def _difference(self, item: ReplayedItem | None, stored: StoredItem) -> str | None:
        if item is None:
            return None if stored.is_empty else "there is no such item, and it has rows"
        command = item.newest
        if stored.version is None:
            return f"version {command.version} is not projected"
        if stored.version != command.version:
            return f"it is at version {stored.version}, not at {command.version}"
        if not self._projection.is_declared:
            return None
        ignored = () if item.first_version == 1 else CREATED
        return difference(self._projection.expected(command), stored, ignored)

    async def _mend(
        self, versions: Mapping[DetailKey, int | None], current: Mapping[DetailKey, ReplayedItem]
    ) -> None:
        """Write items anew in the place of the versions that were found; erase those that do not exist."""

        async def erase(target: ProjectionTarget) -> None:
            for key in sorted(versions):
                version = max(versions[key] or 0, current[key].newest.version if key in current else 0)
                nothing = CommandModel.from_row({"pk": key.pk, "sk": key.sk, "version": version})
                # Otherwise a newer command that has come since has written all rows.
                if await target.advance(nothing, version, or_same=True):
                    await self._projection.erase(target, nothing)

        writer = ItemWriter(self._projection, self._current, self._tables)
        await writer.write([current[key] for key in versions if key in current], erase)

    async def _stored(self, keys: Sequence[DetailKey]) -> Mapping[DetailKey, StoredItem]:
        async with self._database.connect(allow_cross_tenant=True) as connection:
            return await read_items(connection, self._tables, keys)

    async def _next_keys(self, after: DetailKey | None) -> Mapping[DetailKey, int]:
        if not self._projection.is_declared:
            return {}  # what its rows belong to, only itself knows
        async with self._database.connect(allow_cross_tenant=True) as connection:
            return await read_keys(connection, self._tables, after, ITEMS)

    def _is_wanted(self, key: DetailKey) -> bool:
        return self._tenant is None or get_tenant_code(key.pk) == self._tenant


def _is_behind(item: ReplayedItem, stored: StoredItem) -> bool:
    return (stored.version or 0) < item.newest.version


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + ITEMS] for start in range(0, len(values), ITEMS))
