"""The steps that apply one command. Each may be repeated without harm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from cqrs_nest.aws import DynamoDbService, S3Service, SnsService, error_code
from cqrs_nest.aws.dynamodb import ITEM_EXISTS, is_condition_failure
from cqrs_nest.aws.dynamodb.attribute_offload import is_s3_uri, s3_key
from cqrs_nest.commands import (
    CommandApplication,
    CommandMessages,
    CommandService,
    DataService,
    HistoryService,
    RegisteredTable,
    remove_sort_key_version,
)
from cqrs_nest.commands.abandoned_commands import AbandonedCommands, has_failed
from cqrs_nest.commands.rows import DEAD_LETTERED, HANDLERS_DONE, OWED, SYNC_MODE, Row
from cqrs_nest.commands.statuses import FINISHED
from cqrs_nest.events.concurrency import causes_of, gather_all
from cqrs_nest.pipeline.alarms import alarm_message, dead_letter_message, error_stack
from cqrs_nest.pipeline.command_progress import OWES_NOTHING, CommandProgress, is_through
from cqrs_nest.pipeline.errors import LostCommandError, SyncDataHandlerNotFoundError
from cqrs_nest.pipeline.handler_runs import run_handler, run_handlers
from cqrs_nest.pipeline.version_check import Turn, VersionCheck

DATA_HANDLER = "DataSyncDdsHandler"
"""The name under which the write of the data row stands among a table's handlers."""

SYNC_DATA = "sync_data"
"""The state in which data row and custom handlers take a command over."""


Park: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
"""Puts a message into the dead-letter queue."""


class CommandSteps:
    """The steps for one command row. `execution` names the delivery, for alarms."""

    def __init__(
        self,
        table: RegisteredTable,
        row: Row,
        execution: str,
        dynamodb: DynamoDbService,
        s3: S3Service,
        sns: SnsService,
    ) -> None:
        self._table = table
        self._row = row
        self._execution = execution
        self._dynamodb = dynamodb
        self._s3 = s3
        self._sns = sns
        self._full: Row | None = None
        self.pk: str = row["pk"]
        self.sk: str = row["sk"]
        self.version: int = row["version"]
        self.progress = CommandProgress(table.table, row, dynamodb)

    def __repr__(self) -> str:
        return f"command {self._table.table.command} {self.pk} {self.sk}"

    async def check_version(self, *, in_order: bool) -> tuple[VersionCheck, Row | None]:
        """Whether it is the command's turn, and the data row that says so.

        `in_order`: not before everything was done for the command before; otherwise it is enough that
        its data row is written, as in the TypeScript framework's state machine.
        """
        data, previous = await asyncio.gather(self._data_row(), self._previous_row(in_order))
        applied: int = (data or {}).get("version") or 0
        if not in_order and self.version > applied + 1:
            previous = await self._previous_row(True)
        return VersionCheck(await self._turn(applied, data, previous), self.version, applied), data

    async def apply(self, data: Row | None) -> bool:
        """Write data row, history row and the previous command's TTL, all or nothing.

        `data` is the data row as `check_version` read it. False, with nothing written, when it has
        changed since.
        """
        if self._table.table.options.disable_default_handler:
            await self.set_ttl()
            return True
        application = self._table.get(CommandApplication)
        try:
            await application.apply(await self._full_row(), data, csk=self.sk)
        except Exception as error:
            if not is_condition_failure(error):
                raise
            return False
        return True

    async def set_ttl(self) -> None:
        """Let the previous command expire as configured."""
        await self._table.get(CommandService).update_ttl(pk=self.pk, sk=self.sk)

    async def copy_history(self) -> None:
        """Keep the data row that the command is about to replace."""
        data = await self._data_row()
        if data is not None and (data.get("version") or 0) < self.version:
            await self._table.get(HistoryService).publish(pk=self.pk, sk=data["sk"])

    def handler_names(self) -> list[str]:
        """The handlers of the table; the one that writes the data row first."""
        default = [] if self._table.table.options.disable_default_handler else [DATA_HANDLER]
        return [*default, *(handler.name for handler in self._table.handlers)]

    async def run_handler(self, name: str | None) -> Any:
        """Let one handler take the command over; its result.

        Raises SyncDataHandlerNotFoundError for a name that no handler has.
        """
        if name == DATA_HANDLER:
            return await self._table.get(DataService).publish(await self._full_row())
        for handler in self._table.handlers:
            if handler.name == name:
                return await run_handler(handler, await self._full_row())
        raise SyncDataHandlerNotFoundError(name, self._table.table.name, self.handler_names())

    async def run_custom_handlers(self) -> None:
        """Let the custom handlers that have not done so take the command over. Raises when one failed."""
        row = await self._full_row()
        await run_handlers(
            self._table.handlers, row, self.progress.handlers_done, self.progress.note_handlers_done
        )

    async def finish(self) -> None:
        """Send `command-status` and what events are due, then note that the command is applied.

        The messages go first, because a command that is noted as finished is never looked at again.
        """
        if self.sends_from_stream:
            await self.complete()
            return
        await self._table.get(CommandMessages).publish_status(self._row, FINISHED)
        if not await self.progress.note_finished(OWES_NOTHING):
            await self.send_due_events()
            await self.progress.note_finished(ITEM_EXISTS)

    async def send_due_events(self) -> None:
        """Send the command's events, if that is left to the stream or the publish did not get to it."""
        if await self._owes_events():
            await self._table.get(CommandMessages).publish_events(self._row)
            await self.progress.note_events_sent()

    @property
    def sends_from_stream(self) -> bool:
        """Whether the table's messages are left to its stream."""
        return self._table.table.options.events == "stream"

    async def send_completion(self) -> None:
        """Send the status and the domain event of a command that is applied, in one call."""
        await self._table.get(CommandMessages).publish_completion(self._row, FINISHED)

    async def complete(self) -> None:
        """Send status and events, then note that nothing is due any more."""
        await self.send_completion()
        await self.progress.note_finished(ITEM_EXISTS)

    async def is_applied(self) -> bool:
        """Whether the data row has come to this version."""
        return await self._applied_version() >= self.version

    async def catch_up_handlers(self) -> None:
        """Let handlers that missed this command take it over, and then every later one that is applied.

        Those may have been there first, and what handlers know must end with the newest.
        """
        behind = [
            handler for handler in self._table.handlers if handler.name not in self.progress.handlers_done
        ]
        version = self.version
        while behind and version <= await self._applied_version():
            row = await self.progress.row(version)
            if row is not None:
                await run_handlers(behind, await self._with_attributes(row), set(), _nothing)
            version += 1

    async def earlier_rows(self, applied: int) -> list[Row]:
        """The commands of the item from the version `applied` on and before this one, in order."""
        rows = await self.progress.rows(max(applied, 1))
        return [row for row in rows if row.get("syncMode") != SYNC_MODE]

    async def set_status(self, status: str) -> None:
        """Note how far the command got and send `command-status`."""
        await self._table.get(CommandService).update_status(pk=self.pk, sk=self.sk, status=status)

    async def store_task_token(self, token: str) -> None:
        """Note with which token the command's execution is resumed."""
        await self._table.get(CommandService).update_task_token(pk=self.pk, sk=self.sk, token=token)

    async def alarm(self, error: BaseException | dict[str, Any]) -> None:
        """Tell operators."""
        text = error_stack(error) if isinstance(error, BaseException) else error
        message = alarm_message(self._table.table.name, self._row, text, self._execution)
        await self._sns.publish_alarm(message)

    async def report_failure(self, state: str, error: BaseException, park: Park | None = None) -> None:
        """Tell of a state that failed. What goes wrong there becomes a note of `error`."""
        try:
            await self.report(f"{state}:FAILED", *causes_of(error), park=park)
        except Exception as failure:  # noqa: BLE001 the failure of the state must not be lost for it
            error.add_note(f"The failure of {self!r} could not be reported: {failure!r}")

    async def report(
        self, status: str, *errors: BaseException | dict[str, Any], park: Park | None = None
    ) -> None:
        """Tell operators of the errors and note the status; once, however often the command is delivered.

        `park` is given what the dead-letter queue is to hold. The status is noted last, so that it stands
        for messages that were sent. A command that another delivery has brought to its end did not fail.
        """
        row = await self.progress.state()
        known: Row = row or {}
        if known.get("status") == FINISHED:
            return
        self.progress.is_parked = DEAD_LETTERED in known
        is_news = known.get("status") != status
        if park is not None and not self.progress.is_parked:
            text = "\n".join(_text(error) for error in errors)
            await park(dead_letter_message(self._table.table.command, self._row, text, self._execution))
            self.progress.is_parked = is_news = True
        if is_news:
            await gather_all([self.alarm(error) for error in errors])
        if is_news or self.progress.handlers_done.difference(known.get(HANDLERS_DONE, ())):
            noted = await self.progress.note_failed(status)
            if is_news:
                await self._table.get(CommandMessages).publish_status(noted, status)

    async def _turn(self, applied: int, data: Row | None, previous: Row | None) -> Turn:
        if self.version > applied:
            if self._table.table.options.disable_default_handler and await self.progress.is_finished():
                return Turn.OVER
            is_next = previous is None or is_through(previous) or await self._is_lost(previous)
            return Turn.NOW if is_next else Turn.LATER
        if self.version == applied and self._has_made(data):
            return Turn.AGAIN
        if await self.progress.is_finished():
            return Turn.OVER
        return Turn.LATE if self._has_made(await self._replaced_row()) else Turn.NEVER

    def _has_made(self, row: Row | None) -> bool:
        """Whether a data row, or the history row that keeps it, came of this command."""
        if row is None or row.get("requestId") != self._row.get("requestId"):
            return False
        times = (self._row.get("createdAt"), self._row.get("updatedAt"))
        return row.get("requestId") is not None or row.get("updatedAt") in times

    async def _replaced_row(self) -> Row | None:
        """The data row that this version made, when later ones have replaced it."""
        return await self._dynamodb.get_item(
            self._table.table.history, self._key, consistent_read=True, attributes="keep"
        )

    async def _previous_row(self, wanted: bool) -> Row | None:
        return await self.progress.state(self.version - 1) if wanted and self.version > 1 else None

    async def _owes_events(self) -> bool:
        if self._table.table.options.events == "inline":
            return OWED in (await self.progress.settled_state() or {})
        return self.sends_from_stream

    async def _data_row(self) -> Row | None:
        key = {"pk": self.pk, "sk": remove_sort_key_version(self.sk)}
        return await self._dynamodb.get_item(
            self._table.table.data, key, consistent_read=True, attributes="load or keep"
        )

    async def _applied_version(self) -> int:
        return (await self._data_row() or {}).get("version") or 0

    async def _full_row(self) -> Row:
        """The row with its attributes, which a stream record only refers to when they are large."""
        self._full = self._full or await self._with_attributes(self._row)
        return self._full

    async def _with_attributes(self, row: Row) -> Row:
        attributes = row.get("attributes")
        if not is_s3_uri(attributes):
            return row
        try:
            return {**row, "attributes": await self._s3.get_item(s3_key(attributes))}
        except Exception as error:
            if error_code(error) != "NoSuchKey":
                raise
            raise LostCommandError(self, attributes) from error

    async def _is_lost(self, previous: Row) -> bool:
        """Whether the command before was given up because its attributes are lost: this one replaces it."""
        row = await self.progress.row(self.version - 1) if has_failed(previous) else None
        return row is not None and await self._table.get(AbandonedCommands).is_lost(row)

    @property
    def _key(self) -> dict[str, str]:
        return {"pk": self.pk, "sk": self.sk}


async def _nothing() -> None:
    pass


def _text(error: BaseException | dict[str, Any]) -> str:
    return error_stack(error) if isinstance(error, BaseException) else str(error)
