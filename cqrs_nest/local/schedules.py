"""Schedules of the embedded account: EventBridge's ticks, at the times its expressions say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cqrs_nest.common import Logger
from cqrs_nest.core.errors import CqrsNestError
from cqrs_nest.events.schedules import DETAIL_TYPE
from cqrs_nest.local.poller import Deliver

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \*\)")
_WEEKDAY_NUMBER = re.compile(r"(?<![#\d])[1-7](?!\d)")


class InvalidScheduleError(CqrsNestError):
    """A schedule's expression is none of EventBridge's; found at start."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule whose ticks reach the application as `ScheduledEvent`.

    `expression` is EventBridge's, in UTC: `rate(5 minutes)` or `cron(0 3 * * ? *)`, with any year.

    >>> Schedule("nightly", "cron(30 3 ? * MON *)").after(datetime(2026, 1, 2, tzinfo=UTC)).isoformat()
    '2026-01-05T03:30:00+00:00'
    >>> Schedule("often", "rate(5 minutes)").after(datetime(2026, 1, 2, tzinfo=UTC)).isoformat()
    '2026-01-02T00:05:00+00:00'
    """

    name: str
    expression: str

    def after(self, moment: datetime) -> datetime:
        """The first tick after a moment. Raises InvalidScheduleError for an expression of another form."""
        if rate := _RATE.fullmatch(self.expression):
            return moment + timedelta(**{f"{rate[2]}s": int(rate[1])})
        if cron := _CRON.fullmatch(self.expression):
            return self._after(moment, *cron.groups())
        raise self._invalid("Write rate(5 minutes) or cron(minutes hours day month weekday *).")

    def event(self, moment: datetime, region: str, account: str) -> dict[str, Any]:
        """The event of a tick, as EventBridge sends it."""
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": DETAIL_TYPE,
            "source": "aws.events",
            "account": account,
            "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [f"arn:aws:events:{region}:{account}:rule/{self.name}"],
            "detail": {},
        }

    def _after(self, moment: datetime, *fields: str) -> datetime:
        from cronsim import CronSim, CronSimError

        *times, weekday = (field.replace("?", "*") for field in fields)
        # EventBridge counts from Sunday as 1, cron from Sunday as 0.
        weekday = _WEEKDAY_NUMBER.sub(lambda number: str(int(number[0]) - 1), weekday)
        try:
            return next(CronSim(" ".join([*times, weekday]), moment))
        except (CronSimError, StopIteration) as error:
            raise self._invalid(f"Its fields say nothing that comes: {error}") from error

    def _invalid(self, why: str) -> InvalidScheduleError:
        return InvalidScheduleError(
            f"The schedule {self.name!r} has the expression {self.expression!r}.\n  {why}"
        )


class Ticker:
    """Delivers the ticks of one schedule. One that fails is logged; the next comes at its time."""

    def __init__(self, schedule: Schedule, deliver: Deliver, region: str, account: str) -> None:
        self.schedule = schedule
        self._deliver = deliver
        self._region, self._account = region, account
        self._next = schedule.after(datetime.now(UTC))
        self._task: asyncio.Task[None] | None = None
        self._logger = Logger("LocalRuntime")

    def start(self) -> None:
        """Begin to tick in the background."""
        self._task = asyncio.create_task(self._run(), name=f"schedule {self.schedule.name}")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def tick(self, moment: datetime) -> None:
        """Deliver one tick."""
        event: Mapping[str, Any] = self.schedule.event(moment, self._region, self._account)
        try:
            await self._deliver(event)
        except Exception as error:  # noqa: BLE001 the next tick comes, whatever failed
            self._logger.error("The schedule %s failed", self.schedule.name, error=error)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(max((self._next - datetime.now(UTC)).total_seconds(), 0.0))
            moment, self._next = self._next, self.schedule.after(self._next)
            await self.tick(moment)
