"""`Replay`: reads every item of a table once more, to fill or to check what is made of its commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, TypeAlias

from cqrs_nest.aws import AwsSession, DynamoDbService
from cqrs_nest.aws.dynamodb import Condition
from cqrs_nest.commands.data_sync_handler import IDataSyncHandler, replay_of
from cqrs_nest.commands.keys import DetailKey, add_sort_key_version, get_tenant_code, remove_sort_key_version
from cqrs_nest.commands.models import CommandModel
from cqrs_nest.commands.rows import Row
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable
from cqrs_nest.core.concurrency import run_together

ReplaySource: TypeAlias = Literal["data", "commands"]
"""`data`: the newest state of each item; `commands`: every applied command that has not expired."""

SEGMENTS = 4
PAGE_ROWS = 250
"""How many rows of a segment are read at a time; each takes some 30 KB of memory until it is written."""
_CREATED = ("createdAt", "createdBy", "createdIp")


@dataclass(frozen=True)
class ReplayedItem:
    """The commands of one item in the order of their versions: only the newest one from the data table.

    `created` says who created the item and when, known from the version `first_version`.
    """

    commands: Sequence[CommandModel]
    first_version: int

    @property
    def newest(self) -> CommandModel:
        """The newest command, with the time and user of the item's creation."""
        newest, first = self.commands[-1], self.commands[0]
        if newest is first:
            return newest
        created = {name: value for name, value in first.to_row().items() if name in _CREATED}
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
    ) -> None:
        """Give every page to `take`, the segments side by side. The first error ends all of them."""

        async def read(segment: int) -> None:
            async for page in self.pages(source, (segment, segments), tenant=tenant):
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
    ) -> AsyncIterator[ReplayPage]:
        """The pages of one segment of so many, from a position on; `tenant` leaves the others' items out."""
        only = None if tenant is None else Condition("contains(pk, :tenant)", {":tenant": f"#{tenant}"})
        held: list[Row] = []
        read_to = position = start
        while True:
            page = await self._dynamodb.scan(
                self._physical(source), start_key=read_to, limit=rows, filter=only, segment=segment
            )
            read_to = page.last_key
            found = [row for row in page.items if tenant is None or get_tenant_code(row["pk"]) == tenant]
            is_last = read_to is None
            held_before = len(held)
            complete, held = _split([*held, *found], hold_back=source == "commands" and not is_last)
            read = len(page.items) + held_before - len(held)
            if not held and read_to is not None:
                position = {"pk": read_to["pk"], "sk": read_to["sk"]}
            elif complete:
                position = {"pk": complete[-1]["pk"], "sk": complete[-1]["sk"]}
            yield ReplayPage(await self._items(source, complete), read, position, is_last)
            if is_last:
                return

    async def current(self, versions: Mapping[DetailKey, int]) -> dict[DetailKey, ReplayedItem]:
        """What items are now, at least at the given versions: from the data rows, or from those commands.

        Items of which nothing is left are missing.
        """
        keys = list(versions)
        data = await self._dynamodb.batch_get_items(
            self._table.data, [key.row() for key in keys], consistent_read=True
        )
        found = {_item_key(row): _of_data(row) for row in data}
        behind = [key for key in keys if key not in found or found[key].newest.version < versions[key]]
        commands = await self._dynamodb.batch_get_items(
            self._table.command,
            [{"pk": key.pk, "sk": add_sort_key_version(key.sk, versions[key])} for key in behind],
            consistent_read=True,
        )
        return found | {_item_key(row): _of_commands([row]) for row in commands}

    async def on_their_way(self, versions: Mapping[DetailKey, int]) -> set[DetailKey]:
        """Those of the items whose command of that version is neither through nor failed."""
        keys = [{"pk": key.pk, "sk": add_sort_key_version(key.sk, versions[key])} for key in versions]
        commands = await self._dynamodb.batch_get_items(self._table.command, keys, consistent_read=True)
        return {_item_key(row) for row in commands if _is_on_its_way(row.get("status"))}

    async def _items(self, source: ReplaySource, rows: Sequence[Row]) -> list[ReplayedItem]:
        if source == "data":
            return [_of_data(row) for row in rows if "version" in row]
        applied = await self._applied(rows)
        return [_of_commands(list(group)) for _, group in groupby(applied, key=_item_key)]

    async def _applied(self, commands: Sequence[Row]) -> list[Row]:
        """Without those that wait, failed, or lost their version to another one."""
        keys = {_item_key(row) for row in commands if row.get("status") != FINISHED}
        data = await self._dynamodb.batch_get_items(
            self._table.data, [key.row() for key in keys], consistent_read=True
        )
        versions = {_item_key(row): row.get("version", 0) for row in data}
        return [
            row
            for row in commands
            if row.get("status") == FINISHED or row["version"] <= versions.get(_item_key(row), 0)
        ]

    def _physical(self, source: ReplaySource) -> str:
        return self._table.data if source == "data" else self._table.command


def _item_key(row: Mapping[str, Any]) -> DetailKey:
    return DetailKey(row["pk"], remove_sort_key_version(row["sk"]))


def _is_on_its_way(status: str | None) -> bool:
    return status != FINISHED and not (status or "").endswith(":FAILED")


def _split(rows: list[Row], hold_back: bool) -> tuple[list[Row], list[Row]]:
    """The rows of complete items, and with `hold_back` those of the last one, of which more may come.

    Rows of one item follow each other, as no other sort key lies between `A@1` and `A@2`.
    """
    if not hold_back or not rows:
        return rows, []
    last = _item_key(rows[-1])
    start = next(i for i, row in enumerate(rows) if _item_key(row) == last)
    return rows[:start], rows[start:]


def _of_data(row: Row) -> ReplayedItem:
    """A data row knows who created its item in version 1."""
    command = {**row, "sk": add_sort_key_version(row["sk"], row["version"])}
    return ReplayedItem([CommandModel.from_row(command)], 1)


def _of_commands(rows: Sequence[Row]) -> ReplayedItem:
    commands = [CommandModel.from_row(row) for row in sorted(rows, key=lambda row: int(row["version"]))]
    return ReplayedItem(commands, commands[0].version)
