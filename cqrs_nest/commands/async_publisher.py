"""Publishing for later: one conditional put; the pipeline applies the command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import DynamoDbService, UnsupportedValueError
from cqrs_nest.aws.dynamodb import (
    ITEM_NOT_EXISTS,
    Check,
    ItemTooLargeError,
    Put,
    TableType,
    is_conflict,
)
from cqrs_nest.commands.changes import is_changed
from cqrs_nest.commands.errors import WRITE_CONFLICT, VersionConflictException
from cqrs_nest.commands.messages import CommandMessages
from cqrs_nest.commands.models import CommandModel
from cqrs_nest.commands.publication import Publication
from cqrs_nest.commands.publish_notes import PublishNotes
from cqrs_nest.commands.repetitions import first_result
from cqrs_nest.commands.rows import OWED, Row, command_row, with_trace
from cqrs_nest.commands.sessions import SessionService
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.common import BadRequestException, Injectable
from cqrs_nest.core.tracing import TracingOptions

SPARE_BYTES = 4096
"""What a command leaves free, as its data row and history row are larger: they name the command."""


@Injectable()
class AsyncPublisher:
    """Writes commands that the command table's stream carries on."""

    def __init__(
        self,
        table: CommandTable,
        dynamodb: DynamoDbService,
        ttl: TtlService,
        sessions: SessionService,
        messages: CommandMessages,
        notes: PublishNotes,
        tracing: TracingOptions = TracingOptions(),
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._ttl = ttl
        self._sessions = sessions
        self._messages = messages
        self._notes = notes
        self._tracing = tracing.spans

    async def publish(
        self, publication: Publication, stored: Mapping[str, Any] | None
    ) -> CommandModel | None:
        """Write the version after `stored`, the command that the publication builds on (None: the first).

        None when it would change nothing; what an earlier publish of the same request left.
        """
        if publication.has_made(stored):
            return CommandModel.from_row(stored or {})
        if stored is not None and not is_changed(stored, publication.row):
            return None
        version: int = stored["version"] if stored else 0
        ttl = await self._ttl.calculate_ttl(TableType.DATA, publication.tenant, publication.origin.at)
        command = command_row(publication.row, version + 1, ttl, publication.origin)
        return CommandModel.from_row(await self.write(publication, command, expected=version))

    async def write(self, publication: Publication, command: Row, expected: int) -> Row:
        """Put a new command row and tell of it; the row, or the one that the same request left before.

        Raises VersionConflictException when its version exists, BadRequestException for a value that
        cannot be stored; nothing is written then.
        """
        is_inline = self._table.options.events == "inline"
        try:
            traced = with_trace(command, self._tracing)
            row = await self._dynamodb.offload(self._table.command, traced)
            messages = self._messages.build(row)
            await self._put(publication, {**row, OWED: True} if is_inline else row)
        except (UnsupportedValueError, ItemTooLargeError) as error:
            raise BadRequestException(str(error)) from error
        except Exception as error:
            if not is_conflict(error):
                raise
            if first := await first_result(self._dynamodb, self._table, publication, command["version"]):
                return first
            raise VersionConflictException(publication.key, expected, message=WRITE_CONFLICT) from error
        await self._sessions.put(publication.origin.user_id, command)
        if is_inline and await self._messages.try_send(row, messages):
            self._notes.sent_in_background(row)
        return command

    async def _put(self, publication: Publication, row: Mapping[str, Any]) -> None:
        """Write the row if its version is new.

        For a first version the data row decides as well: the command that made it may have expired.
        """
        if row["version"] > 1:
            await self._dynamodb.put_item(self._table.command, row, ITEM_NOT_EXISTS, SPARE_BYTES)
            return
        put = Put(self._table.command, row, ITEM_NOT_EXISTS, SPARE_BYTES)
        no_data = Check(self._table.data, publication.key.row(), ITEM_NOT_EXISTS)
        await self._dynamodb.transact_write([put, no_data])
