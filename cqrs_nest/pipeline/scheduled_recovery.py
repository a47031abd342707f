"""Recovery by a schedule: an EventBridge rule or schedule whose target is the application's function."""

from __future__ import annotations

import random
import time
from datetime import timedelta

from cqrs_nest.common.logger import Logger
from cqrs_nest.core import current_request_scope
from cqrs_nest.events import EventBridgeEvent, EventFactory, EventHandler
from cqrs_nest.events.schedules import ScheduledEvent, as_scheduled
from cqrs_nest.events.time_left import seconds_left
from cqrs_nest.pipeline.errors import RecoveryFailedError
from cqrs_nest.pipeline.recovery import CommandRecovery, RecoveryResult

SCHEDULE_NAME = "recover-commands"
DETAIL_TYPE = "Recover Commands"
OLDER_THAN_MINUTES = 15.0
RESERVE_SECONDS = 15.0
"""What is kept of a function's time for the commands in hand."""
WITHOUT_LIMIT_SECONDS = 300.0


class RecoverCommandsEvent(EventBridgeEvent):
    """It is time to look for commands that stand still."""

    @property
    def older_than(self) -> timedelta:
        """For how long they must have: `olderThanMinutes` of the detail, or 15 minutes."""
        return timedelta(minutes=float(self.detail.get("olderThanMinutes", OLDER_THAN_MINUTES)))


@EventFactory()
class RecoverySchedule:
    """Takes ticks of schedules whose name ends in `recover-commands`, and events `Recover Commands`."""

    def transform_event_bridge(self, record: EventBridgeEvent) -> list[RecoverCommandsEvent] | None:
        """The event of the schedule; None for any other."""
        tick = as_scheduled(record)
        is_meant = isinstance(tick, ScheduledEvent) and tick.schedule_name.endswith(SCHEDULE_NAME)
        return (
            [RecoverCommandsEvent(record.record)] if is_meant or record.detail_type == DETAIL_TYPE else None
        )


@EventHandler(RecoverCommandsEvent)
class ScheduledRecovery:
    """Works off the parts of all command tables in random order, as long as the function has time.

    What it does not come to, another run will: no place has to be kept where one left off.
    """

    def __init__(self, recovery: CommandRecovery) -> None:
        self._recovery = recovery
        self._logger = Logger("ScheduledRecovery")

    async def execute(self, event: RecoverCommandsEvent) -> None:
        """Carry on what stands still. Raises RecoveryFailedError naming what could not be."""
        ends = time.monotonic() + _seconds_left()
        parts, _ = await self._recovery.parts()
        result, done = RecoveryResult(), 0
        for part in random.sample(parts, len(parts)):
            if done and time.monotonic() >= ends:
                break
            result.add(await self._recovery.recover(part, event.older_than))
            done += 1
        self._logger.log(
            "looked at %d rows in %d of %d parts: %d commands stood still, %d were carried on, %d failed",
            result.scanned,
            done,
            len(parts),
            result.stalled,
            len(result.applied),
            len(result.failed),
        )
        if result.failed:
            raise RecoveryFailedError(result.failed)


def _seconds_left() -> float:
    """How long to go on, by the Lambda context of the invocation."""
    scope = current_request_scope.get()
    left = seconds_left(scope.request if scope else None)
    return WITHOUT_LIMIT_SECONDS if left is None else left - RESERVE_SECONDS
