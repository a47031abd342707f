"""What the stream does for commands that were applied as they were published."""

from __future__ import annotations

from cqrs_nest.commands.rows import OWED, Row
from cqrs_nest.commands.statuses import FINISHED, SYNC_DATA_FAILED, SYNC_FAILED, SYNC_STARTED
from cqrs_nest.common.logger import Logger
from cqrs_nest.events import EventHandler
from cqrs_nest.pipeline.command_events import SyncCommandEvent
from cqrs_nest.pipeline.command_steps import CommandSteps
from cqrs_nest.pipeline.errors import ParkedError
from cqrs_nest.pipeline.failures import FailedCommands
from cqrs_nest.pipeline.pipeline import CommandPipeline

_HANDLERS_DUE = (SYNC_STARTED, SYNC_FAILED, SYNC_DATA_FAILED)


@EventHandler(SyncCommandEvent)
class SyncCommandHandler:
    """Sends the messages that are left to the stream, and does what a publish failed or died before doing.

    The row's status says what that is. A publish that is still at work is waited for.
    """

    def __init__(self, pipeline: CommandPipeline, failed: FailedCommands) -> None:
        self._pipeline = pipeline
        self._failed = failed
        self._logger = Logger("SyncCommandHandler")

    async def execute(self, event: SyncCommandEvent) -> None:
        """Leave a command that owes nothing. Raises what a handler raised, so that it is tried again."""
        try:
            await self.carry_on(self._pipeline.steps_of(event), event.row)
        except ParkedError as error:
            self._logger.warn("%r is left to the dead-letter queue: %s", event, error)

    async def carry_on(self, steps: CommandSteps, state: Row, *, retry_parked: bool = False) -> None:
        """Do what is still due for a command; `state` is its row, as it was found.

        The TypeScript framework's rows do not say what they owe: with the table's events left to the stream
        theirs are sent at each delivery.
        Raises what a handler raised, and ParkedError for a command in the dead-letter queue.
        """
        is_foreign = OWED not in state
        if state.get("status") != FINISHED or not is_foreign:
            state = await steps.progress.settled_state() or {}
        status = state.get("status")
        if status in _HANDLERS_DUE:
            await self._repeat_handlers(steps, retry_parked)
        elif OWED in state:
            await steps.complete()
        elif is_foreign and status == FINISHED and steps.sends_from_stream:
            await steps.send_completion()

    async def _repeat_handlers(self, steps: CommandSteps, retry_parked: bool) -> None:
        if not await steps.is_applied():
            # The TypeScript framework writes the data row later, and may have failed to.
            self._logger.warn("%r was published synchronously but never applied; it is left alone", steps)
            return
        if await steps.progress.is_finished():
            # The publish has come to its end meanwhile; its messages it may have failed to send.
            if OWED in (await steps.progress.state() or {}):
                await steps.complete()
            return
        if steps.progress.is_parked and not retry_parked:
            raise ParkedError(steps)
        try:
            await steps.catch_up_handlers()
        except Exception as error:  # noqa: BLE001 - it is raised again
            await self._failed.give_up(steps, error)
        await steps.complete()
