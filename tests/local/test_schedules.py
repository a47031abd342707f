"""Schedules, as EventBridge would tell of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cqrs_nest.aws import AwsResources, ScheduleResource
from cqrs_nest.common import Module, provide
from cqrs_nest.events import EventHandler, ScheduledEvent
from cqrs_nest.local import LocalRuntime, Schedule, listen
from cqrs_nest.local.schedules import InvalidScheduleError, Ticker

FRIDAY = datetime(2026, 1, 2, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("rate(1 minute)", "2026-01-02T12:31"),
        ("rate(2 hours)", "2026-01-02T14:30"),
        ("rate(3 days)", "2026-01-05T12:30"),
        ("cron(0 10 * * ? *)", "2026-01-03T10:00"),
        ("cron(15 12 * * ? *)", "2026-01-03T12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02T18:00"),
        ("cron(0 8 ? * 1 *)", "2026-01-04T08:00"),
        ("cron(0 8 ? * 7 *)", "2026-01-03T08:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-01-05T09:00"),
        ("cron(0/15 * * * ? *)", "2026-01-02T12:45"),
        ("cron(0 8 1 * ? *)", "2026-02-01T08:00"),
        ("cron(0 0 L * ? *)", "2026-01-31T00:00"),
    ],
)
def test_the_next_tick(expression: str, following: str) -> None:
    assert Schedule("s", expression).after(FRIDAY).isoformat(timespec="minutes") == f"{following}+00:00"


@pytest.mark.parametrize("expression", ["every day", "rate(5)", "cron(99 * * * ? *)", "cron(0 0 1 1 ? 2026)"])
def test_an_expression_of_another_form_is_refused(expression: str) -> None:
    with pytest.raises(InvalidScheduleError, match="schedule 'nightly'"):
        Schedule("nightly", expression).after(FRIDAY)


class OftenSchedule(Schedule):
    def after(self, moment: datetime) -> datetime:
        return max(moment, datetime.now(UTC)) + timedelta(milliseconds=5)


async def test_ticks_come_again_and_again_also_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    ticks: list[Mapping[str, Any]] = []
    enough = asyncio.Event()

    async def deliver(event: Mapping[str, Any]) -> None:
        ticks.append(event)
        if len(ticks) == 3:
            enough.set()
        raise LookupError("no luck")

    ticker = Ticker(OftenSchedule("often", ""), deliver, "eu-west-1", "123456789012")
    ticker.start()
    async with asyncio.timeout(20):
        await enough.wait()
    await ticker.stop()
    assert len({tick["id"] for tick in ticks}) == len(ticks) >= 3
    assert "The schedule often failed" in caplog.text
    assert ScheduledEvent(ticks[0]).schedule_name == "often"


class Heard(asyncio.Event):
    """Set when the handler was called."""


@EventHandler(ScheduledEvent)
class Nightly:
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    async def execute(self, event: ScheduledEvent) -> None:
        assert event.schedule_name == "often"
        self._heard.set()


RESOURCES = AwsResources(schedules=[ScheduleResource("often", "rate(1 minute)")])


@Module(providers=[Nightly, Heard, provide(AwsResources, use_value=RESOURCES)])
class ScheduleModule: ...


async def test_a_module_brings_its_schedules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Schedule, "after", OftenSchedule.after)
    with listen("127.0.0.1", 0) as listener:
        async with LocalRuntime.start(
            ScheduleModule, listener=listener, variables={"APP_NAME": "notes"}
        ) as runtime:
            async with asyncio.timeout(20):
                await runtime.app.get(Heard).wait()
