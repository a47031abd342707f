"""How far a command got, as its row tells: the status, what it owes, who has taken it over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import ITEM_EXISTS, Condition, is_condition_failure
from cqrs_nest.aws.dynamodb.expressions import AttributePath
from cqrs_nest.aws.errors import error_response
from cqrs_nest.commands import add_sort_key_version
from cqrs_nest.commands.rows import DEAD_LETTERED, HANDLERS_DONE, OWED, PROGRESS, SYNC_MODE, Row
from cqrs_nest.commands.statuses import FINISHED, SYNC_STARTED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common.logger import Logger

NEVER_APPLIED = "check_version:FAILED"
"""The status of a command whose version another one has taken."""

GRACE = timedelta(seconds=5)
"""How long a publish may still be at work; after that it counts as dead."""
PAUSE_SECONDS = 0.05
OWES_NOTHING = Condition("attribute_exists(pk) AND attribute_not_exists(#owed)", {}, {"#owed": OWED})
_UNFINISHED = Condition(
    "attribute_exists(pk) AND (attribute_not_exists(#status) OR #status <> :finished)",
    {":finished": FINISHED},
    {"#status": "status"},
)
_STATE = ("sk", "version", "status", "syncMode", "taskToken", "createdAt", *PROGRESS)


class CommandProgress:
    """Reads and notes the progress of one command, strongly consistent, and reads its neighbours'."""

    def __init__(self, table: CommandTable, row: Row, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._key = {"pk": row["pk"], "sk": row["sk"]}
        self._version: int = row["version"]
        self._dynamodb = dynamodb
        self._logger = Logger("Pipeline")
        self.handlers_done: set[str] = set()
        """The custom handlers that have taken the command over, as far as it was read."""
        self.is_parked = False
        """Whether it waits in the dead-letter queue, as far as it was read."""

    async def row(self, version: int) -> Row | None:
        """The command of a version of the item, as it was published; large attributes are a reference."""
        row = await self._dynamodb.get_item(
            self._table.command, self._key_of(version), consistent_read=True, attributes="keep"
        )
        return row and as_published(row)

    async def rows(self, first: int) -> list[Row]:
        """The commands of the item from the version `first` on and before this one, in order."""
        keys = [self._key_of(version) for version in range(first, self._version)]
        rows = await self._dynamodb.batch_get_items(
            self._table.command, keys, consistent_read=True, attributes="keep"
        )
        return sorted(map(as_published, rows), key=lambda row: int(row["version"]))

    async def state(self, version: int | None = None) -> Row | None:
        """The status of a version of the item (its own) and what it owes, without its content."""
        key = self._key_of(self._version if version is None else version)
        return await self._dynamodb.get_item(self._table.command, key, consistent_read=True, only=_STATE)

    async def settled_state(self) -> Row | None:
        """The state of the row when the publish has ended, or has had the time to; None if it has expired."""
        while True:
            state = await self.state()
            if state is None or not self._is_under_way(state) or _age(state) >= GRACE:
                return state
            await asyncio.sleep(PAUSE_SECONDS)

    async def is_finished(self) -> bool:
        """Whether everything was done; also when the command has expired since.

        It also takes from the row which handlers are done, and whether the command is parked.
        """
        row = await self.state()
        if row is None or row.get("status") == FINISHED:
            return True
        self.handlers_done.update(row.get(HANDLERS_DONE, ()))
        self.is_parked = DEAD_LETTERED in row
        return False

    async def note_finished(self, condition: Condition) -> bool:
        """Whether it could be noted; an expired row needs no note."""
        try:
            await self._dynamodb.change_item(
                self._table.command,
                self._key,
                set={"status": FINISHED},
                remove=PROGRESS,
                condition=condition,
            )
        except Exception as error:
            if not is_condition_failure(error):
                raise
            return "Item" not in error_response(error)
        return True

    async def note_failed(self, status: str) -> Row:
        """Set the status, with the handlers that are done and whether the command is parked; the row."""
        changes: dict[AttributePath, Any] = {"status": status}
        if self.handlers_done:
            changes[HANDLERS_DONE] = sorted(self.handlers_done)
        if self.is_parked:
            changes[DEAD_LETTERED] = True
        return await self._dynamodb.update_item(
            self._table.command, self._key, set=changes, condition=_UNFINISHED
        )

    async def note_handlers_done(self) -> None:
        """Spare handlers that are through a repetition, should the others not come to an end."""
        from botocore.exceptions import BotoCoreError, ClientError

        done: dict[AttributePath, Any] = {HANDLERS_DONE: sorted(self.handlers_done)}
        try:
            await self._dynamodb.change_item(
                self._table.command, self._key, set=done, condition=ITEM_EXISTS, touch=False
            )
        except (ClientError, BotoCoreError) as error:
            self._logger.warn("%s: the handlers that are done were not noted: %s", self._key, error)

    async def note_events_sent(self) -> None:
        """Take off that events are owed."""
        await self._dynamodb.change_item(self._table.command, self._key, remove=[OWED], condition=ITEM_EXISTS)

    def _is_under_way(self, state: Row) -> bool:
        """Whether the publish may still be at work: on its handlers, or on messages that it sends itself."""
        is_sending = OWED in state and self._table.options.events != "stream"
        return is_sending or state.get("status") == SYNC_STARTED

    def _key_of(self, version: int) -> dict[str, str]:
        return {"pk": self._key["pk"], "sk": add_sort_key_version(self._key["sk"], version)}


def is_through(row: Row) -> bool:
    """Whether a command no longer holds back the next one."""
    return row.get("status") in (FINISHED, NEVER_APPLIED) or row.get("syncMode") == SYNC_MODE


def as_published(row: Row) -> Row:
    """A command row with the `updatedAt` of its publish, which data rows take over.

    Noting a status sets it anew. What then still tells is `createdAt`, but for a duplicate, which has that of
    its original.
    """
    return {**row, "updatedAt": row["createdAt"]} if "status" in row and "createdAt" in row else row


def _age(row: Row) -> timedelta:
    created = row.get("createdAt")
    return datetime.now(UTC) - created if isinstance(created, datetime) else GRACE
