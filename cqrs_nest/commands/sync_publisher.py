"""Publishing at once: command, data and history in one transaction, custom handlers right after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from cqrs_nest.aws import DynamoDbService, UnsupportedValueError
from cqrs_nest.aws.dynamodb import ITEM_NOT_EXISTS, ItemTooLargeError, Put, TableType, is_conflict
from cqrs_nest.commands.abandoned_commands import AbandonedCommands
from cqrs_nest.commands.application import CommandApplication
from cqrs_nest.commands.changes import is_changed
from cqrs_nest.commands.errors import WRITE_CONFLICT, VersionConflictException
from cqrs_nest.commands.keys import VERSION_LATEST, add_sort_key_version
from cqrs_nest.commands.messages import CommandMessages
from cqrs_nest.commands.models import CommandModel
from cqrs_nest.commands.publication import Publication
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.commands.registry import CommandTableRegistry, RegisteredHandler
from cqrs_nest.commands.repetitions import first_result
from cqrs_nest.commands.rows import OWED, SYNC_MODE, Row, command_of_data, command_row, with_trace
from cqrs_nest.commands.statuses import FINISHED, SYNC_FAILED, SYNC_STARTED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.common import BadRequestException, Injectable, Logger
from cqrs_nest.core.concurrency import failure_of
from cqrs_nest.core.tracing import TracingOptions

_APPLIED = {"status": FINISHED, "syncMode": SYNC_MODE}


@Injectable()
class SyncPublisher:
    """Writes commands together with what they change, so that a read right after sees it."""

    def __init__(
        self,
        table: CommandTable,
        dynamodb: DynamoDbService,
        ttl: TtlService,
        application: CommandApplication,
        abandoned: AbandonedCommands,
        registry: CommandTableRegistry,
        messages: CommandMessages,
        notes: PublishNotes,
        tracing: TracingOptions = TracingOptions(),
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._ttl = ttl
        self._application = application
        self._abandoned = abandoned
        self._registry = registry
        self._messages = messages
        self._notes = notes
        self._tracing = tracing.spans
        self._logger = Logger("SyncPublisher")

    async def publish(
        self, publication: Publication, existing: Mapping[str, Any] | None
    ) -> CommandModel | None:
        """Apply a publication to `existing`, the data row as it was just read (None: there is none).

        None when it would change nothing. Raises VersionConflictException when it builds on another
        version, or when somebody else was faster; BadRequestException for a value that cannot be
        stored; what a custom handler raised, after the command was applied.
        """
        actual: int = (existing or {}).get("version") or 0
        if existing is not None and publication.has_made(existing):
            return CommandModel.from_row({**command_of_data(existing), **_APPLIED})
        if publication.version not in (VERSION_LATEST, actual):
            if first := await first_result(self._dynamodb, self._table, publication, publication.version + 1):
                return CommandModel.from_row(first)
            raise VersionConflictException(
                publication.key, publication.version, actual, status=self._stale_status
            )
        if existing is not None and not is_changed(existing, publication.row):
            return None
        handlers = self._registry.handlers(self._table.name)
        ttl = await self._ttl.calculate_ttl(TableType.DATA, publication.tenant, publication.origin.at)
        command: Row = {
            **command_row(publication.row, actual + 1, ttl, publication.origin),
            "status": SYNC_STARTED if handlers else FINISHED,
            "syncMode": SYNC_MODE,
        }
        try:
            row, messages = await self._apply(publication, command, existing)
        except VersionConflictException:
            if first := await first_result(self._dynamodb, self._table, publication, command["version"]):
                return CommandModel.from_row(first)
            version = await self._abandoned.next_version(publication.key, actual)
            if version == command["version"]:
                raise
            command |= {"sk": add_sort_key_version(command["sk"], version), "version": version}
            row, messages = await self._apply(publication, command, existing)
        if handlers:
            await self._run(handlers, command)
        await self._complete(row, [] if self._leaves_messages_to_stream else messages)
        return CommandModel.from_row({**command, **_APPLIED})

    async def _complete(self, row: Mapping[str, Any], messages: list[Mapping[str, Any]]) -> None:
        """Send the messages and note that nothing is due any more. What fails is left to the pipeline."""
        sent = not messages or await self._messages.try_send(row, messages)
        if row["status"] != FINISHED:
            await self._notes.note(row, FINISHED, owes=self._leaves_messages_to_stream or not sent)
        elif messages and sent:
            self._notes.sent_in_background(row)

    @property
    def _leaves_messages_to_stream(self) -> bool:
        return self._table.options.events == "stream"

    @property
    def _stale_status(self) -> HTTPStatus:
        return HTTPStatus.BAD_REQUEST if self._table.options.legacy_status_codes else HTTPStatus.CONFLICT

    async def _apply(
        self, publication: Publication, command: Row, existing: Mapping[str, Any] | None
    ) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
        """Write everything, or nothing; gives the command row as it is stored, and its messages."""
        try:
            traced = with_trace(command, self._tracing)
            row = await self._dynamodb.offload(self._table.command, traced)
            messages = self._messages.build(row, FINISHED)
            put = Put(self._table.command, {**row, OWED: True}, ITEM_NOT_EXISTS)
            await self._application.apply(command, existing, csk=publication.key.sk, also=[put])
        except (UnsupportedValueError, ItemTooLargeError) as error:
            raise BadRequestException(str(error)) from error
        except Exception as error:
            if is_conflict(error):
                expected: int = (existing or {}).get("version") or 0
                raise VersionConflictException(publication.key, expected, message=WRITE_CONFLICT) from error
            raise
        return row, messages

    async def _run(self, handlers: tuple[RegisteredHandler, ...], command: Row) -> None:
        """Run the custom handlers side by side. When one fails, all have ended before its error is raised."""
        runs = [_up(handler, command) for handler in handlers]
        results = await asyncio.gather(*runs, return_exceptions=True)
        failures = [
            (handler.name, error)
            for handler, error in zip(handlers, map(failure_of, results), strict=True)
            if error is not None
        ]
        if not failures:
            return
        done = [handler.name for handler in handlers if handler.name not in dict(failures)]
        await self._notes.note(command, SYNC_FAILED, owes=True, done=done)
        await self._messages.try_status(command, SYNC_FAILED)
        for name, error in failures:
            self._logger.error("%s failed on %s %s", name, command["pk"], command["sk"], error=error)
        raise failures[0][1]


async def _up(handler: RegisteredHandler, command: Row) -> None:
    await handler.instance.up(CommandModel.from_row(command))
