"""Commands that never will be applied, so that nobody needs to wait for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb.attribute_offload import is_s3_uri
from cqrs_nest.commands.keys import DetailKey
from cqrs_nest.commands.latest_command import LatestCommand
from cqrs_nest.commands.rows import DEAD_LETTERED, SYNC_MODE, Row
from cqrs_nest.commands.statuses import FAILED, FINISHED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable

LONGEST_PUBLISH = timedelta(minutes=15)
"""How long a function may run. What a publish has not written by then, it never will."""


@Injectable()
class AbandonedCommands:
    """Tells the commands of one table that wait in vain."""

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService, latest: LatestCommand) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._latest = latest

    async def is_lost(self, command: Row) -> bool:
        """Whether a command, as it is stored, has failed and its attributes are gone from S3."""
        if not has_failed(command) or not is_s3_uri(command.get("attributes")):
            return False
        row = await self._dynamodb.load_attributes(self._table.command, command, "load or keep")
        return is_s3_uri(row.get("attributes"))

    async def next_version(self, key: DetailKey, applied: int) -> int:
        """The version to apply after an applied one (0: there is no data row), behind what was abandoned.

        It is enough to look at the newest command. One that failed, or that was published synchronously, had
        its turn; and where the data row of a finished one has expired, all were finished.
        """
        newest = await self._latest.find(key, "keep")
        if newest is None:
            return applied + 1
        has_expired = applied == 0 and newest.get("status") == FINISHED
        if has_expired or _was_left_half_way(newest) or await self.is_lost(newest):
            version: int = newest["version"]
            return version + 1
        return applied + 1


def has_failed(command: Mapping[str, Any]) -> bool:
    """Whether a command could not be applied when it was tried, which operators were told."""
    return DEAD_LETTERED in command or str(command.get("status")).endswith(FAILED)


def _was_left_half_way(command: Mapping[str, Any]) -> bool:
    """Whether a synchronous publish died before its data row, which the TypeScript framework writes later."""
    created = command.get("createdAt")
    return (
        command.get("syncMode") == SYNC_MODE
        and isinstance(created, datetime)
        and datetime.now(UTC) - created >= LONGEST_PUBLISH
    )
