"""Noting on a synchronous command's row what its publish still owes, or that it owes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, is_condition_failure
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable, Logger


@Injectable()
class SyncStatuses:
    """Changes the status that a synchronous publish wrote.

    A row keeps saying what is owed until the note is there, so a publish may die at any point: the
    pipeline then does what is missing, once more at worst.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._running: set[asyncio.Task[None]] = set()
        self._logger = Logger("SyncStatuses")

    async def note(self, command: Mapping[str, Any], status: str) -> None:
        """Set the status, unless the pipeline has taken the command over. A failure is only logged."""
        from botocore.exceptions import BotoCoreError, ClientError

        key = {"pk": command["pk"], "sk": command["sk"]}
        as_published = Condition("#status = :before", {":before": command["status"]}, {"#status": "status"})
        try:
            await self._dynamodb.update_item(
                self._table.command, key, set={"status": status}, condition=as_published
            )
        except (ClientError, BotoCoreError) as error:
            if not is_condition_failure(error):
                self._logger.error("%s %s: %s not noted", key["pk"], key["sk"], status, error=error)

    def note_in_background(self, command: Mapping[str, Any], status: str) -> None:
        """The same after the answer: it saves the caller the wait."""
        task = asyncio.create_task(self.note(command, status))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait for the notes in the background."""
        while self._running:
            await asyncio.wait(self._running)

    async def before_application_shutdown(self, signal: str | None = None) -> None:
        """Let no note be cut off."""
        await self.drain()
