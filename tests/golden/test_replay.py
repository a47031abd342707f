"""Recorded scenarios leave the same rows, messages, objects and results here."""

from __future__ import annotations

import pytest

import tests.golden.extensions  # noqa: F401 - registers all operations and rules
from tests.golden.conftest import golden_directory
from tests.golden.deviations import expect
from tests.golden.recordings import Scenario, scenarios
from tests.golden.replay import replay


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        found = scenarios(golden_directory(metafunc.config))
        metafunc.parametrize("scenario", found, ids=lambda scenario: scenario.name)


async def test_a_scenario_replays(scenario: Scenario) -> None:
    async for replayed in replay(scenario):
        expected, actual = expect(replayed).observation, replayed.actual
        where = f"{scenario.name}, step {replayed.step.label!r}"
        assert actual.result == expected.result, f"{where}: another result"
        assert actual.rows == expected.rows, f"{where}: other rows"
        assert actual.messages == expected.messages, f"{where}: other messages"
        assert actual.alarms == expected.alarms, f"{where}: other alarms"
        assert actual.objects == expected.objects, f"{where}: other objects in S3"
