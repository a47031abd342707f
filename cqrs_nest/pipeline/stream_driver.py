"""Applies commands as the command table's stream delivers them: all steps in one go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cqrs_nest.commands import RegisteredTable
from cqrs_nest.commands.rows import Row
from cqrs_nest.common.logger import Logger
from cqrs_nest.pipeline.command_events import NewCommandEvent
from cqrs_nest.pipeline.command_steps import NEVER_APPLIED, SYNC_DATA, CommandSteps
from cqrs_nest.pipeline.errors import ConcurrentChangeError
from cqrs_nest.pipeline.pipeline import CommandPipeline
from cqrs_nest.pipeline.version_check import Turn

ATTEMPTS = 5


class StreamDriver:
    """Applies commands in order.

    In the usual case that is one read each of the data row and of the command before, one transaction,
    the custom handlers, one message and one update of the status. A repetition starts where the rows
    say that it broke off. A command that fails holds back the later ones of its item, and no others.
    """

    def __init__(self, pipeline: CommandPipeline) -> None:
        self._pipeline = pipeline
        self._logger = Logger("StreamDriver")

    async def apply_event(self, event: NewCommandEvent) -> None:
        """Apply the command of a stream record, and any earlier one that the stream did not bring."""
        table = self._pipeline.table_of(event)
        await self.apply(table, event.row, str(event.record.get("eventID", "")))

    async def apply(self, table: RegisteredTable, row: Row, delivery: str) -> None:
        """Apply a command row. Raises what a handler raised, after the row was given a failed status."""
        steps = self._pipeline.steps(table, row, delivery)
        for _ in range(ATTEMPTS):
            check, data = await steps.check_version(in_order=True)
            match check.turn:
                case Turn.OVER:
                    return
                case Turn.NEVER:
                    mismatch = check.mismatch()
                    self._logger.error("%r can never be applied: %s", steps, mismatch["cause"])
                    await steps.report(NEVER_APPLIED, mismatch)
                    return
                case Turn.LATER:
                    for earlier in await steps.earlier_rows(check.applied):
                        await self.apply(table, earlier, delivery)
                case Turn.AGAIN:
                    if not await steps.is_finished():
                        await self._project(steps, steps.run_custom_handlers)
                    return
                case Turn.LATE:
                    await self._project(steps, steps.catch_up_handlers)
                    return
                case Turn.NOW:
                    if await self._write(steps, data):
                        await self._project(steps, steps.run_custom_handlers)
                        return
        raise ConcurrentChangeError(f"{steps!r} was not applied in {ATTEMPTS} attempts.")

    async def _write(self, steps: CommandSteps, data: Row | None) -> bool:
        try:
            return await steps.apply(data)
        except Exception as error:
            await steps.report_failure(SYNC_DATA, error)
            raise

    async def _project(self, steps: CommandSteps, handlers: Callable[[], Awaitable[None]]) -> None:
        try:
            await handlers()
        except Exception as error:
            await steps.report_failure(SYNC_DATA, error)
            raise
        await steps.finish()
