"""What it means that a scenario replays."""

from __future__ import annotations

from contextlib import aclosing

from tests.golden.deviations import expect
from tests.golden.recordings import Scenario
from tests.golden.replay import replay


async def assert_replays(scenario: Scenario) -> None:
    """Each step gives and leaves what was recorded, but for the deviations."""
    async with aclosing(replay(scenario)) as steps:
        async for replayed in steps:
            expected, actual = expect(replayed).observation, replayed.actual
            where = f"{scenario.name}, step {replayed.step.label!r}"
            assert actual.result == expected.result, f"{where}: another result"
            assert actual.rows == expected.rows, f"{where}: other rows"
            assert actual.messages == expected.messages, f"{where}: other messages"
            assert actual.alarms == expected.alarms, f"{where}: other alarms"
            assert actual.objects == expected.objects, f"{where}: other objects in S3"
