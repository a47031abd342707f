"""Noting on a command's row how its publish went on, so that the row says what is left to the pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from cqrs_nest.aws import DynamoDbService
from cqrs_nest.aws.dynamodb import Condition, is_condition_failure
from cqrs_nest.aws.dynamodb.expressions import AttributePath
from cqrs_nest.commands.rows import HANDLERS_DONE, OWED
from cqrs_nest.commands.table import CommandTable
from cqrs_nest.common import Injectable, Logger

_IS_OWED = Condition("attribute_exists(#owed)", {}, {"#owed": OWED})


@Injectable()
class PublishNotes:
    """Takes back what a publish wrote onto its row as still due.

    The row keeps saying it until then, so a publish may die at any point: the pipeline does what is
    missing, once more at worst. A failure to note is only logged for the same reason.
    """

    def __init__(self, table: CommandTable, dynamodb: DynamoDbService) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._running: set[asyncio.Task[None]] = set()
        self._logger = Logger("PublishNotes")

    async def note(
        self, command: Mapping[str, Any], status: str, *, owes: bool, done: Sequence[str] = ()
    ) -> None:
        """Set the status, whether messages are owed and which handlers are done when others are not.

        Nothing is changed when the pipeline has taken the command over.
        """
        as_published = Condition("#status = :before", {":before": command["status"]}, {"#status": "status"})
        changes: dict[AttributePath, Any] = {"status": status, **({HANDLERS_DONE: [*done]} if done else {})}
        await self._update(command, as_published, changes, () if owes else (OWED,))

    def sent_in_background(self, command: Mapping[str, Any]) -> None:
        """Note after the answer that the messages are sent: nobody has to wait for that."""
        task = asyncio.create_task(self._update(command, _IS_OWED, {}, (OWED,)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait for the notes in the background."""
        while self._running:
            await asyncio.wait(self._running)

    async def before_application_shutdown(self, signal: str | None = None) -> None:
        """Let no note be cut off."""
        await self.drain()

    async def _update(
        self,
        command: Mapping[str, Any],
        condition: Condition,
        changes: Mapping[AttributePath, Any],
        removed: tuple[str, ...],
    ) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        table, key = self._table.command, {"pk": command["pk"], "sk": command["sk"]}
        try:
            await self._dynamodb.change_item(
                table, key, set=changes, remove=removed, condition=condition, touch=bool(changes)
            )
        except (ClientError, BotoCoreError) as error:
            if not is_condition_failure(error):
                self._logger.error("%s %s %s: not noted", table, key["pk"], key["sk"], error=error)
