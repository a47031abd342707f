"""Publishing for later: one conditional put; the pipeline applies the command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import DynamoDbService, UnsupportedValueError
from cqrs_nest.aws.dynamodb import ITEM_NOT_EXISTS, TableType, is_condition_failure
from cqrs_nest.commands.changes import is_changed
from cqrs_nest.commands.errors import WRITE_CONFLICT, VersionConflictException
from cqrs_nest.commands.messages import CommandMessages
from cqrs_nest.commands.models import CommandModel
from cqrs_nest.commands.publication import Publication
from cqrs_nest.commands.rows import Row, command_row
from cqrs_nest.commands.sessions import SessionService
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.commands.ttl_service import TtlService
from cqrs_nest.common import BadRequestException, Injectable


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
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._ttl = ttl
        self._sessions = sessions
        self._messages = messages

    async def publish(
        self, publication: Publication, stored: Mapping[str, Any] | None
    ) -> CommandModel | None:
        """Write the version after `stored`, the command that the publication builds on (None: the first).

        None when it would change nothing.
        """
        if stored is not None and not is_changed(stored, publication.row):
            return None
        version: int = stored["version"] if stored else 0
        ttl = await self._ttl.calculate_ttl(TableType.DATA, publication.tenant, publication.origin.at)
        command = command_row(publication.row, version + 1, ttl, publication.origin)
        await self.write(publication, command, expected=version)
        return CommandModel.from_row(command)

    async def write(self, publication: Publication, command: Row, expected: int) -> None:
        """Put a new command row and tell of it.

        Raises VersionConflictException when its version exists, BadRequestException for a value that
        cannot be stored; nothing is written then.
        """
        try:
            row = await self._dynamodb.offload(self._table.command, command)
            await self._dynamodb.put_item(self._table.command, row, ITEM_NOT_EXISTS)
        except UnsupportedValueError as error:
            raise BadRequestException(str(error)) from error
        except Exception as error:
            if is_condition_failure(error):
                raise VersionConflictException(publication.key, expected, message=WRITE_CONFLICT) from error
            raise
        await self._sessions.put(publication.origin.user_id, command)
        await self._messages.announce(row)
