"""What the stream does for commands that were applied as they were published."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from cqrs_nest.commands.rows import Row
from cqrs_nest.commands.statuses import EVENTS_OWED, FINISHED, SYNC_FAILED, SYNC_STARTED
from cqrs_nest.common.logger import Logger
from cqrs_nest.events import EventHandler
from cqrs_nest.pipeline.command_events import SyncCommandEvent
from cqrs_nest.pipeline.command_steps import SYNC_DATA, CommandSteps
from cqrs_nest.pipeline.pipeline import CommandPipeline

GRACE = timedelta(seconds=5)
"""How long a publish may still be at work; after that it counts as dead."""
PAUSE_SECONDS = 0.05
_UNDER_WAY = (SYNC_STARTED, EVENTS_OWED)
_HANDLERS_DUE = (SYNC_STARTED, SYNC_FAILED, f"{SYNC_DATA}:FAILED")


@EventHandler(SyncCommandEvent)
class SyncCommandHandler:
    """Sends the messages that are left to the stream, and does what a publish failed or died before doing.

    The row's status says what that is. A publish that is still at work is waited for.
    """

    def __init__(self, pipeline: CommandPipeline) -> None:
        self._pipeline = pipeline
        self._logger = Logger("SyncCommandHandler")

    async def execute(self, event: SyncCommandEvent) -> None:
        """Leave a command that owes nothing. Raises what a handler raised, so that it is tried again."""
        steps = self._pipeline.steps_of(event)
        match await self._settled_status(steps, event.row):
            case str(status) if status in _HANDLERS_DUE:
                await self._repeat_handlers(steps)
            case str(status) if status == EVENTS_OWED:
                await steps.complete()
            case str(status) if status == FINISHED and steps.sends_from_stream:
                await steps.send_completion()
            case _:
                return

    async def _settled_status(self, steps: CommandSteps, row: Row) -> str | None:
        """The status when the publish has ended; None for a row that has expired."""
        status: str | None = row.get("status")
        if status == FINISHED:
            return status
        while True:
            current = await steps.command_row(steps.version)
            if current is None:
                return None
            status = current.get("status")
            if status not in _UNDER_WAY or _age(current) >= GRACE:
                return status
            await asyncio.sleep(PAUSE_SECONDS)

    async def _repeat_handlers(self, steps: CommandSteps) -> None:
        if not await steps.is_applied():
            # The TypeScript framework writes the data row later, and may have failed to.
            self._logger.warn("%r was published synchronously but never applied; it is left alone", steps)
            return
        try:
            await steps.catch_up_handlers()
        except Exception as error:
            await steps.report_failure(SYNC_DATA, error)
            raise
        await steps.complete()


def _age(row: Row) -> timedelta:
    created = row.get("createdAt")
    return datetime.now(UTC) - created if isinstance(created, datetime) else GRACE
