"""The steps that apply one command. Each may be repeated without harm."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from cqrs_nest.aws import DynamoDbService, S3Service, SnsService
from cqrs_nest.aws.dynamodb import ITEM_EXISTS, Condition, is_condition_failure
from cqrs_nest.aws.dynamodb.attribute_offload import is_s3_uri, s3_key
from cqrs_nest.aws.errors import error_response
from cqrs_nest.commands import (
    CommandApplication,
    CommandMessages,
    CommandModel,
    CommandService,
    DataService,
    HistoryService,
    RegisteredTable,
    add_sort_key_version,
    remove_sort_key_version,
)
from cqrs_nest.commands.rows import OWED, SYNC_MODE, Row
from cqrs_nest.commands.statuses import FINISHED, SYNC_STARTED
from cqrs_nest.events.concurrency import causes_of, gather_all
from cqrs_nest.pipeline.alarms import alarm_message, error_stack
from cqrs_nest.pipeline.errors import SyncDataHandlerNotFoundError
from cqrs_nest.pipeline.version_check import Turn, VersionCheck

DATA_HANDLER = "DataSyncDdsHandler"
"""The name under which the write of the data row stands among a table's handlers."""

SYNC_DATA = "sync_data"
"""The state in which data row and custom handlers take a command over."""

NEVER_APPLIED = "check_version:FAILED"
"""The status of a command whose version another one has taken."""

GRACE = timedelta(seconds=5)
"""How long a publish may still be at work; after that it counts as dead."""
PAUSE_SECONDS = 0.05
_OWES_NOTHING = Condition("attribute_exists(pk) AND attribute_not_exists(#owed)", {}, {"#owed": OWED})
_STATE = ("sk", "version", "status", "syncMode", "taskToken", "createdAt", OWED)


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
                return await handler.instance.up(CommandModel.from_row(await self._full_row()))
        raise SyncDataHandlerNotFoundError(name, self._table.table.name, self.handler_names())

    async def run_custom_handlers(self) -> None:
        """Let all custom handlers take the command over, at once. Raises when one of them failed."""
        await self._full_row()
        await gather_all([self.run_handler(handler.name) for handler in self._table.handlers])

    async def finish(self) -> None:
        """Send `command-status` and what events are due, then note that the command is applied.

        The messages go first, because a command that is noted as finished is never looked at again.
        """
        if self.sends_from_stream:
            await self.complete()
            return
        await self._table.get(CommandMessages).publish_status(self._row, FINISHED)
        if not await self._note_finished(_OWES_NOTHING):
            await self.send_due_events()
            await self._note_finished(ITEM_EXISTS)

    async def send_due_events(self) -> None:
        """Send the command's events, if that is left to the stream or the publish did not get to it."""
        if await self._owes_events():
            await self._table.get(CommandMessages).publish_events(self._row)
            key = {"pk": self.pk, "sk": self.sk}
            await self._dynamodb.update_item(
                self._table.table.command, key, remove=[OWED], condition=ITEM_EXISTS
            )

    async def settled_state(self) -> Row | None:
        """The state of the row when the publish has ended, or has had the time to; None if it has expired."""
        while True:
            state = await self.command_state(self.version)
            is_under_way = state is not None and (OWED in state or state.get("status") == SYNC_STARTED)
            if state is None or not is_under_way or _age(state) >= GRACE:
                return state
            await asyncio.sleep(PAUSE_SECONDS)

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
        await self._note_finished(ITEM_EXISTS)

    async def is_applied(self) -> bool:
        """Whether the data row has come to this version."""
        return await self._applied_version() >= self.version

    async def catch_up_handlers(self) -> None:
        """Let the custom handlers take this command over, and then every later one that is applied.

        Those may have been there first, and what handlers know must end with the newest.
        """
        version = self.version
        while version <= await self._applied_version():
            row = await self.command_row(version)
            if row is not None:
                command = CommandModel.from_row(row)
                await gather_all([handler.instance.up(command) for handler in self._table.handlers])
            version += 1

    async def is_finished(self) -> bool:
        """Whether everything was done; also when the command has expired since."""
        row = await self.command_state(self.version)
        return row is None or row.get("status") == FINISHED

    async def earlier_rows(self, applied: int) -> list[Row]:
        """The commands of the item from the version `applied` on and before this one, in order."""
        keys = [self._key_of(version) for version in range(max(applied, 1), self.version)]
        rows = await self._dynamodb.batch_get_items(self._table.table.command, keys, consistent_read=True)
        asynchronous = [row for row in rows if row.get("syncMode") != SYNC_MODE]
        return sorted(asynchronous, key=lambda row: int(row["version"]))

    async def command_row(self, version: int) -> Row | None:
        """The command of another version of the item, strongly consistent."""
        key = self._key_of(version)
        return await self._dynamodb.get_item(self._table.table.command, key, consistent_read=True)

    async def command_state(self, version: int) -> Row | None:
        """How far the command of a version got: its status and what it owes, without its content."""
        return await self._dynamodb.get_item(
            self._table.table.command, self._key_of(version), consistent_read=True, only=_STATE
        )

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

    async def report_failure(self, state: str, error: BaseException) -> None:
        """Tell of a state that failed. What goes wrong there becomes a note of `error`."""
        try:
            await self.report(f"{state}:FAILED", *causes_of(error))
        except Exception as failure:  # noqa: BLE001 the failure of the state must not be lost for it
            error.add_note(f"The failure of {self!r} could not be reported: {failure!r}")

    async def report(self, status: str, *errors: BaseException | dict[str, Any]) -> None:
        """Tell operators of the errors and note the status; once, however often the command is delivered.

        The status is noted last, so that it stands for alarms that were sent.
        """
        row = await self.command_state(self.version)
        if row is None or row.get("status") != status:
            await gather_all([self.alarm(error) for error in errors])
            await self.set_status(status)

    async def _turn(self, applied: int, data: Row | None, previous: Row | None) -> Turn:
        if self.version > applied:
            if self._table.table.options.disable_default_handler and await self.is_finished():
                return Turn.OVER
            return Turn.NOW if previous is None or _is_through(previous) else Turn.LATER
        if self.version == applied and self._has_made(data):
            return Turn.AGAIN
        if await self.is_finished():
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
        key = {"pk": self.pk, "sk": self.sk}
        return await self._dynamodb.get_item(
            self._table.table.history, key, consistent_read=True, attributes="keep"
        )

    async def _previous_row(self, wanted: bool) -> Row | None:
        return await self.command_state(self.version - 1) if wanted and self.version > 1 else None

    async def _owes_events(self) -> bool:
        if self._table.table.options.events == "inline":
            return OWED in (await self.settled_state() or {})
        return self.sends_from_stream

    async def _note_finished(self, condition: Condition) -> bool:
        """Whether it could be noted; an expired row needs no note."""
        key = {"pk": self.pk, "sk": self.sk}
        try:
            await self._dynamodb.update_item(
                self._table.table.command, key, set={"status": FINISHED}, remove=[OWED], condition=condition
            )
        except Exception as error:
            if not is_condition_failure(error):
                raise
            return "Item" not in error_response(error)
        return True

    async def _data_row(self) -> Row | None:
        key = {"pk": self.pk, "sk": remove_sort_key_version(self.sk)}
        return await self._dynamodb.get_item(
            self._table.table.data, key, consistent_read=True, attributes="load or keep"
        )

    async def _applied_version(self) -> int:
        return (await self._data_row() or {}).get("version") or 0

    async def _full_row(self) -> Row:
        """The row with its attributes, which a stream record only refers to when they are large."""
        if self._full is None:
            attributes = self._row.get("attributes")
            loaded = await self._s3.get_item(s3_key(str(attributes))) if is_s3_uri(attributes) else attributes
            self._full = {**self._row, "attributes": loaded} if is_s3_uri(attributes) else self._row
        return self._full

    def _key_of(self, version: int) -> dict[str, str]:
        return {"pk": self.pk, "sk": add_sort_key_version(self.sk, version)}


def _is_through(row: Row) -> bool:
    """Whether a command no longer holds back the next one."""
    return row.get("status") in (FINISHED, NEVER_APPLIED) or row.get("syncMode") == SYNC_MODE


def _age(row: Row) -> timedelta:
    created = row.get("createdAt")
    return datetime.now(UTC) - created if isinstance(created, datetime) else GRACE
