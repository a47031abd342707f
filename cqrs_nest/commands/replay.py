"""`Replay`: reads every item of a table once more, to fill or to check what is made of its commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from cqrs_nest.aws import AwsSession, DynamoDbService
from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands.data_sync_handler import IDataSyncHandler, replay_of
from cqrs_nest.commands.keys import DetailKey, add_sort_key_version, get_tenant_code, remove_sort_key_version
from cqrs_nest.commands.models import CommandModel
from cqrs_nest.commands.rows import COPIED, CREATED, Row, command_of_data
from cqrs_nest.commands.statuses import FAILED, FINISHED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable
from cqrs_nest.core.concurrency import run_together

ReplaySource: TypeAlias = Literal["data", "commands"]
"""`data`: the newest state of each item; `commands`: every applied command that has not expired."""

SEGMENTS = 4
PAGE_ROWS = 250
"""How many rows of a segment are read at a time; each takes some 30 KB of memory until it is written."""


@dataclass(frozen=True)
class ReplayedItem:
    """The commands of one item in the order of their versions: only the newest one from the data table.

    `created` says who created the item and when, known from the version `first_version`.
    """

    commands: Sequence[CommandModel]
    first_version: int

    @property
    def key(self) -> DetailKey:
        """The item's key, without version."""
        return DetailKey(self.commands[-1].pk, remove_sort_key_version(self.commands[-1].sk))

    @property
    def newest(self) -> CommandModel:
        """The newest command, with the time and user of the item's creation."""
        newest, first = self.commands[-1], self.commands[0]
        if newest is first:
            return newest
        created = {name: value for name, value in first.to_row().items() if name in CREATED}
        return CommandModel.from_row({**newest.to_row(), **created})


@dataclass(frozen=True)
class ReplayPage:
    """Some items of a segment, how many rows were read for them, and where to read on after them."""

    items: Sequence[ReplayedItem]
    read: int
    position: Mapping[str, str] | None
    is_last: bool


@Injectable()
class Replay:
    """Reads the data table or the command table of one registered table in segments, page by page.

    Memory holds a page for each segment. An item is in one segment, and on one page.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService, session: AwsSession) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._session = session

    async def count(self, source: ReplaySource) -> int:
        """About how many rows there are to read: DynamoDB counts them every six hours."""
        answer = await self._session.call("dynamodb", "describe_table", TableName=self._physical(source))
        count: int = answer["Table"].get("ItemCount", 0)
        return count

    async def run(
        self,
        source: ReplaySource,
        take: Callable[[ReplayPage], Awaitable[None]],
        *,
        segments: int = SEGMENTS,
        tenant: str | None = None,
        every_version: bool = True,
    ) -> None:
        """Give every page to `take`, the segments side by side. The first error ends all of them."""

        async def read(segment: int) -> None:
            async for page in self.pages(
                source, (segment, segments), tenant=tenant, every_version=every_version
            ):
                await take(page)

        async with run_together() as start:
            for segment in range(segments):
                start(f"segment {segment}", read(segment))

    async def give_to(self, handlers: Sequence[IDataSyncHandler]) -> None:
        """Give the newest state of every item to each handler."""
        replays = [replay_of(handler) for handler in handlers]

        async def take(page: ReplayPage) -> None:
            for item in page.items:
                for replay in replays:
                    await replay(item.newest)

        if replays:
            await self.run("data", take)

    async def pages(
        self,
        source: ReplaySource,
        segment: tuple[int, int],
        *,
        start: Mapping[str, str] | None = None,
        tenant: str | None = None,
        rows: int = PAGE_ROWS,
        every_version: bool = True,
    ) -> AsyncIterator[ReplayPage]:
        """The pages of one segment of so many, from a position on; `tenant` leaves the others' items out.

        Without `every_version` an item has its first and its newest command only, so that one of very many
        versions takes no more memory than another.
        """
        only = None if tenant is None else Condition("contains(pk, :tenant)", {":tenant": f"#{tenant}"})
        grouping = _Grouping(every_version)
        read_to = position = start
        while True:
            page = await self._dynamodb.scan(
                self._physical(source), start_key=read_to, limit=rows, filter=only, segment=segment
            )
            read_to = page.last_key
            found = [row for row in page.items if tenant is None or get_tenant_code(row["pk"]) == tenant]
            is_applied = await self._applied(found) if source == "commands" else _has_version
            held_before = grouping.held
            groups = [group for row in found if (group := grouping.add(row, is_applied(row)))]
            if source == "data" or read_to is None:
                groups += grouping.rest()
            if not grouping.held and read_to is not None:
                position = {"pk": read_to["pk"], "sk": read_to["sk"]}
            elif groups:
                position = groups[-1].last
            read = len(page.items) + held_before - grouping.held
            yield ReplayPage(await self._items(source, groups), read, position, read_to is None)
            if read_to is None:
                return

    async def current(self, versions: Mapping[DetailKey, int]) -> dict[DetailKey, ReplayedItem]:
        """What items are now, at least at the given versions: from the data rows, or from those commands.

        Items of which nothing is left are missing.
        """
        data = await self._data_rows(versions)
        behind = {
            key: version
            for key, version in versions.items()
            if key not in data or data[key]["version"] < version
        }
        return {key: _of_data(row) for key, row in data.items()} | await self._commands(behind, data)

    async def logged(self, versions: Mapping[DetailKey, int]) -> dict[DetailKey, ReplayedItem]:
        """What items are now by their commands, at least at the given versions.

        The data row stands for a command that has expired.
        """
        data = await self._data_rows(versions)
        newest = {
            key: max(version, data[key]["version"] if key in data else 0) for key, version in versions.items()
        }
        return {key: _of_data(row) for key, row in data.items()} | await self._commands(newest, data)

    async def since(self, key: DetailKey, after: int, to: int) -> AsyncIterator[ReplayedItem]:
        """The applied commands of an item behind one version up to another, in their order, some at a time.

        Those that have expired are missing; when that is so of the last one, the data row stands for it.
        """
        data = await self._data_rows([key])
        applied_to = data[key]["version"] if key in data else 0
        for start in range(after + 1, to + 1, PAGE_ROWS):
            versions = range(start, min(start + PAGE_ROWS, to + 1))
            rows = await self._dynamodb.batch_get_items(
                self._table.command,
                [{"pk": key.pk, "sk": add_sort_key_version(key.sk, version)} for version in versions],
                consistent_read=True,
            )
            found = [row for row in rows if row.get("status") == FINISHED or row["version"] <= applied_to]
            if applied_to in versions and all(row["version"] != applied_to for row in found):
                found.append(command_of_data(data[key]))
            if found:
                yield _of_commands(found, data.get(key))

    async def different_data(self, items: Sequence[ReplayedItem]) -> dict[DetailKey, str]:
        """Of items as their commands have them, those whose data rows say something else, and what."""
        data = await self._data_rows([item.key for item in items])
        found: dict[DetailKey, str] = {}
        for item in items:
            what = _disagreement(item.newest, data.get(item.key))
            if what is not None:
                found[item.key] = what
        return found

    async def on_their_way(self, versions: Mapping[DetailKey, int]) -> set[DetailKey]:
        """Those of the items whose command of that version is neither through nor failed."""
        keys = [{"pk": key.pk, "sk": add_sort_key_version(key.sk, versions[key])} for key in versions]
        commands = await self._dynamodb.batch_get_items(self._table.command, keys, consistent_read=True)
        return {_item_key(row) for row in commands if _is_on_its_way(row.get("status"))}

    async def _items(self, source: ReplaySource, groups: Sequence[_Group]) -> list[ReplayedItem]:
        if source == "data":
            return [_of_data(row) for group in groups for row in group.rows]
        found = {_item_key(group.last): group.rows for group in groups if group.rows}
        headless = [key for key, rows in found.items() if all(row["version"] != 1 for row in rows)]
        data = await self._data_rows(headless)
        return [_of_commands(rows, data.get(key)) for key, rows in found.items()]

    async def _applied(self, commands: Sequence[Row]) -> Callable[[Row], bool]:
        """What tells commands apart from those that wait, failed, or lost their version to another one."""
        data = await self._data_rows({_item_key(row) for row in commands if row.get("status") != FINISHED})

        def is_applied(row: Row) -> bool:
            known = data.get(_item_key(row))
            return row.get("status") == FINISHED or (known is not None and row["version"] <= known["version"])

        return is_applied

    async def _commands(
        self, versions: Mapping[DetailKey, int], data: Mapping[DetailKey, Row]
    ) -> dict[DetailKey, ReplayedItem]:
        keys = [{"pk": key.pk, "sk": add_sort_key_version(key.sk, versions[key])} for key in versions]
        rows = await self._dynamodb.batch_get_items(self._table.command, keys, consistent_read=True)
        return {_item_key(row): _of_commands([row], data.get(_item_key(row))) for row in rows}

    async def _data_rows(self, keys: Collection[DetailKey]) -> dict[DetailKey, Row]:
        if not keys:
            return {}
        rows = await self._dynamodb.batch_get_items(
            self._table.data, [key.row() for key in keys], consistent_read=True
        )
        return {_item_key(row): row for row in rows if _has_version(row)}

    def _physical(self, source: ReplaySource) -> str:
        return self._table.data if source == "data" else self._table.command


@dataclass
class _Group:
    """Rows of one item: those that count, how many there are in all, and the key of the last."""

    last: Mapping[str, str]
    rows: list[Row] = field(default_factory=list[Row])
    read: int = 0


class _Grouping:
    """Puts the rows of an item together.

    They follow each other, as no other sort key lies between `A@1` and `A@2`.
    """

    def __init__(self, every_version: bool) -> None:
        self._every_version = every_version
        self._open: _Group | None = None

    @property
    def held(self) -> int:
        """How many rows of the last item were read, of which more may come."""
        return self._open.read if self._open else 0

    def add(self, row: Row, counts: bool) -> _Group | None:
        """Take the next row; the item before, if this is the first row of another one."""
        place = {"pk": row["pk"], "sk": row["sk"]}
        group, done = self._open, None
        if group is None or _item_key(group.last) != _item_key(place):
            group, done = _Group(place), group
            self._open = group
        group.last = place
        group.read += 1
        if counts:
            group.rows.append(row)
            if len(group.rows) > 2 and not self._every_version:
                group.rows = [min(group.rows, key=_version), max(group.rows, key=_version)]
        return done

    def rest(self) -> list[_Group]:
        """The last item, of which no more comes."""
        group, self._open = self._open, None
        return [group] if group else []


def _item_key(row: Mapping[str, Any]) -> DetailKey:
    return DetailKey(row["pk"], remove_sort_key_version(row["sk"]))


def _version(row: Row) -> int:
    return int(row["version"])


def _has_version(row: Row) -> bool:
    return "version" in row


def _is_on_its_way(status: str | None) -> bool:
    return status != FINISHED and not (status or "").endswith(FAILED)


def _of_data(row: Row) -> ReplayedItem:
    """A data row knows who created its item in version 1; handlers see which command it names, too."""
    return ReplayedItem([CommandModel.from_row({**row, **command_of_data(row)})], 1)


def _of_commands(rows: Sequence[Row], data: Row | None) -> ReplayedItem:
    """The first command that is left says who created the item only if it is the first one of all."""
    first, *others = sorted(rows, key=_version)
    first_version = _version(first)
    if first_version != 1 and data is not None:
        first = {**first, **{name: data[name] for name in CREATED if name in data}}
        first_version = 1
    return ReplayedItem([CommandModel.from_row(row) for row in (first, *others)], first_version)


def _disagreement(command: CommandModel, data: Row | None) -> str | None:
    if data is None:
        return "there is no data row"
    if data["version"] != command.version:
        return f"its data row is at version {data['version']}, not at {command.version}"
    expected, stored = command.to_row(), CommandModel.from_row(command_of_data(data)).to_row()
    names = [name for name in COPIED if expected.get(name) != stored.get(name)]
    return f"its data row has another {', '.join(names)} than the command" if names else None
