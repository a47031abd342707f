"""Applies commands as the command table's stream delivers them: all steps in one go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cqrs_nest.commands import RegisteredTable
from cqrs_nest.commands.rows import Row
from cqrs_nest.common.logger import Logger
from cqrs_nest.pipeline.command_events import NewCommandEvent
from cqrs_nest.pipeline.command_progress import NEVER_APPLIED
from cqrs_nest.pipeline.command_steps import CommandSteps
from cqrs_nest.pipeline.errors import ConcurrentChangeError, ParkedError
from cqrs_nest.pipeline.failures import FailedCommands
from cqrs_nest.pipeline.pipeline import CommandPipeline
from cqrs_nest.pipeline.version_check import Turn

ATTEMPTS = 5


class StreamDriver:
    """Applies commands in order.

    In the usual case that is one read each of the data row and of the command before, one transaction,
    the custom handlers, one message and one update of the status. A repetition starts where the rows
    say that it broke off. A command that fails holds back the later ones of its item, and no others.
    """

    def __init__(self, pipeline: CommandPipeline, failed: FailedCommands) -> None:
        self._pipeline = pipeline
        self._failed = failed
        self._logger = Logger("StreamDriver")

    async def apply_event(self, event: NewCommandEvent) -> None:
        """Apply the command of a stream record, and any earlier one that the stream did not bring.

        A command that is in the dead-letter queue then, or waits behind one that is, is done with for the
        stream.
        """
        table = self._pipeline.table_of(event)
        try:
            await self.apply(table, event.row, str(event.record.get("eventID", "")))
        except ParkedError as error:
            self._logger.warn("%r is left to the dead-letter queue: %s", event, error)

    async def apply(
        self, table: RegisteredTable, row: Row, delivery: str, *, retry_parked: bool = False
    ) -> None:
        """Apply a command row, and the earlier ones that are still due.

        Raises what a handler raised, after the row was given a failed status; ParkedError for a command
        in the dead-letter queue, or behind one, which is tried again only with `retry_parked`.
        """
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
                        await self.apply(table, earlier, delivery, retry_parked=retry_parked)
                case Turn.AGAIN | Turn.LATE:
                    if not await steps.progress.is_finished():
                        self._refuse_parked(steps, retry_parked)
                        is_last = check.turn is Turn.AGAIN
                        await self._project(
                            steps, steps.run_custom_handlers if is_last else steps.catch_up_handlers
                        )
                    return
                case Turn.NOW:
                    self._refuse_parked(steps, retry_parked)
                    if await self._write(steps, data):
                        await self._project(steps, steps.run_custom_handlers)
                        return
        raise ConcurrentChangeError(f"{steps!r} was not applied in {ATTEMPTS} attempts.")

    def _refuse_parked(self, steps: CommandSteps, retry_parked: bool) -> None:
        if steps.progress.is_parked and not retry_parked:
            raise ParkedError(steps)

    async def _write(self, steps: CommandSteps, data: Row | None) -> bool:
        try:
            return await steps.apply(data)
        except Exception as error:  # noqa: BLE001 - it is raised again
            await self._failed.give_up_write(steps, error)

    async def _project(self, steps: CommandSteps, handlers: Callable[[], Awaitable[None]]) -> None:
        try:
            await handlers()
        except Exception as error:  # noqa: BLE001 - it is raised again
            await self._failed.give_up(steps, error)
        await steps.finish()
