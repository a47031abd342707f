"""What the stream does for commands that were applied as they were published."""

from __future__ import annotations

from cqrs_nest.commands.rows import OWED
from cqrs_nest.commands.statuses import FINISHED, SYNC_DATA_FAILED, SYNC_FAILED, SYNC_STARTED
from cqrs_nest.common.logger import Logger
from cqrs_nest.events import EventHandler
from cqrs_nest.pipeline.command_events import SyncCommandEvent
from cqrs_nest.pipeline.command_steps import SYNC_DATA, CommandSteps
from cqrs_nest.pipeline.pipeline import CommandPipeline

_HANDLERS_DUE = (SYNC_STARTED, SYNC_FAILED, SYNC_DATA_FAILED)


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
        state = event.row
        if state.get("status") != FINISHED or OWED in state:
            state = await steps.settled_state() or {}
        status = state.get("status")
        if status in _HANDLERS_DUE:
            await self._repeat_handlers(steps)
        elif OWED in state:
            await steps.complete()
        elif status == FINISHED and steps.sends_from_stream:
            await steps.send_completion()

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
